//! Reading zip files that may have been made to do harm.

use std::collections::BTreeMap;

use anymod_model::codes::wheel as code;
use anymod_model::{Code, Diagnostic, Diagnostics, Place};

use super::layout::{
    CENTRAL, CENTRAL_SIZE, DEFLATED, DIRECTORY, ENCRYPTED, END, END_SIZE, KIND, LOCAL, LOCAL_SIZE,
    REGULAR, STORED, STREAMED, UNIX,
};
use super::name;

/// The most that all entries together may unpack to, in bytes.
const LARGEST: u64 = 2 << 30;
/// DEFLATE makes at most this much of a byte; a bit over its true bound of 1032.
const EXPANSION: u64 = 1040;

/// A regular file in a zip file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Name, safe to unpack.
    pub(crate) name: &'a str,
    /// Whether its mode lets anyone run it.
    pub(crate) executable: bool,
    /// Whether it is no file after all.
    directory: bool,
    /// Offset of its header in the directory.
    offset: u64,
    /// Offset of its local header.
    start: u64,
    method: u16,
    checksum: u32,
    size: u64,
    compressed: &'a [u8],
}

/// The regular files of a zip file in the order of its directory, each checked but not yet unpacked.
pub(crate) fn entries<'a>(bytes: &'a [u8], file: &str) -> Result<Vec<Entry<'a>>, Diagnostics> {
    let end = find_end(bytes).ok_or_else(|| {
        Diagnostic::error(&code::NOT_ZIP, "no directory at the end: not a zip file, or cut short")
            .at(Place::offset(file, bytes.len() as u64))
            .hint("download or build the file again")
    })?;
    let directory = directory(bytes, end).map_err(|fault| fault.at(file))?;
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    let mut rest = directory.headers;
    let mut total = 0u64;
    for number in 0..directory.count {
        let offset = directory.offset + (directory.headers.len() - rest.len()) as u64;
        let header = Header::read(&mut rest).ok_or_else(|| {
            let message = format!("the directory ends before entry {number}");
            Fault::new(&code::DAMAGED, message).offset(offset).at(file)
        })?;
        match header.entry(bytes, offset) {
            Ok(entry) => {
                total = total.saturating_add(entry.size);
                found.push(entry);
            }
            Err(fault) => findings.push(fault.offset(offset).at(file)),
        }
    }
    if !rest.is_empty() {
        let message = format!("{} bytes follow the directory's last entry", rest.len());
        findings.push(Fault::new(&code::DAMAGED, message).offset(end as u64).at(file));
    }
    if total > LARGEST {
        let message = format!("the entries say that they unpack to {total} bytes");
        findings.push(Fault::new(&code::TOO_LARGE, message).at(file));
    }
    findings.extend(clashes(&found).into_iter().map(|fault| fault.at(file)));
    found.retain(|entry| !entry.directory);
    if findings.is_empty() { Ok(found) } else { Err(Diagnostics(findings)) }
}

impl Entry<'_> {
    /// The file's bytes.
    pub(crate) fn unpack(&self, file: &str) -> Result<Vec<u8>, Diagnostic> {
        let damaged = |message: &str| {
            Fault::new(&code::DAMAGED, message).entry(self.name).offset(self.start).at(file)
        };
        let size = usize::try_from(self.size).map_err(|_| damaged("it is too large"))?;
        let bytes = match self.method {
            STORED => self.compressed.to_vec(),
            _ => miniz_oxide::inflate::decompress_to_vec_with_limit(self.compressed, size)
                .map_err(|_| damaged("its bytes cannot be unpacked to what the directory says"))?,
        };
        if bytes.len() != size || crc32fast::hash(&bytes) != self.checksum {
            return Err(damaged("its bytes are not those of its size and checksum"));
        }
        Ok(bytes)
    }
}

/// What is wrong, before its place is a diagnostic's.
struct Fault {
    code: &'static Code,
    message: String,
    entry: Option<String>,
    offset: Option<u64>,
}

impl Fault {
    fn new(code: &'static Code, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), entry: None, offset: None }
    }

    fn entry(mut self, name: &str) -> Fault {
        // A hostile name does not get to write to a terminal.
        self.entry = Some(name.escape_default().to_string());
        self
    }

    fn offset(mut self, offset: u64) -> Fault {
        self.offset.get_or_insert(offset);
        self
    }

    fn at(self, file: &str) -> Diagnostic {
        let place = Place::Binary {
            file: file.to_owned(),
            member: self.entry,
            section: None,
            offset: self.offset,
        };
        Diagnostic::error(self.code, self.message)
            .at(place)
            .hint("do not install this file; build it again or ask its publisher")
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|field| u16::from_le_bytes(*field))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|field| u32::from_le_bytes(*field))
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    u32_at(bytes, at).and_then(|value| usize::try_from(value).ok())
}

/// Offset of the record that ends the file. Only a comment may follow it, and its length has to be right.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_SIZE)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|at| {
        let record = bytes.get(*at..).unwrap_or_default();
        record.starts_with(END)
            && u16_at(record, 20)
                .is_some_and(|comment| at + END_SIZE + usize::from(comment) == bytes.len())
    })
}

struct Directory<'a> {
    headers: &'a [u8],
    offset: u64,
    count: u16,
}

fn directory(bytes: &[u8], end: usize) -> Result<Directory<'_>, Fault> {
    let cut = || Fault::new(&code::DAMAGED, "the directory lies outside of the file");
    let record = bytes.get(end..).unwrap_or_default();
    let field = |at| u16_at(record, at).ok_or_else(cut);
    let (disk, first_disk, here, count) = (field(4)?, field(6)?, field(8)?, field(10)?);
    let (size, offset) =
        (size_at(record, 12).ok_or_else(cut)?, size_at(record, 16).ok_or_else(cut)?);
    if disk != 0 || first_disk != 0 || here != count {
        return Err(Fault::new(&code::UNSUPPORTED, "a zip file of several volumes"));
    }
    if count == u16::MAX || size_is_wide(size) || size_is_wide(offset) {
        return Err(Fault::new(&code::UNSUPPORTED, "a zip file of the 64-bit form"));
    }
    if offset.checked_add(size) != Some(end) {
        let message = "the directory is not where the file's end says; bytes were added or removed";
        return Err(Fault::new(&code::DAMAGED, message).offset(end as u64));
    }
    let headers = bytes.get(offset..end).ok_or_else(cut)?;
    Ok(Directory { headers, offset: offset as u64, count })
}

fn size_is_wide(size: usize) -> bool {
    u32::try_from(size).is_ok_and(|size| size == u32::MAX)
}

/// A header of the directory.
struct Header<'a> {
    fixed: &'a [u8],
    name: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes the header that `rest` begins with.
    fn read(rest: &mut &'a [u8]) -> Option<Header<'a>> {
        let (fixed, tail) = rest.split_at_checked(CENTRAL_SIZE)?;
        if !fixed.starts_with(CENTRAL) {
            return None;
        }
        let (name, tail) = tail.split_at_checked(usize::from(u16_at(fixed, 28)?))?;
        let extra = usize::from(u16_at(fixed, 30)?) + usize::from(u16_at(fixed, 32)?);
        *rest = tail.get(extra..)?;
        Some(Header { fixed, name })
    }

    fn u16(&self, at: usize) -> u16 {
        u16_at(self.fixed, at).unwrap_or_default()
    }

    fn u32(&self, at: usize) -> u32 {
        u32_at(self.fixed, at).unwrap_or_default()
    }

    /// The Unix mode, if a Unix made the entry and set one.
    fn mode(&self) -> Option<u32> {
        let mode = self.u32(38) >> 16;
        (self.u16(4) >> 8 == UNIX && mode != 0).then_some(mode)
    }

    fn entry(&self, bytes: &'a [u8], offset: u64) -> Result<Entry<'a>, Fault> {
        let unsafe_entry = |message: &str| Fault::new(&code::UNSAFE, message);
        let Ok(full) = std::str::from_utf8(self.name) else {
            return Err(unsafe_entry("its name is not UTF-8"));
        };
        let named = |fault: Fault| fault.entry(full);
        let name = full.strip_suffix('/').unwrap_or(full);
        if let Some(fault) = name::fault(name) {
            return Err(named(unsafe_entry(fault)));
        }
        let is_directory = name.len() < full.len();
        let kind = self.mode().map_or(0, |mode| mode & KIND);
        let expected = if is_directory { DIRECTORY } else { REGULAR };
        if kind != 0 && kind != expected {
            return Err(named(unsafe_entry("it is a link, a device or not what its name says")));
        }
        let (compressed, start) = self.bytes(bytes).map_err(named)?;
        if is_directory && self.u32(24) != 0 {
            return Err(named(unsafe_entry("it is a directory with bytes")));
        }
        Ok(Entry {
            name,
            executable: self.mode().is_some_and(|mode| mode & 0o111 != 0),
            directory: is_directory,
            offset,
            start,
            method: self.u16(10),
            checksum: self.u32(16),
            size: u64::from(self.u32(24)),
            compressed,
        })
    }

    /// The compressed bytes and where the entry starts, after comparing its local header with this one.
    fn bytes(&self, bytes: &'a [u8]) -> Result<(&'a [u8], u64), Fault> {
        let (flags, method, size) = (self.u16(8), self.u16(10), self.u32(24));
        if flags & ENCRYPTED != 0 {
            return Err(Fault::new(&code::UNSUPPORTED, "it is encrypted"));
        }
        if !matches!(method, STORED | DEFLATED) {
            return Err(Fault::new(
                &code::UNSUPPORTED,
                format!("its compression is number {method}"),
            ));
        }
        if [20, 24, 42].into_iter().any(|at| self.u32(at) == u32::MAX) {
            return Err(Fault::new(&code::UNSUPPORTED, "it has the 64-bit form"));
        }
        let outside = || Fault::new(&code::DAMAGED, "it lies outside of the file");
        let differs = || Fault::new(&code::DAMAGED, "its two headers differ");
        let start = size_at(self.fixed, 42).ok_or_else(outside)?;
        let local = bytes.get(start..).ok_or_else(outside)?;
        let (fixed, rest) = local.split_at_checked(LOCAL_SIZE).ok_or_else(outside)?;
        let field = |at| u16_at(fixed, at).map(usize::from).ok_or_else(outside);
        let name = rest.get(..field(26)?).ok_or_else(outside)?;
        let data = rest.get(field(26)? + field(28)?..).ok_or_else(outside)?;
        let same = |local: usize, central: usize| u32_at(fixed, local) == Some(self.u32(central));
        let streamed = flags & STREAMED != 0;
        let sizes = streamed || (same(14, 16) && same(18, 20) && same(22, 24));
        if !fixed.starts_with(LOCAL)
            || name != self.name
            || u16_at(fixed, 8) != Some(method)
            || !sizes
        {
            return Err(differs().offset(start as u64));
        }
        let length = size_at(self.fixed, 20).ok_or_else(outside)?;
        let data = data.get(..length).ok_or_else(|| outside().offset(start as u64))?;
        let most = if method == STORED { length as u64 } else { length as u64 * EXPANSION };
        if u64::from(size) > most {
            let message = format!("it says that {length} bytes unpack to {size}");
            return Err(Fault::new(&code::TOO_LARGE, message).offset(start as u64));
        }
        Ok((data, start as u64))
    }
}

/// Entries that share a name, bytes, or a name with a directory of another.
fn clashes(entries: &[Entry<'_>]) -> Vec<Fault> {
    let files = || entries.iter().filter(|entry| !entry.directory);
    let offsets: BTreeMap<&str, u64> = files().map(|entry| (entry.name, entry.offset)).collect();
    let mut clashing = name::clashes(files().map(|entry| entry.name));
    let directories = entries.iter().filter(|entry| entry.directory).map(|entry| entry.name);
    let both = directories.filter(|name| offsets.contains_key(name));
    clashing.extend(both.map(|name| (name, "it is a file and a directory")));
    let fault = |(name, message): (&str, &str)| {
        let offset = offsets.get(name).copied().unwrap_or(0);
        Fault::new(&code::UNSAFE, message).entry(name).offset(offset)
    };
    let mut faults: Vec<Fault> = clashing.into_iter().map(fault).collect();
    let mut by_place: Vec<&Entry<'_>> = entries.iter().collect();
    by_place.sort_by_key(|entry| (entry.start, entry.offset));
    for pair in by_place.windows(2) {
        let [first, second] = pair else { continue };
        let least = (LOCAL_SIZE + first.name.len() + first.compressed.len()) as u64;
        if first.start + least > second.start {
            let fault = Fault::new(&code::DAMAGED, "it lies over another entry");
            faults.push(fault.entry(second.name).offset(second.start));
        }
    }
    if let Some(first) = by_place.first()
        && first.start != 0
    {
        let message = "bytes lie before the first entry";
        faults.push(Fault::new(&code::DAMAGED, message).entry(first.name).offset(0));
    }
    faults
}
