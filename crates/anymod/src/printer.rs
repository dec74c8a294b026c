//! Where output goes: data to standard output, everything else to standard error.

use anstream::ColorChoice;
use anymod_model::{Diagnostic, Diagnostics, Severity, codes};

use crate::cli::{Color, Global};
use crate::render;

/// The one way to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    /// Applies the global options; colour is process-wide.
    pub(crate) fn new(global: &Global) -> Printer {
        match global.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Printer { quiet: global.quiet }
    }

    /// True if only errors are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Writes a result to standard output. A reader that has gone away is not an error; a full disk ends the command.
    pub(crate) fn data(self, text: &str) {
        use std::io::Write;
        let mut out = anstream::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written.as_ref()
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            self.diagnostic(
                &Diagnostic::error(
                    &codes::build::WRITE,
                    format!("cannot write the output: {error}"),
                )
                .hint("free some space, or write elsewhere"),
            );
            exit(codes::build::WRITE.exit);
        }
    }

    /// Writes a line of status to standard error unless only errors are wanted.
    pub(crate) fn status(self, line: &str) {
        if !self.quiet {
            error_line(line);
        }
    }

    /// Writes what went wrong to standard error, as it is.
    pub(crate) fn error(self, text: &str) {
        error_line(text);
    }

    /// Renders one finding to standard error.
    pub(crate) fn diagnostic(self, finding: &Diagnostic) {
        if !self.quiet || finding.severity == Severity::Error {
            error_line(&render::diagnostic(finding));
        }
    }

    /// Renders all findings of a failed step to standard error.
    pub(crate) fn diagnostics(self, findings: &Diagnostics) {
        for finding in &findings.0 {
            self.diagnostic(finding);
        }
    }
}

fn error_line(line: &str) {
    use std::io::Write;
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n"));
}

/// Ends the command where there is nobody left to tell more to.
#[expect(clippy::exit, reason = "the result cannot be delivered, so there is nothing to return to")]
fn exit(code: u8) -> ! {
    std::process::exit(code.into())
}
