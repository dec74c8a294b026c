//! Wheels: read, changed, written; and zip files made to do harm.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod archive;
mod changes;
mod hostile;
mod properties;

use anymod_pack::wheel::{File, Wheel, WheelName};

/// A wheel of these files and a description.
pub(crate) fn wheel(name: &str, files: &[(&str, &[u8])]) -> Wheel {
    let name = WheelName::parse(name).unwrap();
    let info = format!("{}-{}.dist-info", name.distribution, name.version);
    let tags: String = name.tags().iter().map(|tag| format!("Tag: {tag}\n")).collect();
    let about = format!("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n{tags}");
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {}\nVersion: {}\n\nText.\n",
        name.distribution, name.version
    );
    let mut wheel = Wheel { name, files: [].into() };
    wheel.files.insert(format!("{info}/WHEEL"), File::new(about));
    wheel.files.insert(format!("{info}/METADATA"), File::new(metadata));
    for (path, bytes) in files {
        wheel.files.insert((*path).to_owned(), File::new(*bytes));
    }
    wheel
}
