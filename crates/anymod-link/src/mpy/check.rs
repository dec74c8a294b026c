//! Whether an object belongs into a module of an architecture at all.
//!
//! Rules, in the order in which they are applied:
//!
//! - ELF machine and class are the architecture's.
//! - No bitcode instead of code.
//! - ARM: EABI version 5 (or unmarked); no A32 code; a core not above the module's.
//! - ARM float ABI: an object that uses no floating point numbers (`Tag_ABI_FP_number_model` absent, as in most
//!   assembler sources) fits anywhere. Otherwise `Tag_ABI_VFP_args` must be the module's: absent or 0 means
//!   core registers, 1 the unit's, 3 both. Code marked for the unit's registers but built without a unit (zig with a cpu
//!   that lacks one) in truth uses core registers and is refused.
//! - ARM floating point unit: none on armv6m and armv7m, single precision on armv7emsp.
//! - RISC-V: soft-float calls, 32 registers, and no extension but those that the architecture or its flags promise.
//! - Xtensa: the ABI of the architecture.
//! - An object without attributes, as assemblers write, is believed.

use anymod_model::codes::link as code;
use anymod_model::{Arch, Code, Diagnostic};

use super::findings::Findings;
use super::options::Options;
use crate::read::attributes::{self, Arm};
use crate::read::elf::{Object, Section};
use crate::read::{Fault, attributes::arm};

/// Refuses names that no runtime can intern: it keeps their length in one byte.
pub(crate) fn names(options: &Options, findings: &mut Findings) {
    const LIMIT: usize = 255;
    for name in options.qstrs.iter().chain([&options.source_name]) {
        if name.len() > LIMIT {
            let start: String = name.chars().take(32).collect();
            let message = format!("the name `{start}…` has {} bytes", name.len());
            let finding = Diagnostic::error(&code::QSTR_TOO_LONG, message);
            findings.push(finding.hint("shorten it to 255 bytes"));
        }
    }
}

/// Refuses an object that does not belong into the module.
pub(crate) fn object(object: &Object<'_>, options: &Options) -> Result<(), Fault> {
    machine(object, options)?;
    bitcode(object)?;
    match options.arch {
        Arch::X86 | Arch::X64 => Ok(()),
        Arch::Armv6m | Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => {
            check_arm(object, options.arch)
        }
        Arch::Rv32imc | Arch::Rv64imc => check_riscv(object, options),
        Arch::Xtensa | Arch::Xtensawin => check_xtensa(object, options.arch),
    }
}

fn machine(object: &Object<'_>, options: &Options) -> Result<(), Fault> {
    let arch = options.arch.info();
    let is_64 = arch.word_size == 8;
    if object.machine != arch.elf_machine {
        let have = machine_name(object.machine);
        let message = format!("object for {have}, but the module is for {}", arch.name);
        return Err(Fault::new(&code::WRONG_MACHINE, message)
            .hint("compile it with the target's own compiler and options"));
    }
    if object.is_64 != is_64 {
        let (have, want) = if is_64 { (32, 64) } else { (64, 32) };
        let message = format!("{have}-bit object, but {} modules are {want}-bit", arch.name);
        return Err(Fault::new(&code::WRONG_CLASS, message)
            .hint("compile it with the target's own options"));
    }
    Ok(())
}

/// The names of machines that people are likely to mix up, by `e_machine`.
fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "32-bit x86",
        8 => "MIPS",
        40 => "ARM",
        62 => "x86-64",
        83 => "AVR",
        94 => "Xtensa",
        183 => "AArch64",
        243 => "RISC-V",
        _ => return format!("ELF machine {machine}"),
    };
    name.to_string()
}

/// GCC's objects for link-time optimisation hold `.gnu.lto_*` and, unless they are fat, no code.
fn bitcode(object: &Object<'_>) -> Result<(), Fault> {
    let has_lto = object.sections.iter().any(|section| section.name.starts_with(".gnu.lto_"));
    let alloc = object::elf::SHF_ALLOC.0;
    let has_code =
        object.sections.iter().any(|section| section.flags & alloc != 0 && section.size > 0);
    match has_lto && !has_code {
        true => Err(Fault::new(&code::LTO_OBJECT, "GCC's intermediate code, not machine code")
            .hint("compile with `-fno-lto` or `-ffat-lto-objects`")),
        false => Ok(()),
    }
}

fn section<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Section<'a>> {
    object.sections.iter().find(|section| section.name == name && !section.data.is_empty())
}

fn fault(code: &'static Code, message: impl Into<String>, hint: &'static str) -> Result<(), Fault> {
    Err(Fault::new(code, message).hint(hint))
}

fn check_arm(object: &Object<'_>, arch: Arch) -> Result<(), Fault> {
    let version = object.flags >> 24;
    if version != 0 && version != 5 {
        let message = format!("ARM EABI version {version}, not 5");
        return fault(&code::ISA_FLAGS, message, "compile it with a current compiler");
    }
    let Some(attributes) = section(object, ".ARM.attributes").and_then(|found| arm(found.data))
    else {
        return Ok(());
    };
    check_arm_core(&attributes, arch)?;
    check_arm_float(&attributes, arch)
}

/// M-profile cores by `Tag_CPU_arch`: the module architectures they need at least.
fn core_level(attributes: &Arm) -> Option<(u8, &'static str)> {
    let is_m = attributes.profile == u64::from(b'M');
    Some(match attributes.cpu_arch {
        11 => (0, "ARMv6-M"),
        12 => (0, "ARMv6S-M"),
        10 if is_m => (1, "ARMv7-M"),
        13 => (2, "ARMv7E-M"),
        16 => (3, "ARMv8-M baseline"),
        17 => (3, "ARMv8-M mainline"),
        21 => (3, "ARMv8.1-M mainline"),
        // Assemblers note the oldest core that has the instructions used; before ARMv6 Thumb was what ARMv6-M still
        // has.
        0..=7 if attributes.arm_isa == 0 => (0, "Thumb-1"),
        _ => return None,
    })
}

fn check_arm_core(attributes: &Arm, arch: Arch) -> Result<(), Fault> {
    let allowed = match arch {
        Arch::Armv6m => 0,
        Arch::Armv7m => 1,
        _ => 2,
    };
    match core_level(attributes) {
        Some((level, _)) if level <= allowed => Ok(()),
        Some((_, name)) => {
            let message = format!("{name} code, which {arch} modules must not hold");
            fault(&code::CPU_LEVEL, message, "compile it with the target's `-mcpu`")
        }
        None => fault(
            &code::ISA_FLAGS,
            "code for ARM application or real-time cores, not for M-profile cores",
            "compile it with `-mthumb` and the target's `-mcpu`",
        ),
    }
}

fn check_arm_float(attributes: &Arm, arch: Arch) -> Result<(), Fault> {
    let is_hard = matches!(arch, Arch::Armv7emsp | Arch::Armv7emdp);
    let uses_numbers = attributes.number_model != 0;
    let hint_hard = "compile it with `-mfloat-abi=hard` and the target's `-mfpu`; with zig use a cpu that has the unit";
    if uses_numbers && is_hard && !matches!(attributes.vfp_args, 1 | 3) {
        let message = format!("soft-float object, but {arch} modules use hard-float calls");
        return fault(&code::FLOAT_ABI, message, hint_hard);
    }
    if uses_numbers && is_hard && attributes.vfp_args == 1 && attributes.fp_arch == 0 {
        let message = "marked as hard-float but compiled without a floating point unit";
        return fault(&code::FLOAT_ABI, message, hint_hard);
    }
    if uses_numbers && !is_hard && attributes.vfp_args == 1 {
        let message = format!("hard-float object, but {arch} modules use soft-float calls");
        return fault(&code::FLOAT_ABI, message, "compile it with `-mfloat-abi=soft`");
    }
    if attributes.fp_arch != 0 && !is_hard {
        let message = format!("code for a floating point unit, which {arch} does not promise");
        return fault(&code::CPU_LEVEL, message, "compile it with `-mfloat-abi=soft`");
    }
    let uses_double = attributes.fp_arch != 0 && attributes.hard_fp_use != 1 && uses_numbers;
    if uses_double && arch == Arch::Armv7emsp {
        let message = "code for a double precision unit, which armv7emsp does not promise";
        return fault(&code::CPU_LEVEL, message, "compile it with `-mfpu=fpv4-sp-d16`");
    }
    Ok(())
}

/// Extensions whose instructions every RV32IMC and RV64IMC core of MicroPython has, or which add none to user code.
///
/// The A extension is among them because MicroPython's own build files compile modules with it.
const RISCV_EXTENSIONS: [&str; 14] = [
    "a", "c", "i", "m", "zaamo", "zalrsc", "zca", "ziccif", "zicntr", "zicsr", "zifencei", "zmmul",
    "za64rs", "zic64b",
];

fn check_riscv(object: &Object<'_>, options: &Options) -> Result<(), Fault> {
    const FLOAT_ABI: u32 = 0x6;
    const RVE: u32 = 0x8;
    if object.flags & FLOAT_ABI != 0 {
        let message =
            format!("hard-float object, but {} modules use soft-float calls", options.arch);
        return fault(&code::FLOAT_ABI, message, "compile it with `-mabi=ilp32` or `-mabi=lp64`");
    }
    if object.flags & RVE != 0 {
        let message = "object for 16 registers (RVE)";
        return fault(&code::ISA_FLAGS, message, "compile it with `-march=rv32imc`");
    }
    let arch = section(object, ".riscv.attributes")
        .and_then(|found| attributes::riscv_arch(found.data))
        .unwrap_or_default();
    let allowed = |name: &str| {
        RISCV_EXTENSIONS.contains(&name)
            || name == "zba" && options.arch_flags & 1 != 0
            || matches!(name, "zcmp" | "zcb") && options.arch_flags & 2 != 0
    };
    let names = arch.split('_').enumerate().map(|(index, part)| extension(index, part));
    match names.filter(|name| !name.is_empty()).find(|name| !allowed(name)) {
        Some(name) => fault(
            &code::CPU_LEVEL,
            format!("code for the extension `{name}`, which {} does not promise", options.arch),
            "compile it with the target's `-march`, or announce the extension with `--arch-flags`",
        ),
        None => Ok(()),
    }
}

/// An extension's name without its version: `zmmul1p0` is `zmmul`; the first part is `rv32i2p1`.
fn extension(index: usize, part: &str) -> &str {
    let part = match index {
        0 => part.strip_prefix("rv32").or_else(|| part.strip_prefix("rv64")).unwrap_or(part),
        _ => part,
    };
    let Some((major, _)) = part.rsplit_once('p') else { return part };
    let name = major.trim_end_matches(|digit: char| digit.is_ascii_digit());
    if name.len() == major.len() { part } else { name }
}

fn check_xtensa(object: &Object<'_>, arch: Arch) -> Result<(), Fault> {
    let Some(note) = section(object, ".xtensa.info") else { return Ok(()) };
    // XTHAL_ABI_WINDOWED is 0, XTHAL_ABI_CALL0 is 1.
    let expected = if arch == Arch::Xtensa { "1" } else { "0" };
    match attributes::xtensa(note.data, "ABI") {
        Some(abi) if abi != expected => fault(
            &code::ISA_FLAGS,
            format!("object with another calling convention than {arch} modules use"),
            "compile it with the target's own compiler (`xtensa-lx106-elf` or `xtensa-esp32-elf`)",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m_profile(cpu_arch: u64) -> Arm {
        Arm { cpu_arch, profile: u64::from(b'M'), ..Arm::default() }
    }

    #[test]
    fn smaller_cores_fit_and_bigger_ones_do_not() {
        let cases = [
            (11, Arch::Armv6m, true),
            (10, Arch::Armv6m, false),
            (12, Arch::Armv7m, true),
            (13, Arch::Armv7m, false),
            (13, Arch::Armv7emsp, true),
            (17, Arch::Armv7emdp, false),
        ];
        for (cpu_arch, arch, fits) in cases {
            let result = check_arm_core(&m_profile(cpu_arch), arch);
            assert_eq!(result.is_ok(), fits, "{cpu_arch} {arch}");
        }
        assert!(check_arm_core(&Arm { cpu_arch: 10, ..Arm::default() }, Arch::Armv7m).is_err());
    }

    #[test]
    fn float_abis_do_not_mix() {
        let float = |vfp_args, fp_arch, hard_fp_use| Arm {
            number_model: 3,
            vfp_args,
            fp_arch,
            hard_fp_use,
            ..m_profile(10)
        };
        let cases = [
            (float(0, 0, 0), Arch::Armv7m, None),
            (float(1, 6, 1), Arch::Armv7m, Some("L0014")),
            (float(0, 6, 1), Arch::Armv7m, Some("L0015")),
            (float(1, 6, 1), Arch::Armv7emsp, None),
            (float(0, 0, 0), Arch::Armv7emsp, Some("L0014")),
            (float(1, 0, 0), Arch::Armv7emsp, Some("L0014")),
            (float(1, 8, 0), Arch::Armv7emsp, Some("L0015")),
            (float(1, 8, 0), Arch::Armv7emdp, None),
            (m_profile(10), Arch::Armv7emdp, None),
        ];
        for (attributes, arch, expected) in cases {
            let result = check_arm_float(&attributes, arch);
            assert_eq!(result.err().map(|fault| fault.code.id), expected, "{attributes:?} {arch}");
        }
    }

    #[test]
    fn extension_names_lose_their_versions() {
        let parts = ["rv32i2p1", "m2p0", "zmmul1p0", "zicsr2p0", "zcmp1p0"];
        let names: Vec<_> =
            parts.iter().enumerate().map(|(index, part)| extension(index, part)).collect();
        assert_eq!(names, ["i", "m", "zmmul", "zicsr", "zcmp"]);
    }
}
