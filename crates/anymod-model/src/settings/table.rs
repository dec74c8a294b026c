//! The table of settings: facts only.

use super::{Fallback, Kind, Setting};

/// The namespaces of the store that can have limits of their own: the kinds of action, and whole modules.
pub const NAMESPACES: &[&str] = &[
    "qstrs",
    "compile",
    "compile-python",
    "library",
    "link",
    "merge",
    "artifact",
    "bundle",
    "precompile",
];

const NO_LIMIT: &[(&str, &str)] = &[("none", "No limit.")];

/// Every setting, grouped by section.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "store.path",
        names: &[],
        kind: Kind::Path,
        words: &[("off", "Keep nothing and look nothing up.")],
        default: Fallback::Described("`anymod/store` in the user's cache directory"),
        variable: Some("ANYMOD_STORE"),
        flags: &["--store DIR", "--no-store"],
        example: "\"/var/cache/anymod\"",
        doc: "Directory of the store, in which the results of actions are kept for every project and checkout of this \
              user. The cache directory is `$XDG_CACHE_HOME`, else `~/.cache`; on macOS `~/Library/Caches`, on Windows \
              `%LOCALAPPDATA%`. Any directory can be a store, and several machines or users may share one.",
    },
    Setting {
        key: "store.link",
        names: &[],
        kind: Kind::Word,
        words: &[
            ("reflink", "Share the blocks where the file system can, else copy."),
            ("copy", "Always copy."),
            (
                "hardlink",
                "Link the store's own file: fastest, but whoever writes into an output damages the store's copy, which \
                 is then noticed and dropped. Falls back to `reflink`.",
            ),
        ],
        default: Fallback::Value("reflink"),
        variable: Some("ANYMOD_STORE_LINK"),
        flags: &[],
        example: "\"copy\"",
        doc: "How a file gets from the store into an output directory.",
    },
    Setting {
        key: "store.max-size",
        names: &[],
        kind: Kind::Size,
        words: NO_LIMIT,
        default: Fallback::Value("10GiB"),
        variable: Some("ANYMOD_STORE_MAX_SIZE"),
        flags: &["anymod cache gc --max-size SIZE"],
        example: "\"20GiB\"",
        doc: "How large the store may grow. Beyond it, what was used longest ago is removed first.",
    },
    Setting {
        key: "store.max-entries",
        names: &[],
        kind: Kind::Count,
        words: NO_LIMIT,
        default: Fallback::Value("none"),
        variable: Some("ANYMOD_STORE_MAX_ENTRIES"),
        flags: &["anymod cache gc --max-entries N"],
        example: "100000",
        doc: "How many results the store may hold.",
    },
    Setting {
        key: "store.namespace.NAME.max-size",
        names: NAMESPACES,
        kind: Kind::Size,
        words: NO_LIMIT,
        default: Fallback::Described("no limit of its own"),
        variable: None,
        flags: &[],
        example: "\"2GiB\"",
        doc: "How much of the store one kind of result may take.",
    },
    Setting {
        key: "store.namespace.NAME.max-entries",
        names: NAMESPACES,
        kind: Kind::Count,
        words: NO_LIMIT,
        default: Fallback::Described("no limit of its own"),
        variable: None,
        flags: &[],
        example: "500",
        doc: "How many results of one kind the store may hold.",
    },
    Setting {
        key: "build.jobs",
        names: &[],
        kind: Kind::Count,
        words: &[],
        default: Fallback::Described("the number of processors"),
        variable: Some("ANYMOD_JOBS"),
        flags: &["-j N", "--jobs N"],
        example: "8",
        doc: "How many actions run at once, at most. Below a `make` with a jobserver, its tokens count as well.",
    },
    Setting {
        key: "build.keep-going",
        names: &[],
        kind: Kind::Bool,
        words: &[],
        default: Fallback::Value("false"),
        variable: Some("ANYMOD_KEEP_GOING"),
        flags: &["-k", "--keep-going"],
        example: "true",
        doc: "After a failure, still do everything that does not depend on it.",
    },
];

/// Environment variables that set no setting but matter to every command, each with its meaning.
pub const VARIABLES: &[(&str, &str)] = &[
    ("ANYMOD_CONFIG", "Another file in place of the user's `config.toml`, or `none` to read none."),
    ("ANYMOD_HOME", "Where installed toolchains live."),
    (
        "ANYMOD_TOOLCHAIN",
        "Which compilers to use: `auto`, `gnu` or `zig`; stronger than the manifest.",
    ),
    (
        "SOURCE_DATE_EPOCH",
        "What `__DATE__` and `__TIME__` stand for, in seconds since 1970; 0 if unset.",
    ),
    ("NO_COLOR", "Set to anything: no colours."),
    ("CLICOLOR_FORCE", "Set to anything but `0`: colours even where the output is no terminal."),
    ("CI", "Set to anything but `false` or `0`: plain lines in place of a progress bar."),
];
