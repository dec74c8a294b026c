//! Archives made of objects and of other archives: the bytes of a module that host programs link.
//!
//! Owns which members there are, what they are called, that all of them are code for one platform, the symbol index and the
//! stamp beside them. Same inputs, same bytes: no times, owners or modes reach an archive. Never opens a file; members of
//! thin archives are handed in.

use std::collections::{BTreeMap, BTreeSet};

use anymod_model::codes::link as code;
use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_model::stamp::Stamp;
use anymod_model::{Diagnostic, Diagnostics, Place};
use ar_archive_writer::{ArchiveKind, NewArchiveMember, ObjectReader};
use object::{Architecture, BinaryFormat, Object as _, ObjectSymbol as _, SymbolKind};
use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};

use crate::archive::{self, Content};
use crate::{stamp, stamp_object};

/// An object or an archive that goes into an archive.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its path, for messages and for the member's name.
    pub path: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What an archive is to be.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Objects and archives, in order.
    pub parts: &'a [Part<'a>],
    /// Members of the thin archives among them, by path.
    pub elsewhere: &'a BTreeMap<String, Vec<u8>>,
    /// Format that every object has to have.
    pub format: ObjectFormat,
    /// Processor that every object has to be for; that of the first if none.
    pub cpu: Option<Cpu>,
    /// What the archive is built for.
    pub stamp: &'a Stamp,
}

/// Name of the member that holds the stamp.
pub const STAMP_MEMBER: &str = "anymod.abi.o";

/// Makes an archive of objects and of the members of archives, with a stamp and an index.
///
/// # Errors
/// Everything that is wrong with the parts, each with archive and member: `L0001`, `L0002`, `L0012` for what is no object,
/// `L0007` for bitcode, `L0010` for archives in archives, `L0018` for code of another platform, `L0019` if an archive or all
/// of it holds nothing, `L0020` for a member with another stamp.
pub fn assemble(request: &Request<'_>) -> Result<Vec<u8>, Diagnostics> {
    let mut findings = Vec::new();
    let mut objects = Vec::new();
    for part in request.parts {
        if let Err(finding) = collect(part, request.elsewhere, &mut objects) {
            findings.push(finding);
        }
    }
    let mut machine = Machine { format: request.format, architecture: request.cpu.map(of_cpu) };
    let mut members = Vec::new();
    for object in &objects {
        match check(object, &mut machine, request.stamp) {
            Ok(true) => members.push(object),
            Ok(false) => {}
            Err(finding) => findings.push(finding),
        }
    }
    if members.is_empty() && findings.is_empty() {
        let finding = Diagnostic::error(&code::EMPTY_ARCHIVE, "nothing would be in the archive");
        findings.push(finding.hint("add sources, objects or archives with members"));
    }
    let Some(first) = members.first().filter(|_| findings.is_empty()) else {
        return Err(Diagnostics(findings));
    };
    let own = stamp_object::like(first.bytes, request.stamp);
    let mut names = BTreeSet::from([STAMP_MEMBER.to_owned()]);
    let mut named: Vec<(String, &[u8])> =
        members.iter().map(|member| (name(member, &mut names), member.bytes)).collect();
    named.extend(own.as_deref().map(|bytes| (STAMP_MEMBER.to_owned(), bytes)));
    Ok(write(&named, request.format)?)
}

/// An object on its way into the archive.
struct Found<'a> {
    /// The part that it is, or that it is in.
    path: &'a str,
    member: Option<String>,
    bytes: &'a [u8],
}

impl Found<'_> {
    fn place(&self) -> Place {
        Place::Binary {
            file: self.path.to_owned(),
            member: self.member.clone(),
            section: None,
            offset: None,
        }
    }

    fn refuse(&self, code: &'static anymod_model::Code, message: String, hint: &str) -> Diagnostic {
        Diagnostic::error(code, message).at(self.place()).hint(hint)
    }
}

fn collect<'a>(
    part: &Part<'a>,
    elsewhere: &'a BTreeMap<String, Vec<u8>>,
    objects: &mut Vec<Found<'a>>,
) -> Result<(), Diagnostic> {
    if !archive::is_archive(part.bytes) {
        objects.push(Found { path: part.path, member: None, bytes: part.bytes });
        return Ok(());
    }
    let members = archive::members(part.bytes, part.path)?;
    if members.is_empty() {
        return Err(Diagnostic::error(&code::EMPTY_ARCHIVE, "the archive has no members")
            .at(Place::file(part.path))
            .hint("build it again, or leave it out"));
    }
    for member in members {
        let bytes = match member.content {
            Content::Here(bytes) => bytes,
            Content::Elsewhere(_) => {
                let path = beside(part.path, &member.name);
                let bytes = elsewhere.get(&path).map(Vec::as_slice);
                bytes.ok_or_else(|| {
                    let message = format!("the file `{path}` of a thin archive is not there");
                    Diagnostic::error(&code::THIN_ARCHIVE, message)
                        .at(Place::file(part.path))
                        .hint("build the archive again, or one that is not thin")
                })?
            }
        };
        let member = Some(member.name.into_owned());
        objects.push(Found { path: part.path, member, bytes });
    }
    Ok(())
}

/// The path of a thin archive's member, which is relative to the archive's directory.
#[must_use]
pub fn beside(archive: &str, member: &str) -> String {
    match archive.rsplit_once('/') {
        Some((directory, _)) if !member.starts_with('/') => format!("{directory}/{member}"),
        _ => member.to_owned(),
    }
}

/// What machine code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Machine {
    format: ObjectFormat,
    architecture: Option<Architecture>,
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.format.name())?;
        match self.architecture {
            Some(Architecture::X86_64) => f.write_str(" for x86-64"),
            Some(Architecture::Aarch64) => f.write_str(" for AArch64"),
            Some(architecture) if self.format != ObjectFormat::Wasm => {
                write!(f, " for {architecture:?}")
            }
            _ => Ok(()),
        }
    }
}

fn of_cpu(cpu: Cpu) -> Architecture {
    match cpu {
        Cpu::X64 => Architecture::X86_64,
        Cpu::Arm64 => Architecture::Aarch64,
    }
}

/// Checks an object; false if it holds a stamp and nothing else.
fn check(found: &Found<'_>, expected: &mut Machine, own: &Stamp) -> Result<bool, Diagnostic> {
    let bytes = found.bytes;
    if bytes.is_empty() {
        let hint = "build it again";
        return Err(found.refuse(&code::EMPTY_INPUT, "the file is empty".to_owned(), hint));
    }
    if bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b]) {
        let message = "compiler bitcode, which only the linker of that very compiler takes";
        let hint = "build it without `-flto` and `-emit-llvm`";
        return Err(found.refuse(&code::LTO_OBJECT, message.to_owned(), hint));
    }
    if archive::is_archive(bytes) {
        let message = "an archive inside an archive, into which no linker looks";
        let hint = "unpack it with `ar x` and make one flat archive";
        return Err(found.refuse(&code::NESTED_ARCHIVE, message.to_owned(), hint));
    }
    let Some(machine) = machine(bytes) else {
        let hint = "only objects belong into archives; build it again";
        return Err(found.refuse(&code::NOT_AN_OBJECT, "not an object".to_owned(), hint));
    };
    let expected_architecture = *expected
        .architecture
        .get_or_insert_with(|| machine.architecture.unwrap_or(Architecture::Unknown));
    let wasm = expected.format == ObjectFormat::Wasm;
    if machine.format != expected.format
        || (!wasm && machine.architecture != Some(expected_architecture))
    {
        let message = format!("{machine}, but the archive is for {expected}");
        let hint = "build it for the same target as the module";
        return Err(found.refuse(&code::FOREIGN_OBJECT, message, hint));
    }
    let place = found.member.as_deref();
    for stamp in stamp::of_object(bytes, found.path, place)? {
        if let Some(mismatch) = own.mismatches(&stamp).first() {
            let message = format!("built for another ABI ({mismatch} in this object)");
            let hint = "build both with the same target, build type and options";
            return Err(found.refuse(&code::OTHER_ABI, message, hint));
        }
    }
    Ok(place != Some(STAMP_MEMBER))
}

/// What an object is for; none if it is none.
fn machine(bytes: &[u8]) -> Option<Machine> {
    if bytes.starts_with(b"\0asm") {
        let architecture = Some(Architecture::Wasm32);
        return Some(Machine { format: ObjectFormat::Wasm, architecture });
    }
    let object = object::File::parse(bytes).ok()?;
    let format = match object.format() {
        BinaryFormat::Elf => ObjectFormat::Elf,
        BinaryFormat::MachO => ObjectFormat::MachO,
        BinaryFormat::Coff => ObjectFormat::Coff,
        _ => return None,
    };
    // An unknown processor has no size of addresses.
    object.architecture().address_size()?;
    Some(Machine { format, architecture: Some(object.architecture()) })
}

/// The name of a member: that of its file, told apart from those before it.
fn name(found: &Found<'_>, taken: &mut BTreeSet<String>) -> String {
    let path = found.member.as_deref().unwrap_or(found.path);
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, "o"));
    let mut name = file.to_owned();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{stem}-{number}.{extension}");
        number += 1;
    }
    name
}

fn write(members: &[(String, &[u8])], format: ObjectFormat) -> Result<Vec<u8>, Diagnostic> {
    let kind = match format {
        ObjectFormat::MachO => ArchiveKind::Darwin,
        ObjectFormat::Elf | ObjectFormat::Coff | ObjectFormat::Wasm => ArchiveKind::Gnu,
    };
    let members: Vec<NewArchiveMember<'_>> = members
        .iter()
        .map(|(name, bytes)| NewArchiveMember {
            buf: Box::new(*bytes),
            object_reader: &READER,
            member_name: name.clone(),
            mtime: 0,
            uid: 0,
            gid: 0,
            perms: 0o644,
        })
        .collect();
    let mut archive = std::io::Cursor::new(Vec::new());
    let written =
        ar_archive_writer::write_archive_to_stream(&mut archive, &members, kind, false, None);
    written.map_err(|error| {
        Diagnostic::error(&code::MALFORMED, format!("no archive can be made: {error}"))
            .hint("please report this together with the objects")
    })?;
    Ok(archive.into_inner())
}

/// How the writer of archives looks into members. Each was parsed before, and none of this may stop at foreign bytes.
static READER: ObjectReader = ObjectReader {
    get_symbols: index,
    // Decides the width of offsets in indexes of formats that are not written here.
    is_64_bit_object_file: |_| false,
    is_ec_object_file: |_| false,
    is_any_arm64_coff: |_| false,
    get_xcoff_member_alignment: |_| 2,
};

/// Tells the names that linkers look a member up by.
fn index(
    bytes: &[u8],
    tell: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<bool> {
    if bytes.starts_with(b"\0asm") {
        for name in wasm_definitions(bytes) {
            tell(name.as_bytes())?;
        }
        return Ok(true);
    }
    let Ok(object) = object::File::parse(bytes) else { return Ok(false) };
    for symbol in object.symbols() {
        let named = !matches!(symbol.kind(), SymbolKind::File | SymbolKind::Section);
        if named && symbol.is_global() && !symbol.is_undefined() {
            tell(symbol.name_bytes().unwrap_or_default())?;
        }
    }
    Ok(true)
}

/// Names of the symbols that an object of WebAssembly defines for others ("WebAssembly Object File Linking", symbol table).
fn wasm_definitions(bytes: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Linking(linking) = section.as_known() else { continue };
        for subsection in linking.into_iter().map_while(Result::ok) {
            let Linking::SymbolTable(symbols) = subsection else { continue };
            names.extend(symbols.into_iter().map_while(Result::ok).filter_map(defined));
        }
    }
    names
}

fn defined(symbol: SymbolInfo<'_>) -> Option<&str> {
    let (flags, name) = match symbol {
        SymbolInfo::Func { flags, name, .. }
        | SymbolInfo::Global { flags, name, .. }
        | SymbolInfo::Event { flags, name, .. }
        | SymbolInfo::Table { flags, name, .. } => (flags, name),
        SymbolInfo::Data { flags, name, .. } => (flags, Some(name)),
        SymbolInfo::Section { .. } => return None,
    };
    let hidden = SymbolFlags::UNDEFINED | SymbolFlags::BINDING_LOCAL;
    name.filter(|_| !flags.intersects(hidden))
}

#[cfg(test)]
mod tests;
