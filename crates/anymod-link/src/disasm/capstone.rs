//! x86, Thumb and RISC-V through Capstone.

use anymod_model::Arch;
use capstone::arch::{arm, riscv, x86};
use capstone::prelude::*;

use super::Line;

/// Disassembles from `base`; bytes that are no instruction become a line each.
pub(super) fn disassemble(arch: Arch, code: &[u8], base: u64) -> Vec<Line> {
    let lines = engine(arch).and_then(|mut engine| {
        engine.set_skipdata(true)?;
        let all = engine.disasm_all(code, base)?;
        Ok(all.iter().map(line).collect::<Vec<_>>())
    });
    let mut lines = lines.unwrap_or_default();
    // Capstone stops where less than an instruction is left.
    let done: usize = lines.iter().map(|line| line.bytes.len()).sum();
    let rest = code.get(done..).unwrap_or_default();
    lines.extend(super::bytes(rest, base.wrapping_add(done as u64)));
    lines
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
