//! The stand-in for compilers: one executable under every name that a build system could call one by.
//!
//! A build makes a directory of names ([`install()`]) that comes first on its `PATH`. Called by one of them ([`called_as`],
//! [`main`]), anymod takes the command apart as the driver of that name would, rewrites it by tables of named rules, runs
//! the target's tool, and leaves a record ([`read_trace`]).
//!
//! | module | owns |
//! |---|---|
//! | `names` | the names and what each stands for |
//! | `config` | what one build's calls are told |
//! | `response`, `options`, `command`, `ld` | command lines taken apart |
//! | `rules` | what is taken out of commands or replaced |
//! | `added` | what is added to them |
//! | `compiler`, `linker` | the commands of the tools |
//! | `queries` | what a compiler is asked about itself |
//! | `process` | running tools |
//! | `flags` | the tables as a person reads them |
//! | `install` | putting the names in place |
//! | `steps`, `stored` | what is compiled, archived and linked, through the store |
//! | `cython`, `modules` | the same for Cython, and where it looks for modules |
//! | `places`, `digests`, `tools` | paths, contents and tools as keys have them |
//! | `call` | one call, from arguments to exit status |
//! | `trace` | the record of commands |
//!
//! Calls write to the error output what tools say and, in their own name, what is wrong with the call itself; nothing else
//! in this crate does.

pub(crate) mod added;
mod call;
mod command;
mod compiler;
mod config;
mod cython;
pub(crate) mod digests;
mod flags;
mod install;
mod ld;
mod linker;
mod modules;
mod names;
mod options;
mod places;
mod process;
mod queries;
mod response;
mod rules;
mod steps;
mod stored;
mod text;
mod tools;
mod trace;

/// The words of a text as a shell takes them.
pub(crate) fn split(text: &str) -> Vec<String> {
    let words = response::split(text.as_bytes()).into_iter();
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

pub use call::{Called, called_as, main};
pub use command::taken_apart;
pub use config::{ExportPolicy, Flags};
pub use flags::{CommandLines, Documented, command_lines, documented, rule, shell};
pub(crate) use install::digests as lasting_digests;
pub use install::{Generator, Setup, StandIn, install, offer};
pub use names::{Role, role};
pub(crate) use stored::KINDS;
pub use trace::{Outcome, TraceRecord, VERSION, read_trace};
