//! Absolute paths in bytes: what a compiler leaves of the machine it ran on.

/// An absolute path found in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundPath<'a> {
    /// Offset of its first byte.
    pub offset: usize,
    /// The path.
    pub text: &'a str,
}

/// Runs of bytes that look like absolute paths of Unix (two components at least) or of Windows, in their order.
///
/// A path begins after a byte that cannot be part of one and ends before the next such byte; blanks end it.
pub fn absolute_paths(bytes: &[u8]) -> impl Iterator<Item = FoundPath<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes.get(at..)?.iter().position(|byte| is_part(*byte))?;
            let rest = bytes.get(start..)?;
            let length = rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len());
            at = start + length;
            // All parts are ASCII.
            let text = std::str::from_utf8(rest.get(..length)?).ok()?;
            if let Some(path) = path_in(text) {
                return Some(FoundPath { offset: start + (length - path.len()), text: path });
            }
        }
        None
    })
}

/// Bytes that occur in paths of build machines.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/\\:._-+@~$%".contains(&byte)
}

/// The absolute path that a run of path-like bytes ends with: all of it, or what comes after `-I`, `file:` or a list's `:`.
fn path_in(text: &str) -> Option<&str> {
    if is_windows(text) {
        return Some(text);
    }
    let at = text.find('/')?;
    let (before, path) = text.split_at(at);
    let begins = before.is_empty() || before.ends_with(':') || matches!(before, "-I" | "-L" | "-B");
    // Addresses of the web and comments are no paths.
    let inner = path.trim_start_matches('/');
    let is_path = path.len() - inner.len() == 1 && inner.trim_end_matches('/').contains('/');
    (begins && is_path).then_some(path)
}

fn is_windows(text: &str) -> bool {
    matches!(text.as_bytes(), [drive, b':', b'\\' | b'/', first, ..]
        if drive.is_ascii_alphabetic() && first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_what_is_not() {
        let cases: [(&[u8], &str); 9] = [
            (b"\0/home/a/b.c\0", "1 /home/a/b.c"),
            (b"see https://example.org/a/b", ""),
            (b"a/b/c.h", ""),
            (b"/usr", ""),
            (b"// comment/x", ""),
            (b"-I/opt/x/include -L/opt/x/lib", "2 /opt/x/include, 19 /opt/x/lib"),
            (b"C:\\Users\\a\\b.c", "0 C:\\Users\\a\\b.c"),
            (b"\xff\xfe/tmp/x/y\xff/root/z.rs", "2 /tmp/x/y, 11 /root/z.rs"),
            (b"", ""),
        ];
        for (bytes, expected) in cases {
            let found = absolute_paths(bytes).map(|path| format!("{} {}", path.offset, path.text));
            assert_eq!(
                found.collect::<Vec<_>>().join(", "),
                expected,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
