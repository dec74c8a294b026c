//! Why nothing was loaded: one error with every file that was looked at.

use std::path::PathBuf;

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such file.
    Missing,
    /// It is something else, for something else, or not whole; a clause with what mends it.
    Other(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Missing => f.write_str("there is no such file"),
            Refusal::Other(why) => f.write_str(why),
        }
    }
}

/// Nothing could be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Name, version and platform.
    pub(crate) what: String,
    /// What is wrong first of all.
    pub(crate) cause: String,
    pub(crate) tried: Vec<(PathBuf, Refusal)>,
}

impl Error {
    /// Every file that was looked at, with why it was refused.
    pub fn tried(&self) -> impl Iterator<Item = (&std::path::Path, &Refusal)> {
        self.tried.iter().map(|(file, refusal)| (file.as_path(), refusal))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot load {}: {}", self.what, self.cause)?;
        self.tried.iter().try_for_each(|(file, why)| write!(f, "\n  {}: {why}", file.display()))
    }
}

impl std::error::Error for Error {}
