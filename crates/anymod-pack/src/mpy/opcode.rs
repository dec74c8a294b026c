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
}
