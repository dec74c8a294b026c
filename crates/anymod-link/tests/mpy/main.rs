//! Tests of the MicroPython linker through its public interface, on objects made here: no external tool is needed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may stop at the first surprise, as tests do"
)]

mod archives;
mod errors;
mod hostile;
mod layout;
mod objects;
mod relocations;
mod symbols;
