//! MicroPython's `.mpy` files, versions 6.0 to 6.3.
//!
//! The byte tables are in `docs/formats/mpy.md`. [`Mpy`] is a file as plain values; [`Mpy::parse`] and [`Mpy::write`]
//! are each other's inverse. On top of them stand [`merge`], [`rename`], [`check`], [`sizes`] and [`Dump`].

mod bytecode;
mod check;
mod dump;
mod file;
mod fun_table;
mod merge;
mod name;
mod opcode;
mod read;
mod sizes;
mod write;

pub use check::{Checked, JumpTarget, Loader, check};
pub use dump::{Disassembler, Dump, DumpCode, DumpQstr, DumpRelocation};
pub use file::{
    Address, Body, Code, Destination, Header, Mpy, Object, Offset, Qstr, QstrText, Relocation,
};
pub use fun_table::{fun_table_entry, fun_table_len};
pub use merge::{MergeOptions, merge};
pub use name::rename;
pub use read::MAX_DEPTH;
pub use sizes::{Sizes, sizes};
