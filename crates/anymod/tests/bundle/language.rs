//! `examples/qrcode`: a program of a language, interpreted in WebAssembly and compiled through C.

use std::path::PathBuf;
use std::process::Command;

use crate::Case;
use crate::desk::Desk;
use crate::support::machine::repository;
use crate::support::process::run;
use crate::support::{Checked, ensure};

pub(crate) const CASES: [Case; 3] =
    [("same_output", same_output), ("precompiled", precompiled), ("mistakes", mistakes)];

/// The command of the example, which cargo builds beside the one under test.
fn toy() -> Checked<PathBuf> {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_anymod")).with_file_name("toy");
    ensure(path.is_file(), || {
        format!("there is no {}; run `cargo build -p toy`, or `./dev test`", path.display())
    })?;
    Ok(path)
}

/// A copy of the example in a directory with a space.
fn example() -> Checked<Desk> {
    let desk = Desk::new()?;
    let from = repository().join("examples/qrcode/.");
    run(Command::new("cp").arg("-R").arg(from).arg(&desk.directory))?.ok()?;
    Ok(desk)
}

/// Runs the language's command, with `anymod` to be found.
fn run_toy(desk: &Desk, words: &[&str]) -> Checked<crate::support::process::Finished> {
    let toy = toy()?;
    let mut path = vec![toy.parent().map(PathBuf::from).unwrap_or_default()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).map_err(|error| error.to_string())?;
    run(desk.with_environment(Command::new(toy)).args(words).env("PATH", path))
}

/// Interpreted and compiled, debug and then release, which must not be taken for the other.
fn same_output() -> Checked {
    let desk = example()?;
    let mut outputs = Vec::new();
    for more in [&[][..], &["--release"]] {
        let run_words = [&["run", "hello.toy"], more].concat();
        outputs.push(run_toy(&desk, &run_words)?.ok()?.stdout);
        let build_words = [&["build", "hello.toy", "-o", "hello"], more].concat();
        run_toy(&desk, &build_words)?.ok()?;
        outputs.push(run(&mut Command::new(desk.path("hello")))?.ok()?.stdout);
    }
    let first = outputs.first().cloned().unwrap_or_default();
    ensure(first.starts_with("25 x 25\n") && first.lines().count() == 16, || first.clone())?;
    ensure(outputs.iter().all(|output| *output == first), || format!("{outputs:#?}"))
}

/// The language's command is the tool that `--cwasm` asks for.
fn precompiled() -> Checked {
    let desk = example()?;
    let tool = toy()?.display().to_string();
    let words = ["bundle", "-o", "out.wasm", "--allow-import", "toy.*", "--cwasm", &tool];
    run(&mut desk.anymod(&words))?.ok()?;
    let engine = wasmtime::Engine::default();
    let module = desk.read("out.wasm")?;
    let expected = engine.precompile_module(&module).map_err(|error| error.to_string())?;
    ensure(desk.read("out.cwasm")? == expected, || "another precompiled module".to_owned())
}

/// What is wrong in a program is told, and nothing as if it were the program's output.
fn mistakes() -> Checked {
    let desk = example()?;
    for (program, message) in [
        ("toy.print(qrcode.draw(qrcode.encode(\"a\", \"Z\")))\n", "level has to be"),
        ("qrcode.gone()\n", "no module has `qrcode_gone`"),
    ] {
        desk.write("wrong.toy", program)?;
        let finished = run_toy(&desk, &["run", "wrong.toy"])?;
        let told = finished.status == 1 && finished.stderr.contains(message);
        ensure(told && finished.stdout.is_empty(), || finished.to_string())?;
    }
    let wrong = desk.read("anymod.toml")?;
    let wrong = String::from_utf8_lossy(&wrong).replace("host-libraries", "host-librarys");
    desk.write("anymod.toml", wrong)?;
    for words in [&["run", "hello.toy"][..], &["build", "hello.toy", "-o", "hello"]] {
        let finished = run_toy(&desk, words)?;
        let told =
            finished.status == 1 && finished.stderr.contains("did you mean `host-libraries`");
        ensure(told, || finished.to_string())?;
    }
    Ok(())
}
