//! What the command does without any modules.

use std::path::Path;
use std::process::{Command, Output};

fn toy(arguments: &[&Path]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_toy")).args(arguments).output();
    output.unwrap_or_else(|error| unreachable!("toy does not start: {error}"))
}

#[test]
fn usage() {
    let output = toy(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: usage: toy run PROGRAM"));
}

#[test]
fn modules_are_compiled_ahead() -> std::io::Result<()> {
    let directory = tempfile::tempdir()?;
    let (module, compiled) = (directory.path().join("a.wasm"), directory.path().join("a.cwasm"));
    std::fs::write(&module, b"\0asm\x01\0\0\0")?;
    let words = [Path::new("compile"), Path::new("-o"), &compiled, &module];
    assert!(toy(&words).status.success());
    assert!(std::fs::read(&compiled)?.starts_with(b"\x7fELF"));
    std::fs::write(&module, b"\0asm\x01\0\0\0\0")?;
    assert!(!toy(&words).status.success());
    Ok(())
}

#[test]
fn programs_are_read_first() -> std::io::Result<()> {
    let directory = tempfile::tempdir()?;
    let program = directory.path().join("wrong.toy");
    std::fs::write(&program, "toy.print(nothing)\n")?;
    let output = toy(&[Path::new("run"), &program]);
    let expected = format!("error: {}: line 1: `nothing` has no value\n", program.display());
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    Ok(())
}
