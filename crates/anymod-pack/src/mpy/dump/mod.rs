//! A file made readable: as data for programs, and as text for people.

mod listing;
mod text;

use anymod_model::{Abi, Diagnostics};
use serde::Serialize;

use super::bytecode;
use super::file::{Body, Code, Destination, Mpy, Object, QstrText};
use super::fun_table::fun_table_entry;
use super::sizes::{Sizes, sizes};

/// Turns machine code that begins at an address into lines of text. The caller picks one for the file's architecture;
/// this crate knows none.
pub type Disassembler<'a> = &'a dyn Fn(&[u8], u64) -> Vec<String>;

/// Everything that a file says, resolved to names. [`Dump::text`] renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// The file's name as given.
    pub file: String,
    /// Version of the format, such as `6.3`; pure bytecode has sub-version 0.
    pub version: String,
    /// The MicroPython releases that load it.
    pub releases: String,
    /// Architecture of the native code; `None` for pure bytecode.
    pub arch: Option<String>,
    /// Instruction-set extensions, if the header has the field.
    pub arch_flags: Option<u64>,
    /// Bits of a small integer.
    pub small_int_bits: u8,
    /// The stored file name, which tracebacks show.
    pub source_name: String,
    /// Sizes of the parts.
    pub sizes: Sizes,
    /// The qstr table.
    pub qstrs: Vec<DumpQstr>,
    /// The constants, as Python would write them.
    pub objects: Vec<String>,
    /// The outermost code.
    pub code: DumpCode,
    /// Bytes after the end.
    pub trailing: u64,
}

/// A qstr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpQstr {
    /// Where it stands in the file.
    pub offset: u64,
    /// Its text.
    pub text: String,
    /// Its number, if it is one of those that every firmware has.
    pub static_number: Option<u64>,
}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpCode {
    /// `bytecode`, `native`, `viper` or `asm`.
    pub kind: &'static str,
    /// The function's name, if the code has it.
    pub name: Option<String>,
    /// Its arguments' names.
    pub arguments: Vec<String>,
    /// Where its data stands in the file.
    pub offset: u64,
    /// Bytes of its data.
    pub size: u64,
    /// Scope flags.
    pub scope_flags: u64,
    /// Bytes of read-only data of its own.
    pub rodata: u64,
    /// Bytes of zeroed memory of its own.
    pub bss: u64,
    /// The data: instructions, or a hexadecimal dump of machine code without a disassembler.
    pub lines: Vec<String>,
    /// The words that the loader changes.
    pub relocations: Vec<DumpRelocation>,
    /// The pieces inside.
    pub children: Vec<DumpCode>,
}

/// A relocated word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpRelocation {
    /// `text` or `rodata`: where the word is.
    pub section: &'static str,
    /// Its offset there in bytes.
    pub address: u64,
    /// What it holds once loaded, such as `text+0x40`, `qstr_table[3] append` or `mp_fun_table[52] realloc`.
    pub target: String,
}

impl Dump {
    /// Reads a file and describes it; `file` is its name.
    ///
    /// # Errors
    /// Those of [`Mpy::parse`].
    pub fn new(
        bytes: &[u8],
        file: &str,
        disassembler: Option<Disassembler>,
    ) -> Result<Dump, Diagnostics> {
        let mpy = Mpy::parse(bytes, file)?;
        let header = mpy.header;
        let native = header.is_native();
        let releases = match (native, header.abi()) {
            (true, Some(abi)) => abi.releases(),
            _ => "1.19 and later",
        };
        Ok(Dump {
            file: file.to_owned(),
            version: format!("6.{}", if native { header.sub_version } else { 0 }),
            releases: releases.to_owned(),
            arch: native.then(|| header.arch_name()),
            arch_flags: header.arch_flags,
            small_int_bits: header.small_int_bits,
            source_name: qstr(&mpy, 0),
            sizes: sizes(bytes, file)?,
            qstrs: qstrs(&mpy),
            objects: mpy.objects.iter().map(object).collect(),
            code: code(&mpy, &mpy.code, disassembler),
            trailing: mpy.trailing.len() as u64,
        })
    }
}

fn qstrs(mpy: &Mpy) -> Vec<DumpQstr> {
    let one = |qstr: &super::file::Qstr| DumpQstr {
        offset: qstr.offset.0 as u64,
        text: qstr.display().into_owned(),
        static_number: match qstr.text {
            QstrText::Static(number) => Some(number),
            QstrText::Bytes(_) => None,
        },
    };
    mpy.qstrs.iter().map(one).collect()
}

/// The text of an entry of the qstr table, `?` past its end.
fn qstr(mpy: &Mpy, index: u64) -> String {
    let entry = usize::try_from(index).ok().and_then(|index| mpy.qstrs.get(index));
    entry.map_or("?".to_owned(), |qstr| qstr.display().into_owned())
}

/// A constant as Python would write it.
fn object(value: &Object) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Object::FunTable => "mp_fun_table".to_owned(),
        Object::None => "None".to_owned(),
        Object::False => "False".to_owned(),
        Object::True => "True".to_owned(),
        Object::Ellipsis => "...".to_owned(),
        Object::Str(bytes) => format!("\"{}\"", text(bytes).escape_debug()),
        Object::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Object::Int(bytes) | Object::Float(bytes) | Object::Complex(bytes) => text(bytes),
        Object::Tuple(items) => {
            let items: Vec<String> = items.iter().map(object).collect();
            let comma = if items.len() == 1 { "," } else { "" };
            format!("({}{comma})", items.join(", "))
        }
    }
}

fn code(mpy: &Mpy, piece: &Code, disassembler: Option<Disassembler>) -> DumpCode {
    let machine = |data: &[u8]| match disassembler {
        Some(disassemble) => disassemble(data, 0),
        None => listing::hexadecimal(data),
    };
    let (kind, prelude_at) = match piece.body {
        Body::Bytecode => ("bytecode", Some(0)),
        Body::NativePy { prelude_offset } => ("native", usize::try_from(prelude_offset).ok()),
        Body::Viper { .. } => ("viper", None),
        Body::Asm { .. } => ("asm", None),
    };
    let lines = match piece.body {
        Body::Bytecode => listing::bytecode(mpy, piece),
        Body::NativePy { .. } => {
            let code = prelude_at.and_then(|at| piece.data.get(..at));
            machine(code.unwrap_or(&piece.data))
        }
        Body::Viper { .. } | Body::Asm { .. } => machine(&piece.data),
    };
    let prelude = prelude_at.and_then(|at| bytecode::prelude(&piece.data, at));
    let mut names = prelude.iter().flat_map(|it| &it.names).map(|index| qstr(mpy, *index));
    let (rodata, bss) = match &piece.body {
        Body::Viper { rodata, bss, .. } => (rodata.len() as u64, *bss),
        _ => (0, 0),
    };
    DumpCode {
        kind,
        name: names.next(),
        arguments: names.collect(),
        offset: piece.offset.0 as u64,
        size: piece.data.len() as u64,
        scope_flags: piece.scope_flags(),
        rodata,
        bss,
        lines,
        relocations: relocations(mpy, piece),
        children: piece.children().iter().map(|child| code(mpy, child, disassembler)).collect(),
    }
}

/// One entry a word, but no more than the code has words: damaged files may claim any number.
fn relocations(mpy: &Mpy, piece: &Code) -> Vec<DumpRelocation> {
    let width = mpy.header.arch().map_or(4, |arch| usize::from(arch.info().word_size));
    let rodata: &[u8] = match &piece.body {
        Body::Viper { rodata, .. } => rodata,
        _ => &[],
    };
    let most = (piece.data.len() + rodata.len()) / width;
    let mut all = Vec::new();
    for (address, relocation) in piece.relocated() {
        let Some(address) = address else { continue };
        let (section, bytes) =
            if address.in_rodata { ("rodata", rodata) } else { ("text", piece.data.as_slice()) };
        for index in 0..relocation.words() {
            if all.len() >= most {
                return all;
            }
            let at = address.word.saturating_add(index).saturating_mul(width as u64);
            let word =
                usize::try_from(at).ok().and_then(|at| bytes.get(at..at.checked_add(width)?));
            let target = match word {
                Some(word) => target(mpy, relocation.destination, little_endian(word)),
                None => "outside of the code".to_owned(),
            };
            let outside = word.is_none();
            all.push(DumpRelocation { section, address: at, target });
            if outside {
                break;
            }
        }
    }
    all
}

fn little_endian(word: &[u8]) -> u64 {
    word.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// What a word holds once loaded, given what it holds in the file.
fn target(mpy: &Mpy, destination: Destination, value: u64) -> String {
    let abi = mpy.header.abi().unwrap_or(Abi::LATEST);
    let plus = |base: &str| match value {
        0 => base.to_owned(),
        _ => format!("{base}+{value:#x}"),
    };
    match destination {
        Destination::Text => format!("text+{value:#x}"),
        Destination::Rodata => format!("rodata+{value:#x}"),
        Destination::Bss => format!("bss+{value:#x}"),
        Destination::QstrTable if value != 0 && value.is_multiple_of(2) => {
            format!("qstr_table[{}] {}", value / 2, qstr(mpy, value / 2))
        }
        Destination::QstrTable => plus("qstr_table"),
        Destination::ObjTable => plus("obj_table"),
        Destination::FunTable => plus("mp_fun_table"),
        Destination::FunTableEntry(index) => {
            let name = fun_table_entry(abi, u64::from(index)).unwrap_or("?");
            plus(&format!("mp_fun_table[{index}] {name}"))
        }
    }
}
