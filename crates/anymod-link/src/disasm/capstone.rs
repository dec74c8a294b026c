//! x86, Thumb and RISC-V through Capstone.

use anymod_model::Arch;
use capstone::arch::{arm, riscv, x86};
use capstone::prelude::*;

use super::Line;

/// Disassembles from `base`; bytes that are no instruction become a line each.
pub(super) fn disassemble(arch: Arch, code: &[u8], base: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    let Ok(engine) = engine(arch) else { return super::bytes(code, base) };
    let mut done = 0;
    while let Some(rest) = code.get(done..).filter(|rest| !rest.is_empty()) {
        let address = base.wrapping_add(done as u64);
        if let Ok(found) = engine.disasm_all(rest, address) {
            lines.extend(found.iter().map(line));
            done += found.iter().map(|instruction| instruction.bytes().len()).sum::<usize>();
        }
        // Here is something that Capstone does not know: one instruction of its own length, not the middle of the next.
        let rest = code.get(done..).unwrap_or_default();
        let unknown = rest.get(..unknown_length(arch, rest)).unwrap_or(rest);
        lines.extend(super::bytes(unknown, base.wrapping_add(done as u64)));
        done += unknown.len();
    }
    lines
}

/// Bytes of an instruction that is not known, told by its first bits; never more than are there.
fn unknown_length(arch: Arch, code: &[u8]) -> usize {
    let length = match (arch, code) {
        (Arch::X86 | Arch::X64, _) => 1,
        // RISC-V unprivileged specification, "Expanded instruction-length encoding".
        (Arch::Rv32imc | Arch::Rv64imc, [first, ..]) if first & 3 == 3 => 4,
        (Arch::Rv32imc | Arch::Rv64imc, _) => 2,
        // ARMv6-M ARM, A5.1: these five bits begin an instruction of two half-words.
        (_, [_, second, ..]) if second >> 3 >= 0b11101 => 4,
        _ => 2,
    };
    length.min(code.len())
}

fn engine(arch: Arch) -> CsResult<Capstone> {
    let riscv = |mode| {
        Capstone::new()
            .riscv()
            .mode(mode)
            .extra_mode([riscv::ArchExtraMode::RiscVC].into_iter())
            .build()
    };
    match arch {
        Arch::X86 => Capstone::new().x86().mode(x86::ArchMode::Mode32).build(),
        Arch::X64 => Capstone::new().x86().mode(x86::ArchMode::Mode64).build(),
        Arch::Rv32imc => riscv(riscv::ArchMode::RiscV32),
        Arch::Rv64imc => riscv(riscv::ArchMode::RiscV64),
        _ => Capstone::new()
            .arm()
            .mode(arm::ArchMode::Thumb)
            .extra_mode([arm::ArchExtraMode::MClass].into_iter())
            .build(),
    }
}

fn line(instruction: &capstone::Insn) -> Line {
    let mnemonic = instruction.mnemonic().unwrap_or_default();
    let text = match instruction.op_str() {
        Some(operands) if !operands.is_empty() => format!("{mnemonic} {operands}"),
        _ => mnemonic.to_owned(),
    };
    Line { address: instruction.address(), bytes: instruction.bytes().to_vec(), text }
}
