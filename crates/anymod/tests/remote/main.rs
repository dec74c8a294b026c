//! Remote caches and executors, through the real command and against a real server on loopback: buildbox-casd.
//!
//! Every test has a server of its own, with a directory of its own, that ends with the test.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod cache;
mod download;
mod execute;
mod farm;
mod faults;
mod host;
mod kinds;
mod proxy;
mod server;
#[path = "../../../anymod-remote/tests/stub/mod.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;
mod tls;
#[path = "../engine/tree.rs"]
#[expect(dead_code, reason = "the tests of the engine use the rest")]
mod tree;
