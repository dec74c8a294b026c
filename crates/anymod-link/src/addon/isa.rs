//! Which level of x86-64 code needs: every instruction of every executable section, decoded one after another.
//!
//! Levels are those of the x86-64 psABI ("Micro-Architecture Levels"). What is in no level, for instance AES, counts as
//! above all of them. Some instructions count as of the first level whatever their name says: those that ask the processor
//! what it is, those that older processors take for hints, and `tzcnt`, which compilers write for `bsf` where both do the
//! same.

use std::collections::BTreeMap;

use anymod_model::node::Level;
use anymod_model::platform::Cpu;
use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Instruction, Mnemonic};

use super::{Addon, Code};

/// Section for functions that are called only after asking the processor. The first 8 letters tell it in PE files, the
/// first 16 in Mach-O.
pub const DISPATCHED_SECTION: &str = "anymod_dispatched";

/// Where code needs more than a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The function, if a symbol tells.
    pub function: Option<String>,
    /// The section.
    pub section: String,
    /// Offset of the first such instruction in its section, in bytes.
    pub offset: u64,
    /// The instruction's name.
    pub instruction: String,
    /// What it is part of, for instance `AVX2`.
    pub feature: String,
    /// The level that has it; none if none has.
    pub level: Option<Level>,
    /// How many such instructions the function has.
    pub count: usize,
}

/// Every function that needs more than `limit`, in the order of addresses, but for those that `dispatched` is true for.
/// Nothing if the code is not for x86-64.
#[must_use]
pub fn level(addon: &Addon<'_>, limit: Level, dispatched: &dyn Fn(&str) -> bool) -> Vec<Use> {
    if addon.format.cpu != Some(Cpu::X64) {
        return Vec::new();
    }
    let mut uses: BTreeMap<(u64, u64), Use> = BTreeMap::new();
    for code in addon.code.iter().filter(|code| !is_dispatched(code.section)) {
        scan(addon, code, limit, dispatched, &mut uses);
    }
    uses.into_values().collect()
}

fn is_dispatched(section: &str) -> bool {
    section.len() >= 8 && DISPATCHED_SECTION.starts_with(section.trim_start_matches(['.', '_']))
}

fn scan(
    addon: &Addon<'_>,
    code: &Code<'_>,
    limit: Level,
    dispatched: &dyn Fn(&str) -> bool,
    uses: &mut BTreeMap<(u64, u64), Use>,
) {
    let mut decoder = Decoder::with_ip(64, code.bytes, code.address, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let before = decoder.position();
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            // Data between functions, or an instruction that is newer than the decoder: on with the next byte.
            if decoder.set_position(before + 1).is_err() {
                return;
            }
            decoder.set_ip(code.address.wrapping_add(before as u64 + 1));
            continue;
        }
        let Some((feature, level)) = above(&instruction, limit) else { continue };
        let at = instruction.ip();
        let function = addon.functions.range(code.address..=at).next_back();
        if function.is_some_and(|(_, name)| dispatched(name)) {
            continue;
        }
        let start = function.map_or(code.address, |(start, _)| *start);
        let entry = uses.entry((code.address, start)).or_insert_with(|| Use {
            function: function.map(|(_, name)| (*name).to_owned()),
            section: code.section.to_owned(),
            offset: at.wrapping_sub(code.address),
            instruction: format!("{:?}", instruction.mnemonic()).to_lowercase(),
            feature: format!("{feature:?}"),
            level,
            count: 0,
        });
        entry.count += 1;
    }
}

/// What an instruction needs that the level does not have, and the level that does.
fn above(instruction: &Instruction, limit: Level) -> Option<(CpuidFeature, Option<Level>)> {
    if matches!(instruction.mnemonic(), Mnemonic::Tzcnt | Mnemonic::Xgetbv) {
        return None;
    }
    let features = instruction.cpuid_features().iter().copied();
    let needed = features.map(|feature| (feature, of(feature)));
    // Beyond all levels is more than any of them.
    let rank = |level: Option<Level>| level.map_or(u32::MAX, |level| level as u32);
    needed.filter(|(_, level)| rank(*level) > limit as u32).max_by_key(|(_, level)| rank(*level))
}

/// The lowest level that has a feature; none if none has.
fn of(feature: CpuidFeature) -> Option<Level> {
    use CpuidFeature as F;
    Some(match feature {
        F::SSE3 | F::SSSE3 | F::SSE4_1 | F::SSE4_2 | F::POPCNT | F::CMPXCHG16B => Level::V2,
        F::AVX | F::AVX2 | F::BMI1 | F::BMI2 | F::F16C | F::FMA | F::LZCNT | F::MOVBE => Level::V3,
        F::XSAVE => Level::V3,
        F::AVX512F | F::AVX512BW | F::AVX512CD | F::AVX512DQ | F::AVX512VL => Level::V4,
        F::INTEL8086
        | F::INTEL186
        | F::INTEL286
        | F::INTEL386
        | F::INTEL486
        | F::X64
        | F::FPU
        | F::FPU287
        | F::FPU387
        | F::CMOV
        | F::CX8
        | F::FXSR
        | F::MMX
        | F::SSE
        | F::SSE2
        | F::SYSCALL
        | F::SEP
        | F::TSC
        | F::CPUID
        | F::MSR
        | F::CLFSH
        | F::PAUSE
        | F::MULTIBYTENOP => Level::V1,
        // Hints: processors that do not know them do nothing.
        F::CET_IBT | F::CET_SS | F::PREFETCHW | F::MPX | F::CLDEMOTE | F::PREFETCHITI | F::HLE => {
            Level::V1
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Format;
    use anymod_model::platform::ObjectFormat;

    fn addon<'a>(bytes: &'a [u8], section: &'a str) -> Addon<'a> {
        Addon {
            format: Format { container: ObjectFormat::Elf, cpu: Some(Cpu::X64) },
            needed: Vec::new(),
            imports: BTreeMap::new(),
            exports: Default::default(),
            glibc: None,
            tables: BTreeMap::new(),
            code: vec![Code { section, address: 0x1000, bytes }],
            functions: [(0x1000, "first"), (0x1004, "second")].into(),
        }
    }

    /// `nop` four times, then one instruction.
    fn code(instruction: &[u8]) -> Vec<u8> {
        [&[0x90; 4], instruction, &[0xc3]].concat()
    }

    fn found(instruction: &[u8], limit: Level) -> Vec<(String, Option<Level>)> {
        let bytes = code(instruction);
        let uses = level(&addon(&bytes, ".text"), limit, &|_| false);
        uses.into_iter().map(|one| (one.instruction, one.level)).collect()
    }

    #[test]
    fn instructions_have_levels() {
        for (bytes, name, needed) in [
            (&[0x0f, 0x58, 0xc1][..], "addps", Some(Level::V1)),
            (&[0xf3, 0x0f, 0xb8, 0xc1], "popcnt", Some(Level::V2)),
            (&[0xc5, 0xf4, 0x58, 0xc1], "vaddps", Some(Level::V3)),
            (&[0xc4, 0xe2, 0x7d, 0x58, 0xc1], "vpbroadcastd", Some(Level::V3)),
            (&[0xf3, 0x0f, 0xbd, 0xc1], "lzcnt", Some(Level::V3)),
            (&[0x62, 0xf1, 0x74, 0x48, 0x58, 0xc1], "vaddps", Some(Level::V4)),
            (&[0x66, 0x0f, 0x38, 0xdc, 0xc1], "aesenc", None),
        ] {
            for limit in Level::ALL {
                let within = needed.is_some_and(|needed| needed <= limit);
                let expected = if within { vec![] } else { vec![(name.to_owned(), needed)] };
                assert_eq!(found(bytes, limit), expected, "{name} {limit}");
            }
        }
    }

    #[test]
    fn what_does_no_harm_is_of_the_first_level() {
        // `endbr64`, `tzcnt`, `prefetchw`, `xgetbv`.
        for bytes in [
            &[0xf3, 0x0f, 0x1e, 0xfa][..],
            &[0xf3, 0x0f, 0xbc, 0xc1],
            &[0x0f, 0x0d, 0x08],
            &[0x0f, 0x01, 0xd0],
        ] {
            assert_eq!(found(bytes, Level::V1), vec![], "{bytes:x?}");
        }
    }

    #[test]
    fn a_use_tells_where_it_is() {
        let bytes = [code(&[0xc5, 0xf4, 0x58, 0xc1]), code(&[0xc5, 0xf4, 0x58, 0xc1])].concat();
        let uses = level(&addon(&bytes, ".text"), Level::V2, &|_| false);
        let [one] = &uses[..] else { panic!("{uses:?}") };
        assert_eq!((one.function.as_deref(), one.offset, one.count), (Some("second"), 4, 2));
        assert_eq!(level(&addon(&bytes, ".text"), Level::V2, &|name| name == "second"), vec![]);
        assert_eq!(level(&addon(&bytes, "anymod_dispatched"), Level::V2, &|_| false), vec![]);
        assert_eq!(level(&addon(&bytes, "anymod_d"), Level::V2, &|_| false), vec![]);
        assert_eq!(level(&addon(&bytes, "anymod_other"), Level::V2, &|_| false).len(), 1);
    }
}
