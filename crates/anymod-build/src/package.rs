//! Packing a module of the manifest into a wheel, with the look at it that a runtime would take later.
//!
//! Bytes to bytes: what is read and written is the workshop's. Wheels that other build systems make are not this
//! module's.

use std::collections::BTreeSet;

use anymod_audit::Against;
use anymod_link::host::image::{self, Image};
use anymod_model::codes::audit as codes;
use anymod_model::{Diagnostic, Diagnostics, Severity};
use anymod_pack::wheel::{self, File, Headers, Tag};

use crate::action::Wheel;

/// The name of a distribution as names of wheels have it ("Binary distribution format", packaging.python.org).
pub(crate) fn distribution(name: &str) -> String {
    wheel::normalise(name).replace('-', "_")
}

/// Packs and audits a wheel: its bytes, and what there is to warn of. `files` are paths and bytes, in the order of
/// `plan.files`; `offers` is the content of `plan.offers`.
///
/// # Errors
/// What the runtime would refuse.
pub(crate) fn wheel(
    plan: &Wheel,
    files: Vec<(String, Vec<u8>)>,
    offers: &[u8],
    epoch: u64,
) -> Result<(Vec<u8>, Vec<Diagnostic>), Diagnostics> {
    let mut packed = wheel::Wheel { name: plan.name.clone(), files: Default::default() };
    let extension = plan.import_name.replace('.', "/");
    for (path, (_, bytes)) in plan.files.keys().zip(files) {
        // As linkers leave a library.
        let is_extension = path.strip_prefix(&extension).is_some_and(|rest| rest.starts_with('.'));
        let executable = is_extension && path.ends_with(".so");
        packed.files.insert(path.clone(), File { bytes, executable });
    }
    let info = format!("{}-{}.dist-info", plan.name.distribution, plan.name.version);
    packed.files.insert(format!("{info}/METADATA"), File::new(metadata(plan)));
    packed.files.insert(format!("{info}/WHEEL"), File::new(description(plan)));
    let bytes = packed.write(epoch)?;
    // As an installer would see it.
    let packed = wheel::read(&bytes, &packed.file_name())?;
    let against = plan.facts.as_ref().map(|facts| {
        let symbols = String::from_utf8_lossy(offers).lines().map(str::to_owned).collect();
        Against { facts: facts.clone(), symbols }
    });
    let expected = [plan.import_name.clone()];
    let mut findings = anymod_audit::wheel(&packed, against.as_ref(), &expected, &[]);
    if plan.facts.is_none() {
        findings.extend(host_findings(plan, &packed, &extension, offers));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Diagnostics(findings));
    }
    Ok((bytes, findings))
}

/// The file `METADATA` ("Core metadata specifications", packaging.python.org).
fn metadata(plan: &Wheel) -> String {
    let metadata = &plan.metadata;
    let mut rows = vec![
        ("Metadata-Version", Some("2.4")),
        ("Name", Some(metadata.name.as_str())),
        ("Version", Some(metadata.version.as_str())),
        ("Summary", metadata.summary.as_deref()),
        ("License-Expression", metadata.license.as_deref()),
        ("Requires-Python", metadata.requires_python.as_deref()),
    ];
    rows.retain(|(_, value)| value.is_some());
    let row =
        |(name, value): (&str, Option<&str>)| (name.to_owned(), value.unwrap_or("").to_owned());
    Headers(rows.into_iter().map(row).collect()).to_string()
}

/// The file `WHEEL`.
fn description(plan: &Wheel) -> String {
    let mut rows = vec![
        ("Wheel-Version".to_owned(), "1.0".to_owned()),
        ("Generator".to_owned(), format!("anymod {}", env!("CARGO_PKG_VERSION"))),
        ("Root-Is-Purelib".to_owned(), "false".to_owned()),
    ];
    rows.extend(plan.name.tags().iter().map(|tag: &Tag| ("Tag".to_owned(), tag.to_string())));
    Headers(rows).to_string()
}

/// What the dynamic loader of this machine, or its Python, would refuse.
fn host_findings(
    plan: &Wheel,
    packed: &wheel::Wheel,
    extension: &str,
    offers: &[u8],
) -> Vec<Diagnostic> {
    let is_it =
        |path: &&String| path.strip_prefix(extension).is_some_and(|rest| rest.starts_with('.'));
    let found = packed.files.iter().filter(|(path, _)| path.ends_with(".so"));
    let Some((path, file)) = found.into_iter().find(|(path, _)| is_it(path)) else {
        return Vec::new();
    };
    // What cannot be read is of a host whose files nobody here knows.
    let Ok(library) = image::read(&file.bytes) else { return Vec::new() };
    let mut findings = Vec::new();
    let name = plan.import_name.rsplit('.').next().unwrap_or_default();
    let entry = format!("PyInit_{name}");
    if !library.offers(&entry) {
        let finding =
            Diagnostic::error(&codes::INIT, format!("the function `{entry}` is not exported"));
        let other = library.init_functions().find(|name| name.starts_with("PyInit_"));
        let finding = match other {
            Some(other) => finding
                .note(format!("it exports `{other}`"))
                .hint("give the module that name, or set `import-name`"),
            None => {
                finding.hint("define it in a source of the module, declared with `PyMODINIT_FUNC`")
            }
        };
        findings.push(finding.at(packed.place(path)));
    }
    let unknown = if plan.libraries { Vec::new() } else { unknown(&library, offers) };
    for import in unknown {
        let message = format!("nothing has `{import}`");
        findings.push(
            Diagnostic::error(&codes::IMPORTS, message)
                .at(packed.place(path))
                .hint("look for a slip in its name, or add the source or library that defines it"),
        );
    }
    findings
}

/// Names that neither Python nor a library has. Linkers note the version of each name that they found in a library whose
/// names have versions; where those of the C library have none, nothing can be told.
fn unknown<'a>(library: &Image<'a>, offers: &[u8]) -> Vec<&'a str> {
    let Ok(python) = image::read(offers) else { return Vec::new() };
    if !python.undefined.iter().any(|import| import.version.is_some()) {
        return Vec::new();
    }
    let offered: BTreeSet<&str> = python.exports.iter().map(|export| export.name).collect();
    let needed =
        library.undefined.iter().filter(|import| !import.is_weak && import.version.is_none());
    let unknown: BTreeSet<&str> =
        needed.map(|import| import.name).filter(|name| !offered.contains(name)).collect();
    unknown.into_iter().collect()
}
