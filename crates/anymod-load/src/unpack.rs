//! Taking a file out of an archive: part by part, on several processors, with nothing in memory but the parts at work.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read as _};
use std::ops::Range;
use std::sync::Mutex;

use anymod_model::payload::{Encoding, Index, Packed, Part, places};
use twox_hash::XxHash64;

use crate::own_file::OwnFile;

/// Parts that are in memory at once.
const MOST: usize = 4;

/// An archive whose index was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where the parts begin.
    pub(crate) start: usize,
    pub(crate) index: &'a Index,
}

/// What is written to: any part at any time.
pub(crate) trait Output: Sync {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
}

#[cfg(unix)]
impl Output for File {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, at)
    }
}

#[cfg(windows)]
impl Output for File {
    fn write_at(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(self, bytes, at)?;
            bytes = bytes.get(written..).unwrap_or_default();
            at += written as u64;
        }
        Ok(())
    }
}

/// Memory, for a file that others are a difference to.
impl Output for Mutex<Vec<u8>> {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut held = self.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place =
            usize::try_from(at).ok().and_then(|at| held.get_mut(at..)?.get_mut(..bytes.len()));
        place.ok_or_else(damaged)?.copy_from_slice(bytes);
        Ok(())
    }
}

fn damaged() -> io::Error {
    io::Error::other("what is embedded is damaged")
}

/// Makes a buffer as long as an archive says that something is, if there is so much memory.
fn make_room(buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
    buffer.try_reserve_exact(length.saturating_sub(buffer.len())).map_err(|_| damaged())?;
    buffer.resize(length, 0);
    Ok(())
}

impl Archive<'_> {
    /// Writes a file of the archive, with the sum of every part compared before it is written.
    ///
    /// # Errors
    /// If it is damaged, or cannot be written.
    pub(crate) fn unpack(&self, file: &Packed, to: &dyn Output) -> io::Result<()> {
        let base = match &file.base {
            None => Vec::new(),
            Some(base) => {
                let base = self.index.files.iter().find(|other| other.file == *base);
                // A difference to a difference is never made, and could go on for ever.
                let base = base.filter(|base| base.base.is_none()).ok_or_else(damaged)?;
                let length = usize::try_from(base.size).map_err(|_| damaged())?;
                let mut held = Vec::new();
                make_room(&mut held, length)?;
                let held = Mutex::new(held);
                self.unpack(base, &held)?;
                held.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
            }
        };
        let mut jobs = Vec::new();
        let mut to_at = 0;
        for (at, part) in places(self.start, file) {
            jobs.push((at, *part, to_at));
            to_at += part.plain;
        }
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = processors.min(MOST).min(jobs.len()).max(1);
        let jobs = Mutex::new(jobs.into_iter());
        let own_file = OwnFile::of(self.bytes);
        let work = || -> io::Result<()> {
            let mut unpacker = Unpacker {
                archive: self,
                encoding: file.encoding,
                base: &base,
                file: own_file.as_ref(),
                context: zstd::bulk::Decompressor::new()?,
                packed: Vec::new(),
                plain: Vec::new(),
            };
            loop {
                let job = jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                let Some((at, part, to_at)) = job else { return Ok(()) };
                to.write_at(unpacker.part(at, &part)?, to_at)?;
            }
        };
        std::thread::scope(|scope| {
            // Where no more threads may be made, those that there are do it all.
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..workers).filter_map(start).collect();
            let own = work();
            let others =
                others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(damaged())));
            others.fold(own, Result::and)
        })
    }

    fn range(&self, at: u64, length: u64) -> Option<Range<usize>> {
        let start = usize::try_from(at).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= self.bytes.len()).then_some(start..end)
    }
}

/// What one thread works with.
struct Unpacker<'a> {
    archive: &'a Archive<'a>,
    encoding: Encoding,
    base: &'a [u8],
    file: Option<&'a OwnFile>,
    context: zstd::bulk::Decompressor<'static>,
    packed: Vec<u8>,
    plain: Vec<u8>,
}

impl Unpacker<'_> {
    /// What a part holds.
    fn part(&mut self, at: u64, part: &Part) -> io::Result<&[u8]> {
        let range = self.archive.range(at, part.packed).ok_or_else(damaged)?;
        let length = usize::try_from(part.plain).map_err(|_| damaged())?;
        let packed = match self.file {
            // Memory that only this reads, a part at a time, instead of pages of the program, which would stay.
            Some(file) => {
                make_room(&mut self.packed, range.len())?;
                file.read(&mut self.packed, at)?;
                &self.packed
            }
            None => self.archive.bytes.get(range).unwrap_or_default(),
        };
        match self.encoding {
            Encoding::Gzip => {
                return Err(io::Error::other("it is packed for Node.js: embed with `--host rust`"));
            }
            Encoding::Stored => {
                self.plain.clear();
                self.plain.extend(packed);
            }
            Encoding::Zstd if self.base.is_empty() => {
                make_room(&mut self.plain, length)?;
                let done = self.context.decompress_to_buffer(packed, &mut self.plain[..]);
                self.plain.truncate(done.map_err(|_| damaged())?);
            }
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_ref_prefix(packed, self.base)?;
                decoder.window_log_max(31)?;
                self.plain.clear();
                let decoder = decoder.take(part.plain.saturating_add(1));
                { decoder }.read_to_end(&mut self.plain).map_err(|_| damaged())?;
            }
        }
        let mut sum = XxHash64::with_seed(0);
        sum.write(&self.plain);
        if self.plain.len() as u64 != part.plain || sum.finish() != part.sum {
            return Err(damaged());
        }
        Ok(&self.plain)
    }
}
