//! The same graph for the incumbents: a `build.ninja`, and one makefile for each module and target.
//!
//! They run the compilers as anymod does, and `anymod mpy link` for what anymod does inside itself: the fastest there is,
//! so that what is compared is the engine and not the linker.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::Engine;
use super::project::{Module, Project};
use crate::files::{make_dir, write};

/// Files that the incumbents make of a module.
struct Built {
    directory: String,
    qstrs: String,
    /// Sources and their objects.
    objects: Vec<(String, String)>,
    module: String,
}

impl Built {
    fn of(directory: &str, arch: &str, module: &Module) -> Built {
        let name = &module.name;
        let directory = format!("{directory}/{arch}/{name}");
        let object = |source: &String| (source.clone(), format!("{directory}/{source}.o"));
        Built {
            qstrs: format!("{directory}/gen/module-qstrs.h"),
            objects: module.sources.iter().map(object).collect(),
            module: format!("{directory}/{name}.mpy"),
            directory,
        }
    }

    fn list(&self) -> String {
        let objects: Vec<&str> = self.objects.iter().map(|(_, object)| object.as_str()).collect();
        objects.join(" ")
    }
}

/// Writes `build.ninja` into a directory of the project, where ninja then builds; compilers are called through
/// `launcher`, if any. The phony target `objects` stops before the links.
pub(super) fn write_ninja(
    engine: &Engine,
    project: &Project,
    directory: &str,
    launcher: &str,
) -> Result<(), String> {
    let anymod = engine.anymod.display();
    let mut text = format!(
        "builddir = {directory}\n\
         rule qstrs\n  command = {anymod} mpy link --preprocess -o $out $in\n  restat = 1\n"
    );
    for compiler in engine.compilers.iter().filter(|own| project.arches.contains(&own.arch)) {
        let (arch, root) = (compiler.arch, &project.root);
        let compile = compiler.line(root, "$in", "$out", "$generated");
        let _ = write!(
            text,
            "rule compile-{arch}\n  command = {launcher} {compile}\n  depfile = $out.d\n  deps = gcc\n\
             rule link-{arch}\n  command = {anymod} mpy link --arch {arch} --qstrs $qstrs -o $out $in\n  restat = 1\n"
        );
    }
    let (mut objects, mut modules) = (String::new(), String::new());
    for module in &project.modules {
        for arch in project.arches {
            let built = Built::of(directory, arch, module);
            let (qstrs, sources) = (&built.qstrs, module.sources.join(" "));
            let _ = writeln!(text, "build {qstrs}: qstrs {sources}");
            for (source, object) in &built.objects {
                let generated = format!("{}/gen", built.directory);
                let _ = writeln!(
                    text,
                    "build {object}: compile-{arch} {source} | {qstrs}\n  generated = {generated}"
                );
            }
            let list = built.list();
            let _ = writeln!(
                text,
                "build {}: link-{arch} {list} | {qstrs}\n  qstrs = {qstrs}",
                built.module
            );
            let _ = write!(objects, " {list}");
            let _ = write!(modules, " {}", built.module);
        }
    }
    let _ = writeln!(
        text,
        "build objects: phony{objects}\nbuild modules: phony{modules}\ndefault modules"
    );
    make_dir(&project.root.join(directory))?;
    write(&project.root.join(directory).join("build.ninja"), &text)
}

/// A run of ninja on what [`write_ninja`] wrote.
pub(super) fn ninja(project: &Project, directory: &str, targets: &[&str]) -> Command {
    let mut command = Command::new("ninja");
    command.args(["--quiet", "-f"]).arg(format!("{directory}/build.ninja")).args(targets);
    in_project(&mut command, project);
    command
}

/// Writes a makefile for each module and target into a directory of the project.
pub(super) fn write_makefiles(
    engine: &Engine,
    project: &Project,
    directory: &str,
) -> Result<(), String> {
    let anymod = engine.anymod.display();
    for compiler in engine.compilers.iter().filter(|own| project.arches.contains(&own.arch)) {
        let arch = compiler.arch;
        make_dir(&project.root.join(directory).join(arch))?;
        for module in &project.modules {
            let built = Built::of(directory, arch, module);
            let (qstrs, output, list) = (&built.qstrs, &built.module, built.list());
            let sources = module.sources.join(" ");
            // Both leave an output alone that would not change, which make does not know of.
            let mut text = format!(
                "{output}: {list} {qstrs}\n\
                 \t{anymod} mpy link --arch {arch} --qstrs {qstrs} -o $@ {list} && touch $@\n\
                 {qstrs}: {sources}\n\t{anymod} mpy link --preprocess -o $@ $^ && touch $@\n"
            );
            let generated = format!("{}/gen", built.directory);
            for (source, object) in &built.objects {
                let compile = compiler.line(&project.root, source, object, &generated);
                let _ =
                    write!(text, "{object}: {source} {qstrs}\n\t{compile}\n-include {object}.d\n");
                if let Some(parent) = Path::new(object).parent() {
                    make_dir(&project.root.join(parent))?;
                }
            }
            write(&project.root.join(format!("{directory}/{arch}/{}.mk", module.name)), &text)?;
        }
    }
    Ok(())
}

/// A run of make on every makefile, one after the other, from one shell: `-q`, which asks whether all is up to date, or
/// `-s`, which builds.
pub(super) fn make(project: &Project, directory: &str, option: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(
        "for file in {directory}/*/*.mk; do make -r {option} -f \"$file\" || exit 1; done"
    ));
    in_project(&mut command, project);
    command
}

/// Runs a command where the project is, with what compilers get from anymod.
fn in_project(command: &mut Command, project: &Project) {
    command.current_dir(&project.root).env("SOURCE_DATE_EPOCH", "0").env("LC_ALL", "C.UTF-8");
}
