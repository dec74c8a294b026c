//! `RECORD`: every file of a wheel with its hash and size, as CSV.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::File;

/// A row of `RECORD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// The file.
    pub path: String,
    /// Algorithm and value, for instance `sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU`; empty for none.
    pub digest: String,
    /// Size in bytes; none if the field is empty or no number.
    pub size: Option<u64>,
}

/// How a digest of a row stands to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// It is the file's.
    Right,
    /// It is another file's.
    Wrong,
    /// It is of an algorithm that installers do not take.
    Unknown,
}

/// Reads the rows; none if the text is no CSV of three columns.
#[must_use]
pub fn read_record(text: &str) -> Option<Vec<RecordRow>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(read_row).collect()
}

fn read_row(line: &str) -> Option<RecordRow> {
    let mut rest = line;
    let path = field(&mut rest)?;
    let digest = field(&mut rest)?;
    let size = field(&mut rest)?;
    rest.is_empty().then(|| RecordRow { path, digest, size: size.parse().ok() })
}

/// Takes a field and the comma after it. Quotes inside of a quoted field are doubled.
fn field(rest: &mut &str) -> Option<String> {
    let mut value = String::new();
    if let Some(mut quoted) = rest.strip_prefix('"') {
        loop {
            let (before, after) = quoted.split_once('"')?;
            value.push_str(before);
            match after.strip_prefix('"') {
                Some(more) => {
                    value.push('"');
                    quoted = more;
                }
                None => {
                    *rest = match after.strip_prefix(',') {
                        Some(after) => after,
                        None if after.is_empty() => after,
                        None => return None,
                    };
                    return Some(value);
                }
            }
        }
    }
    let (field, after) = rest.split_once(',').unwrap_or((rest, ""));
    *rest = after;
    Some(field.to_owned())
}

/// Compares a row's digest with bytes.
#[must_use]
pub fn digest_of(row: &RecordRow, bytes: &[u8]) -> Digest {
    let Some((algorithm, value)) = row.digest.split_once('=') else { return Digest::Unknown };
    let right = match algorithm {
        "sha256" => base64(&Sha256::digest(bytes)),
        "sha384" => base64(&Sha384::digest(bytes)),
        "sha512" => base64(&Sha512::digest(bytes)),
        _ => return Digest::Unknown,
    };
    if right == value.trim_end_matches('=') { Digest::Right } else { Digest::Wrong }
}

/// The text of a `RECORD` at `path` over the files, in the order in which they are written.
pub(super) fn record<'a>(files: impl Iterator<Item = (&'a str, &'a File)>, path: &str) -> String {
    let mut text = String::new();
    for (name, file) in files {
        let digest = base64(&Sha256::digest(&file.bytes));
        _ = writeln!(text, "{},sha256={digest},{}", quote(name), file.bytes.len());
    }
    _ = writeln!(text, "{},,", quote(path));
    text
}

fn quote(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// URL-safe base64 without padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..=chunk.len() {
            let digit = word >> (18 - 6 * place) & 63;
            text.extend(ALPHABET.get(digit as usize).map(|byte| char::from(*byte)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_its_own_alphabet_and_no_padding() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"\xfb\xff\xfe", "-__-"),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn rows_are_read_as_they_are_written() {
        let files = [("a,\"b\".py", File::new("x")), ("c.py", File::new(""))];
        let text = record(files.iter().map(|(name, file)| (*name, file)), "d/RECORD");
        let rows = read_record(&text).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].path, "a,\"b\".py");
        assert_eq!(rows[1].digest, "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
        assert_eq!(digest_of(&rows[1], b""), Digest::Right);
        assert_eq!(digest_of(&rows[1], b"x"), Digest::Wrong);
        assert_eq!(digest_of(&rows[2], b""), Digest::Unknown);
        assert_eq!(
            rows[2],
            RecordRow { path: "d/RECORD".to_owned(), digest: String::new(), size: None }
        );
        assert_eq!(
            read_record("one\n"),
            Some(vec![RecordRow { path: "one".to_owned(), digest: String::new(), size: None }])
        );
        assert_eq!(read_record("\"open,,\n"), None);
        assert_eq!(read_record("a,b,c,d\n"), None);
    }
}
