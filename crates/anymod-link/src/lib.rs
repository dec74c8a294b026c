//! Object files and archives in, loadable images out: bytes to bytes.

pub mod archive;
pub mod disasm;
pub mod host;
pub mod identity;
pub mod mpy;
mod read;
pub mod stamp;
pub mod wasm;
