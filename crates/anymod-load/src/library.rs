//! The one place that runs what it loads.

use std::path::{Path, PathBuf};

use libloading::Library;

use crate::error::Refusal;

/// A library that was loaded; it is unloaded with this.
#[derive(Debug)]
pub struct Loaded {
    library: Library,
    path: PathBuf,
    variant: Option<String>,
}

impl Loaded {
    /// The library, whose symbols can be looked up.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The file that it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of its variant, if there are several.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

/// Loads a file that was checked.
pub(crate) fn open(file: &Path, variant: Option<String>) -> Result<Loaded, Refusal> {
    #[expect(unsafe_code, reason = "loading a library runs it; there is no other way to load one")]
    // SAFETY: the file's content is the one that was sealed when it was built, and it is the addon that the program asked
    // for by name and version; what its initialisers do is as trusted as the program that names it.
    let library = unsafe { Library::new(file) };
    match library {
        Ok(library) => Ok(Loaded { library, path: file.to_owned(), variant }),
        Err(error) => {
            let mut why = error.to_string();
            if why.contains("failed to map") || why.contains("not permitted") {
                why += "; its directory may forbid that files are run (noexec)";
            }
            Err(Refusal::Other(why))
        }
    }
}
