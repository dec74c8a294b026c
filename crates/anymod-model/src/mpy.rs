//! The `.mpy` format's vocabulary: header, variable-length integers, static qstrs, relocation codes.
//!
//! Both the writer (`anymod-link`) and the readers (`anymod-pack`) speak it, so it lives here. Sources:
//! `py/persistentcode.{h,c}` and `py/makeqstrdata.py` of MicroPython 1.26; the byte tables are in `docs/formats/mpy.md`.

use crate::abi::Abi;
use crate::arch::Arch;

/// First byte of every `.mpy` file.
pub const MAGIC: u8 = b'M';
/// Bits of a small integer that native code is compiled for; the loader refuses more than it has.
pub const SMALL_INT_BITS: u8 = 31;
/// Bit of the header's third byte that announces architecture flags after the header.
pub const ARCH_FLAGS_FOLLOW: u8 = 0x40;

/// Scope flag of native code: relocations follow.
pub const SCOPE_RELOC: u64 = 0x10;
/// Scope flag of native code: it has rodata of its own.
pub const SCOPE_RODATA: u64 = 0x20;
/// Scope flag of native code: it has bss.
pub const SCOPE_BSS: u64 = 0x40;

/// Byte that ends the relocations of native code.
pub const RELOC_END: u8 = 0xff;
/// Relocation destination: the qstr table.
pub const RELOC_QSTR_TABLE: u8 = 6;
/// Relocation destination: the object table.
pub const RELOC_OBJ_TABLE: u8 = 7;
/// Relocation destination: `mp_fun_table` itself.
pub const RELOC_FUN_TABLE: u8 = 8;
/// Relocation destination of the first entry of `mp_fun_table`; entry `n` is this plus `n`.
pub const RELOC_FUN_TABLE_ENTRY: u8 = 9;

/// Kind of a code object, the low two bits of its `kind_len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytecode.
    Bytecode = 0,
    /// Python compiled to machine code.
    NativePy = 1,
    /// Viper, and every native module that a linker makes.
    NativeViper = 2,
    /// Inline assembler.
    NativeAsm = 3,
}

impl Kind {
    /// The kind in the low two bits of `kind_len`.
    #[must_use]
    pub fn from_kind_len(kind_len: u64) -> Kind {
        match kind_len & 3 {
            0 => Kind::Bytecode,
            1 => Kind::NativePy,
            2 => Kind::NativeViper,
            _ => Kind::NativeAsm,
        }
    }
}

/// The fixed head of a `.mpy` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sub-version; 0 in files of pure bytecode whatever the release.
    pub sub_version: u8,
    /// Architecture of the native code, `None` for pure bytecode.
    pub arch: Option<Arch>,
    /// Bits of a small integer.
    pub small_int_bits: u8,
    /// Instruction-set extensions that the code needs (rv32: bit 0 Zba, bit 1 Zcmp), 0 for none.
    pub arch_flags: u64,
}

impl Header {
    /// The header of native code made by a linker.
    #[must_use]
    pub fn native(arch: Arch, abi: Abi, arch_flags: u64) -> Header {
        Header {
            sub_version: abi.sub_version(),
            arch: Some(arch),
            small_int_bits: SMALL_INT_BITS,
            arch_flags,
        }
    }

    /// Appends the header's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        let arch = self.arch.map_or(0, Arch::number);
        let follow = if self.arch_flags == 0 { 0 } else { ARCH_FLAGS_FOLLOW };
        out.extend([
            MAGIC,
            Abi::VERSION,
            arch << 2 | self.sub_version | follow,
            self.small_int_bits,
        ]);
        if self.arch_flags != 0 {
            write_uint(out, self.arch_flags);
        }
    }
}

/// Appends an unsigned integer: groups of seven bits, the most significant first, bit 7 set on all but the last.
pub fn write_uint(out: &mut Vec<u8>, value: u64) {
    let groups = (64 - (value | 1).leading_zeros()).div_ceil(7);
    for group in (1..groups).rev() {
        out.push((value >> (7 * group)) as u8 & 0x7f | 0x80);
    }
    out.push(value as u8 & 0x7f);
}

/// Reads an unsigned integer at `at`: its value and the offset after it. `None` if it is cut off or exceeds 64 bits.
#[must_use]
pub fn read_uint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value: u64 = 0;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if value >> 57 != 0 {
            return None;
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
}

/// Appends a qstr: its number if it is static, else its length, bytes and a NUL.
pub fn write_qstr(out: &mut Vec<u8>, text: &[u8]) {
    if let Some(index) = STATIC_QSTRS.iter().position(|known| known.as_bytes() == text) {
        write_uint(out, (index as u64 + 1) << 1 | 1);
    } else {
        write_uint(out, (text.len() as u64) << 1);
        out.extend(text);
        out.push(0);
    }
}

/// The static qstr with a number as files hold it (1 is the first), or `None`.
#[must_use]
pub fn static_qstr(number: u64) -> Option<&'static str> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    STATIC_QSTRS.get(index).copied()
}

/// The qstrs that every MicroPython since 1.12 has under the same numbers, from 1.
pub const STATIC_QSTRS: [&str; 165] = [
    "",
    "__dir__",
    "\n",
    " ",
    "*",
    "/",
    "<module>",
    "_",
    "__call__",
    "__class__",
    "__delitem__",
    "__enter__",
    "__exit__",
    "__getattr__",
    "__getitem__",
    "__hash__",
    "__init__",
    "__int__",
    "__iter__",
    "__len__",
    "__main__",
    "__module__",
    "__name__",
    "__new__",
    "__next__",
    "__qualname__",
    "__repr__",
    "__setitem__",
    "__str__",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EOFError",
    "Ellipsis",
    "Exception",
    "GeneratorExit",
    "ImportError",
    "IndentationError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "NameError",
    "NoneType",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "RuntimeError",
    "StopIteration",
    "SyntaxError",
    "SystemExit",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
    "abs",
    "all",
    "any",
    "append",
    "args",
    "bool",
    "builtins",
    "bytearray",
    "bytecode",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "clear",
    "close",
    "const",
    "copy",
    "count",
    "dict",
    "dir",
    "divmod",
    "end",
    "endswith",
    "eval",
    "exec",
    "extend",
    "find",
    "format",
    "from_bytes",
    "get",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "id",
    "index",
    "insert",
    "int",
    "isalpha",
    "isdigit",
    "isinstance",
    "islower",
    "isspace",
    "issubclass",
    "isupper",
    "items",
    "iter",
    "join",
    "key",
    "keys",
    "len",
    "list",
    "little",
    "locals",
    "lower",
    "lstrip",
    "main",
    "map",
    "micropython",
    "next",
    "object",
    "open",
    "ord",
    "pop",
    "popitem",
    "pow",
    "print",
    "range",
    "read",
    "readinto",
    "readline",
    "remove",
    "replace",
    "repr",
    "reverse",
    "rfind",
    "rindex",
    "round",
    "rsplit",
    "rstrip",
    "self",
    "send",
    "sep",
    "set",
    "setattr",
    "setdefault",
    "sort",
    "sorted",
    "split",
    "start",
    "startswith",
    "staticmethod",
    "step",
    "stop",
    "str",
    "strip",
    "sum",
    "super",
    "throw",
    "to_bytes",
    "tuple",
    "type",
    "update",
    "upper",
    "utf-8",
    "value",
    "values",
    "write",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_uint(&mut out, value);
        out
    }

    #[test]
    fn integers_are_most_significant_group_first() {
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(0x7f), [0x7f]);
        assert_eq!(encoded(0x80), [0x81, 0x00]);
        assert_eq!(encoded(0x4001), [0x81, 0x80, 0x01]);
    }

    #[test]
    fn integers_round_trip() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX]
        {
            let bytes = encoded(value);
            assert_eq!(read_uint(&bytes, 0), Some((value, bytes.len())), "{value}");
            assert_eq!(read_uint(&bytes[..bytes.len() - 1], 0), None, "{value} cut short");
        }
        assert_eq!(read_uint(&[0xff; 11], 0), None);
    }

    #[test]
    fn static_qstrs_are_numbers_and_others_bytes() {
        let mut out = Vec::new();
        write_qstr(&mut out, b"");
        write_qstr(&mut out, b"zip");
        write_qstr(&mut out, b"abc");
        assert_eq!(out, [0x03, 0x82, 0x4b, 0x06, b'a', b'b', b'c', 0]);
        assert_eq!(static_qstr(165), Some("zip"));
        assert_eq!(static_qstr(0), None);
        assert_eq!(static_qstr(166), None);
    }
}
