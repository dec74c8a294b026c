//! Machine code as text, for people who look into a module, and where the jump at a module's beginning leads.
//!
//! x86, Thumb and RISC-V go through Capstone (feature `disasm`); Xtensa, which it does not know, is a table of our own.
//! Nothing that is linked depends on this.

#[cfg(feature = "disasm")]
mod capstone;
mod jump;
mod xtensa;

use anymod_model::Arch;

pub use jump::jump_target;

/// An instruction, or bytes that are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its address.
    pub address: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Mnemonic and operands, or `.byte` and the bytes.
    pub text: String,
}

impl std::fmt::Display for Line {
    /// Address, bytes and text in columns.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: Vec<String> = self.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(f, "{:6x}:  {:<23}  {}", self.address, bytes.join(" "), self.text)
    }
}

/// Disassembles an architecture's code from its first byte to its last; the first is at address `base`.
///
/// Constants and tables between the functions come out as whatever they look like: a module does not say where they
/// are. Every byte is in exactly one line. Without the feature `disasm` only Xtensa has instructions.
#[must_use]
pub fn disassemble(arch: Arch, code: &[u8], base: u64) -> Vec<Line> {
    match arch {
        Arch::Xtensa | Arch::Xtensawin => xtensa::disassemble(code, base),
        #[cfg(feature = "disasm")]
        _ => capstone::disassemble(arch, code, base),
        #[cfg(not(feature = "disasm"))]
        _ => bytes(code, base),
    }
}

/// Lines of four bytes each.
fn bytes(code: &[u8], base: u64) -> Vec<Line> {
    let line = |(index, bytes): (usize, &[u8])| Line {
        address: base.wrapping_add(index as u64 * 4),
        bytes: bytes.to_vec(),
        text: byte_text(bytes),
    };
    code.chunks(4).enumerate().map(line).collect()
}

fn byte_text(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
    format!(".byte {}", bytes.join(", "))
}

#[cfg(test)]
mod tests {
    use anymod_model::arch::ARCHES;

    use super::*;

    #[test]
    fn every_byte_is_in_exactly_one_line() {
        let code: Vec<u8> = (0..=255).chain((0..=255).rev()).chain([1, 2, 3]).collect();
        for row in &ARCHES {
            let lines = disassemble(row.arch, &code, 0x40);
            let mut at = 0x40;
            for line in &lines {
                assert_eq!(line.address, at, "{}", row.name);
                assert!(!line.bytes.is_empty() && !line.text.is_empty(), "{}", row.name);
                at += line.bytes.len() as u64;
            }
            let bytes: Vec<u8> = lines.into_iter().flat_map(|line| line.bytes).collect();
            assert_eq!(bytes, code, "{}", row.name);
        }
    }

    #[cfg(feature = "disasm")]
    #[test]
    fn known_instructions() {
        for (arch, code, text) in [
            (Arch::X86, [0x89, 0xd8, 0xc3, 0x90].as_slice(), "mov eax, ebx"),
            (Arch::X64, &[0x48, 0x89, 0xd8, 0xc3], "mov rax, rbx"),
            (Arch::Armv6m, &[0x10, 0xb5], "push {r4, lr}"),
            (Arch::Armv7m, &[0x00, 0xf0, 0x00, 0xb8], "b.w #0x104"),
            (Arch::Armv7emsp, &[0x30, 0xee, 0x20, 0x0a], "vadd.f32 s0, s0, s1"),
            (Arch::Rv32imc, &[0x41, 0x11], "c.addi sp, -0x10"),
            (Arch::Rv64imc, &[0x3b, 0x05, 0xb5, 0x00], "addw a0, a0, a1"),
        ] {
            let lines = disassemble(arch, code, 0x100);
            assert_eq!(lines.first().map(|line| line.text.as_str()), Some(text), "{arch}");
        }
    }

    #[test]
    fn a_line_has_columns() {
        let line = disassemble(Arch::Xtensa, &[0x12, 0xc1, 0xf0], 0x10).remove(0);
        assert_eq!(line.to_string(), "    10:  12 c1 f0                 addi a1, a1, -16");
    }
}
