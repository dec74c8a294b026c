//! The files that people install: read, written, merged, renamed, checked and described.
//!
//! Everything here is bytes in, bytes or values out: no file is opened, nothing is printed, and no instruction set is
//! known (a caller who wants disassembly passes a function that makes it).

pub mod mpy;
pub mod node;
pub mod wheel;
mod zip;
