//! Lines for a piece of code's data: instructions of bytecode with their names, or bytes.

use std::fmt::Write;

use super::super::bytecode;
use super::super::file::{Code, Mpy};
use super::super::opcode::{self, Argument, Instruction};
use super::{object, qstr};

/// Sixteen bytes a line.
pub(super) fn hexadecimal(data: &[u8]) -> Vec<String> {
    let line = |(index, bytes): (usize, &[u8])| format!("{:6x}:  {}", index * 16, hex(bytes));
    data.chunks(16).enumerate().map(line).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(out, "{space}{byte:02x}");
    }
    out
}

/// An instruction a line, its offset counted from the first; bytes from where the code stops making sense.
pub(super) fn bytecode(mpy: &Mpy, piece: &Code) -> Vec<String> {
    let Some(prelude) = bytecode::prelude(&piece.data, 0) else {
        return hexadecimal(&piece.data);
    };
    let code = piece.data.get(prelude.instructions_at..).unwrap_or_default();
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let Some(instruction) = opcode::decode(code, at) else {
            let rest = code.get(at..).unwrap_or_default();
            lines.push(format!("{at:6x}:  {}  (cut off)", hex(rest)));
            break;
        };
        let bytes = hex(code.get(at..instruction.end).unwrap_or_default());
        let line = format!("{at:6x}:  {bytes:<12}  {}", explained(mpy, &instruction));
        lines.push(line.trim_end().to_owned());
        at = instruction.end;
    }
    lines
}

fn explained(mpy: &Mpy, instruction: &Instruction) -> String {
    let mut out = opcode::name(instruction.opcode);
    let argument = match instruction.argument {
        Argument::None => String::new(),
        Argument::Qstr(index) => format!(" {}", qstr(mpy, index).escape_debug()),
        Argument::Object(index) => {
            let entry = usize::try_from(index).ok().and_then(|index| mpy.objects.get(index));
            format!(" {index}: {}", entry.map_or("?".to_owned(), object))
        }
        Argument::Number(value, _) => format!(" {value}"),
        Argument::Jump(target) => format!(" {target:#x}"),
    };
    out.push_str(&argument);
    if let Some(extra) = instruction.extra {
        let _ = write!(out, ", {extra}");
    }
    out
}
