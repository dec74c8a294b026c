//! The headers that anymod ships: carried in the program and written into the build directory.

use std::path::Path;

use anymod_model::Diagnostic;

use crate::fence::Fence;
use crate::install;

/// Path below the include directory and text of each header.
const HEADERS: [(&str, &str); 1] =
    [("anymod/micropython.h", include_str!("../include/anymod/micropython.h"))];

/// Directory of the headers, relative to the project.
pub(crate) const INCLUDE_DIR: &str = "build/include";

/// Writes the headers that are not there already as they should be.
pub(crate) fn write(root: &Path, fence: &Fence) -> Result<(), Diagnostic> {
    for (path, text) in HEADERS {
        let path = root.join(INCLUDE_DIR).join(path);
        fence.make_way(&path)?;
        install::write_if_changed(&path, text.as_bytes())?;
    }
    Ok(())
}
