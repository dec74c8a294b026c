//! Platforms: operating system, processor and C library that native code is built for, as a table.
//!
//! Names are those of Node's `process.platform` and `process.arch`, with `-musl` for Linux with that C library; triples are
//! what `zig cc -target` takes.

/// A platform that native code can be built for, whatever machine builds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Linux on x86-64 with glibc.
    LinuxX64,
    /// Linux on x86-64 with musl.
    LinuxX64Musl,
    /// Linux on AArch64 with glibc.
    LinuxArm64,
    /// Linux on AArch64 with musl.
    LinuxArm64Musl,
    /// macOS on x86-64.
    DarwinX64,
    /// macOS on Apple silicon.
    DarwinArm64,
    /// Windows on x86-64.
    Win32X64,
    /// Windows on AArch64.
    Win32Arm64,
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Darwin,
    /// Windows.
    Win32,
}

/// A processor architecture of desktop and server machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cpu {
    /// x86-64.
    X64,
    /// AArch64.
    Arm64,
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Libc {
    /// GNU's.
    Glibc,
    /// musl.
    Musl,
    /// The one of macOS, libSystem.
    System,
    /// The universal C runtime of Windows, through MinGW's headers.
    Ucrt,
}

/// A format of objects and programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectFormat {
    /// ELF.
    Elf,
    /// Mach-O.
    MachO,
    /// COFF.
    Coff,
    /// WebAssembly.
    Wasm,
}

/// What the tools need to know of a [`Platform`], one row each.
#[derive(Debug)]
pub struct PlatformInfo {
    /// The platform that the row describes.
    pub platform: Platform,
    /// Its name.
    pub name: &'static str,
    /// Operating system, as Node names it.
    pub os: Os,
    /// Processor.
    pub cpu: Cpu,
    /// C library.
    pub libc: Libc,
    /// The triple that `zig cc -target` takes; with glibc, its version is the oldest that what is built runs on.
    pub zig_triple: &'static str,
    /// Format of its objects.
    pub format: ObjectFormat,
}

/// All platforms, in the order in which every table and report lists them.
pub const PLATFORMS: [PlatformInfo; 8] = [
    row(Platform::LinuxX64, "linux-x64", Os::Linux, Cpu::X64, Libc::Glibc, "x86_64-linux-gnu.2.28"),
    row(
        Platform::LinuxX64Musl,
        "linux-x64-musl",
        Os::Linux,
        Cpu::X64,
        Libc::Musl,
        "x86_64-linux-musl",
    ),
    row(
        Platform::LinuxArm64,
        "linux-arm64",
        Os::Linux,
        Cpu::Arm64,
        Libc::Glibc,
        "aarch64-linux-gnu.2.28",
    ),
    row(
        Platform::LinuxArm64Musl,
        "linux-arm64-musl",
        Os::Linux,
        Cpu::Arm64,
        Libc::Musl,
        "aarch64-linux-musl",
    ),
    row(Platform::DarwinX64, "darwin-x64", Os::Darwin, Cpu::X64, Libc::System, "x86_64-macos"),
    row(
        Platform::DarwinArm64,
        "darwin-arm64",
        Os::Darwin,
        Cpu::Arm64,
        Libc::System,
        "aarch64-macos",
    ),
    row(Platform::Win32X64, "win32-x64", Os::Win32, Cpu::X64, Libc::Ucrt, "x86_64-windows-gnu"),
    row(
        Platform::Win32Arm64,
        "win32-arm64",
        Os::Win32,
        Cpu::Arm64,
        Libc::Ucrt,
        "aarch64-windows-gnu",
    ),
];

const fn row(
    platform: Platform,
    name: &'static str,
    os: Os,
    cpu: Cpu,
    libc: Libc,
    zig_triple: &'static str,
) -> PlatformInfo {
    let format = match os {
        Os::Linux => ObjectFormat::Elf,
        Os::Darwin => ObjectFormat::MachO,
        Os::Win32 => ObjectFormat::Coff,
    };
    PlatformInfo { platform, name, os, cpu, libc, zig_triple, format }
}

impl Os {
    /// Name as Node's `process.platform` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Darwin => "darwin",
            Os::Win32 => "win32",
        }
    }
}

impl Cpu {
    /// Name as Node's `process.arch` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cpu::X64 => "x64",
            Cpu::Arm64 => "arm64",
        }
    }
}

impl ObjectFormat {
    /// Name as people spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ObjectFormat::Elf => "ELF",
            ObjectFormat::MachO => "Mach-O",
            ObjectFormat::Coff => "COFF",
            ObjectFormat::Wasm => "WebAssembly",
        }
    }
}

impl Platform {
    /// The platform's row in [`PLATFORMS`].
    #[must_use]
    pub fn info(self) -> &'static PlatformInfo {
        let index = match self {
            Platform::LinuxX64 => 0,
            Platform::LinuxX64Musl => 1,
            Platform::LinuxArm64 => 2,
            Platform::LinuxArm64Musl => 3,
            Platform::DarwinX64 => 4,
            Platform::DarwinArm64 => 5,
            Platform::Win32X64 => 6,
            Platform::Win32Arm64 => 7,
        };
        &PLATFORMS[index]
    }

    /// Name, for instance `linux-x64-musl`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Looks a platform up by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Platform> {
        PLATFORMS.iter().find(|row| row.name == name).map(|row| row.platform)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_own_keys() {
        for row in &PLATFORMS {
            assert_eq!(row.platform.info().name, row.name);
            assert_eq!(Platform::from_name(row.name), Some(row.platform));
            let musl = if row.libc == Libc::Musl { "-musl" } else { "" };
            assert_eq!(row.name, format!("{}-{}{musl}", row.os.name(), row.cpu.name()));
        }
        assert!(PLATFORMS.iter().map(|row| row.platform).is_sorted());
    }
}
