//! The command where things go wrong: places that are no files, output that cannot be written, names made to hurt.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// For the host's own compiler alone.
const MANIFEST: &str = "[project]\nname = \"m\"\ntargets = [\"micropython-x64\"]\n\n\
                        [module.m]\nsources = [\"*.c\", \"sub/**/*.c\"]\n";
const SOURCE: &str = "void *mpy_init(void *self) { return self; }\n";
const DIST: &str = "dist/micropython-x64/m.mpy";

fn anymod(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anymod"));
    command.args(arguments).current_dir(directory).env("ANYMOD_TOOLCHAIN", "gnu");
    command.env("ANYMOD_HOME", directory.join("home")).stdin(Stdio::null());
    command.env("ANYMOD_STORE", "off").env("ANYMOD_CONFIG", "none");
    command
}

/// Runs to the end, which may take no longer than any of these commands has reason to.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let clock = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (status.code(), said)
}

fn project(at: &Path) {
    std::fs::create_dir_all(at.join("sub")).unwrap();
    std::fs::write(at.join("anymod.toml"), MANIFEST).unwrap();
    std::fs::write(at.join("m.c"), SOURCE).unwrap();
    std::fs::write(at.join("sub/n.c"), "int n;\n").unwrap();
}

/// Builds and returns the module.
fn built(at: &Path) -> Vec<u8> {
    let (code, said) = run(&mut anymod(at, &["build"]));
    assert_eq!(code, Some(0), "{said}");
    std::fs::read(at.join(DIST)).unwrap()
}

fn fifo(at: &Path) {
    assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
}

#[test]
fn an_output_that_is_no_file_is_written_to_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let module = built(directory.path());
    let pipe = directory.path().join("pipe");
    fifo(&pipe);
    let reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    let rename = ["mpy", "rename", "--output", "pipe", DIST, "other.py"];
    let (code, said) = run(&mut anymod(directory.path(), &rename));
    assert_eq!(code, Some(0), "{said}");
    let received = reader.wait_with_output().unwrap().stdout;
    assert!(received.starts_with(b"M\x06") && received != module);
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn output_that_is_lost_is_an_error_and_output_that_nobody_wants_is_none() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["targets"][..], &["explain"], &["targets", "--format", "json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = anymod(directory.path(), arguments);
        // `output()` would replace the standard output.
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("error["), "{arguments:?}: {said}");
        let mut child = anymod(directory.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_project_may_be_in_a_directory_of_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let names: [&[u8]; 7] =
        [b"plain", b"a b", b"it's", b"q\"uo$te", b"new\nline", b"lat\xe9in", b"-dash"];
    let modules = names.map(|name| {
        let at = directory.path().join(OsStr::from_bytes(name));
        project(&at);
        built(&at)
    });
    assert!(modules.iter().all(|module| *module == modules[0]));
}

#[test]
fn sources_of_odd_names_and_kinds_neither_hang_nor_become_options() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    project(at);
    // None of these adds anything to the module.
    let module = built(at);
    for name in ["-W.c", "@x.c", "a b.c", "sub/it's.c"] {
        std::fs::write(at.join(name), "static int unused;\n").unwrap();
    }
    symlink("..", at.join("sub/loop")).unwrap();
    symlink("me@host.1", at.join(".#m.c")).unwrap();
    std::fs::create_dir(at.join("sub/directory.c")).unwrap();
    fifo(&at.join("sub/pipe.c"));
    assert_eq!(built(at), module);
    assert_eq!(built(at), module);
}

#[test]
fn without_any_environment_the_missing_compiler_is_named() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let (code, said) = run(anymod(directory.path(), &["build"]).env_clear());
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("error[T0001]") && said.contains("hint: "), "{said}");
}

#[test]
fn a_damaged_log_costs_time_only() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let module = built(directory.path());
    let path = directory.path().join("build/.anymod-log");
    let log = std::fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> =
        [0, 1, log.len() / 3, log.len() - 1].map(|length| log[..length].to_vec()).into();
    damaged.push(vec![0xff; 100]);
    damaged.push([log.as_slice(), &[0xff; 40]].concat());
    for at in (0..log.len()).step_by(log.len() / 10) {
        let mut flipped = log.clone();
        flipped[at] ^= 0x41;
        damaged.push(flipped);
    }
    for bytes in damaged {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(built(directory.path()), module);
    }
}

#[test]
fn what_a_killed_build_left_in_dist_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    built(directory.path());
    let dist = directory.path().join("dist/micropython-x64");
    std::fs::write(dist.join(".anymod-abcdef.tmp"), "M").unwrap();
    std::fs::write(directory.path().join("m.c"), SOURCE.replace("self;", "0;")).unwrap();
    built(directory.path());
    assert_eq!(std::fs::read_dir(dist).unwrap().count(), 1);
}
