//! How far a value in a RISC-V register reaches, as far as it can be told without knowing where code begins.
//!
//! Object code for the medium-low model loads the high part of an absolute address with `lui` and adds the low part in
//! later instructions. Making the pair relative to the place is only right if the later instructions get their high
//! part from this `lui` and no other. [`follow`] proves that for the common case, straight code, and gives up
//! otherwise. It never guesses: wherever something might jump is a barrier, even if what looks like a jump there is
//! data.

/// The offsets of a section, in units of two bytes, to which something might jump.
#[derive(Debug)]
pub(crate) struct Targets(Vec<bool>);

impl Targets {
    /// Every place that any two or four bytes of the section would jump to if they were an instruction.
    pub(crate) fn of(code: &[u8], is_64: bool) -> Targets {
        let mut targets = Targets(vec![false; code.len() / 2 + 1]);
        for at in (0..code.len()).step_by(2) {
            if let Some(distance) = jump_distance(code, at, is_64) {
                targets.add((at as i64).wrapping_add(distance));
            }
        }
        targets
    }

    /// Adds an offset.
    pub(crate) fn add(&mut self, offset: i64) {
        if let Ok(offset) = usize::try_from(offset)
            && let Some(flag) = self.0.get_mut(offset / 2)
        {
            *flag = true;
        }
    }

    fn contains(&self, offset: usize) -> bool {
        self.0.get(offset / 2).copied().unwrap_or(true)
    }
}

fn half(code: &[u8], at: usize) -> Option<u16> {
    code.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes))
}

fn word(code: &[u8], at: usize) -> Option<u32> {
    code.get(at..)?.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Sign-extends the low `bits` of a value.
fn extend(value: u32, bits: u32) -> i64 {
    i64::from((value << (32 - bits)) as i32 >> (32 - bits))
}

/// The distance of a direct jump or branch, if these bytes are one.
fn jump_distance(code: &[u8], at: usize, is_64: bool) -> Option<i64> {
    let short = half(code, at)?;
    let bit = |from: u32, to: u32| (u32::from(short) >> from & 1) << to;
    if short & 3 == 1 {
        return match (short >> 13, is_64) {
            (1, false) | (5, _) => {
                let value = bit(12, 11) | bit(11, 4) | bit(10, 9) | bit(9, 8) | bit(8, 10);
                let value = value | bit(7, 6) | bit(6, 7) | bit(5, 3) | bit(4, 2) | bit(3, 1);
                Some(extend(value | bit(2, 5), 12))
            }
            (6 | 7, _) => {
                let value = bit(12, 8) | bit(11, 4) | bit(10, 3) | bit(6, 7) | bit(5, 6);
                Some(extend(value | bit(4, 2) | bit(3, 1) | bit(2, 5), 9))
            }
            _ => None,
        };
    }
    let long = word(code, at)?;
    match long & 0x7f {
        0x63 => {
            let value = (long >> 31) << 12 | (long >> 7 & 1) << 11;
            Some(extend(value | (long >> 25 & 0x3f) << 5 | (long >> 8 & 0xf) << 1, 13))
        }
        0x6f => {
            let value = (long >> 31) << 20 | (long >> 12 & 0xff) << 12;
            Some(extend(value | (long >> 20 & 1) << 11 | (long >> 21 & 0x3ff) << 1, 21))
        }
        _ => None,
    }
}

/// What an instruction does with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    None,
    /// Overwrites it without reading it.
    Overwrites,
    /// Calls a function that may overwrite it.
    Calls,
    /// Returns from the function.
    Returns,
    /// Anything else, or unknown.
    Other,
}

/// Registers that a callee may overwrite: `t0` to `t6`, `a0` to `a7`.
fn is_caller_saved(register: u32) -> bool {
    matches!(register, 5..=7 | 10..=17 | 28..=31)
}

/// Follows the register that the `lui` at `at` sets until it is dead; calls `low` for each instruction that `is_low`
/// names.
///
/// Returns the offsets of the low parts that certainly, and only, belong to this `lui`; `None` if that cannot be told.
/// `is_low` says for an offset whether a relocation makes it a low part of the same address.
pub(crate) fn follow(
    code: &[u8],
    at: usize,
    targets: &Targets,
    is_64: bool,
    is_low: impl Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    /// The longest stretch that is worth following.
    const LIMIT: usize = 96;
    let register = word(code, at)? >> 7 & 31;
    let mut lows = Vec::new();
    let mut offset = at + 4;
    for _ in 0..LIMIT {
        if targets.contains(offset) {
            return None;
        }
        let short = half(code, offset)?;
        let effect = if short & 3 != 3 {
            compressed_effect(short, register, is_64)
        } else {
            let long = word(code, offset)?;
            if is_low(offset) && long >> 15 & 31 == register {
                lows.push(offset);
                let is_store = matches!(long & 0x7f, 0x23 | 0x27);
                match is_store {
                    true if long >> 20 & 31 == register => Effect::Other,
                    false if long >> 7 & 31 == register && long & 0x7f != 0x07 => {
                        Effect::Overwrites
                    }
                    _ => Effect::None,
                }
            } else {
                effect(long, register)
            }
        };
        match effect {
            Effect::None => {}
            Effect::Overwrites => return Some(lows),
            Effect::Calls if is_caller_saved(register) => return Some(lows),
            // `a0` and `a1` carry the result.
            Effect::Returns if is_caller_saved(register) && !matches!(register, 10 | 11) => {
                return Some(lows);
            }
            _ => return None,
        }
        offset += if short & 3 == 3 { 4 } else { 2 };
    }
    None
}

fn effect(long: u32, register: u32) -> Effect {
    let (target, first, second) = (long >> 7 & 31, long >> 15 & 31, long >> 20 & 31);
    match long & 0x7f {
        0x37 | 0x17 if target == register => Effect::Overwrites,
        0x37 | 0x17 => Effect::None,
        0x6f if target == 1 => Effect::Calls,
        0x67 if target == 1 && first != register => Effect::Calls,
        0x67 if target == 0 && first == 1 => Effect::Returns,
        // Loads, arithmetic, stores, atomics; an immediate that looks like the register costs only a chance.
        0x03 | 0x13 | 0x1b | 0x23 | 0x2f | 0x33 | 0x3b => {
            if first == register || second == register {
                Effect::Other
            } else if target == register && long & 0x7f != 0x23 {
                Effect::Overwrites
            } else {
                Effect::None
            }
        }
        _ => Effect::Other,
    }
}

fn compressed_effect(short: u16, register: u32, is_64: bool) -> Effect {
    let bits = u32::from(short);
    let (full, low) = (bits >> 7 & 31, bits >> 2 & 31);
    match (bits & 3, bits >> 13) {
        (1, 1) if !is_64 => return Effect::Calls,
        (1, 5..=7) => return Effect::Other,
        (2, 4) if low == 0 => {
            return match (bits >> 12 & 1, full) {
                (_, 0) => Effect::Other,
                (0, 1) => Effect::Returns,
                (1, link) if link != register => Effect::Calls,
                _ => Effect::Other,
            };
        }
        _ => {}
    }
    // Whatever the format: a field that could be the register makes the instruction one that might read it.
    let fields = [full, low, (bits >> 7 & 7) + 8, (bits >> 2 & 7) + 8];
    if fields.contains(&register) { Effect::Other } else { Effect::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    const LUI_A5: u32 = 0x0000_07b7;
    const LW_A4_A5: u32 = 0x0007_a703;
    const ADDI_A5_A5: u32 = 0x0007_8793;
    const RET: u32 = 0x0000_8067;

    #[test]
    fn straight_code_pairs() {
        let bytes = code(&[LUI_A5, LW_A4_A5, RET]);
        let targets = Targets::of(&bytes, false);
        assert_eq!(follow(&bytes, 0, &targets, false, |at| at == 4), Some(vec![4]));
        let bytes = code(&[LUI_A5, ADDI_A5_A5, 0x0000_0063]);
        let targets = Targets::of(&bytes, false);
        assert_eq!(follow(&bytes, 0, &targets, false, |at| at == 4), Some(vec![4]));
    }

    #[test]
    fn a_jump_between_or_an_unknown_use_is_a_barrier() {
        let bytes = code(&[LUI_A5, LW_A4_A5, RET]);
        let mut targets = Targets::of(&bytes, false);
        targets.add(4);
        assert_eq!(follow(&bytes, 0, &targets, false, |at| at == 4), None);
        // add a5, a5, a4: the low part comes later, in a derived register.
        let bytes = code(&[LUI_A5, 0x00e7_87b3, LW_A4_A5, RET]);
        let targets = Targets::of(&bytes, false);
        assert_eq!(follow(&bytes, 0, &targets, false, |at| at == 8), None);
    }

    #[test]
    fn every_jump_is_seen() {
        // beq x0, x0, -4 at 4; c.j +6 at 8; c.beqz a0, -2 at 10.
        let mut bytes = code(&[LUI_A5, 0xfe00_0ee3]);
        bytes.extend([0x19, 0xa0, 0x7d, 0xdd]);
        assert_eq!(jump_distance(&bytes, 4, false), Some(-4));
        assert_eq!(jump_distance(&bytes, 8, false), Some(6));
        assert_eq!(jump_distance(&bytes, 10, false), Some(-2));
    }
}
