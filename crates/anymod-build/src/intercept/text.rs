//! Arguments and paths that need not be text: cutting and joining them without losing a byte.

use std::ffi::{OsStr, OsString};

/// What follows a prefix.
#[cfg(unix)]
pub(crate) fn strip_prefix(word: &OsStr, prefix: &str) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    let rest = word.as_bytes().strip_prefix(prefix.as_bytes())?;
    Some(OsStr::from_bytes(rest).to_owned())
}

#[cfg(not(unix))]
pub(crate) fn strip_prefix(word: &OsStr, prefix: &str) -> Option<OsString> {
    word.to_str()?.strip_prefix(prefix).map(OsString::from)
}

/// Bytes of a file as an argument.
#[cfg(unix)]
pub(crate) fn from_bytes(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
pub(crate) fn from_bytes(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// True if a word begins so.
pub(crate) fn starts_with(word: &OsStr, prefix: &str) -> bool {
    word.as_encoded_bytes().starts_with(prefix.as_bytes())
}

/// Two pieces as one word.
pub(crate) fn joined(first: impl AsRef<OsStr>, second: impl AsRef<OsStr>) -> OsString {
    let mut word = first.as_ref().to_owned();
    word.push(second);
    word
}
