//! A real program in Rust that loads an addon through `anymod-load`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Case;
use crate::project::{Project, change};
use crate::support::machine::repository;
use crate::support::process::{Finished, run};
use crate::support::{Checked, ensure, program as programs, read, write};

pub(crate) const CASES: &[Case] = &[
    ("node::host::places", places),
    ("node::host::refused", refused),
    ("node::host::extracted", extracted),
    ("node::host::patched", patched),
    ("node::host::module", module),
];

/// An addon that needs nothing of Node.js, so that any program can load it; each variant says its level.
const SOURCE: &str = "#ifdef __AVX2__
#define LEVEL 3
#else
#define LEVEL 2
#endif
__attribute__((visibility(\"default\"))) int level(void) { return LEVEL; }
__attribute__((visibility(\"default\"))) void *napi_register_module_v1(void *env, void *exports) { (void)env; return exports; }
";

const MODERN: &str = "dist/node/one/one.linux-x64-modern.node";
const BASELINE: &str = "dist/node/one/one.linux-x64-baseline.node";
const PAYLOAD: &str = "dist/node/one/one.linux-x64.zstd.payload";

fn project() -> Checked<Project> {
    let project = Project::of_source(SOURCE, "")?;
    project.build(&["--variant", "all"])?;
    Ok(project)
}

/// The program, the crate's example.
fn program() -> Checked<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "-p", "anymod-load", "--example", "host"]);
    run(cargo.current_dir(repository()))?.ok()?;
    let beside = Path::new(env!("CARGO_BIN_EXE_anymod")).with_file_name("examples");
    Ok(beside.join("host"))
}

/// Runs it with a version, and a payload and a directory or `-`.
fn host(project: &Project, payload: &str, directory: &str) -> Checked<&'static mut Command> {
    let mut command = Command::new(program()?);
    command.args(["one", "1.0.0", "level", payload, directory]);
    command.current_dir(project.directory.path()).env("ANYMOD_EXTRACT_DIR", project.path("cache"));
    Ok(Box::leak(Box::new(command)))
}

fn says(ended: &Finished, expected: &str) -> Checked {
    ensure(ended.output().contains(expected), || format!("no `{expected}` in {ended}"))
}

/// Override variable, payload, directory, executable's directory; the variant by the processor.
fn places() -> Checked {
    let project = project()?;
    let local = "dist/node/one";
    says(&run(host(&project, "-", local)?.env("ANYMOD_VARIANT", "baseline"))?.ok()?, "2 baseline")?;
    for (cpu, expected) in [("Nehalem", "2 baseline"), ("Haswell", "3 modern")] {
        let mut emulator = Command::new("qemu-x86_64-static");
        emulator.args(["-cpu", cpu]).arg(program()?).args(["one", "1.0.0", "level", "-", local]);
        says(&run(emulator.current_dir(project.directory.path()))?.ok()?, expected)?;
    }
    let unknown = run(host(&project, "-", local)?.env("ANYMOD_VARIANT", "fastest"))?;
    says(&unknown, "ANYMOD_VARIANT is `fastest`, and there are modern, baseline")?;
    project.anymod(&["embed", "--host", "rust"])?.ok()?;
    let inside = run(host(&project, PAYLOAD, local)?.env("ANYMOD_VARIANT", "modern"))?.ok()?;
    says(&inside, &format!("3 modern {}", project.path("cache").display()))?;
    let named = host(&project, PAYLOAD, local)?.env("ANYMOD_ADDON_ONE", BASELINE);
    says(&run(named)?.ok()?, &format!("2 baseline {BASELINE}"))?;
    let beside = project.path("beside");
    programs::copy(&program()?, &beside.join("host"));
    write(&beside.join("one.linux-x64-baseline.node"), read(&project.path(BASELINE))?)?;
    let mut own = Command::new(beside.join("host"));
    says(&run(own.args(["one", "1.0.0", "level"]))?.ok()?, "2 baseline")
}

/// Nothing that is not whole, or something else, is loaded: an error and no signal.
fn refused() -> Checked {
    let project = project()?;
    let whole = read(&project.path(MODERN))?;
    let refusal = |expected: &str| -> Checked {
        let ended = run(host(&project, "-", "dist/node/one")?.env("ANYMOD_VARIANT", "modern"))?;
        ensure(ended.status == 1, || format!("not an error: {ended}"))?;
        says(&ended, "error: cannot load `one` 1.0.0 on linux-x64: one.linux-x64-modern.node: ")?;
        says(&ended, expected)
    };
    for length in [0, 10, 64, 600, whole.len() / 2, whole.len() - 1] {
        write(&project.path(MODERN), whole.get(..length).unwrap_or_default())?;
        refusal("one.linux-x64-modern.node: it")?;
    }
    for at in (0..whole.len()).step_by(whole.len() / 20) {
        write(&project.path(MODERN), &whole)?;
        change(&project.path(MODERN), |bytes| {
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x41);
        })?;
        refusal("one.linux-x64-modern.node: it")?;
    }
    write(&project.path(MODERN), read(&project.path(BASELINE))?)?;
    refusal("it is the variant `baseline` and not `modern`")?;
    write(
        &project.path(MODERN),
        read(&project.path("dist/node/one/anymod-probe.linux-x64.node"))?,
    )?;
    refusal("it is `anymod-probe` and not `one`")?;
    write(&project.path(MODERN), &whole)?;
    let mut other = Command::new(program()?);
    other.args(["one", "2.0.0", "level", "-", "dist/node/one"]);
    let stale = run(other.current_dir(project.directory.path()))?;
    says(&stale, "it is version 1.0.0, and 2.0.0 is wanted")?;
    let nothing = run(host(&project, "-", "nowhere")?)?;
    ensure(nothing.status == 1, || nothing.to_string())?;
    says(&nothing, "there is no file for it")
}

/// Many first runs at once, a killed one, and what is damaged later.
fn extracted() -> Checked {
    let project = project()?;
    project.anymod(&["embed", "--host", "rust"])?.ok()?;
    let children: Vec<_> = (0..16)
        .map(|_| {
            let command = host(&project, PAYLOAD, "nowhere")?.stdin(Stdio::null());
            command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())
        })
        .collect::<Checked<_>>()?;
    for child in children {
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        ensure(output.status.success(), || format!("{output:?}"))?;
    }
    let ended = run(host(&project, PAYLOAD, "nowhere")?)?.ok()?;
    let file = PathBuf::from(ended.stdout.split_whitespace().nth(2).unwrap_or_default());
    let whole = read(&file)?;
    let left = file.with_added_extension("x1.aside");
    write(&left, "half")?;
    for length in [0, whole.len() / 2] {
        write(&file, whole.get(..length).unwrap_or_default())?;
        run(host(&project, PAYLOAD, "nowhere")?)?.ok()?;
        ensure(read(&file)? == whole, || "not extracted again".to_owned())?;
    }
    ensure(!left.exists(), || "what a killed process left is still there".to_owned())?;
    change(&project.path(PAYLOAD), |bytes| {
        // Every part; the index stays.
        let length = bytes.get(12..16).and_then(|length| length.try_into().ok());
        let start = 16 + length.map_or(0, u32::from_le_bytes) as usize;
        bytes.iter_mut().skip(start).for_each(|byte| *byte ^= 0x55);
    })?;
    std::fs::remove_dir_all(project.path("cache")).map_err(|error| error.to_string())?;
    let ended = run(host(&project, PAYLOAD, "nowhere")?)?;
    ensure(ended.status == 1, || ended.to_string())?;
    says(&ended, "it cannot be extracted there")
}

/// Variants that are packed as what differs are what was built.
fn patched() -> Checked {
    let project = project()?;
    project.anymod(&["embed", "--host", "rust", "--patch"])?.ok()?;
    for (variant, file) in [("baseline", BASELINE), ("modern", MODERN)] {
        let mut command = host(&project, PAYLOAD, "nowhere")?;
        command = command.env("ANYMOD_VARIANT", variant);
        let ended = run(command)?.ok()?;
        let extracted = ended.stdout.split_whitespace().nth(2).unwrap_or_default();
        ensure(read(Path::new(extracted))? == read(&project.path(file))?, || ended.to_string())?;
    }
    let refused = project.anymod(&["embed", "--host", "rust", "--compression", "gzip"])?;
    ensure(refused.status == 2, || refused.to_string())
}

/// What `anymod embed` writes for a program is Rust, and has the archive in it.
fn module() -> Checked {
    let project = project()?;
    project.anymod(&["embed", "--host", "rust", "--output", "src"])?.ok()?;
    let main = "include!(\"embedded.rs\");\nfn main() { println!(\"{}\", EMBEDDED.map_or(0, |bytes| bytes.len())); }\n";
    write(&project.path("src/main.rs"), main)?;
    let compile = || -> Checked<String> {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-o", "main", "src/main.rs"]);
        run(rustc.current_dir(project.directory.path()))?.ok()?;
        Ok(run(&mut Command::new(project.path("main")))?.ok()?.stdout)
    };
    let archive = read(&project.path("src/one.linux-x64.zstd.payload"))?;
    ensure(compile()? == format!("{}\n", archive.len()), || "another archive".to_owned())?;
    project.anymod(&["embed", "--host", "rust", "--output", "src", "--reset"])?.ok()?;
    ensure(compile()? == "0\n", || "something is still embedded".to_owned())
}
