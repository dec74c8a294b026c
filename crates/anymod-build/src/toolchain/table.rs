//! What each architecture needs of each compiler, as one table.
//!
//! GNU rows are the options that MicroPython's own build of native modules gives (`py/dynruntime.mk`); clang rows name
//! the same processors in clang's spelling. Each row was checked by compiling with it and reading the attributes of the
//! object (`smoke.rs` repeats that on every `anymod doctor`). The clang is called directly, never through `zig cc`: that
//! wrapper silently ignores `-mfpu` and keeps a cache of its own.

use anymod_model::Arch;
use anymod_model::manifest::FloatModel;

/// One architecture.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) arch: Arch,
    /// Names of the GNU compiler, the first found is taken.
    pub(crate) gnu: &'static [&'static str],
    /// Options that make it generate code for the architecture; they choose its libraries as well.
    pub(crate) gnu_flags: &'static [&'static str],
    /// The Debian packages that hold the compiler and its headers and libraries.
    pub(crate) gnu_packages: &'static str,
    /// The same for clang; empty if it has no such back end.
    pub(crate) clang_flags: &'static [&'static str],
    /// Directory of the C library's headers within zig's `lib/libc/include`.
    pub(crate) musl: &'static str,
    /// Architecture, ABI suffix and processor in zig's own spelling, to build its runtime libraries.
    pub(crate) zig: [&'static str; 3],
    /// How the usual firmware represents `float`.
    pub(crate) float: FloatModel,
}

const ARM: &[&str] = &["arm-none-eabi-gcc"];
const ARM_PACKAGES: &str =
    "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib";
const RISCV: &[&str] =
    &["riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc"];
const RISCV_PACKAGES: &str = "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf";

/// All architectures, in the order of `anymod_model::arch::ARCHES`.
static ROWS: [Row; 10] = [
    Row {
        arch: Arch::X86,
        gnu: if cfg!(target_arch = "x86_64") {
            &["gcc", "i686-linux-gnu-gcc"]
        } else {
            &["i686-linux-gnu-gcc", "x86_64-linux-gnu-gcc"]
        },
        gnu_flags: &["-m32", "-fno-stack-protector", "-fcf-protection=none"],
        gnu_packages: "gcc-multilib",
        clang_flags: &["--target=i686-unknown-none-elf"],
        musl: "x86-linux-musl",
        zig: ["x86", "", "pentium4"],
        float: FloatModel::Double,
    },
    Row {
        arch: Arch::X64,
        gnu: if cfg!(target_arch = "x86_64") {
            &["gcc", "x86_64-linux-gnu-gcc"]
        } else {
            &["x86_64-linux-gnu-gcc"]
        },
        gnu_flags: &["-m64", "-fno-stack-protector", "-fcf-protection=none"],
        gnu_packages: "gcc libc6-dev",
        clang_flags: &["--target=x86_64-unknown-none-elf"],
        musl: "x86_64-linux-musl",
        zig: ["x86_64", "", "baseline"],
        float: FloatModel::Double,
    },
    arm(Arch::Armv6m, CORTEX_M0, CLANG_M0, ["thumb", "eabi", "cortex_m0"], FloatModel::Float),
    arm(Arch::Armv7m, CORTEX_M3, CLANG_M3, ["thumb", "eabi", "cortex_m3"], FloatModel::Float),
    arm(
        Arch::Armv7emsp,
        CORTEX_M4,
        CLANG_M4,
        ["thumb", "eabihf", "cortex_m4+vfp4d16sp"],
        FloatModel::Float,
    ),
    arm(
        Arch::Armv7emdp,
        CORTEX_M7,
        CLANG_M7,
        ["thumb", "eabihf", "cortex_m7+fp_armv8d16"],
        FloatModel::Double,
    ),
    Row {
        arch: Arch::Xtensa,
        gnu: &["xtensa-lx106-elf-gcc"],
        gnu_flags: &["-mforce-l32"],
        gnu_packages: "gcc-xtensa-lx106 libnewlib-dev",
        clang_flags: &[],
        musl: "",
        zig: ["", "", ""],
        float: FloatModel::None,
    },
    Row {
        arch: Arch::Xtensawin,
        gnu: &["xtensa-esp32-elf-gcc"],
        gnu_flags: &[],
        gnu_packages: "",
        clang_flags: &[],
        musl: "",
        zig: ["", "", ""],
        float: FloatModel::Float,
    },
    riscv(
        Arch::Rv32imc,
        &["-march=rv32imac", "-mabi=ilp32", "-mno-relax"],
        &["--target=riscv32-unknown-none-elf", "-march=rv32imac", "-mabi=ilp32", "-mno-relax"],
        ["riscv32", "", "generic_rv32+m+a+c"],
        "riscv32-linux-musl",
    ),
    riscv(
        Arch::Rv64imc,
        &["-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-mno-relax"],
        &[
            "--target=riscv64-unknown-none-elf",
            "-march=rv64imac",
            "-mabi=lp64",
            "-mcmodel=medany",
            "-mno-relax",
        ],
        ["riscv64", "", "generic_rv64+m+a+c"],
        "riscv64-linux-musl",
    ),
];

const CORTEX_M0: &[&str] = &["-mthumb", "-mcpu=cortex-m0"];
const CORTEX_M3: &[&str] = &["-mthumb", "-mcpu=cortex-m3"];
const CORTEX_M4: &[&str] = &["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"];
const CORTEX_M7: &[&str] = &["-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"];
const CLANG_M0: &[&str] = &["--target=thumbv6m-none-eabi", "-mcpu=cortex-m0"];
const CLANG_M3: &[&str] = &["--target=thumbv7m-none-eabi", "-mcpu=cortex-m3"];
const CLANG_M4: &[&str] =
    &["--target=thumbv7em-none-eabihf", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"];
const CLANG_M7: &[&str] =
    &["--target=thumbv7em-none-eabihf", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"];

const fn arm(
    arch: Arch,
    gnu_flags: &'static [&'static str],
    clang_flags: &'static [&'static str],
    zig: [&'static str; 3],
    float: FloatModel,
) -> Row {
    Row {
        arch,
        gnu: ARM,
        gnu_flags,
        gnu_packages: ARM_PACKAGES,
        clang_flags,
        musl: "arm-linux-musl",
        zig,
        float,
    }
}

const fn riscv(
    arch: Arch,
    gnu_flags: &'static [&'static str],
    clang_flags: &'static [&'static str],
    zig: [&'static str; 3],
    musl: &'static str,
) -> Row {
    Row {
        arch,
        gnu: RISCV,
        gnu_flags,
        gnu_packages: RISCV_PACKAGES,
        clang_flags,
        musl,
        zig,
        float: FloatModel::None,
    }
}

/// Options for every architecture and both compilers: code that works at any address, one definition per variable, no
/// calls to checking variants of the C library's functions, no tables for stack unwinding.
///
/// Sections per function let the linker leave out what is not used. Without the options against unwinding every ARM
/// object carries `.ARM.exidx`, and every x86 object `.eh_frame`.
pub(crate) const COMMON_FLAGS: &[&str] = &[
    "-fpic",
    "-fno-common",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-U_FORTIFY_SOURCE",
];

/// Options for C++ besides: what needs a runtime library that no firmware has is off.
pub(crate) const CXX_FLAGS: &[&str] =
    &["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit"];

/// The row of an architecture.
pub(crate) fn row(arch: Arch) -> &'static Row {
    let [x86, x64, armv6m, armv7m, armv7emsp, armv7emdp, xtensa, xtensawin, rv32imc, rv64imc] =
        &ROWS;
    let row = match arch {
        Arch::X86 => x86,
        Arch::X64 => x64,
        Arch::Armv6m => armv6m,
        Arch::Armv7m => armv7m,
        Arch::Armv7emsp => armv7emsp,
        Arch::Armv7emdp => armv7emdp,
        Arch::Xtensa => xtensa,
        Arch::Xtensawin => xtensawin,
        Arch::Rv32imc => rv32imc,
        Arch::Rv64imc => rv64imc,
    };
    debug_assert_eq!(row.arch, arch, "the rows are out of order");
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_order_of_the_architectures() {
        for (row, info) in ROWS.iter().zip(&anymod_model::arch::ARCHES) {
            assert_eq!(row.arch, info.arch);
            assert_eq!(super::row(info.arch).arch, info.arch);
            assert_eq!(row.clang_flags.is_empty(), row.musl.is_empty());
        }
    }
}
