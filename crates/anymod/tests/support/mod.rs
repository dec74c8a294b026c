//! What the test programs of the command share: where things are on this machine, and running other programs.
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod compiler;
pub(crate) mod machine;
pub(crate) mod process;
#[path = "../../../anymod-build/tests/support/program.rs"]
pub(crate) mod program;

/// What a test or one of its steps comes to; an error is the text to show.
pub(crate) type Checked<T = ()> = Result<T, String>;

/// Fails with a text unless a condition holds.
pub(crate) fn ensure(condition: bool, text: impl FnOnce() -> String) -> Checked {
    if condition { Ok(()) } else { Err(text()) }
}

/// Fails unless two outputs are the same bytes; says where they part.
pub(crate) fn same_bytes(ours: &[u8], theirs: &[u8]) -> Checked {
    if ours == theirs {
        return Ok(());
    }
    let at = ours.iter().zip(theirs).take_while(|(one, other)| one == other).count();
    let part = |bytes: &[u8]| {
        let from = at.saturating_sub(8).min(bytes.len());
        let to = (at + 24).min(bytes.len());
        bytes
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .map(|byte| format!(" {byte:02x}"))
            .collect::<String>()
    };
    Err(format!(
        "{} and {} bytes, different from offset {at} on:\n  ours:     {}\n  theirs:   {}",
        ours.len(),
        theirs.len(),
        part(ours),
        part(theirs)
    ))
}

/// Reads a file.
pub(crate) fn read(path: &std::path::Path) -> Checked<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file and the directories above it.
pub(crate) fn write(path: &std::path::Path, bytes: impl AsRef<[u8]>) -> Checked {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(path, bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// A directory that lives as long as the test program's result is wanted.
pub(crate) fn scratch() -> Checked<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("anymod-test-")
        .tempdir()
        .map_err(|error| format!("no temporary directory: {error}"))
}
