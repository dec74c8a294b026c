//! The store through its public face.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod basics;
mod collection;
mod crowds;
mod damage;
mod processes;
#[path = "../../../anymod-build/tests/support/program.rs"]
mod program;
mod support;
mod trouble;
