//! A file whose name says something else than its content.
//!
//! Why: loaders choose by the name, and a file of another processor or C library does not load, with a message that does not
//! say so. What: format, processor, C library, and name, platform and variant of the identity. Mend: give it back its name.

use anymod_model::Diagnostic;
use anymod_model::codes::node as codes;
use anymod_model::platform::{Libc, ObjectFormat, PlatformInfo};

use super::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut report = |message: String| {
        let finding = Diagnostic::error(&codes::NAME, message).at(subject.place());
        findings.push(finding.hint("it was renamed or overwritten: build or install it again"));
    };
    if let Some(info) = subject.platform() {
        let format = subject.addon.format;
        let cpu = format.cpu.map_or("another processor", |cpu| cpu.name());
        if (format.container, format.cpu) != (info.format, Some(info.cpu)) {
            let container = container(format.container);
            report(format!(
                "the addon is called one for `{}` and is {container} for {cpu}",
                info.name
            ));
        } else if let Some(libc) = libc(subject).filter(|libc| *libc != info.libc) {
            let libc = if libc == Libc::Musl { "musl" } else { "glibc" };
            report(format!("the addon is called one for `{}` and needs {libc}", info.name));
        }
    }
    if let (Some(name), Some(found)) = (&subject.name, &subject.found) {
        let identity = &found.record.identity;
        let own = (&*identity.name, &*identity.platform, identity.variant.as_deref());
        if own != (name.name, name.platform.name(), name.variant) {
            let variant = identity.variant.as_ref().map(|name| format!(", variant `{name}`"));
            report(format!(
                "the addon says that it is `{}` for `{}`{}",
                identity.name,
                identity.platform,
                variant.unwrap_or_default()
            ));
        }
    }
    findings
}

/// Name of a library's format; PE files are COFF inside.
fn container(format: ObjectFormat) -> &'static str {
    if format == ObjectFormat::Coff { "PE" } else { format.name() }
}

/// The C library of Linux that it names, if it names one.
fn libc(subject: &Subject<'_>) -> Option<Libc> {
    let linux = |info: &PlatformInfo| matches!(info.libc, Libc::Glibc | Libc::Musl);
    subject.platform().filter(|info| linux(info))?;
    let of = |name: &&str| match *name {
        "libc.so.6" => Some(Libc::Glibc),
        "libc.so" => Some(Libc::Musl),
        name if name.starts_with("libc.musl-") => Some(Libc::Musl),
        _ => None,
    };
    subject.addon.needed.iter().find_map(of)
}
