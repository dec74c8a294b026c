//! From the wheel that a backend left to the one that is delivered: names of extension modules, tags, findings, bytes.
//!
//! Nothing here touches a file but to read; the bytes are put in their place by the caller, at once.

use std::path::{Path, PathBuf};

use anymod_model::codes::wheel as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::wheel;

use crate::target::TargetEnvironment;
use crate::{audit, install, whl};

/// What is put in order.
pub(crate) struct Finishing<'a> {
    /// The backend's wheel.
    pub(crate) raw: &'a Path,
    pub(crate) target: &'a TargetEnvironment,
    /// Names of the extension modules that it has to hold.
    pub(crate) expected: &'a [String],
    /// Directories whose paths may not be in it.
    pub(crate) private: &'a [PathBuf],
    /// The time that its files get, in seconds since 1970.
    pub(crate) epoch: u64,
}

/// A wheel in order.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its file name.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Files of its extension modules.
    pub(crate) extensions: Vec<String>,
    /// What was found in it. With an error among them it is not to be delivered.
    pub(crate) findings: Vec<Diagnostic>,
}

/// Puts a wheel in order and looks through it.
///
/// # Errors
/// `W00…` for a wheel that cannot be read, `W0111` for one of another platform.
pub(crate) fn finish(finishing: &Finishing<'_>) -> Result<Finished, Diagnostics> {
    let Finishing { raw, target, .. } = finishing;
    let facts = &target.description.facts;
    let file = raw.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut wheel = wheel::read(&install::read(raw)?, &file)?;
    wheel.rename_extensions(&facts.extension_suffix);
    whl::repair(&mut wheel);
    let extensions: Vec<String> =
        wheel.files.keys().filter(|path| wheel::extension(path).is_some()).cloned().collect();
    if !wheel.name.is_pure() || !extensions.is_empty() {
        let (interpreter, abi) = tags(&wheel.name, target)?;
        // Last, so that the name and the file `WHEEL` say the same of what is inside now.
        wheel.retag(&interpreter, &abi, &facts.platform)?;
    }
    let (bytes, name) = (wheel.write(finishing.epoch)?, wheel.file_name());
    let against = audit::against(target)?;
    let private: Vec<String> =
        finishing.private.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    // What is looked through is what is delivered.
    let written = wheel::read(&bytes, &name)?;
    let findings = anymod_audit::wheel(&written, Some(&against), finishing.expected, &private);
    Ok(Finished { name, bytes, extensions, findings })
}

/// The interpreter and ABI that a wheel keeps; a backend that knows nothing of targets names its own interpreter, which is
/// of the same version.
fn tags(
    name: &wheel::WheelName,
    target: &TargetEnvironment,
) -> Result<(String, String), Diagnostic> {
    let own = target.description.facts.interpreter_tag();
    let version = |tag: &str| tag.strip_prefix("cp3").and_then(|minor| minor.parse::<u32>().ok());
    let stable = name.abis.iter().any(|abi| abi == "abi3" || abi == "none");
    let fits = |tag: &String| {
        *tag == own
            || tag.starts_with("py")
            || stable && version(tag).is_some_and(|minor| Some(minor) <= version(&own))
    };
    if !name.interpreters.iter().any(fits) {
        return Err(Diagnostic::error(
            &codes::NOT_A_TARGET_WHEEL,
            format!(
                "the backend built a wheel for `{}`, and the target is `{own}`",
                name.interpreters.join(".")
            ),
        )
        .at(Place::file(name.to_string()))
        .hint("look why the backend takes another version of Python for the one that runs it"));
    }
    Ok((name.interpreters.join("."), name.abis.join(".")))
}
