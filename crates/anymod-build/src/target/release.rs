//! What is known in advance of releases and packages: pins, and which Debian package has headers for which release.
//!
//! A release that is not in the table can be added; its package is then what npm says it is, and the lock records it.

/// The integrity of each known npm package, as npm's registry and lock files write it (SHA-512, base64).
pub(crate) static RELEASES: [(&str, &str); 6] = [
    (
        "0.25.1",
        "sha512-y0nJ/fLA3bxD2iZRzvVTbP2O+wp4Ewm2wThfV4HF0BytQ6hsoqTJFLNY4usLOcCVBrK8TTWqFqrmsVPzHe4rsw==",
    ),
    (
        "0.26.4",
        "sha512-z2CHsjVlhhJi5tYBF0AYAfNEPo3zq/z+xOpFtk1tweJkRaTqU4UK/7pLvo8DBU2VDPH31vB3pSI+8fnoqrVrFg==",
    ),
    (
        "0.27.7",
        "sha512-RUSVJlhQdfWfgO9hVHCiXoG+nVZQRS5D9FzgpLJ/VcgGBLSAKoPL8kTiOikxbHQm1kRISeWUBdulEgO26qpSRA==",
    ),
    (
        "0.28.3",
        "sha512-rtCsyTU55oNGpLzSVuAd55ZvruJDEX8o6keSdWKN9jPeBVSNlynaKFG7eRqkiIgU7i2M6HEgYtm0atCEQX3u4A==",
    ),
    (
        "0.29.5",
        "sha512-TkYrUv9m8QmfImADKRmpwZulL48E0uUaBSO+dvRQKyAJc0qh9gu7jn8btyHPh3NZm1r2IH2YrJhIr7Q2B9urAw==",
    ),
    (
        "314.0.7",
        "sha512-0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A==",
    ),
];

/// A Debian package of emscripten, of which only headers are taken.
#[derive(Debug)]
pub(crate) struct SysrootPackage {
    /// The suite that has it.
    pub(crate) suite: &'static str,
    /// The version that was tried.
    pub(crate) version: &'static str,
    /// SHA-256 of that version's file.
    pub(crate) sha256: &'static str,
    /// Directories of the package and where in the sysroot their headers go; later ones go over earlier ones.
    pub(crate) layout: &'static [(&'static str, &'static str)],
}

/// Name of the package.
pub(crate) const EMSCRIPTEN: &str = "emscripten";

/// The package that serves runtimes of emscripten 4 and before: its libc++ is version 18.
static TRIXIE: SysrootPackage = SysrootPackage {
    suite: "trixie",
    version: "3.1.69+dfsg-3",
    sha256: "d2ac788b952c56ab6736b4db2ac0825aa63cfb4c08b8abaefe19e324779d1b2d",
    layout: &[("usr/share/emscripten/cache/sysroot/include", "include")],
};

/// The package that serves runtimes of emscripten 5 and after: its libc++ is version 21. It has no sysroot, only the
/// sources of one.
static SID: SysrootPackage = SysrootPackage {
    suite: "sid",
    version: "6.0.5+dfsg+~1.41.5-2",
    sha256: "24e9eecd0a6e0c25896acf7dd42ae4261ae70c0669d4a42bde595afb7e4675c2",
    layout: &[
        ("usr/share/emscripten/system/include", "include"),
        ("usr/share/emscripten/system/lib/compiler-rt/include", "include"),
        ("usr/share/emscripten/system/lib/libunwind/include", "include"),
        ("usr/share/emscripten/system/lib/libc/musl/arch/generic", "include"),
        ("usr/share/emscripten/system/lib/libc/musl/arch/emscripten", "include"),
        ("usr/share/emscripten/system/lib/libc/musl/include", "include"),
        ("usr/share/emscripten/system/lib/libcxxabi/include", "include/c++/v1"),
        ("usr/share/emscripten/system/lib/libcxx/include", "include/c++/v1"),
    ],
};

/// The package whose headers fit a runtime.
pub(crate) fn sysroot_package(emscripten: &str) -> &'static SysrootPackage {
    let major = emscripten.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 5) { &SID } else { &TRIXIE }
}

/// Suites that have the headers of a CPython, of those that are not the machine's own.
pub(crate) fn python_suites(minor: &str) -> &'static [&'static str] {
    match minor {
        "3.11" => &["bookworm"],
        "3.13" => &["trixie", "sid"],
        _ => &["sid"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_well_formed() {
        for (version, integrity) in RELEASES {
            let hash = integrity.strip_prefix("sha512-").unwrap();
            assert!(hash.len() == 88 && hash.ends_with("=="), "{version}");
        }
        for package in [&TRIXIE, &SID] {
            assert!(anymod_store::Digest::from_hex(package.sha256).is_some());
        }
    }

    #[test]
    fn headers_follow_the_generation_of_emscripten() {
        for (emscripten, suite) in
            [("3.1.46", "trixie"), ("4.0.9", "trixie"), ("5.0.3", "sid"), ("6.0.5", "sid")]
        {
            assert_eq!(sysroot_package(emscripten).suite, suite, "{emscripten}");
        }
    }
}
