//! What a MicroPython loader would make of a file: refused, crashed, or loaded.
//!
//! The head is held against a given loader as `mp_raw_code_load` in `py/persistentcode.c` does it. The rest is stricter
//! than loaders are: they check nothing and crash later.

mod code;
mod relocations;

use anymod_model::codes::pack as codes;
use anymod_model::{
    Abi, Arch, Code as DiagnosticCode, Diagnostic, Diagnostics, Place, Severity, mpy,
};

use super::file::{Code, Mpy, Object, QstrText, arch_name};
use super::name;

/// Finds where a jump at the beginning of an architecture's machine code leads, relative to that beginning; `None` if
/// there is no jump.
pub type JumpTarget = fn(Arch, &[u8]) -> Option<i64>;

/// The firmware that a file is meant for.
#[derive(Clone, Copy, Debug)]
pub struct Loader {
    /// Its native ABI.
    pub abi: Abi,
    /// Its architecture; `None` for a firmware built without support for native code.
    pub arch: Option<Arch>,
    /// Instruction-set extensions that it has.
    pub arch_flags: u64,
    /// Bits of its small integers: 31 on 32-bit boards, 63 on 64-bit systems, less for some object representations.
    pub small_int_bits: u8,
    /// Instruction sets are not this crate's business, so a caller who knows them passes the function.
    pub jump_target: Option<JumpTarget>,
}

impl Loader {
    /// The loader of the usual firmware of an architecture: small integers one bit less than a word, no extensions.
    #[must_use]
    pub fn new(abi: Abi, arch: Arch) -> Loader {
        Loader {
            abi,
            arch: Some(arch),
            arch_flags: 0,
            small_int_bits: arch.info().word_size * 8 - 1,
            jump_target: None,
        }
    }
}

/// A file that the loader takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The file.
    pub mpy: Mpy,
    /// What is worth knowing.
    pub warnings: Vec<Diagnostic>,
}

/// Findings after which the rest is not told: a file with that many is no `.mpy` file at all.
const MAX_FINDINGS: usize = 100;

/// Checks a file against a loader; `file` is its name for messages.
///
/// # Errors
/// Those of [`Mpy::parse`], else everything wrong: `LOAD_ABI`, `LOAD_ARCH`, `LOAD_ARCH_FLAGS`, `LOAD_SMALL_INT`,
/// `LOAD_QSTR`, `LOAD_OBJECT`, `LOAD_BYTECODE`, `LOAD_RELOCATION`, `LOAD_ENTRY`. Warnings: `NAME_LEAKS`, `TRAILING`,
/// `RELOCATION_VALUE`.
pub fn check(bytes: &[u8], file: &str, loader: &Loader) -> Result<Checked, Diagnostics> {
    let mpy = Mpy::parse(bytes, file)?;
    let mut findings = Findings { file, all: Vec::new(), left_out: 0 };
    header(&mut findings, &mpy, loader);
    name(&mut findings, &mpy);
    qstrs(&mut findings, &mpy);
    objects(&mut findings, &mpy);
    mpy.code.walk().for_each(|piece| one(&mut findings, &mpy, piece, loader));
    rest(&mut findings, &mpy, bytes.len());
    let all = findings.finish();
    if all.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Diagnostics(all));
    }
    Ok(Checked { mpy, warnings: all })
}

/// What was found so far.
struct Findings<'a> {
    file: &'a str,
    all: Vec<Diagnostic>,
    left_out: usize,
}

impl Findings<'_> {
    fn add(&mut self, finding: Diagnostic, offset: usize) {
        if self.all.len() < MAX_FINDINGS {
            self.all.push(finding.at(Place::offset(self.file, offset as u64)));
        } else {
            self.left_out += 1;
        }
    }

    fn error(&mut self, code: &'static DiagnosticCode, offset: usize, message: impl Into<String>) {
        self.add(
            Diagnostic::error(code, message)
                .hint("the file is damaged or was made wrongly: make it again"),
            offset,
        );
    }

    fn finish(mut self) -> Vec<Diagnostic> {
        if let Some(last) = self.all.pop() {
            self.all.push(match self.left_out {
                0 => last,
                more => last.note(format!("{more} further findings are left out")),
            });
        }
        self.all
    }
}

fn header(findings: &mut Findings, mpy: &Mpy, loader: &Loader) {
    let header = &mpy.header;
    if header.is_native() {
        abi(findings, header.sub_version, loader.abi);
        arch(findings, header.arch_number, loader);
    }
    if let Some(flags) = header.arch_flags {
        arch_flags(findings, header.arch_number, flags, loader);
    }
    if header.small_int_bits > loader.small_int_bits {
        let message = format!(
            "the code needs small integers of {} bits; the loader has {}",
            header.small_int_bits, loader.small_int_bits
        );
        findings.add(
            Diagnostic::error(&codes::LOAD_SMALL_INT, message).hint(format!(
                "compile with `mpy-cross -msmall-int-bits={}`",
                loader.small_int_bits
            )),
            3,
        );
    }
}

fn abi(findings: &mut Findings, sub_version: u8, loader: Abi) {
    if sub_version == loader.sub_version() {
        return;
    }
    let made_for = Abi::from_sub_version(sub_version).map_or("no known release", Abi::releases);
    let message = format!(
        "native code of version 6.{sub_version} is for MicroPython {made_for}; the loader is of {} and takes 6.{}",
        loader.releases(),
        loader.sub_version()
    );
    findings.add(
        Diagnostic::error(&codes::LOAD_ABI, message).hint(
            "link the module with the `--abi` of the firmware's release, or update the firmware",
        ),
        2,
    );
}

fn arch(findings: &mut Findings, number: u8, loader: &Loader) {
    let made_for = arch_name(number);
    let message = match loader.arch {
        None => format!("the file holds {made_for} code; the loader takes no native code"),
        Some(arch) if accepts(arch, number) => return,
        Some(arch) => format!("the file holds {made_for} code; the loader is for {arch}"),
    };
    findings.add(
        Diagnostic::error(&codes::LOAD_ARCH, message)
            .hint("build the module for the loader's architecture, or use its bytecode build"),
        2,
    );
}

/// As [`Arch::loads`], but for every number, also those that anymod does not build for.
fn accepts(loader: Arch, number: u8) -> bool {
    let arm = Arch::Armv6m.number()..=Arch::Armv7emdp.number();
    if arm.contains(&loader.number()) {
        arm.contains(&number) && number <= loader.number()
    } else {
        number == loader.number()
    }
}

fn arch_flags(findings: &mut Findings, number: u8, flags: u64, loader: &Loader) {
    let message = if number != Arch::Rv32imc.number() {
        format!(
            "the header has architecture flags, which loaders take for rv32imc only, not for {}",
            arch_name(number)
        )
    } else if flags & !loader.arch_flags != 0 {
        let missing = flags & !loader.arch_flags;
        format!(
            "the code uses instruction-set extensions {missing:#x} that the loader does not have"
        )
    } else {
        return;
    };
    findings.add(
        Diagnostic::error(&codes::LOAD_ARCH_FLAGS, message)
            .note(
                "flags for rv32imc: 0x1 Zba, 0x2 Zcmp; loaders know them from MicroPython 1.28 on",
            )
            .hint("build without the extensions (`--arch-flags`, `mpy-cross -march-flags`)"),
        4,
    );
}

fn name(findings: &mut Findings, mpy: &Mpy) {
    let Some(first) = mpy.qstrs.first() else {
        return;
    };
    let text = first.display();
    if let Some(objection) = name::objection(&text) {
        let message =
            format!("the stored name `{}` is unsuitable: {objection}", text.escape_debug());
        findings.add(
            Diagnostic::warning(&codes::NAME_LEAKS, message)
                .hint("change it with `anymod mpy rename`"),
            first.offset.0,
        );
    }
}

fn qstrs(findings: &mut Findings, mpy: &Mpy) {
    for (index, qstr) in mpy.qstrs.iter().enumerate() {
        match &qstr.text {
            QstrText::Static(number) if mpy::static_qstr(*number).is_none() => {
                let known = mpy::STATIC_QSTRS.len();
                let message = format!(
                    "qstr {index} is number {number} of the static ones, which are 1 to {known}"
                );
                findings.error(&codes::LOAD_QSTR, qstr.offset.0, message);
            }
            QstrText::Bytes(bytes) if bytes.len() > name::MAX_LEN => {
                let message =
                    format!("qstr {index} has {} bytes; a firmware takes 255", bytes.len());
                let finding = Diagnostic::error(&codes::LOAD_QSTR, message);
                findings.add(finding.hint("use a shorter name or string"), qstr.offset.0);
            }
            QstrText::Static(_) | QstrText::Bytes(_) => {}
        }
    }
}

/// Objects have no offsets; the findings name their index in the table.
fn objects(findings: &mut Findings, mpy: &Mpy) {
    for (index, object) in mpy.objects.iter().enumerate() {
        if let Some(problem) = object_problem(object) {
            findings.error(&codes::LOAD_OBJECT, 0, format!("constant {index} is {problem}"));
        }
    }
}

fn object_problem(object: &Object) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
    match object {
        Object::Str(bytes) if std::str::from_utf8(bytes).is_err() => {
            Some("a string that is not UTF-8".to_owned())
        }
        Object::Int(bytes) if !is_integer(bytes) => {
            Some(format!("`{}`, not an integer", text(bytes)))
        }
        Object::Float(bytes) if !is_float(bytes) => {
            Some(format!("`{}`, not a number", text(bytes)))
        }
        Object::Complex(bytes) if bytes.is_empty() => Some("an empty complex number".to_owned()),
        Object::Tuple(items) => items.iter().find_map(object_problem),
        _ => None,
    }
}

fn is_integer(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn is_float(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<f64>().is_ok())
}

fn one(findings: &mut Findings, mpy: &Mpy, piece: &Code, loader: &Loader) {
    if piece.kind() != mpy::Kind::Bytecode && !mpy.header.is_native() {
        let message = "there is native code, but the header names no architecture";
        findings.error(&codes::LOAD_ARCH, piece.offset.0, message);
    }
    code::check(findings, mpy, piece, loader);
    relocations::check(findings, mpy, piece, loader);
}

fn rest(findings: &mut Findings, mpy: &Mpy, len: usize) {
    if !mpy.trailing.is_empty() {
        let message = format!("{} bytes follow the end, which no loader reads", mpy.trailing.len());
        let finding = Diagnostic::warning(&codes::TRAILING, message);
        findings.add(
            finding.hint("make the file again if this is not on purpose"),
            len - mpy.trailing.len(),
        );
    }
    if let Some(offset) = mpy.overlong {
        let message = "a number is spelled longer than needed, which no known writer does";
        let finding = Diagnostic::warning(&codes::TRAILING, message);
        findings
            .add(finding.hint("loaders take it; the file may be damaged elsewhere too"), offset.0);
    }
}
