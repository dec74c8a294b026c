//! Object files and archives in, loadable images out: bytes to bytes.

pub mod addon;
pub mod ar;
pub mod archive;
pub mod disasm;
pub mod host;
pub mod identity;
pub mod mpy;
mod read;
pub mod stamp;
mod stamp_object;
pub mod wasm;
