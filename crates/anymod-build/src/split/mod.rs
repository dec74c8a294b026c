//! Host splits: from a program with everything in it to a host and modules that share each library once.
//!
//! Finds and maps files, and hands their bytes to `anymod_link::host`, which knows what is in them. What comes out are reports
//! that hold no borrowed bytes, to be rendered by whoever asked.

mod duplicates;
pub mod emit;
pub mod files;
pub mod fix;
mod graph;
pub mod inspect;
pub mod interpose;
pub mod link;
mod parallel;
pub mod plan;
pub mod probe;
pub mod search;
pub mod verify;
pub mod wasm;
