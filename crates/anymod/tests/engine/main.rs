//! The build engine under attack, through the real command: keys that lie, kills, crowds, damage, full disks, links that
//! lead out, and who runs how much at once.
//!
//! Everything here has a short form, which runs with the other tests, and most a long one: `cargo xtask torture`. The
//! compiler is the host's own GCC; each test has a store and a home of its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod crash;
mod crowd;
mod damage;
mod disk;
mod escapes;
mod honesty;
mod jobs;
#[path = "../support/mod.rs"]
mod support;
mod tree;
