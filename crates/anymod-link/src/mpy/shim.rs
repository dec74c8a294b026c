//! Functions that compilers call without being asked, as the runtime's table or the linker itself provides them.

use anymod_model::{Abi, Arch};

use super::arch::Isa;
use super::program::{Definition, Runtime};

/// True if an entry of `mp_fun_table` that a symbol may name is a function and not an object.
pub(crate) fn is_function(index: u8) -> bool {
    index == Abi::MEMSET || index == Abi::MEMMOVE
}

/// What stands in for a symbol that no input defines.
pub(crate) fn find(_arch: Arch, name: &str) -> Option<Definition> {
    let entry = |index| Some(Definition::Runtime(Runtime::FunTableEntry(index)));
    match name {
        "memset" => entry(Abi::MEMSET),
        "memmove" | "memcpy" => entry(Abi::MEMMOVE),
        _ => None,
    }
}

/// A function that the linker brings along.
#[derive(Debug)]
pub(crate) struct Shim {
    /// The symbol.
    pub(crate) name: &'static str,
    /// Its code.
    pub(crate) code: &'static [u8],
    /// The entry of `mp_fun_table` to which it goes on through a veneer.
    pub(crate) then: Option<u8>,
}

impl Shim {
    /// Size in bytes.
    pub(crate) fn size(&self, isa: &Isa, word: u64) -> u64 {
        let veneer = isa.veneer.as_ref().map_or(0, |veneer| veneer.code.len() as u64 + word);
        self.code.len() as u64 + if self.then.is_some() { veneer } else { 0 }
    }
}

/// The shim of a number.
pub(crate) fn get(_number: u8) -> Option<&'static Shim> {
    None
}
