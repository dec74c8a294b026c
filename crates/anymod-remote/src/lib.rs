//! The Remote Execution API, version 2, from the client's side. There is no server here: any that speaks the API will do.
//!
//! | module | owns |
//! |---|---|
//! | [`message`] | the messages that are used, field by field |
//! | [`config`] | what a client is told, and secrets that are not shown |
//! | `wire` | one call: deadline, attempts, breaker, counters |
//! | `breaker` | leaving a sick server alone |
//! | `capabilities` | what both sides can do |
//! | `gather` | questions of several actions in one call |
//! | `blobs` | blobs in both directions, with every digest checked |
//! | `cache` | results of steps, as results of actions |
//! | `tree` | input roots: directories, sorted and digested |
//! | `task` | actions to be executed elsewhere, as data |
//! | `execute`, `refusal` | having them executed, and what servers mean when they do not |
//! | `operation` | what servers say of an action meanwhile |
//! | `present` | what the server is known to have |
//! | `lanes` | connections for calls that take long |
//! | `check`, `probe_program` | trying a server out, with a program that needs nothing of a worker |
//! | `client` | the thread of the network, and the synchronous side of it |
//! | `fault` | what can go wrong |
//!
//! It knows nothing of stages, plans or tools, and touches neither files nor the environment: bytes to be uploaded come
//! through closures. Whatever is wrong with a server, a caller gets a [`Fault`] within a bounded time.

mod blobs;
mod breaker;
mod cache;
mod capabilities;
mod check;
mod client;
pub mod config;
mod execute;
mod fault;
mod gather;
mod lanes;
pub mod message;
mod operation;
mod present;
mod probe_program;
mod refusal;
mod task;
mod tree;
mod wire;

pub use blobs::Load;
pub use cache::{Fetched, Step, outputs};
pub use capabilities::Capabilities;
pub use check::{Tried, Went};
pub use client::{Client, Traffic, Uploaded};
pub use config::{Config, Identity, Secret};
pub use execute::{Executed, Pursuit};
pub use fault::Fault;
pub use operation::{News, news, queued};
pub use refusal::Refusal;
pub use task::{Inputs, Task};
pub use tree::{Entry, Subtree, Tree};
