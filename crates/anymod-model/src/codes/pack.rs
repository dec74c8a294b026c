//! Codes of packaged files: reading, checking, merging and renaming `.mpy` (`P`).

super::codes! {
    NOT_MPY = "P0001", exit 1, "not a .mpy file",
        "The file does not begin with `M` and a known version. It may be a source file, an object or a truncated download.";
}
