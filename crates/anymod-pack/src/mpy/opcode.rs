//! The opcodes of version 6 bytecode: names, how an argument is spelled, and decoding one instruction.
//!
//! Facts from `py/bc0.h` of MicroPython 1.26; the same in every release whose files are version 6.

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction<'a> {
    /// Offset of the opcode in the instructions.
    pub(super) at: usize,
    /// The opcode.
    pub(super) opcode: u8,
    /// Its argument.
    pub(super) argument: Argument<'a>,
    /// A last byte that a few opcodes have.
    pub(super) extra: Option<u8>,
    /// Offset after the instruction.
    pub(super) end: usize,
}

/// An instruction's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    None,
    /// An index into the qstr table.
    Qstr(u64),
    /// An index into the table of objects.
    Object(u64),
    /// Another number, with its spelling; signed for [`LOAD_CONST_SMALL_INT`].
    Number(i64, &'a [u8]),
    /// The offset of the instruction jumped to, counted from the first instruction.
    Jump(i64),
}

pub(super) const LOAD_CONST_SMALL_INT: u8 = 0x22;
pub(super) const LOAD_CONST_OBJ: u8 = 0x23;
pub(super) const MAKE_FUNCTION: u8 = 0x32;
pub(super) const CALL_FUNCTION: u8 = 0x34;
pub(super) const LOAD_CONST_NONE: u8 = 0x51;
pub(super) const POP_TOP: u8 = 0x59;
pub(super) const RETURN_VALUE: u8 = 0x63;

/// True for the opcodes whose argument is an index into the children.
pub(super) fn makes_function(opcode: u8) -> bool {
    matches!(opcode, 0x20 | 0x21 | 0x32 | 0x33)
}

/// True for the jumps that can go backwards; the others only go forwards.
pub(super) fn is_signed_jump(opcode: u8) -> bool {
    (0x40..=0x44).contains(&opcode)
}

/// Decodes the instruction at `at`; `None` if the code ends inside it or a number in it exceeds 64 bits.
pub(super) fn decode(code: &[u8], at: usize) -> Option<Instruction<'_>> {
    let opcode = *code.get(at)?;
    let (argument, mut end) = match opcode >> 4 {
        1 => {
            let (index, end) = anymod_model::mpy::read_uint(code, at + 1)?;
            (Argument::Qstr(index), end)
        }
        2 | 3 => number(code, opcode, at + 1)?,
        4 => jump(code, opcode, at + 1)?,
        _ => (Argument::None, at + 1),
    };
    // The bits that all of the opcodes with a last byte have clear.
    let extra = match opcode & 0x9e {
        0 => {
            end += 1;
            Some(*code.get(end - 1)?)
        }
        _ => None,
    };
    Some(Instruction { at, opcode, argument, extra, end })
}

fn number(code: &[u8], opcode: u8, start: usize) -> Option<(Argument<'_>, usize)> {
    let rest = code.get(start..)?;
    let len = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let spelling = rest.get(..len)?;
    if opcode == LOAD_CONST_OBJ {
        let (index, end) = anymod_model::mpy::read_uint(code, start)?;
        return Some((Argument::Object(index), end));
    }
    let negative = opcode == LOAD_CONST_SMALL_INT && spelling.first()? & 0x40 != 0;
    let value = spelling.iter().fold(if negative { -1_i64 } else { 0 }, |value, byte| {
        value.wrapping_shl(7) | i64::from(byte & 0x7f)
    });
    Some((Argument::Number(value, spelling), start + len))
}

/// A jump counts from the byte after its own offset, so a last byte is not part of the way (`DECODE_SLABEL` in
/// `py/vm.c`).
fn jump(code: &[u8], opcode: u8, start: usize) -> Option<(Argument<'_>, usize)> {
    let low = i64::from(*code.get(start)?);
    let (value, bias, end) = match low & 0x80 {
        0 => (low, 0x40, start + 1),
        _ => {
            let high = i64::from(*code.get(start + 1)?);
            (low & 0x7f | high << 7, 0x4000, start + 2)
        }
    };
    let distance = if is_signed_jump(opcode) { value - bias } else { value };
    Some((Argument::Jump(i64::try_from(end).ok()? + distance), end))
}

/// The opcode's name, with the number that is part of it.
pub(super) fn name(opcode: u8) -> String {
    match opcode {
        0x70..=0xaf => format!("LOAD_CONST_SMALL_INT {}", i16::from(opcode) - 0x80),
        0xb0..=0xbf => format!("LOAD_FAST {}", opcode - 0xb0),
        0xc0..=0xcf => format!("STORE_FAST {}", opcode - 0xc0),
        0xd0..=0xd3 => format!("UNARY_OP {}", entry(&UNARY, opcode - 0xd0)),
        0xd7..=0xf9 => format!("BINARY_OP {}", entry(&BINARY, opcode - 0xd7)),
        0x10..=0x6f => entry(&NAMES, opcode - 0x10).to_owned(),
        _ => "?".to_owned(),
    }
}

fn entry<const N: usize>(table: &[&'static str; N], index: u8) -> &'static str {
    table.get(usize::from(index)).copied().unwrap_or("?")
}

const UNARY: [&str; 4] = ["+", "-", "~", "not"];

const BINARY: [&str; 35] = [
    "<",
    ">",
    "==",
    "<=",
    ">=",
    "!=",
    "in",
    "is",
    "exception match",
    "|=",
    "^=",
    "&=",
    "<<=",
    ">>=",
    "+=",
    "-=",
    "*=",
    "@=",
    "//=",
    "/=",
    "%=",
    "**=",
    "|",
    "^",
    "&",
    "<<",
    ">>",
    "+",
    "-",
    "*",
    "@",
    "//",
    "/",
    "%",
    "**",
];

/// Opcodes 0x10 to 0x6f.
#[rustfmt::skip]
const NAMES: [&str; 96] = [
    // 0x10: an index into the qstr table follows.
    "LOAD_CONST_STRING", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_ATTR",
    "LOAD_METHOD", "LOAD_SUPER_METHOD", "STORE_NAME", "STORE_GLOBAL",
    "STORE_ATTR", "DELETE_NAME", "DELETE_GLOBAL", "IMPORT_NAME",
    "IMPORT_FROM", "?", "?", "?",
    // 0x20: a number follows.
    "MAKE_CLOSURE", "MAKE_CLOSURE_DEFARGS", "LOAD_CONST_SMALL_INT", "LOAD_CONST_OBJ",
    "LOAD_FAST_N", "LOAD_DEREF", "STORE_FAST_N", "STORE_DEREF",
    "DELETE_FAST", "DELETE_DEREF", "BUILD_TUPLE", "BUILD_LIST",
    "BUILD_MAP", "BUILD_SET", "BUILD_SLICE", "STORE_COMP",
    // 0x30: a number follows.
    "UNPACK_SEQUENCE", "UNPACK_EX", "MAKE_FUNCTION", "MAKE_FUNCTION_DEFARGS",
    "CALL_FUNCTION", "CALL_FUNCTION_VAR_KW", "CALL_METHOD", "CALL_METHOD_VAR_KW",
    "?", "?", "?", "?", "?", "?", "?", "?",
    // 0x40: a jump follows.
    "UNWIND_JUMP", "?", "JUMP", "POP_JUMP_IF_TRUE",
    "POP_JUMP_IF_FALSE", "JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP", "SETUP_WITH",
    "SETUP_EXCEPT", "SETUP_FINALLY", "POP_EXCEPT_JUMP", "FOR_ITER",
    "?", "?", "?", "?",
    // 0x50: nothing follows.
    "LOAD_CONST_FALSE", "LOAD_CONST_NONE", "LOAD_CONST_TRUE", "LOAD_NULL",
    "LOAD_BUILD_CLASS", "LOAD_SUBSCR", "STORE_SUBSCR", "DUP_TOP",
    "DUP_TOP_TWO", "POP_TOP", "ROT_TWO", "ROT_THREE",
    "WITH_CLEANUP", "END_FINALLY", "GET_ITER", "GET_ITER_STACK",
    // 0x60: nothing follows.
    "?", "?", "STORE_MAP", "RETURN_VALUE",
    "RAISE_LAST", "RAISE_OBJ", "RAISE_FROM", "YIELD_VALUE",
    "YIELD_FROM", "IMPORT_STAR", "?", "?", "?", "?", "?", "?",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_decode_by_the_opcodes_high_nibble() {
        let argument =
            |bytes: &[u8]| decode(bytes, 0).map(|it| (it.argument.clone_number(), it.end));
        assert_eq!(argument(&[0x12, 0x81, 0x00]), Some((128, 3)));
        assert_eq!(argument(&[0x22, 0x7f]), Some((-1, 2)));
        assert_eq!(argument(&[0x22, 0x80, 0x40]), Some((64, 3)));
        assert_eq!(argument(&[0x24, 0x7f]), Some((127, 2)));
        assert_eq!(argument(&[0x42, 0x3f]), Some((1, 2)), "one byte back");
        assert_eq!(argument(&[0x42, 0x80, 0x80]), Some((3, 3)), "the long form of no way");
        assert_eq!(argument(&[0x4b, 0x05]), Some((7, 2)), "forwards only");
        assert_eq!(argument(&[0x40, 0x45, 0x02]), Some((7, 3)), "the last byte is not on the way");
        assert_eq!(argument(&[0x40, 0x45]), None);
    }

    impl Argument<'_> {
        fn clone_number(&self) -> i64 {
            match *self {
                Argument::None => 0,
                Argument::Qstr(index) | Argument::Object(index) => index as i64,
                Argument::Number(value, _) | Argument::Jump(value) => value,
            }
        }
    }

    #[test]
    fn names_of_numbered_opcodes() {
        assert_eq!(name(0x70), "LOAD_CONST_SMALL_INT -16");
        assert_eq!(name(0xaf), "LOAD_CONST_SMALL_INT 47");
        assert_eq!(name(0xf9), "BINARY_OP **");
        assert_eq!(name(0xf2), "BINARY_OP +");
        assert_eq!(name(0x69), "IMPORT_STAR");
        assert_eq!(name(0x00), "?");
    }
}
