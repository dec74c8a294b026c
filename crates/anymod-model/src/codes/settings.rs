//! Codes of the tool's own settings (`M02..`).

super::codes! {
    SYNTAX = "M0201", exit 2, "a file of settings is not valid TOML",
        "The file could not be read as TOML. The place shown is where the reader stopped; the mistake is there or just before.";
    UNKNOWN = "M0202", exit 2, "unknown setting",
        "There is no such setting, so that a misspelt one cannot go unnoticed. `docs/reference/configuration.md` lists them all. Settings of modules belong in the manifest.";
    WRONG_KIND = "M0203", exit 2, "a setting with a value of the wrong kind",
        "The setting exists but takes another kind of value, for instance a number where a string stands. The hint shows how it is written.";
    BAD_VALUE = "M0204", exit 2, "a value that the setting does not take",
        "The value in the file, the variable or the flag means nothing for this setting. The message names what set it and the hint what it takes.";
}
