//! The stand-in for compilers, through the real command under its many names, with the real compiler and target
//! environments of two Pyodides that differ in how exceptions are thrown.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod build;
mod compile;
mod cython;
mod failures;
mod probes;
mod stored;
#[path = "../support/mod.rs"]
mod support;
