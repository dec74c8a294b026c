//! Codes of the build stages (`B`).

super::codes! {
    TOOL_FAILED = "B0001", exit 4, "an external tool failed",
        "A compiler or another tool ended with an error. Its own output is shown unchanged, with the command that was run.";
}
