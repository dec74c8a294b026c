//! What holds for every link, whatever is linked: nothing of the machine, of the moment or of the place reaches a module.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use support::compiler::{Compiler, Machine};
use support::machine::micropython;
use support::process::{anymod, run};
use support::{Checked, ensure, read, same_bytes, scratch, write};

fn main() -> ExitCode {
    let tests: &[(&str, Test)] = &[
        ("twenty-links-are-the-same", again),
        ("other-directories-are-the-same", elsewhere),
        ("members-in-another-order-are-the-same", members),
        ("no-path-is-stored", no_path),
        ("source-name-is-stored", source_name),
        ("abi-decides-version-and-table", abi),
        ("unused-sections-are-left-out", unused),
        ("map-names-every-section", map),
        ("a-failed-link-leaves-the-old-module", old_stays),
        ("the-default-output-follows-the-first-object", default_output),
    ];
    let mut trials = Vec::new();
    for arch in ["x64", "armv7m", "rv32imc"] {
        for (name, test) in tests {
            trials.push(Trial::test(format!("link::{name}::{arch}::gnu"), move || {
                Ok(test(&Bench::new(arch)?)?)
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

type Test = fn(&Bench) -> Checked;

const MODULE: &str = r#"
#include "py/dynruntime.h"
int first(int x);
int second(int x);
int unused_function(int x) {
    return first(second(x));
}
static mp_obj_t run(mp_obj_t x) {
    return mp_obj_new_list(first(second(mp_obj_get_int(x))), NULL);
}
static MP_DEFINE_CONST_FUN_OBJ_1(run_obj, run);
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_run, MP_OBJ_FROM_PTR(&run_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
"#;

/// Objects of a module and an archive, in a directory of their own.
struct Bench {
    machine: &'static Machine,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(arch: &str) -> Checked<Bench> {
        let bench = Bench { machine: Machine::of(arch)?, directory: scratch()? };
        bench.source("module.c", MODULE)?;
        bench.source(
            "first.c",
            "int first_table[40]; int first(int x) { return first_table[x & 31] + x; }\n",
        )?;
        bench.source("second.c", "const int second_table[] = { 1, 2 }; int second(int x) { return second_table[x & 1]; }\n")?;
        let mut collect = anymod(bench.directory.path());
        run(collect.args(["mpy", "link", "--preprocess", "-o", "qstrs.h", "module.c"]))?.ok()?;
        for name in ["module", "first", "second"] {
            bench.compile(name)?;
        }
        bench.archive("libboth.a", &["first.o", "second.o"])?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn source(&self, name: &str, text: &str) -> Checked {
        write(&self.path(name), text)
    }

    fn compile(&self, name: &str) -> Checked {
        let mut compile = self.machine.compile(Compiler::Gnu, false)?;
        compile.current_dir(self.directory.path()).args([
            "-Os",
            "-std=c99",
            "-ffunction-sections",
            "-DNO_QSTR",
            "-I.",
        ]);
        compile.args([
            "-DMICROPY_ENABLE_DYNRUNTIME",
            "-DMICROPY_FLOAT_IMPL=1",
            "-DMP_CONFIGFILE=<qstrs.h>",
        ]);
        compile.arg("-I").arg(micropython()?);
        run(compile.arg("-c").arg(format!("{name}.c")).arg("-o").arg(format!("{name}.o")))?.ok()?;
        Ok(())
    }

    fn archive(&self, name: &str, members: &[&str]) -> Checked {
        let mut ar = Command::new(self.machine.gnu_program("ar")?);
        run(ar.current_dir(self.directory.path()).args(["rcsD", name]).args(members))?.ok()?;
        Ok(())
    }

    /// A link in a directory, where the objects are.
    fn link_in(
        &self,
        directory: &Path,
        inputs: &[&str],
        options: &[&str],
    ) -> Checked<support::process::Finished> {
        let mut link = anymod(directory);
        link.args(["mpy", "link", "--arch", self.machine.arch, "--qstrs", "qstrs.h"]);
        run(link.args(inputs).args(options))
    }

    /// The usual link, with further options.
    fn link(&self, options: &[&str]) -> Checked<Vec<u8>> {
        let inputs = ["module.o", "-l", "libboth.a", "-o", "m.mpy"];
        self.link_in(self.directory.path(), &inputs, options)?.ok()?;
        read(&self.path("m.mpy"))
    }

    /// What `anymod mpy dump --format json` says of a file.
    fn dump(&self, file: &str) -> Checked<serde_json::Value> {
        let mut dump = anymod(self.directory.path());
        let text = run(dump.args(["mpy", "dump", "--format", "json", file]))?.ok()?.stdout;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

fn again(bench: &Bench) -> Checked {
    let first = bench.link(&[])?;
    for _ in 0..19 {
        std::fs::remove_file(bench.path("m.mpy")).map_err(|error| error.to_string())?;
        same_bytes(&bench.link(&[])?, &first)?;
    }
    Ok(())
}

fn elsewhere(bench: &Bench) -> Checked {
    let here = bench.link(&[])?;
    let other = scratch()?;
    let deep = other.path().join("quite/another \u{f6}rt");
    for name in ["module.o", "libboth.a", "qstrs.h"] {
        write(&deep.join(name), read(&bench.path(name))?)?;
    }
    write(&deep.join("out/.keep"), "")?;
    bench.link_in(&deep, &["./module.o", "-llibboth.a", "-o", "out/m.mpy"], &[])?.ok()?;
    same_bytes(&read(&deep.join("out/m.mpy"))?, &here)
}

/// The order in an archive does not matter, that of the objects does: it is the order of the code.
fn members(bench: &Bench) -> Checked {
    let first = bench.link(&[])?;
    bench.archive("libturned.a", &["second.o", "first.o"])?;
    let directory = bench.directory.path();
    bench.link_in(directory, &["module.o", "-l", "libturned.a", "-o", "m.mpy"], &[])?.ok()?;
    same_bytes(&read(&bench.path("m.mpy"))?, &first)?;
    let orders = [["first.o", "second.o"], ["second.o", "first.o"]];
    let mut made = Vec::new();
    for order in orders {
        bench.link_in(directory, &["module.o", order[0], order[1], "-o", "m.mpy"], &[])?.ok()?;
        made.push(read(&bench.path("m.mpy"))?);
    }
    ensure(made.first() != made.last(), || "the order of objects makes no difference".to_owned())
}

fn no_path(bench: &Bench) -> Checked {
    let output = bench.path("deep/er/m.mpy");
    write(&bench.path("deep/er/.keep"), "")?;
    let (object, output) = (bench.path("module.o"), output.display().to_string());
    bench
        .link_in(
            bench.directory.path(),
            &[&object.display().to_string(), "-l", "libboth.a", "-o", &output],
            &[],
        )?
        .ok()?;
    let bytes = read(Path::new(&output))?;
    for word in ["anymod-test", "deep", "module.", "libboth", "/tmp"] {
        let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        ensure(!found, || format!("the module holds `{word}`"))?;
    }
    ensure(bench.dump("deep/er/m.mpy")?["source_name"] == "m.mpy", || {
        "not the output's name".to_owned()
    })
}

fn source_name(bench: &Bench) -> Checked {
    bench.link(&["--source-name", "traceback name.c"])?;
    ensure(bench.dump("m.mpy")?["source_name"] == "traceback name.c", || "another name".to_owned())
}

/// Loaders up to 1.22 have `mp_type_list` at another place of the table, and take version 6.2.
fn abi(bench: &Bench) -> Checked {
    let newest = bench.link(&[])?;
    if bench.machine.arch == "rv32imc" {
        let refused = bench.link_in(
            bench.directory.path(),
            &["module.o", "-l", "libboth.a"],
            &["--abi", "1.22"],
        )?;
        let told = refused.status == 2 && refused.stderr.contains("error[M0016]");
        return ensure(told, || format!("1.22 has no rv32imc: {refused}"));
    }
    let older = bench.link(&["--abi", "1.22"])?;
    // Bytes of the header: `M`, version, architecture and sub-version, bits of small integers.
    ensure(
        newest.get(2).map(|byte| byte & 3) == Some(3)
            && older.get(2).map(|byte| byte & 3) == Some(2),
        || "sub-version".to_owned(),
    )?;
    // `mp_type_type` is entry 67 or 73, the type of functions of one argument comes five later. A relocation to an entry is
    // of the kind 9 plus its number.
    let kind = |entry: u8| (9 + entry) << 1;
    let changed = newest.iter().zip(&older).skip(3).filter(|(one, other)| one != other);
    let changed: Vec<_> = changed.map(|(new, old)| (new & !1, old & !1)).collect();
    ensure(changed == [(kind(78), kind(72))], || format!("changed: {changed:?}"))?;
    ensure(newest.len() == older.len(), || "lengths".to_owned())
}

fn unused(bench: &Bench) -> Checked {
    let without = bench.link(&["--print-gc-sections"])?;
    let with = bench.link(&["--no-gc-sections"])?;
    ensure(without.len() < with.len(), || "nothing was left out".to_owned())?;
    let inputs = ["module.o", "-l", "libboth.a", "-o", "m.mpy"];
    let said = bench.link_in(bench.directory.path(), &inputs, &["--print-gc-sections"])?.ok()?;
    ensure(said.output().contains("module.o:.text.unused_function"), || said.to_string())
}

fn map(bench: &Bench) -> Checked {
    bench.link(&["--map", "m.map"])?;
    let map = String::from_utf8_lossy(&read(&bench.path("m.map"))?).into_owned();
    for word in [
        "entry jump",
        ".text.mpy_init module.o",
        "libboth.a(first.o)",
        "first_table",
        "global offset table",
    ] {
        let jump = word == "entry jump" && !map.contains(word);
        ensure(map.contains(word) || jump, || format!("no `{word}` in:\n{map}"))?;
    }
    Ok(())
}

fn old_stays(bench: &Bench) -> Checked {
    let old = bench.link(&[])?;
    let failed = bench.link_in(bench.directory.path(), &["module.o", "-o", "m.mpy"], &[])?;
    ensure(failed.status == 1, || failed.to_string())?;
    same_bytes(&read(&bench.path("m.mpy"))?, &old)?;
    let entries = std::fs::read_dir(bench.directory.path()).map_err(|error| error.to_string())?;
    let odd: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| name.to_string_lossy().contains("tmp"))
        .collect();
    ensure(odd.is_empty(), || format!("left behind: {odd:?}"))
}

fn default_output(bench: &Bench) -> Checked {
    let named = bench.link(&["--source-name", "module.mpy"])?;
    bench.link_in(bench.directory.path(), &["module.o", "-l", "libboth.a"], &[])?.ok()?;
    same_bytes(&read(&bench.path("module.mpy"))?, &named)
}
