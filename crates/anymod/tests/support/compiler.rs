//! Compilers as MicroPython's own build of native modules calls them, apart from the tables of the command.

use std::path::PathBuf;
use std::process::Command;

use super::Checked;
use super::machine::managed;
use super::process::run;

/// A family of compilers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Compiler {
    Gnu,
    Zig,
}

impl Compiler {
    /// As the command line and the names of tests spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Compiler::Gnu => "gnu",
            Compiler::Zig => "zig",
        }
    }

    /// The family of a name.
    pub(crate) fn from_name(name: &str) -> Option<Compiler> {
        [Compiler::Gnu, Compiler::Zig].into_iter().find(|compiler| compiler.name() == name)
    }
}

/// An architecture that there is a compiler for.
pub(crate) struct Machine {
    pub(crate) arch: &'static str,
    /// What the names of GNU programs begin with.
    prefix: &'static str,
    /// The Debian package of the compiler.
    package: &'static str,
    gnu: &'static [&'static str],
    /// Options of clang; empty if it has no such back end.
    clang: &'static [&'static str],
    /// The directory of zig's headers for the architecture.
    headers: &'static str,
    /// How the incumbent's makefile has `float` there: the last part of `MICROPY_FLOAT_IMPL_…`.
    pub(crate) float: &'static str,
}

const ARM: (&str, &str, &str) = ("arm-none-eabi-", "gcc-arm-none-eabi", "arm-linux-musl");
const RISCV: (&str, &str) = ("riscv64-unknown-elf-", "gcc-riscv64-unknown-elf");

/// All of them, in the order of `anymod targets`. There is no package of a compiler for xtensawin.
pub(crate) const MACHINES: [Machine; 9] = [
    Machine {
        arch: "x86",
        prefix: "",
        package: "gcc-multilib",
        gnu: &["-m32", "-fno-stack-protector"],
        clang: &["--target=i686-unknown-none-elf"],
        headers: "x86-linux-musl",
        float: "double",
    },
    Machine {
        arch: "x64",
        prefix: "",
        package: "gcc",
        gnu: &["-fno-stack-protector"],
        clang: &["--target=x86_64-unknown-none-elf"],
        headers: "x86_64-linux-musl",
        float: "double",
    },
    Machine {
        arch: "armv6m",
        prefix: ARM.0,
        package: ARM.1,
        gnu: &["-mthumb", "-mcpu=cortex-m0"],
        clang: &["--target=thumbv6m-none-eabi", "-mcpu=cortex-m0"],
        headers: ARM.2,
        float: "none",
    },
    Machine {
        arch: "armv7m",
        prefix: ARM.0,
        package: ARM.1,
        gnu: &["-mthumb", "-mcpu=cortex-m3"],
        clang: &["--target=thumbv7m-none-eabi", "-mcpu=cortex-m3"],
        headers: ARM.2,
        float: "none",
    },
    Machine {
        arch: "armv7emsp",
        prefix: ARM.0,
        package: ARM.1,
        gnu: &["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
        clang: &[
            "--target=thumbv7em-none-eabihf",
            "-mcpu=cortex-m4",
            "-mfpu=fpv4-sp-d16",
            "-mfloat-abi=hard",
        ],
        headers: ARM.2,
        float: "float",
    },
    Machine {
        arch: "armv7emdp",
        prefix: ARM.0,
        package: ARM.1,
        gnu: &["-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"],
        clang: &[
            "--target=thumbv7em-none-eabihf",
            "-mcpu=cortex-m7",
            "-mfpu=fpv5-d16",
            "-mfloat-abi=hard",
        ],
        headers: ARM.2,
        float: "double",
    },
    Machine {
        arch: "xtensa",
        prefix: "xtensa-lx106-elf-",
        package: "gcc-xtensa-lx106",
        gnu: &["-mforce-l32", "-isystem", "/usr/include/newlib"],
        clang: &[],
        headers: "",
        float: "none",
    },
    Machine {
        arch: "rv32imc",
        prefix: RISCV.0,
        package: RISCV.1,
        gnu: &["-march=rv32imac", "-mabi=ilp32", "-mno-relax", "-specs=picolibc.specs"],
        clang: &[
            "--target=riscv32-unknown-none-elf",
            "-march=rv32imac",
            "-mabi=ilp32",
            "-mno-relax",
        ],
        headers: "riscv32-linux-musl",
        float: "none",
    },
    Machine {
        arch: "rv64imc",
        prefix: RISCV.0,
        package: RISCV.1,
        gnu: &[
            "-march=rv64imac",
            "-mabi=lp64",
            "-mcmodel=medany",
            "-mno-relax",
            "-specs=picolibc.specs",
        ],
        clang: &[
            "--target=riscv64-unknown-none-elf",
            "-march=rv64imac",
            "-mabi=lp64",
            "-mcmodel=medany",
            "-mno-relax",
        ],
        headers: "riscv64-linux-musl",
        float: "none",
    },
];

/// The options of the incumbent's makefile for every architecture, and what keeps clang from adding tables of its own.
const COMMON: &[&str] = &[
    "-fpic",
    "-fno-common",
    "-U_FORTIFY_SOURCE",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
];

impl Machine {
    /// The row of an architecture.
    pub(crate) fn of(arch: &str) -> Checked<&'static Machine> {
        MACHINES
            .iter()
            .find(|machine| machine.arch == arch)
            .ok_or_else(|| format!("no compiler is known for `{arch}`"))
    }

    /// True if a family has the architecture.
    pub(crate) fn has(&self, compiler: Compiler) -> bool {
        compiler == Compiler::Gnu || !self.clang.is_empty()
    }

    /// One of the GNU programs for the architecture.
    pub(crate) fn gnu_program(&self, name: &str) -> Checked<PathBuf> {
        let program = format!("{}{name}", self.prefix);
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| directory.join(&program))
            .find(|file| file.is_file())
            .ok_or_else(|| {
                format!(
                    "`{program}` is missing; run `apt-get install {}`, or `./dev test`",
                    self.package
                )
            })
    }

    /// The compiler with the options that generate code for the architecture, for C or C++.
    pub(crate) fn compile(&self, compiler: Compiler, cxx: bool) -> Checked<Command> {
        let mut command;
        match compiler {
            Compiler::Gnu => {
                command = Command::new(self.gnu_program(if cxx { "g++" } else { "gcc" })?);
                command.args(self.gnu);
            }
            Compiler::Zig => {
                let zig = managed("zig", "zig")?;
                let lib = zig.parent().unwrap_or(&zig).join("lib");
                command = Command::new(&zig);
                command.arg("clang").args(self.clang).arg("-Wno-unused-command-line-argument");
                command.arg("-nostdinc");
                for directory in [
                    "include".to_owned(),
                    format!("libc/include/{}", self.headers),
                    "libc/include/generic-musl".to_owned(),
                ] {
                    command.arg("-isystem").arg(lib.join(directory));
                }
            }
        }
        command.args(COMMON);
        if cxx {
            command.args([
                "-fno-exceptions",
                "-fno-rtti",
                "-fno-threadsafe-statics",
                "-fno-use-cxa-atexit",
            ]);
        }
        Ok(command)
    }

    /// A library that comes with the GNU compiler.
    pub(crate) fn gnu_library(&self, name: &str) -> Checked<PathBuf> {
        let mut ask = Command::new(self.gnu_program("gcc")?);
        ask.args(self.gnu).arg(match name {
            "libgcc" => "-print-libgcc-file-name".to_owned(),
            _ => format!("-print-file-name={name}.a"),
        });
        let answer = run(&mut ask)?.ok()?;
        let mut path = PathBuf::from(answer.stdout.trim());
        if !path.is_absolute() {
            // Where the incumbent's makefile looks for picolibc, too.
            let mut ask = Command::new(self.gnu_program("gcc")?);
            let multilib = run(ask.args(self.gnu).arg("-print-multi-directory"))?.ok()?;
            let triple = self.prefix.trim_end_matches('-');
            path = PathBuf::from("/usr/lib/picolibc").join(triple).join("lib");
            // Its libm.a has next to nothing in it.
            path.push(format!("{}/libc.a", multilib.stdout.trim()));
        }
        let bytes = super::read(&path)?;
        if bytes.starts_with(b"!<arch>") {
            return Ok(path);
        }
        // Debian's libm.a for the host is a script that names the archive.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut words = text.split_whitespace();
        let named = words.find(|word| word.starts_with('/') && word.ends_with(".a"));
        named.map(PathBuf::from).ok_or_else(|| format!("{} is not an archive", path.display()))
    }
}
