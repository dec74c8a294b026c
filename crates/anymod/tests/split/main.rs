//! `anymod split` on libraries that the tests build with the system's compiler, and on those of Debian.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod archives;
mod fixes;
mod fixtures;
mod hosts;
mod others;
mod plan;
#[path = "../support/mod.rs"]
mod support;
mod wasm;
mod wheels;
