//! Programs that a test makes and then runs.
//!
//! Another process writes them. A file that is open for writing anywhere cannot be started (`ETXTBSY`), and whatever
//! another thread of the test forks in that moment has it open as well, until it becomes a program of its own.
#![allow(dead_code, reason = "each test program uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable shell script and the directories above it; one that is there is replaced at once.
pub(crate) fn script(path: &Path, body: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let steps = r#"cat > "$1.new" && chmod 755 "$1.new" && mv -f "$1.new" "$1""#;
    let mut writer = Command::new("sh");
    writer.args(["-c", steps, "sh"]).arg(path).stdin(Stdio::piped());
    let mut writer = writer.spawn().unwrap();
    write!(writer.stdin.take().unwrap(), "#!/bin/sh\n{body}\n").unwrap();
    assert!(writer.wait().unwrap().success(), "{} cannot be written", path.display());
}

/// Copies a program and makes the directories above the copy.
pub(crate) fn copy(from: &Path, to: &Path) {
    let copied = Command::new("install").args(["-D", "-m", "755"]).args([from, to]).status();
    assert!(copied.unwrap().success(), "{} cannot be copied", from.display());
}
