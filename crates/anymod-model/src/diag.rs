//! Diagnostics: what every room returns instead of printing.
//!
//! Voice (ARCHITECTURE.md): a message starts in lower case, has no full stop and quotes literals in backticks; the hint
//! is something a person can act on. The command renders; nobody else prints.

use crate::codes::Code;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the result stands.
    Warning,
    /// There is no result.
    Error,
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A byte range of a text file whose text the renderer can show, for instance a span of `anymod.toml`.
    Text {
        /// Path as the user gave it.
        file: String,
        /// Byte range in the file.
        span: std::ops::Range<usize>,
    },
    /// A spot in an object, archive or image.
    Binary {
        /// Path as the user gave it.
        file: String,
        /// Archive member, if the file is an archive.
        member: Option<String>,
        /// Section name.
        section: Option<String>,
        /// Byte offset in the section, or in the file if there is no section.
        offset: Option<u64>,
    },
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Place {
        Place::Binary { file: file.into(), member: None, section: None, offset: None }
    }

    /// A byte offset in a file.
    #[must_use]
    pub fn offset(file: impl Into<String>, offset: u64) -> Place {
        Place::Binary { file: file.into(), member: None, section: None, offset: Some(offset) }
    }
}

impl std::fmt::Display for Place {
    /// `file`, `archive.a(member.o)`, `foo.o:.text+0x1c`, `foo.mpy+0x1c`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Text { file, span } => write!(f, "{file}+{}", span.start),
            Place::Binary { file, member, section, offset } => {
                f.write_str(file)?;
                if let Some(member) = member {
                    write!(f, "({member})")?;
                }
                if let Some(section) = section {
                    write!(f, ":{section}")?;
                }
                if let Some(offset) = offset {
                    write!(f, "+{offset:#x}")?;
                }
                Ok(())
            }
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code; `anymod explain CODE` documents it.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// Where it is.
    pub place: Option<Place>,
    /// Further lines, each a fact.
    pub notes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with a code and a message.
    #[must_use]
    pub fn error(code: &'static Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    /// A warning with a code and a message.
    #[must_use]
    pub fn warning(code: &'static Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Diagnostic {
        self.place = Some(place);
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Adds the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Diagnostic {
    /// The plain form: `error[L0101]: place: message`, then notes and the hint, a line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}]: ", self.code.id)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// All findings of a step that failed: never empty, at least one an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The exit code that the findings ask for: the highest of their codes' (see [`Code::exit`]).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let errors = self.0.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.code.exit).max().unwrap_or(1)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(finding: Diagnostic) -> Diagnostics {
        Diagnostics(vec![finding])
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
