//! Reads the finished file back, as a loader would, and compares it with what was laid out.
//!
//! Cheap enough to run on every link: it parses the head, checks every size, and replays the relocations against the
//! list they were written from. It shares no code with the writer but the format's vocabulary.

use anymod_model::mpy as format;

use super::layout::Memory;
use super::options::Options;
use super::relocate::{Image, LoadRelocation};

/// What is wrong with a file, or nothing.
pub(crate) fn check(file: &[u8], image: &Image, options: &Options) -> Result<(), &'static str> {
    let mut reader = Reader { file, at: 0 };
    let header = reader.bytes(4)?;
    let flags = match header {
        [format::MAGIC, 6, feature, format::SMALL_INT_BITS] => {
            if (feature >> 2) & 0xf != options.arch.number()
                || feature & 3 != options.abi.sub_version()
            {
                return Err("the header names another architecture or ABI");
            }
            match feature & format::ARCH_FLAGS_FOLLOW {
                0 => 0,
                _ => reader.uint()?,
            }
        }
        _ => return Err("the header is not one of a native module"),
    };
    if flags != options.arch_flags {
        return Err("the architecture flags differ");
    }
    let names = reader.uint()?;
    if names != options.qstrs.len() as u64 + 1 || reader.uint()? != 0 {
        return Err("the name tables have other sizes");
    }
    for name in [&options.source_name].into_iter().chain(&options.qstrs) {
        reader.name(name.as_bytes())?;
    }
    let kind_and_length = reader.uint()?;
    if kind_and_length & 7 != format::Kind::NativeViper as u64 {
        return Err("the code is of another kind");
    }
    if reader.bytes(kind_and_length >> 3)? != image.text {
        return Err("the code differs");
    }
    let scope = reader.uint()?;
    let rodata = if scope & format::SCOPE_RODATA != 0 { reader.uint()? } else { 0 };
    let bss = if scope & format::SCOPE_BSS != 0 { reader.uint()? } else { 0 };
    if reader.bytes(rodata)? != image.rodata || bss != image.bss {
        return Err("the data differs");
    }
    reader.relocations(image, options)?;
    match reader.at == file.len() {
        true => Ok(()),
        false => Err("bytes follow the end"),
    }
}

struct Reader<'f> {
    file: &'f [u8],
    at: usize,
}

impl<'f> Reader<'f> {
    fn bytes(&mut self, length: u64) -> Result<&'f [u8], &'static str> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let bytes = end.and_then(|end| self.file.get(self.at..end)).ok_or("the file is cut off")?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn uint(&mut self) -> Result<u64, &'static str> {
        let (value, at) = format::read_uint(self.file, self.at).ok_or("a number is cut off")?;
        self.at = at;
        Ok(value)
    }

    fn name(&mut self, expected: &[u8]) -> Result<(), &'static str> {
        let length = self.uint()?;
        if length & 1 != 0 {
            let fixed = format::static_qstr(length >> 1).ok_or("no such fixed name")?;
            return if fixed.as_bytes() == expected { Ok(()) } else { Err("a fixed name differs") };
        }
        let name = self.bytes(length >> 1)?;
        match name == expected && self.bytes(1)? == [0] {
            true => Ok(()),
            false => Err("a name differs"),
        }
    }

    /// Replays the relocations and compares each with the one that was to be written.
    fn relocations(&mut self, image: &Image, options: &Options) -> Result<(), &'static str> {
        let word = u64::from(options.arch.info().word_size);
        let mut expected = image.relocations.iter();
        let (mut memory, mut offset) = (Memory::Text, 0);
        loop {
            let [operation] = *self.bytes(1)? else { return Err("the file is cut off") };
            if operation == format::RELOC_END {
                break;
            }
            if operation & 1 != 0 {
                let address = self.uint()?;
                memory = if address & 1 == 0 { Memory::Text } else { Memory::Rodata };
                offset = (address >> 1) * word;
            }
            let operation = operation >> 1;
            let is_memory = operation < format::RELOC_QSTR_TABLE;
            let count = if is_memory && operation & 1 != 0 { self.uint()? } else { 1 };
            let destination = if is_memory { operation >> 1 } else { operation };
            for _ in 0..count {
                let size =
                    if memory == Memory::Text { image.text.len() } else { image.rodata.len() };
                if offset + word > size as u64 {
                    return Err("a relocation is outside its memory");
                }
                let found = LoadRelocation { memory, offset, destination };
                if expected.next() != Some(&found) {
                    return Err("a relocation differs");
                }
                offset += word;
            }
        }
        match expected.next() {
            None => Ok(()),
            Some(_) => Err("a relocation is missing"),
        }
    }
}
