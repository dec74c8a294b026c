//! Object files and archives in, loadable images out: bytes to bytes.

pub mod disasm;
pub mod host;
pub mod mpy;
mod read;
pub mod wasm;
