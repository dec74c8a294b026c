//! A program that loads an addon: `host NAME VERSION FUNCTION [PAYLOAD] [DIRECTORY]` calls a function without parameters and
//! prints what it returns, the variant and the file. `-` stands for no payload.
//!
//! A real program has the payload in itself: it includes the `embedded.rs` that `anymod embed --host rust` writes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::path::Path;
use std::process::ExitCode;

use anymod_load::Addon;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, version, function, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: host NAME VERSION FUNCTION [PAYLOAD] [DIRECTORY]");
        return ExitCode::from(2);
    };
    let payload = rest.first().and_then(|file| std::fs::read(file).ok());
    let directory = rest.get(1).map(Path::new);
    let loaded = Addon { name, version, embedded: payload.as_deref(), directory }.load();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    #[expect(unsafe_code, reason = "what a symbol is only the program knows")]
    // SAFETY: whoever names the function says that it has no parameters and returns an `int`.
    let answer = unsafe {
        loaded.library().get::<extern "C" fn() -> i32>(function.as_bytes()).map(|call| call())
    };
    match answer {
        Ok(answer) => {
            let variant = loaded.variant().unwrap_or("-");
            println!("{answer} {variant} {}", loaded.path().display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
