//! MicroPython's own examples of native modules (`examples/natmod` of its source package), sources unchanged, for every
//! architecture that a compiler is there for.
//!
//! Each is built once by `anymod build` with the options of MicroPython's makefile and then
//! - `…-compat`: linked from the same objects by the incumbent's `mpy_ld.py` and by `anymod mpy link --compat`, and merged
//!   by `mpy-tool.py` and `anymod mpy --merge`: the bytes have to be the same, unless [`differences`] says why not;
//! - `…-run`: loaded and exercised in the real MicroPython, or in the test host where there is none.

mod differences;
mod project;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use differences::Expected;
use libtest_mimic::{Arguments, Trial};
use project::{EXAMPLES, Example, Project};
use support::compiler::{Compiler, MACHINES};
use support::process::{Finished, anymod, run};
use support::{Checked, ensure, machine, read, same_bytes, scratch, write};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for machine in &MACHINES {
        for compiler in [Compiler::Gnu, Compiler::Zig] {
            if machine.has(compiler) {
                add(&mut trials, &Arc::new(Project::new(machine, compiler)));
            }
        }
        if machine.arch == "xtensa" {
            // With `-mforce-l32` there is nothing to compare with.
            add(&mut trials, &Arc::new(Project::without_force_l32(machine)));
        }
    }
    trials
        .push(Trial::test("natmod::differences-are-documented", || Ok(differences::documented()?)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn add(trials: &mut Vec<Trial>, project: &Arc<Project>) {
    for example in EXAMPLES.iter().filter(|example| project.has(example)) {
        let name = |test: &str| {
            let (arch, compiler) = (project.machine.arch, project.label);
            format!("natmod::{}-{test}::{arch}::{compiler}", example.name)
        };
        // The release that we compare with has no linker for it.
        if project.machine.arch != "rv64imc" {
            let project = Arc::clone(project);
            trials.push(Trial::test(name("compat"), move || Ok(compat(&project, example)?)));
        }
        let test = Arc::clone(project);
        trials.push(Trial::test(name("run"), move || Ok(exercise(&test, example)?)));
    }
}

/// Both linkers on the same inputs, in directories of their own, writing to the same relative path.
fn compat(project: &Project, example: &Example) -> Checked {
    let root = project.built(example)?;
    let directory = scratch()?;
    let (ours, theirs) = (directory.path().join("ours"), directory.path().join("theirs"));
    let output = format!("build/{}.native.mpy", example.import);
    for side in [&ours, &theirs] {
        write(&side.join("build/.keep"), "")?;
    }
    let qstrs = project.dir(&root, example).join("gen/module-qstrs.h");
    same_header(project, example, &qstrs, directory.path())?;
    let inputs = inputs(project, &root, example, directory.path())?;
    let arguments = |side: &mut std::process::Command| {
        side.args(["--arch", project.machine.arch, "--qstrs"])
            .arg(&qstrs)
            .args(["-o", &output])
            .args(&inputs);
    };
    let mut link = machine::incumbent("mpy_ld", &theirs)?;
    arguments(&mut link);
    let their_link = run(&mut link)?;
    let mut link = anymod(&ours);
    link.args(["mpy", "link", "--compat", "1.25"]);
    arguments(&mut link);
    let our_link = run(&mut link)?;

    let expected = differences::expected(example.name, project.machine.arch, project.label);
    if let Some(difference) = expected {
        return as_expected(&difference.expected, &our_link, &their_link);
    }
    their_link.ok()?;
    our_link.ok()?;
    same_bytes(&read(&ours.join(&output))?, &read(&theirs.join(&output))?)?;
    merged(project, &root, example, (&ours, &theirs), &output)
}

/// A difference listed has to be there still.
fn as_expected(expected: &Expected, ours: &Finished, theirs: &Finished) -> Checked {
    match expected {
        Expected::IncumbentFails { says, we_refuse } => {
            ensure(theirs.status != 0 && theirs.output().contains(says), || {
                format!(
                    "the incumbent was expected to fail with `{says}`; update differences.rs and docs/differences.md\n{theirs}"
                )
            })?;
            match we_refuse {
                Some(code) => ensure(ours.status == 1 && ours.stderr.contains(code), || {
                    format!("expected to refuse with {code}: {ours}")
                }),
                None => ours.clone().ok().map(|_| ()),
            }
        }
        Expected::WeRefuse { code } => {
            ensure(theirs.status == 0, || format!("the incumbent was expected to link: {theirs}"))?;
            ensure(ours.status == 1 && ours.stderr.contains(code), || {
                format!("expected to refuse with {code}: {ours}")
            })
        }
    }
}

/// Both collectors of names on the same sources.
fn same_header(project: &Project, example: &Example, built: &Path, directory: &Path) -> Checked {
    let sources = example.paths()?;
    let header = directory.join("theirs.h");
    let mut collect = machine::incumbent("mpy_ld", directory)?;
    collect
        .args(["--arch", project.machine.arch, "--preprocess", "-o"])
        .arg(&header)
        .args(&sources);
    run(&mut collect)?.ok()?;
    same_bytes(&read(built)?, &read(&header)?).map_err(|error| format!("--preprocess: {error}"))
}

/// The objects of a module, and as objects the archive members that it needs, in the order of the archives.
///
/// The incumbent's own order of members depends on Python's hash seed.
fn inputs(
    project: &Project,
    root: &Path,
    example: &Example,
    directory: &Path,
) -> Checked<Vec<PathBuf>> {
    let mut inputs = project.objects(root, example)?;
    let archives = project.archives(example)?;
    let mut link = anymod(directory);
    link.args([
        "mpy",
        "link",
        "--no-gc-sections",
        "--map",
        "-",
        "-o",
        "members.mpy",
        "--arch",
        project.machine.arch,
    ]);
    link.arg("--qstrs").arg(project.dir(root, example).join("gen/module-qstrs.h")).args(&inputs);
    if let Some(externs) = project.externs()? {
        link.arg("--externs").arg(externs);
    }
    for archive in &archives {
        link.arg("-l").arg(archive);
    }
    let map = run(&mut link)?.ok()?.stdout;
    for archive in &archives {
        let mut taken: Vec<&str> = Vec::new();
        for line in map.lines() {
            let Some((_, member)) = line.rsplit_once(&format!("{}(", archive.display())) else {
                continue;
            };
            let member = member.trim_end_matches(')');
            if !taken.contains(&member) {
                taken.push(member);
            }
        }
        for member in taken {
            let bytes = std::process::Command::new("ar").arg("p").arg(archive).arg(member).output();
            let bytes = bytes.map_err(|error| format!("cannot start `ar`: {error}"))?;
            let object = directory.join(format!("member-{}-{member}", inputs.len()));
            write(&object, bytes.stdout)?;
            inputs.push(object);
        }
    }
    Ok(inputs)
}

/// Both mergers on the module and what mpy-cross made of its Python.
fn merged(
    project: &Project,
    root: &Path,
    example: &Example,
    sides: (&Path, &Path),
    native: &str,
) -> Checked {
    let python = project.python(root, example)?;
    let output = format!("{}.mpy", example.import);
    let mut merge = anymod(sides.0);
    merge.args(["mpy", "--merge", "-o", &output, native]).args(&python);
    run(&mut merge)?.ok()?;
    let mut merge = machine::incumbent("mpy_tool", sides.1)?;
    merge.args(["--merge", "-o", &output, native]).args(&python);
    run(&mut merge)?.ok()?;
    same_bytes(&read(&sides.0.join(&output))?, &read(&sides.1.join(&output))?)
        .map_err(|error| format!("--merge: {error}"))
}

/// The installed module in the real MicroPython, or in the test host.
fn exercise(project: &Project, example: &Example) -> Checked {
    let root = project.built(example)?;
    let arch = project.machine.arch;
    let installed = root.join(format!("dist/micropython-{arch}/{}.mpy", example.import));
    let mut check = anymod(&root);
    run(check.args(["mpy", "check"]).arg(&installed))?.ok()?;
    if !machine::runnable("run")?.iter().any(|runnable| runnable == arch) {
        return hosted(project, example, &installed);
    }
    let directory = scratch()?;
    let name = format!("{}.mpy", example.import);
    let soft = matches!(arch, "armv6m" | "armv7m") && example.libm;
    let module = if soft {
        // Its test.py, which runs when it is imported, passes floats.
        project.dir(&root, example).join(format!("{}.native.mpy", example.import))
    } else {
        installed
    };
    write(&directory.path().join(&name), read(&module)?)?;
    let script = format!(
        "crates/anymod/tests/natmod/exercises/{}{}.py",
        example.import,
        if soft { "_soft" } else { "" }
    );
    machine::run_script(arch, directory.path(), &machine::repository().join(script))?.ok()?;
    Ok(())
}

/// What the test host can call: functions of integers. Of the other modules it says the names that they define.
fn hosted(project: &Project, example: &Example, module: &Path) -> Checked {
    for (arguments, result) in example.calls {
        let said = machine::call(project.machine.arch, module, arguments)?.ok()?;
        let last = said.stdout.lines().last().unwrap_or_default();
        ensure(last == *result, || format!("{arguments:?} gives `{last}` instead of `{result}`"))?;
    }
    Ok(())
}
