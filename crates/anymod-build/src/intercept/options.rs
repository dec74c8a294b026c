//! The options of compiler drivers that take a value, and whether it is joined to them or follows.
//!
//! What is not in the table is one word. The table holds what GCC, clang, emcc and Apple's drivers document, because a
//! value that is taken for a file of input would change what a command means.

use Takes::{Either, Joined, Separate};

/// Where an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// In the same word.
    Joined,
    /// The next word.
    Separate,
    /// In the same word, or if that ends with the option, the next.
    Either,
}

const OPTIONS: &[(&str, Takes)] = &[
    ("--embed-file", Separate),
    ("--extern-post-js", Separate),
    ("--extern-pre-js", Separate),
    ("--gcc-toolchain=", Joined),
    ("--js-library", Separate),
    ("--param", Separate),
    ("--post-js", Separate),
    ("--pre-js", Separate),
    ("--preload-file", Separate),
    ("--sysroot", Separate),
    ("--sysroot=", Joined),
    ("--target=", Joined),
    ("-B", Either),
    ("-D", Either),
    ("-F", Either),
    ("-I", Either),
    ("-L", Either),
    ("-MF", Either),
    ("-MJ", Either),
    ("-MQ", Either),
    ("-MT", Either),
    ("-T", Either),
    ("-U", Either),
    ("-Wl,", Joined),
    ("-Wp,", Joined),
    ("-Xanalyzer", Separate),
    ("-Xassembler", Separate),
    ("-Xclang", Separate),
    ("-Xlinker", Separate),
    ("-Xpreprocessor", Separate),
    ("-arch", Separate),
    ("-aux-info", Separate),
    ("-bundle_loader", Separate),
    ("-compatibility_version", Separate),
    ("-current_version", Separate),
    ("-dumpbase", Separate),
    ("-dumpbase-ext", Separate),
    ("-dumpdir", Separate),
    ("-dylib_install_name", Separate),
    ("-e", Either),
    ("-exported_symbols_list", Separate),
    ("-force_load", Separate),
    ("-framework", Separate),
    ("-gcc-toolchain", Separate),
    ("-idirafter", Either),
    ("-iframework", Either),
    ("-imacros", Either),
    ("-imultilib", Separate),
    ("-include", Either),
    ("-include-pch", Separate),
    ("-install_name", Separate),
    ("-iprefix", Either),
    ("-iquote", Either),
    ("-isysroot", Either),
    ("-isystem", Either),
    ("-iwithprefix", Either),
    ("-iwithprefixbefore", Either),
    ("-iwithsysroot", Either),
    ("-l", Either),
    ("-mllvm", Separate),
    ("-o", Either),
    ("-resource-dir", Separate),
    ("-seg1addr", Separate),
    ("-target", Separate),
    ("-u", Either),
    ("-undefined", Separate),
    ("-unexported_symbols_list", Separate),
    ("-weak_framework", Separate),
    ("-wrapper", Separate),
    ("-x", Either),
    ("-z", Either),
];

/// Words that begin as an option that takes a joined value does, and are options of their own.
const NOT_JOINED: &[&str] = &["-ObjC", "-object_path_lto", "-emit-llvm", "-undef"];

/// The option of the table that a word is or begins with, the longest that fits.
pub(crate) fn find(word: &[u8]) -> Option<(&'static str, Takes)> {
    if NOT_JOINED.iter().any(|whole| whole.as_bytes() == word) {
        return None;
    }
    let fits = |(name, takes): &&(&str, Takes)| match takes {
        Separate => word == name.as_bytes(),
        Joined | Either => word.starts_with(name.as_bytes()),
    };
    OPTIONS.iter().filter(fits).max_by_key(|(name, _)| name.len()).copied()
}

/// True for the setting of an emscripten option: `NAME` or `NAME=VALUE` in capitals.
pub(crate) fn is_setting(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
    let legal = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    name.first().is_some_and(u8::is_ascii_uppercase) && name.len() > 2 && name.iter().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_option_that_fits_is_meant() {
        let named = |word: &str| find(word.as_bytes()).map(|found| found.0);
        assert_eq!(named("-isystem/x"), Some("-isystem"));
        assert_eq!(named("-include"), Some("-include"));
        assert_eq!(named("-include-pch"), Some("-include-pch"));
        assert_eq!(named("-MFx.d"), Some("-MF"));
        assert_eq!(named("-MMD"), None);
        assert_eq!(named("-undefined"), Some("-undefined"));
        assert_eq!(named("-undef"), None);
        assert_eq!(named("-Wall"), None);
        assert_eq!(named("-Wl,-z,now"), Some("-Wl,"));
        assert_eq!(named("--sysroot=/x"), Some("--sysroot="));
        assert_eq!(named("-O2"), None);
    }

    #[test]
    fn settings_of_emscripten_are_told_from_stripping() {
        assert!(is_setting(b"SIDE_MODULE=2") && is_setting(b"WASM_BIGINT"));
        assert!(!is_setting(b"a.o") && !is_setting(b"") && !is_setting(b"-s"));
    }
}
