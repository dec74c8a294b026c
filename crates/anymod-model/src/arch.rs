//! Native architectures of MicroPython, as a table.
//!
//! Numbers and word sizes: `py/persistentcode.h` (`MP_NATIVE_ARCH_*`). ELF machines: the gABI registry of `e_machine`.

/// A native architecture that a `.mpy` file can hold code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Arch {
    /// 32-bit x86.
    X86 = 1,
    /// x86-64.
    X64 = 2,
    /// ARMv6-M: Thumb-1 with the few Thumb-2 instructions of Cortex-M0.
    Armv6m = 4,
    /// ARMv7-M: Thumb-2, no floating point unit (Cortex-M3).
    Armv7m = 5,
    /// ARMv7E-M with a single precision unit, hard-float calls (Cortex-M4F).
    Armv7emsp = 7,
    /// ARMv7E-M with a double precision unit, hard-float calls (Cortex-M7).
    Armv7emdp = 8,
    /// Xtensa with the CALL0 ABI (ESP8266, core lx106).
    Xtensa = 9,
    /// Xtensa with the windowed ABI (ESP32, ESP32-S2, ESP32-S3).
    Xtensawin = 10,
    /// RISC-V RV32IMC, soft-float calls.
    Rv32imc = 11,
    /// RISC-V RV64IMC, soft-float calls.
    Rv64imc = 12,
}

/// What the tools need to know of an [`Arch`], one row each.
#[derive(Debug)]
pub struct ArchInfo {
    /// The architecture this row describes.
    pub arch: Arch,
    /// Name as `mpy_ld.py --arch` and `mpy-cross -march` spell it.
    pub name: &'static str,
    /// ELF `e_machine` of its objects.
    pub elf_machine: u16,
    /// Size in bytes of an address, a GOT entry and a relocation unit.
    pub word_size: u8,
    /// Read-only data travels apart from the code (the loader places code in memory that data loads cannot reach).
    pub separate_rodata: bool,
    /// The usual loaders copy code into memory that stays writable, so that `.data` and `.bss` may live inside it.
    ///
    /// True for unix, qemu, stm32, rp2, samd, mimxrt; false where code is committed to execute-only or word-access
    /// memory (esp8266, esp32).
    pub writable_text: bool,
    /// First MicroPython release whose loader accepts the architecture, as (major, minor).
    pub since: (u8, u8),
}

/// All architectures, in the order in which every table and report lists them.
pub const ARCHES: [ArchInfo; 10] = [
    row(Arch::X86, "x86", 3, 4, false, true, (1, 19)),
    row(Arch::X64, "x64", 62, 8, false, true, (1, 19)),
    row(Arch::Armv6m, "armv6m", 40, 4, false, true, (1, 19)),
    row(Arch::Armv7m, "armv7m", 40, 4, false, true, (1, 19)),
    row(Arch::Armv7emsp, "armv7emsp", 40, 4, false, true, (1, 19)),
    row(Arch::Armv7emdp, "armv7emdp", 40, 4, false, true, (1, 19)),
    row(Arch::Xtensa, "xtensa", 94, 4, false, false, (1, 19)),
    row(Arch::Xtensawin, "xtensawin", 94, 4, true, false, (1, 19)),
    row(Arch::Rv32imc, "rv32imc", 243, 4, false, true, (1, 24)),
    row(Arch::Rv64imc, "rv64imc", 243, 8, false, true, (1, 27)),
];

const fn row(
    arch: Arch,
    name: &'static str,
    elf_machine: u16,
    word_size: u8,
    separate_rodata: bool,
    writable_text: bool,
    since: (u8, u8),
) -> ArchInfo {
    ArchInfo { arch, name, elf_machine, word_size, separate_rodata, writable_text, since }
}

impl Arch {
    /// The architecture's row in [`ARCHES`].
    #[must_use]
    pub fn info(self) -> &'static ArchInfo {
        let index = match self {
            Arch::X86 => 0,
            Arch::X64 => 1,
            Arch::Armv6m => 2,
            Arch::Armv7m => 3,
            Arch::Armv7emsp => 4,
            Arch::Armv7emdp => 5,
            Arch::Xtensa => 6,
            Arch::Xtensawin => 7,
            Arch::Rv32imc => 8,
            Arch::Rv64imc => 9,
        };
        &ARCHES[index]
    }

    /// Name as the field spells it, for instance `armv7emsp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Number in bits 2.. of the `.mpy` header's third byte.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Looks an architecture up by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Arch> {
        ARCHES.iter().find(|row| row.name == name).map(|row| row.arch)
    }

    /// Looks an architecture up by its `.mpy` number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Arch> {
        ARCHES.iter().find(|row| row.arch.number() == number).map(|row| row.arch)
    }

    /// Name of any number that the format has, also of the two that no module is built for here.
    #[must_use]
    pub fn number_name(number: u8) -> Option<&'static str> {
        match number {
            3 => Some("armv6"),
            6 => Some("armv7em"),
            _ => Arch::from_number(number).map(Arch::name),
        }
    }

    /// True if a loader built for `self` accepts modules built for `module`.
    ///
    /// ARM loaders accept every number from armv6m up to their own (`py/persistentcode.h`,
    /// `MPY_FEATURE_ARCH_TEST`); all others accept only their own.
    #[must_use]
    pub fn loads(self, module: Arch) -> bool {
        let arm = Arch::Armv6m.number()..=Arch::Armv7emdp.number();
        if arm.contains(&self.number()) && arm.contains(&module.number()) {
            module.number() <= self.number()
        } else {
            self == module
        }
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_own_keys() {
        for row in &ARCHES {
            assert_eq!(row.arch.info().name, row.name);
            assert_eq!(Arch::from_name(row.name), Some(row.arch));
            assert_eq!(Arch::from_number(row.arch.number()), Some(row.arch));
            assert_eq!(Arch::number_name(row.arch.number()), Some(row.name));
        }
    }

    #[test]
    fn arm_loaders_accept_lesser_arm_modules_only() {
        assert!(Arch::Armv7emdp.loads(Arch::Armv6m));
        assert!(!Arch::Armv6m.loads(Arch::Armv7m));
        assert!(!Arch::X64.loads(Arch::X86));
    }
}
