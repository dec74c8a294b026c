//! Name and version of a wheel.
//!
//! Why: installers compare them and refuse the wheel. What: the file name, the name of `*.dist-info` and the fields of
//! `METADATA`, each by its normalised spelling. Mend: name the file as the package is called.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_pack::wheel::{normalise, same_version};

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some((wheel, info)) =
        subject.wheel.and_then(|wheel| Some((wheel, wheel.dist_info().ok()?)))
    else {
        return Vec::new();
    };
    let path = format!("{info}/METADATA");
    let (name, version) = (&wheel.name.distribution, &wheel.name.version);
    let report = |message: String| {
        Diagnostic::error(&code::METADATA, message)
            .at(subject.place(&path))
            .hint("name the file as its `METADATA` says")
    };
    let metadata = match wheel.headers("METADATA") {
        Ok(metadata) => metadata,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    match metadata.get("Name") {
        Some(said) if normalise(said) == normalise(name) => {}
        Some(said) => {
            findings.push(report(format!("the package is `{said}`, the file's is `{name}`")))
        }
        None => findings.push(report("the package has no name".to_owned())),
    }
    match metadata.get("Version") {
        Some(said) if same_version(said, version) => {}
        Some(said) => {
            findings.push(report(format!("the version is `{said}`, the file's is `{version}`")));
        }
        None => findings.push(report("the package has no version".to_owned())),
    }
    let stem = info.strip_suffix(".dist-info").unwrap_or(info);
    let described = stem.rsplit_once('-').is_some_and(|(stem_name, stem_version)| {
        normalise(stem_name) == normalise(name) && same_version(stem_version, version)
    });
    if !described {
        findings.push(report(format!(
            "the description is of `{stem}`, the file of `{name}-{version}`"
        )));
    }
    findings
}
