//! Taking a wheel apart.

use std::collections::BTreeMap;

use anymod_model::{Diagnostics, Place};

use super::{File, Wheel, WheelName};
use crate::zip;

/// Reads a wheel. `file` is its path or name; the parts of its name are taken from there.
///
/// # Errors
/// `W0001` if the name is not a wheel's; `W0002` to `W0006` if the zip file is damaged, unsafe or unusual, each with the
/// entry and its offset; `W0007` if the wheel does not describe itself.
pub fn read(bytes: &[u8], file: &str) -> Result<Wheel, Diagnostics> {
    let name = WheelName::parse(file)?;
    let mut files = BTreeMap::new();
    for entry in zip::entries(bytes, file)? {
        let bytes = entry.unpack(file)?;
        files.insert(entry.name.to_owned(), File { bytes, executable: entry.executable });
    }
    let wheel = Wheel { name, files };
    match wheel.headers("WHEEL") {
        Ok(_) => Ok(wheel),
        Err(finding) => Err(finding.at(Place::file(file)).into()),
    }
}
