//! Codes of the manifest and the command line (`M`).

super::codes! {
    SYNTAX = "M0001", exit 2, "the manifest is not valid TOML",
        "`anymod.toml` could not be read as TOML 1.0. The place shown is where the reader stopped; the mistake is there or just before.";
}
