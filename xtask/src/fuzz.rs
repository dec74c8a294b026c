//! `cargo xtask fuzz [TARGET] [SECONDS]`: seeds a corpus with real files and fuzzes a reader of foreign bytes.
//!
//! Objects are compiled on the spot with whatever compilers are present, modules are linked from them: no file that a tool
//! made is in the repository. Needs a nightly compiler and `cargo install cargo-fuzz`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anymod_link::identity::{Format, object};
use anymod_link::mpy::{Input, Options, StaticData, link};
use anymod_model::arch::ARCHES;
use anymod_model::identity::{Identity, Record};
use anymod_model::payload::{self, Encoding, Index, Packed, Part};
use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_pack::wheel::{File, Wheel, WheelName};

const TARGETS: [&str; 13] = [
    "elf", "ar", "host", "mpy", "manifest", "record", "wasm", "wheel", "command", "addon",
    "object", "payload", "remote",
];

/// A compiler and flags for each architecture.
const COMPILERS: [(&str, &[&str]); 14] = [
    ("x86", &["gcc", "-m32", "-fno-stack-protector"]),
    ("x64", &["gcc", "-fno-stack-protector"]),
    ("x64", &["gcc", "-fno-pic", "-g"]),
    ("armv6m", &["arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m0"]),
    ("armv7m", &["arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m3"]),
    (
        "armv7m",
        &["arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m3", "-fno-pic", "-mslow-flash-data"],
    ),
    (
        "armv7emsp",
        &[
            "arm-none-eabi-gcc",
            "-mthumb",
            "-mcpu=cortex-m4",
            "-mfpu=fpv4-sp-d16",
            "-mfloat-abi=hard",
        ],
    ),
    (
        "armv7emdp",
        &["arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"],
    ),
    ("xtensa", &["xtensa-lx106-elf-gcc", "-mforce-l32"]),
    ("xtensawin", &["xtensa-esp32-elf-gcc"]),
    ("rv32imc", &["riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-mno-relax"]),
    (
        "rv32imc",
        &[
            "riscv64-unknown-elf-gcc",
            "-march=rv32imac",
            "-mabi=ilp32",
            "-mcmodel=medlow",
            "-fno-pic",
        ],
    ),
    ("rv64imc", &["riscv64-unknown-elf-gcc", "-march=rv64imac", "-mabi=lp64", "-mno-relax"]),
    (
        "rv64imc",
        &[
            "riscv64-unknown-elf-gcc",
            "-march=rv64imac",
            "-mabi=lp64",
            "-mcmodel=medlow",
            "-fno-pic",
        ],
    ),
];

/// Fuzzes one target, or each in turn.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (mut targets, mut seconds) = (TARGETS.to_vec(), 60);
    for argument in arguments {
        match TARGETS.iter().find(|target| *target == argument) {
            Some(target) => targets = vec![target],
            None => {
                seconds = argument.parse().map_err(|_| {
                    format!("`{argument}` is neither seconds nor one of {}", TARGETS.join(", "))
                })?;
            }
        }
    }
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    seed(&fuzz)?;
    targets.iter().try_for_each(|target| start(&fuzz, target, seconds))
}

fn start(fuzz: &Path, target: &str, seconds: u64) -> Result<(), String> {
    let status = Command::new("cargo")
        // No sanitizer: all our code is safe Rust, and without one far more inputs are tried.
        .args(["+nightly", "fuzz", "run", "-s", "none", target, "--"])
        .arg(format!("-max_total_time={seconds}"))
        .args(["-fork=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"])
        // Set by the cargo that runs this task, for its own toolchain.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .current_dir(fuzz)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!(
            "`{target}` failed: either its input is in fuzz/artifacts, or `cargo install cargo-fuzz` and a nightly \
compiler (`rustup toolchain install nightly`) are missing"
        )),
    }
}

/// Writes the seeds of every target; what a fuzzer found before stays.
fn seed(fuzz: &Path) -> Result<(), String> {
    let source = fuzz.join("seed.c");
    for (number, (arch, compiler)) in COMPILERS.iter().enumerate() {
        for (letter, level) in [("s", "-Os"), ("0", "-O0")] {
            let name = format!("{arch}-{number}-{letter}");
            let object = fuzz.join("target").join(format!("{name}.o"));
            if let Some(bytes) = compile(compiler, level, &source, &object)? {
                object_seeds(fuzz, arch, &name, &object, &bytes)?;
            }
        }
    }
    write(fuzz, "record", "lines", RECORD.as_bytes())?;
    write(fuzz, "payload", "archive", &payload_seed())?;
    write(fuzz, "command", "words", COMMAND.as_bytes())?;
    write(fuzz, "remote", "result", REMOTE)?;
    write(fuzz, "remote", "operation", OPERATION)?;
    write(fuzz, "remote", "memo", MEMO.as_bytes())?;
    addon_seeds(fuzz, &source)?;
    let module = wasm_seeds(fuzz, &source)?;
    wheel_seeds(fuzz, &module)?;
    manifest_seeds(fuzz)
}

/// A command of a compiler driver as a response file.
const COMMAND: &str = "-c -x c++ 'a b.c' -o a.o -I inc -DX=\\\"1\\\" -Wl,-z,now,-rpath -Xlinker x\n\
-x none -s SIDE_MODULE=2 -sWASM=1 -Wp,-MD,a.d -MF b.d -lz -L. -u main @more -- -x -";

/// A result with one file and what its tool said, as a message of the Remote Execution API.
const REMOTE: &[u8] = b"\x12\x4d\x0a\x03a.o\x12\x44\x0a\x40e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\x10\x00\x20\x01\x2a\x04said";

/// An operation that is over, with a response whose status is an internal error.
const OPERATION: &[u8] = b"\x0a\x02op\x18\x01\x2a\x0c\x12\x0a\x0a\x00\x1a\x06\x08\x0d\x12\x02no";

/// Lines of a remembered toolchain, and paths.
const MEMO: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 x lib/a b.h\na/b\na/b/c\n../x\n";

/// The lines of a record of the store between its first and its last one.
const RECORD: &str = "w\tkind\tcompile\nw\targument\t-DTEXT=\\t\\n\\\\\n\
f\te3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\ta.h\n\
p\tfirst/a.h\ne\t0 0\t0\n\
o\te3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\t12\tx\ta.o\n\
s\ta warning\\n\ne\t\t\n";

/// An object's bytes; `None` if the compiler is not there or does not know the architecture.
fn compile(
    compiler: &[&str],
    level: &str,
    source: &Path,
    object: &Path,
) -> Result<Option<Vec<u8>>, String> {
    let Some((program, flags)) = compiler.split_first() else { return Ok(None) };
    make_parent(object)?;
    let status = Command::new(program)
        .args([level, "-c", "-fpic", "-ffunction-sections", "-ffreestanding"])
        .args(flags)
        .arg("-o")
        .args([object, source])
        .stderr(Stdio::null())
        .status();
    match status.is_ok_and(|status| status.success()) {
        true => std::fs::read(object).map(Some).map_err(|error| error.to_string()),
        false => {
            println!("no seeds from `{}`", compiler.join(" "));
            Ok(None)
        }
    }
}

fn object_seeds(
    fuzz: &Path,
    arch: &str,
    name: &str,
    object: &Path,
    bytes: &[u8],
) -> Result<(), String> {
    let row = ARCHES.iter().zip(0..).find(|(row, _)| row.name == arch);
    let (row, number) = row.ok_or_else(|| format!("no architecture `{arch}`"))?;
    for how in [0u8, 1, 12] {
        write(fuzz, "elf", &format!("{name}-{how}"), &[&[number, how], bytes].concat())?;
    }
    let archive = object.with_extension("a");
    // An archive that exists would be added to.
    let _ = std::fs::remove_file(&archive);
    let made = Command::new("ar").arg("rcs").args([archive.as_path(), object]).status();
    if made.is_ok_and(|status| status.success()) {
        let archive = std::fs::read(&archive).map_err(|error| error.to_string())?;
        write(fuzz, "host", name, &archive)?;
        let members = archive.get(8..).unwrap_or(&[]);
        write(fuzz, "ar", name, &[&[number], members].concat())?;
    }
    let input = Input { name: name.to_owned(), data: bytes };
    let options = Options { static_data: StaticData::InText, ..Options::new(row.arch, "seed.py") };
    if let Ok(linked) = link(&[input], &[], &options) {
        write(fuzz, "mpy", name, &linked.mpy)?;
    }
    Ok(())
}

/// A shared library of this machine with an identity, if there is a compiler.
fn addon_seeds(fuzz: &Path, source: &Path) -> Result<(), String> {
    let format = Format { container: ObjectFormat::Elf, cpu: Some(Cpu::X64) };
    let identity =
        Identity { name: "a".to_owned(), version: "1".to_owned(), ..Identity::default() };
    let Some(record) = object(format, &Record::new(identity)) else { return Ok(()) };
    let place = fuzz.join("target/identity.o");
    make_parent(&place)?;
    std::fs::write(&place, record).map_err(|error| error.to_string())?;
    let library = fuzz.join("target/addon.node");
    let compiler = ["gcc", "-m64", "-shared", "-nostdlib", "-ffreestanding", "-fpic"];
    let made = Command::new(compiler[0])
        .args(&compiler[1..])
        .arg("-o")
        .args([library.as_path(), &place, source])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("no seeds from `{}`", compiler.join(" "));
        return Ok(());
    }
    let bytes = std::fs::read(&library).map_err(|error| error.to_string())?;
    write(fuzz, "addon", "library", &bytes)
}

/// An archive with one file of two parts.
fn payload_seed() -> Vec<u8> {
    let index = Index {
        name: "a".to_owned(),
        version: "1".to_owned(),
        platform: "linux-x64".to_owned(),
        encoding: Encoding::Zstd,
        digest: "0123".to_owned(),
        files: vec![Packed {
            file: "a.linux-x64.node".to_owned(),
            variant: String::new(),
            level: 0,
            size: 12,
            encoding: Encoding::Zstd,
            base: None,
            offset: 0,
            parts: vec![
                Part { packed: 3, plain: 8, sum: 1 },
                Part { packed: 1, plain: 4, sum: u64::MAX },
            ],
        }],
    };
    [payload::header(&index), b"part".to_vec()].concat()
}

/// An object file and a shared module of WebAssembly, if there is a clang for it; returns the module.
fn wasm_seeds(fuzz: &Path, source: &Path) -> Result<Vec<u8>, String> {
    let object = fuzz.join("target/wasm.o");
    let compiler = ["clang-19", "--target=wasm32-unknown-emscripten", "-fwasm-exceptions"];
    let empty = b"\0asm\x01\0\0\0".to_vec();
    let Some(bytes) = compile(&compiler, "-Os", source, &object)? else { return Ok(empty) };
    write(fuzz, "wasm", "object", &bytes)?;
    write(fuzz, "object", "object", &bytes)?;
    let module = object.with_extension("so");
    let options = ["-shared", "--experimental-pic", "--allow-undefined", "--export-all"];
    let linked =
        Command::new("wasm-ld-19").args(options).arg("-o").args([&module, &object]).status();
    if !linked.is_ok_and(|status| status.success()) {
        return Ok(bytes);
    }
    let bytes = std::fs::read(&module).map_err(|error| error.to_string())?;
    write(fuzz, "wasm", "shared", &bytes)?;
    write(fuzz, "object", "shared", &bytes)?;
    Ok(bytes)
}

/// A wheel with a module, a program and a description; and its texts by themselves.
fn wheel_seeds(fuzz: &Path, module: &[u8]) -> Result<(), String> {
    const NAME: &str = "spam-1.0-cp313-cp313-linux_x86_64.whl";
    let name = WheelName::parse(NAME).map_err(|finding| finding.to_string())?;
    let about = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp313-cp313-linux_x86_64\n";
    let files = [
        ("spam/__init__.py", File::new("from spam._a import *\n")),
        ("spam/_a.cpython-313-x86_64-linux-gnu.so", File::new(module)),
        ("spam-1.0.data/scripts/spam", File { bytes: b"#!python\n".to_vec(), executable: true }),
        ("spam-1.0.dist-info/METADATA", File::new("Name: spam\nVersion: 1.0\n\nText.\n")),
        ("spam-1.0.dist-info/WHEEL", File::new(about)),
    ];
    let files = files.into_iter().map(|(path, file)| (path.to_owned(), file)).collect();
    let bytes = Wheel { name, files }.write(0).map_err(|findings| findings.to_string())?;
    write(fuzz, "wheel", "whole", &bytes)?;
    write(fuzz, "wheel", "record", b"spam/a.py,sha256=47DEQpj8,0\n\"a,b\",,\n")?;
    write(fuzz, "wheel", "headers", about.as_bytes())?;
    write(fuzz, "wheel", "name", NAME.as_bytes())
}

/// Every manifest in the repository.
fn manifest_seeds(fuzz: &Path) -> Result<(), String> {
    let root = fuzz.join("..");
    for (parent, name) in [("examples", "anymod.toml"), ("crates/anymod-model/tests/manifest", "")]
    {
        let entries = std::fs::read_dir(root.join(parent)).map_err(|error| error.to_string())?;
        for entry in entries.flatten() {
            let files = match name {
                "" => std::fs::read_dir(entry.path()).into_iter().flatten().flatten().collect(),
                _ => vec![],
            };
            let mut paths: Vec<PathBuf> = files.iter().map(std::fs::DirEntry::path).collect();
            paths.push(entry.path().join(name));
            let manifest = |path: &&PathBuf| {
                path.is_file() && path.extension().is_some_and(|end| end == "toml")
            };
            for path in paths.iter().filter(manifest) {
                let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
                let name = entry.file_name().to_string_lossy().into_owned();
                write(fuzz, "manifest", &name, &bytes)?;
            }
        }
    }
    Ok(())
}

fn write(fuzz: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<(), String> {
    let path = fuzz.join("corpus").join(target).join(format!("seed-{name}"));
    make_parent(&path)?;
    std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn make_parent(path: &Path) -> Result<(), String> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))
}
