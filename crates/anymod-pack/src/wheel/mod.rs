//! Wheels: the files that installers of Python packages install.
//!
//! A [`Wheel`] is its name and its files as plain values. [`read`] takes a zip file apart, refusing what no installer may
//! unpack; [`Wheel::write`] puts one together, the same for the same files whatever their history, with a new `RECORD`.
//! Never knows what is inside of an extension module; that is for who audits.
//!
//! Format: PEP 427 with 425, 440, 503 and 376, as maintained at
//! <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>.

mod extension;
mod headers;
mod name;
mod read;
mod record;
mod retag;
mod version;
mod write;

use std::collections::BTreeMap;

use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Place};

pub use extension::{Extension, Suffix, extension, installed};
pub use headers::Headers;
pub use name::{Tag, WheelName, normalise};
pub use read::read;
pub use record::{Digest, RecordRow, digest_of, read_record};
pub use version::same_version;

/// A wheel, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// What its file is called.
    pub name: WheelName,
    /// Its files by their names in it, which use `/`.
    pub files: BTreeMap<String, File>,
}

/// A file of a wheel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it is installed so that it can be run.
    pub executable: bool,
}

impl File {
    /// A file that is not executable.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> File {
        File { bytes: bytes.into(), executable: false }
    }
}

/// How the name of the directory ends in which a wheel describes itself.
const DIST_INFO: &str = ".dist-info";

impl Wheel {
    /// The name of the wheel's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.name.to_string()
    }

    /// The directory in which the wheel describes itself: the one directory at the top that ends in `.dist-info`.
    ///
    /// # Errors
    /// `W0007` if there is none or more than one.
    pub fn dist_info(&self) -> Result<&str, Diagnostic> {
        let tops = self.files.keys().filter_map(|path| path.split_once('/').map(|(top, _)| top));
        let mut found: Vec<&str> = tops.filter(|top| top.ends_with(DIST_INFO)).collect();
        found.dedup();
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(self.contents("there is no directory `*.dist-info`")),
            [first, second, ..] => {
                Err(self
                    .contents(&format!("there are two such directories, `{first}` and `{second}`")))
            }
        }
    }

    /// A file in which the wheel describes itself, `WHEEL` or `METADATA`.
    ///
    /// # Errors
    /// `W0007` if it is missing or is not text.
    pub fn headers(&self, name: &str) -> Result<Headers, Diagnostic> {
        let path = format!("{}/{name}", self.dist_info()?);
        let file = self.files.get(&path);
        let file = file.ok_or_else(|| self.contents(&format!("`{path}` is missing")))?;
        let text = std::str::from_utf8(&file.bytes)
            .map_err(|_| self.contents(&format!("`{path}` is not UTF-8")))?;
        Ok(Headers::parse(text))
    }

    fn contents(&self, message: &str) -> Diagnostic {
        Diagnostic::error(&code::CONTENTS, message)
            .at(Place::file(self.file_name()))
            .hint("build the wheel again with a backend that writes all of its description")
    }

    /// Where a file is, for a diagnostic.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        Place::Binary {
            file: self.file_name(),
            member: Some(path.to_owned()),
            section: None,
            offset: None,
        }
    }
}
