//! Codes of artifacts that are kept in the store (`S01..`).

super::codes! {
    MISS = "S0101", exit 1, "nothing is kept for an artifact as its inputs are now",
        "No set of outputs was kept with this key, or garbage collection removed it, or a file of it is gone. Nothing was changed on disk. The notes name the inputs that differ from the kept set that is nearest. Build the artifact and run `anymod cache capture`.";
    INPUT = "S0102", exit 2, "an input of an artifact cannot be used",
        "Everything that decides an artifact's bytes has to be in its key. A file or directory that cannot be read, a name that is not text or a pattern that matches nothing would leave something out.";
    TOOL = "S0103", exit 3, "a tool of an artifact is missing",
        "The program is not on the `PATH` or cannot be read. Without it, nobody knows whether a kept set was made with the same one.";
    MISSING_OUTPUT = "S0104", exit 1, "a set of outputs that is not complete",
        "Every pattern in `outputs` has to match at least one file before the set is kept, because only complete sets are ever put in place.";
    EMPTY_OUTPUT = "S0105", exit 1, "an output that is empty",
        "A build that was killed leaves empty files. One that is meant to be empty is declared in `may-be-empty`.";
    STALE_OUTPUT = "S0106", exit 1, "an output that is not of these inputs",
        "The output is older than an input, or belongs to another set, or a command that made the others did not make it. Kept under this key, it would be put in place where it does not belong. Build again, or say that you know better with `--trust-outputs`.";
    CHANGED = "S0107", exit 1, "files changed while an artifact was being captured",
        "Inputs or outputs are not what they were at the beginning, so that nobody knows what the outputs were made of. Nothing was kept.";
    NOT_KEPT = "S0108", exit 2, "the store did not keep an artifact",
        "The set could not be read back from the store after it was put there.";
}
