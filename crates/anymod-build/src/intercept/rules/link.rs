//! Rules on libraries and on words for the linker.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::{Context, Rule};
use crate::intercept::command::{Driver, Item};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "runtime-libraries",
        what: "drops `-l` of libraries that are part of the runtime's main module: the C and C++ libraries, and those of zlib, bzip2, libffi and others if it offers them",
        why: "their functions are imported from the main module; there are no files of these names",
        apply: runtime_libraries,
    },
    Rule {
        name: "repeated-libraries",
        what: "drops a `-l` that was there before",
        why: "the linker searches archives in any order, and those linked twice as a whole would collide",
        apply: repeated_libraries,
    },
    Rule {
        name: "undefined-symbols",
        what: "drops `--allow-undefined`, `--import-undefined` and `--unresolved-symbols=` for the linker",
        why: "what the runtime does not have is to be an error now, not when the module is loaded",
        apply: |driver, _| Ok(undefined_symbols(driver)),
    },
    Rule {
        name: "linker-options",
        what: "drops options for other linkers behind `-Wl,` and `-Xlinker`, part by part: `-rpath`, `-z`, `-soname`, `--as-needed`, `--version-script`, `-headerpad…`, `-dead_strip_dylibs` and others",
        why: "wasm-ld does not know them; what a module shows is decided by the policy of exports",
        apply: |driver, _| Ok(linker_options(driver)),
    },
];

/// Libraries of the C and C++ compilers and their systems.
const PARTS: &[&str] = &[
    "c",
    "m",
    "dl",
    "rt",
    "util",
    "pthread",
    "resolv",
    "nsl",
    "crypt",
    "stdc++",
    "c++",
    "c++abi",
    "supc++",
    "gcc",
    "gcc_s",
    "gcc_eh",
    "unwind",
    "clang_rt.builtins",
    "atomic",
    "System",
    "embind",
    "noexit",
    "html5",
    "compiler_rt",
    "intl",
];

/// Other libraries, and a function that tells whether the main module holds one.
const WITNESSES: &[(&str, &str)] = &[
    ("z", "deflate"),
    ("bz2", "BZ2_bzCompress"),
    ("lzma", "lzma_code"),
    ("ffi", "ffi_call"),
    ("sqlite3", "sqlite3_open"),
    ("expat", "XML_ParserCreate"),
    ("mpdec", "mpd_qadd"),
];

fn runtime_libraries(driver: &mut Driver, context: &Context<'_>) -> Result<bool, String> {
    let mut symbols: Option<Vec<u8>> = None;
    let mut offered = |name: &str| {
        let symbols = symbols.get_or_insert_with(|| {
            std::fs::read(context.config.environment().symbols()).unwrap_or_default()
        });
        // The file begins with no name that is looked for, and each ends its line.
        memchr::memmem::find(symbols, format!("\n{name}\n").as_bytes()).is_some()
    };
    Ok(driver.remove(|item| match item {
        Item::Valued { name: "-l", value, .. } => {
            let Some(library) = value.to_str() else { return false };
            let witness = WITNESSES.iter().find(|row| row.0 == library);
            PARTS.contains(&library)
                || is_python(library)
                || library.ends_with(".js")
                || witness.is_some_and(|(_, function)| offered(function))
        }
        _ => false,
    }))
}

/// True for the library of a Python, for instance `python3.13`.
fn is_python(library: &str) -> bool {
    let version = |text: &str| text.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let rest = library.strip_prefix("python");
    rest.is_some_and(|rest| version(rest.trim_end_matches('t')))
}

fn repeated_libraries(driver: &mut Driver, _: &Context<'_>) -> Result<bool, String> {
    let mut seen: BTreeSet<OsString> = BTreeSet::new();
    Ok(driver.remove(|item| match item {
        Item::Valued { name: "-l", value, .. } => !seen.insert(value.clone()),
        _ => false,
    }))
}

fn undefined_symbols(driver: &mut Driver) -> bool {
    const WORDS: &[&str] = &[
        "--allow-undefined",
        "--import-undefined",
        "--unresolved-symbols",
        "--warn-unresolved-symbols",
        "-allow-undefined",
        "--allow-undefined-file",
    ];
    driver.remove(|item| match item {
        Item::Valued { name: "-Xlinker", value, .. } => value
            .to_str()
            .and_then(|word| word.split('=').next())
            .is_some_and(|word| WORDS.contains(&word)),
        _ => false,
    })
}

/// Words for the linker that are dropped, and whether the next word belongs to them. A word with `=` is known by what is
/// before it.
const DROPPED: &[(&str, bool)] = &[
    ("--Bsymbolic", false),
    ("--allow-shlib-undefined", false),
    ("--as-needed", false),
    ("--compress-debug-sections", false),
    ("--copy-dt-needed-entries", false),
    ("--default-symver", false),
    ("--disable-new-dtags", false),
    ("--dynamic-linker", true),
    ("--dynamic-list", true),
    ("--eh-frame-hdr", false),
    ("--enable-new-dtags", false),
    ("--end-group", false),
    ("--exclude-libs", true),
    ("--export-dynamic", false),
    ("--hash-style", true),
    ("--icf", true),
    ("--no-add-needed", false),
    ("--no-allow-shlib-undefined", false),
    ("--no-as-needed", false),
    ("--no-copy-dt-needed-entries", false),
    ("--no-keep-memory", false),
    ("--no-relax", false),
    ("--no-undefined", false),
    ("--pack-dyn-relocs", true),
    ("--package-metadata", true),
    ("--plugin", true),
    ("--plugin-opt", true),
    ("--pop-state", false),
    ("--push-state", false),
    ("--reduce-memory-overheads", false),
    ("--relax", false),
    ("--rpath", true),
    ("--rpath-link", true),
    ("--soname", true),
    ("--sort-common", false),
    ("--sort-section", true),
    ("--start-group", false),
    ("--strip-all", false),
    ("--strip-debug", false),
    ("--sysroot", true),
    ("--version-script", true),
    ("--warn-common", false),
    ("-Bsymbolic", false),
    ("-Bsymbolic-functions", false),
    ("-E", false),
    ("-R", true),
    ("-S", false),
    ("-bind_at_load", false),
    ("-compatibility_version", true),
    ("-current_version", true),
    ("-dead_strip", false),
    ("-dead_strip_dylibs", false),
    ("-exported_symbols_list", true),
    ("-export-dynamic", false),
    ("-flat_namespace", false),
    ("-h", true),
    ("-headerpad", true),
    ("-headerpad_max_install_names", false),
    ("-install_name", true),
    ("-m", true),
    ("-no-undefined", false),
    ("-no_compact_unwind", false),
    ("-no_fixup_chains", false),
    ("-no_warn_duplicate_libraries", false),
    ("-ld_classic", false),
    ("-plugin", true),
    ("-plugin-opt", true),
    ("-rpath", true),
    ("-rpath-link", true),
    ("-s", false),
    ("-search_paths_first", false),
    ("-soname", true),
    ("-undefined", true),
    ("-v", false),
    ("-unexported_symbols_list", true),
    ("-x", false),
    ("-z", true),
];

fn linker_options(driver: &mut Driver) -> bool {
    let mut expects_value = false;
    driver.remove(|item| {
        let Item::Valued { name: "-Xlinker", value, .. } = item else {
            return match item {
                Item::Valued { name, .. } => *name == "-z",
                _ => false,
            };
        };
        if std::mem::take(&mut expects_value) {
            return true;
        }
        let Some(word) = value.to_str() else { return false };
        let (name, assigned) = word.split_once('=').map_or((word, false), |(name, _)| (name, true));
        let row = DROPPED.iter().find(|row| row.0 == name);
        expects_value = row.is_some_and(|row| row.1) && !assigned;
        row.is_some() || joined(word)
    })
}

/// True for an option with its value in the same word.
fn joined(word: &str) -> bool {
    ["-R", "-z", "--hash-style", "--sort-common", "--compress-debug-sections"]
        .iter()
        .any(|prefix| word.starts_with(prefix))
        && !word.starts_with("--Rpass")
}
