//! What words mean in anymod: targets, ABI tables as data, the manifest's types, diagnostics and events.
//!
//! This room owns vocabulary and never touches a file, a process, the environment or a clock. Everything here is either
//! a table of facts (each with its source), a type that two or more rooms pass between them, or a pure function from
//! bytes or text to such a type.

pub mod abi;
pub mod arch;
pub mod codes;
pub mod diag;
pub mod event;
pub mod graph;
pub mod identity;
pub mod manifest;
pub mod mpy;
pub mod node;
pub mod payload;
pub mod platform;
pub mod pyodide;
pub mod settings;
pub mod stamp;
pub mod target;

pub use abi::Abi;
pub use arch::Arch;
pub use codes::Code;
pub use diag::{Diagnostic, Diagnostics, Place, Severity};
pub use platform::Platform;
pub use stamp::Stamp;
pub use target::{Native, PyodideVersion, PythonVersion, Runtime, Target};
