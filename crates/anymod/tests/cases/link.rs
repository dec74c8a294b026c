//! One case for one architecture and compiler: compiling it, linking it both ways, and judging what comes out.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::directives::{Outcome, Variant};
use crate::support::compiler::{Compiler, Machine};
use crate::support::machine::{self, micropython};
use crate::support::process::{Finished, anymod, run};
use crate::support::{Checked, ensure, read, same_bytes, scratch, write};

/// A case in a directory of its own.
pub(crate) struct Workbench {
    machine: &'static Machine,
    compiler: Compiler,
    variant: Variant,
    directory: tempfile::TempDir,
}

/// Name of the module, whatever the case.
const MODULE: &str = "m.mpy";

impl Workbench {
    pub(crate) fn new(
        machine: &'static Machine,
        compiler: Compiler,
        variant: Variant,
    ) -> Checked<Workbench> {
        Ok(Workbench { machine, compiler, variant, directory: scratch()? })
    }

    /// Does everything that the directives say.
    pub(crate) fn check(&self) -> Checked {
        let sources = self.sources()?;
        self.compile(&sources)?;
        let (objects, archives) = self.inputs(&sources)?;
        let ours = self.ours("ours", &self.variant.link, &objects, &archives)?;
        self.judge("ours", &self.variant.ours, &ours, Some(&self.snapshot_name()))?;
        if let Some(expected) = &self.variant.incumbent {
            let theirs = self.incumbent(&objects, &archives)?;
            self.judge("incumbent", expected, &theirs, None)
                .map_err(|error| format!("the incumbent: {error}"))?;
        }
        if let Some(expected) = &self.variant.compat {
            if *expected == Outcome::Same {
                self.incumbent(&objects, &archives)?.ok()?;
            }
            let compat = self.ours(
                "compat",
                &["--compat".to_owned(), "1.25".to_owned()],
                &objects,
                &archives,
            )?;
            self.judge("compat", expected, &compat, None)
                .map_err(|error| format!("--compat: {error}"))?;
        }
        Ok(())
    }

    /// The file with the text of a refusal: one for the case, or one for each of several variants that are refused.
    fn snapshot_name(&self) -> String {
        match self.variant.only_text {
            true => "expect.txt".to_owned(),
            false => format!("expect.{}.{}.txt", self.machine.arch, self.compiler.name()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The names of all sources, `module.c` first.
    fn sources(&self) -> Checked<Vec<String>> {
        let entries =
            std::fs::read_dir(&self.variant.directory).map_err(|error| error.to_string())?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .filter(|name| [".c", ".cc", ".S"].iter().any(|suffix| name.ends_with(suffix)))
            .collect();
        names.sort_by_key(|name| (name != "module.c", name.clone()));
        Ok(names)
    }

    /// The compiler with all options but the input.
    fn compiler(&self, cxx: bool) -> Checked<Command> {
        let mut compile = self.machine.compile(self.compiler, cxx)?;
        let float = if self.machine.float == "none" { "float" } else { self.machine.float };
        compile.args([
            "-Os",
            if cxx { "-std=c++17" } else { "-std=gnu99" },
            "-DNDEBUG",
            "-DNO_QSTR",
            "-DMICROPY_ENABLE_DYNRUNTIME",
        ]);
        compile.arg(format!("-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{}", float.to_uppercase()));
        compile.arg("-DMP_CONFIGFILE=<qstrs.h>").arg("-I").arg(self.directory.path());
        compile.arg("-I").arg(self.variant.directory.join("..")).arg("-I").arg(micropython()?);
        compile.args(&self.variant.cflags);
        if cxx {
            compile.args(&self.variant.cxxflags);
        }
        compile.current_dir(self.directory.path());
        Ok(compile)
    }

    fn compile(&self, sources: &[String]) -> Checked {
        let mut collect = anymod(self.directory.path());
        collect.args(["mpy", "link", "--preprocess", "-o", "qstrs.h"]);
        collect.args(sources.iter().map(|source| self.variant.directory.join(source)));
        run(collect.arg(self.variant.directory.join("../case.h")))?.ok()?;
        for source in sources {
            let mut compile = self.compiler(source.ends_with(".cc"))?;
            compile
                .arg("-c")
                .arg(self.variant.directory.join(source))
                .arg("-o")
                .arg(object(source));
            run(&mut compile)?.ok()?;
        }
        for (name, members) in &self.variant.archives {
            let mut ar = Command::new(self.tool("ar")?);
            ar.current_dir(self.directory.path()).args(["rcsD", name]);
            run(ar.args(members.iter().map(|member| object(member))))?.ok()?;
        }
        for step in &self.variant.make {
            self.shell(step)?;
        }
        Ok(())
    }

    /// One of the GNU tools for the architecture; for what they do any version will serve zig's objects.
    fn tool(&self, name: &str) -> Checked<PathBuf> {
        self.machine.gnu_program(name)
    }

    fn shell(&self, step: &str) -> Checked {
        let compile = self.compiler(false)?;
        let words = std::iter::once(compile.get_program()).chain(compile.get_args());
        let words: Vec<String> =
            words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let mut shell = Command::new("sh");
        shell.current_dir(self.directory.path()).args(["-e", "-c"]);
        shell.arg(step.replace("$CC", &words.join(" ")));
        shell.env("AR", self.tool("ar")?).env("OBJCOPY", self.tool("objcopy")?);
        shell.env("PYTHON", "python3").env("CASE", &self.variant.directory);
        run(&mut shell)?.ok()?;
        Ok(())
    }

    /// The objects and the archives to link.
    fn inputs(&self, sources: &[String]) -> Checked<(Vec<String>, Vec<String>)> {
        let archived: BTreeSet<&String> =
            self.variant.archives.iter().flat_map(|(_, members)| members).collect();
        let rest = sources.iter().filter(|source| !archived.contains(source));
        let objects = self
            .variant
            .objects
            .clone()
            .unwrap_or_else(|| rest.map(|source| object(source)).collect());
        let mut archives: Vec<String> =
            self.variant.archives.iter().map(|(name, _)| name.clone()).collect();
        for library in &self.variant.libraries {
            archives.push(match (library.as_str(), self.compiler) {
                ("libgcc", Compiler::Gnu) => {
                    self.machine.gnu_library("libgcc")?.display().to_string()
                }
                ("libgcc", Compiler::Zig) => return Err("`libgcc` is for `gnu`".to_owned()),
                _ => library.clone(),
            });
        }
        Ok((objects, archives))
    }

    fn arguments(&self, link: &mut Command, objects: &[String], archives: &[String]) {
        let up =
            |name: &String| if name.starts_with('/') { name.clone() } else { format!("../{name}") };
        link.args(["--arch", self.machine.arch, "--qstrs", "../qstrs.h", "-o", MODULE]);
        link.args(objects.iter().map(up));
        for archive in archives {
            link.arg("-l").arg(up(archive));
        }
    }

    fn ours(
        &self,
        side: &str,
        options: &[String],
        objects: &[String],
        archives: &[String],
    ) -> Checked<Finished> {
        std::fs::create_dir_all(self.path(side)).map_err(|error| error.to_string())?;
        let mut link = anymod(&self.path(side));
        link.args(["mpy", "link"]);
        self.arguments(&mut link, objects, archives);
        let cases = self.variant.directory.display().to_string();
        let options = options.iter().map(|option| OsString::from(option.replace("$CASE", &cases)));
        run(link.args(options))
    }

    fn incumbent(&self, objects: &[String], archives: &[String]) -> Checked<Finished> {
        std::fs::create_dir_all(self.path("incumbent")).map_err(|error| error.to_string())?;
        let mut link = machine::incumbent("mpy_ld", &self.path("incumbent"))?;
        self.arguments(&mut link, objects, archives);
        run(&mut link)
    }

    /// Holds what a linker made against what was expected of it.
    fn judge(
        &self,
        side: &str,
        expected: &Outcome,
        linked: &Finished,
        snapshot: Option<&str>,
    ) -> Checked {
        match expected {
            Outcome::Refuses(codes) => {
                let same = same_codes("error", &linked.stderr, codes);
                ensure(matches!(linked.status, 1 | 2) && same, || {
                    format!("expected to be refused with {codes:?}: {linked}")
                })?;
                ensure(!self.path(side).join(MODULE).exists(), || {
                    "refused, but there is a file".to_owned()
                })?;
                snapshot.map_or(Ok(()), |name| self.snapshot(name, &linked.stderr))
            }
            Outcome::Warns(codes) => {
                let linked = linked.clone().ok()?;
                let same = same_codes("warning", &linked.stderr, codes);
                ensure(same, || format!("expected a warning with {codes:?}: {linked}"))?;
                self.valid(side)?;
                snapshot.map_or(Ok(()), |name| self.snapshot(name, &linked.stderr))
            }
            Outcome::Error(text) => {
                ensure(linked.status != 0 && linked.output().contains(text), || {
                    format!("expected an error with `{text}`: {linked}")
                })
            }
            Outcome::Same => {
                linked.clone().ok()?;
                same_bytes(
                    &read(&self.path(side).join(MODULE))?,
                    &read(&self.path("incumbent").join(MODULE))?,
                )
            }
            Outcome::Links => {
                linked.clone().ok()?;
                self.valid(side)
            }
            Outcome::Runs => {
                linked.clone().ok()?;
                self.valid(side)?;
                self.tests(side)
            }
            Outcome::Wrong => {
                linked.clone().ok()?;
                ensure(self.tests(side).is_err(), || {
                    "was expected to fail the tests, and passed".to_owned()
                })
            }
        }
    }

    fn valid(&self, side: &str) -> Checked {
        run(anymod(&self.path(side)).args(["mpy", "check", MODULE]))?.ok().map(|_| ())
    }

    /// Runs the tests in the real MicroPython, or makes the calls in the test host.
    fn tests(&self, side: &str) -> Checked {
        let arch = self.machine.arch;
        if !machine::runnable("run")?.iter().any(|runnable| runnable == arch) {
            for call in &self.variant.calls {
                let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
                let said = machine::call(arch, &self.path(side).join(MODULE), &words)?.ok()?;
                let last = said.stdout.lines().last().unwrap_or_default();
                ensure(last == call.result, || {
                    format!("{} is {last} instead of {}", call.expression, call.result)
                })?;
            }
            return Ok(());
        }
        let written = self.variant.directory.join("test.py");
        let script = if self.variant.calls.is_empty() {
            written
        } else {
            let mut text = String::from("import m\n");
            for call in &self.variant.calls {
                let (expression, result) = (&call.expression, &call.result);
                text += &format!(
                    "found = m.{expression}\nassert found == {result}, '{expression} is ' + str(found)\n"
                );
            }
            write(&self.path("calls.py"), text)?;
            self.path("calls.py")
        };
        machine::run_script(arch, &self.path(side), &script)?.ok().map(|_| ())
    }

    /// Compares a text with the file of the case, or with `BLESS=1` writes the file.
    fn snapshot(&self, name: &str, text: &str) -> Checked {
        let file = self.variant.directory.join(name);
        let text = normalised(text, self.directory.path());
        if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
            return write(&file, text);
        }
        let expected = String::from_utf8_lossy(&read(&file)?).into_owned();
        ensure(expected == text, || {
            format!(
                "{} (BLESS=1 rewrites it)\n--- expected\n{expected}\n--- found\n{text}",
                file.display()
            )
        })
    }
}

fn object(source: &str) -> String {
    format!("{}.o", source.rsplit_once('.').map_or(source, |(stem, _)| stem))
}

/// True if the errors, or warnings, of a text have these codes.
fn same_codes(kind: &str, text: &str, codes: &[String]) -> bool {
    let start = format!("{kind}[");
    let found = text.split(&start).skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    found.collect::<BTreeSet<_>>() == codes.iter().map(String::as_str).collect()
}

/// A text without what another machine, architecture or version of a compiler would change: directories and offsets.
fn normalised(text: &str, directory: &Path) -> String {
    let text = text.replace(&directory.display().to_string(), "").replace("../", "");
    let text = text.replace(&format!("{}/", machine::repository().display()), "");
    let mut parts = text.split("+0x");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result += "+…";
        result += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    result
}
