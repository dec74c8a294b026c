//! Functions that compilers call without being asked, as the runtime's table or the linker itself provides them.
//!
//! `memset` and `memmove` are entries of `mp_fun_table`; `memcpy` is a `memmove` that promises more. ARM's run-time ABI
//! has its own names for them, of which the plain moves take the same arguments, while `__aeabi_memset` has size and
//! value the other way round and `__aeabi_memclr` has no value: those are a few instructions here that go on to the
//! table's entry through a veneer. ARMv6-M cannot divide, so division is here too, as short as it gets; libgcc's is
//! faster and wins when given. Everything only stands in for what no input defines.
//!
//! Sources: `py/nativeglue.c`; rtabi32, "Memory copying, clearing, and setting" and "Integer (32/32 → 32) division
//! functions".

use anymod_model::{Abi, Arch};

use super::arch::Isa;
use super::program::{Definition, Runtime};

/// A piece of code that the linker brings along.
#[derive(Debug)]
pub(crate) struct Shim {
    /// Name for maps.
    pub(crate) name: &'static str,
    /// Its code; a multiple of 4 bytes if it goes on to an entry.
    pub(crate) code: &'static [u8],
    /// The entry of `mp_fun_table` to which it goes on.
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
pub(crate) fn get(number: u8) -> Option<&'static Shim> {
    SHIMS.get(usize::from(number))
}

const SET: u8 = 0;
const CLEAR: u8 = 1;
const DIVIDE: u8 = 2;
/// Offset of the signed division in [`DIVIDE`].
const SIGNED: u8 = 28;

static SHIMS: [Shim; 3] = [
    Shim {
        name: "__aeabi_memset",
        code: &[
            0x0b, 0x46, // mov r3, r1
            0x11, 0x46, // mov r1, r2
            0x1a, 0x46, // mov r2, r3
            0x00, 0xbf, // nop
        ],
        then: Some(Abi::MEMSET),
    },
    Shim {
        name: "__aeabi_memclr",
        code: &[
            0x0a, 0x46, // mov r2, r1
            0x00, 0x21, // movs r1, #0
        ],
        then: Some(Abi::MEMSET),
    },
    Shim {
        name: "__aeabi_idivmod",
        code: &[
            // Unsigned: r0 / r1 to r0, remainder to r1. One bit of the quotient a turn, shifted in as those of the
            // numerator are shifted out.
            0x00, 0x22, // movs r2, #0: the remainder so far
            0x20, 0x23, // movs r3, #32
            0x40, 0x00, // 1: lsls r0, r0, #1
            0x52, 0x41, // adcs r2, r2
            0x01, 0xd2, // bcs 2f: 33 bits are more than any divisor
            0x8a, 0x42, // cmp r2, r1
            0x01, 0xd3, // bcc 3f
            0x52, 0x1a, // 2: subs r2, r2, r1
            0x40, 0x1c, // adds r0, r0, #1
            0x5b, 0x1e, // 3: subs r3, r3, #1
            0xf6, 0xd1, // bne 1b
            0x11, 0x46, // mov r1, r2
            0x70, 0x47, // bx lr
            0x00, 0xbf, // nop
            // Signed: the quotient's sign is that of both, the remainder's that of the numerator.
            0x30, 0xb5, // push {r4, r5, lr}
            0xc4, 0x17, // asrs r4, r0, #31
            0xcd, 0x17, // asrs r5, r1, #31
            0x60, 0x40, // eors r0, r4
            0x00, 0x1b, // subs r0, r0, r4
            0x69, 0x40, // eors r1, r5
            0x49, 0x1b, // subs r1, r1, r5
            0xff, 0xf7, 0xe9, 0xff, // bl to the unsigned division
            0x65, 0x40, // eors r5, r4
            0x68, 0x40, // eors r0, r5
            0x40, 0x1b, // subs r0, r0, r5
            0x61, 0x40, // eors r1, r4
            0x09, 0x1b, // subs r1, r1, r4
            0x30, 0xbd, // pop {r4, r5, pc}
        ],
        then: None,
    },
];

/// True if an entry of `mp_fun_table` that a symbol may name is a function and not an object.
pub(crate) fn is_function(index: u8) -> bool {
    index == Abi::MEMSET || index == Abi::MEMMOVE
}

/// What stands in for a symbol that no input defines.
pub(crate) fn find(arch: Arch, name: &str) -> Option<Definition> {
    let entry = |index| Some(Definition::Runtime(Runtime::FunTableEntry(index)));
    match name {
        "memset" => return entry(Abi::MEMSET),
        "memmove" | "memcpy" => return entry(Abi::MEMMOVE),
        _ => {}
    }
    let is_arm = matches!(arch, Arch::Armv6m | Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp);
    let helper = name.strip_prefix("__aeabi_").filter(|_| is_arm)?;
    match helper {
        "memcpy" | "memcpy4" | "memcpy8" | "memmove" | "memmove4" | "memmove8" => {
            entry(Abi::MEMMOVE)
        }
        "memset" | "memset4" | "memset8" => Some(Definition::Shim(SET, 0)),
        "memclr" | "memclr4" | "memclr8" => Some(Definition::Shim(CLEAR, 0)),
        "uidiv" | "uidivmod" => Some(Definition::Shim(DIVIDE, 0)),
        "idiv" | "idivmod" => Some(Definition::Shim(DIVIDE, SIGNED)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shims_keep_the_veneer_behind_them_aligned() {
        for shim in SHIMS.iter().filter(|shim| shim.then.is_some()) {
            assert!(shim.code.len().is_multiple_of(4), "{}", shim.name);
        }
    }

    #[test]
    fn only_arm_has_its_own_names() {
        assert_eq!(find(Arch::X64, "__aeabi_memclr4"), None);
        assert_eq!(find(Arch::Armv7m, "__aeabi_memclr4"), Some(Definition::Shim(CLEAR, 0)));
        assert_eq!(find(Arch::Rv32imc, "memcpy"), find(Arch::Rv32imc, "memmove"));
        assert_eq!(find(Arch::X64, "memcmp"), None);
    }
}
