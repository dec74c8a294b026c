//! `toy run PROGRAM` interprets a program, `toy build PROGRAM` compiles it: the same output, the same modules.
//!
//! The language knows nothing of C compilers, archives and linkers. What a program calls is in the modules of the nearest
//! `anymod.toml` above it; `anymod bundle` makes one WebAssembly module of them to run in, and `anymod info` says what
//! to compile and link with.
#![expect(clippy::print_stderr, reason = "a command says why it failed")]

mod anymod;
mod interpret;
mod program;
mod translate;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: toy run PROGRAM [--release]
       toy build PROGRAM -o OUTPUT [--release]
       toy compile -o OUTPUT MODULE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let release = words.iter().position(|word| *word == "--release");
    let build_type = if release.is_some() { "release" } else { "debug" };
    if let Some(at) = release {
        words.remove(at);
    }
    let outcome = match words.as_slice() {
        ["run", program] => run(Path::new(program), build_type),
        ["build", program, "-o", output] | ["build", "-o", output, program] => {
            build(Path::new(program), Path::new(output), build_type)
        }
        ["compile", "-o", output, module] => compile(Path::new(module), Path::new(output)),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Interprets a program.
fn run(path: &Path, build_type: &str) -> Result<(), String> {
    let program = read(path)?;
    let bundle = anymod::bundle(path, build_type)?;
    interpret::run(&program, &bundle).map_err(|error| format!("{}: {error}", path.display()))
}

/// Compiles a program to an executable file.
fn build(path: &Path, output: &Path, build_type: &str) -> Result<(), String> {
    let program = read(path)?;
    let info = anymod::info(path, build_type)?;
    let text = translate::to_c(&program, &info.headers);
    let source = output.with_extension("c");
    std::fs::write(&source, text).map_err(|error| format!("{}: {error}", source.display()))?;
    anymod::link(&info, &source, output)
}

/// Compiles a WebAssembly module ahead of time, as `anymod bundle --cwasm` asks for.
fn compile(module: &Path, output: &Path) -> Result<(), String> {
    let bytes = std::fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let compiled = interpret::precompile(&bytes)?;
    std::fs::write(output, compiled).map_err(|error| format!("{}: {error}", output.display()))
}

fn read(path: &Path) -> Result<Vec<program::Statement>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    program::read(&text).map_err(|error| format!("{}: {error}", path.display()))
}
