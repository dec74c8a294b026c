//! Where in the program's own file something of its memory is. Reading the file leaves nothing behind, where every page of
//! memory that was looked at counts as the program's.

use std::fs::File;

/// The program's file, with where in it a piece of memory begins.
#[derive(Debug)]
pub(crate) struct OwnFile {
    file: File,
    offset: u64,
}

impl OwnFile {
    /// The file that a piece of memory is from; none if it is from no file, which then is no worse than memory.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(memory: &[u8]) -> Option<OwnFile> {
        let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
        let start = memory.as_ptr().addr();
        let end = start.checked_add(memory.len())?;
        let (offset, path) = maps.lines().find_map(|line| mapped(line, start, end))?;
        let file = File::open(path).ok()?;
        let own = OwnFile { file, offset };
        // A file that was replaced since the program started has something else there.
        let mut begin = [0; 4096];
        let begin = begin.get_mut(..memory.len().min(4096))?;
        own.read(begin, 0).ok()?;
        memory.starts_with(begin).then_some(own)
    }

    /// None: only Linux tells.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &[u8]) -> Option<OwnFile> {
        None
    }

    /// Reads what is at an offset of the piece of memory.
    pub(crate) fn read(&self, to: &mut [u8], at: u64) -> std::io::Result<()> {
        read_exact_at(&self.file, to, self.offset + at)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, to: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, at)
}

#[cfg(not(unix))]
fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Where in its file memory is, by a line of `/proc/self/maps` (proc(5)): `START-END MODE OFFSET DEVICE INODE PATH`.
#[cfg(target_os = "linux")]
fn mapped(line: &str, start: usize, end: usize) -> Option<(u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let from = usize::from_str_radix(from, 16).ok()?;
    let to = usize::from_str_radix(to, 16).ok()?;
    let mut words = rest.splitn(5, ' ');
    let (mode, offset) = (words.next()?, words.next()?);
    let path = words.nth(2)?.trim_start();
    let fits = from <= start && end <= to && path.starts_with('/');
    // What can be written may not be what is in the file.
    if !fits || mode.contains('w') {
        return None;
    }
    let offset = u64::from_str_radix(offset, 16).ok()?;
    Some((offset + (start - from) as u64, path))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    static EMBEDDED: &[u8] = include_bytes!("unpack.rs");

    #[test]
    fn a_piece_of_the_program_is_read_from_its_file() {
        let file = OwnFile::of(EMBEDDED).expect("it is in this program");
        let mut read = vec![0; EMBEDDED.len() - 100];
        file.read(&mut read, 100).unwrap();
        assert!(read == EMBEDDED[100..]);
    }

    #[test]
    fn what_was_made_at_run_time_is_in_no_file() {
        let copy: Vec<u8> = EMBEDDED.iter().map(|byte| byte.wrapping_add(1)).collect();
        assert!(OwnFile::of(&copy).is_none());
    }

    #[test]
    fn lines_are_read_as_they_are_documented() {
        let line = "7f00-7f80 r--p 00000100 fe:00 12   /a b/c";
        assert_eq!(mapped(line, 0x7f10, 0x7f20), Some((0x110, "/a b/c")));
        assert_eq!(mapped(line, 0x7f10, 0x7f81), None);
        assert_eq!(mapped("7f00-7f80 rw-p 00000100 fe:00 12 /a", 0x7f10, 0x7f20), None);
        assert_eq!(mapped("7f00-7f80 r--p 00000100 00:00 0 [heap]", 0x7f10, 0x7f20), None);
        assert_eq!(mapped("7f00-7f80 r--p 00000100 00:00 0 ", 0x7f10, 0x7f20), None);
        assert_eq!(mapped("7f00", 0x7f10, 0x7f20), None);
    }
}
