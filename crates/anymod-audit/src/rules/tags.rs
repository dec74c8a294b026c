//! Tags of wheels.
//!
//! Why: installers choose by them and never look inside. What: that one of the wheel's tags is one that the runtime's
//! installer takes; that a wheel with extension modules does not claim to be for any platform; that the lines in `WHEEL`
//! are those of the file name. Mend: build for the runtime, or give the wheel the right tags with `anymod whl retag`.

use std::collections::BTreeSet;

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_model::pyodide::PyodideFacts;
use anymod_pack::wheel::{Tag, Wheel};

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(wheel) = subject.wheel else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(against) = subject.against {
        findings.extend(taken(wheel, &against.facts, subject));
    }
    findings.extend(pure(wheel, subject));
    findings.extend(lines(wheel, subject));
    findings
}

fn taken(wheel: &Wheel, facts: &PyodideFacts, subject: &Subject<'_>) -> Option<Diagnostic> {
    let tags = wheel.name.tags();
    if tags.iter().any(|tag| is_taken(tag, facts)) {
        return None;
    }
    let release = facts.target();
    let platform = tags.iter().any(|tag| facts.platforms.contains(&tag.platform));
    let message = match platform {
        true => format!("the wheel is for another Python than that of {release}"),
        false => format!("the wheel is for another platform than {release}"),
    };
    let interpreter = facts.interpreter_tag();
    Some(
        Diagnostic::error(&code::TAGS, message)
            .at(anymod_model::Place::file(subject.file.as_str()))
            .note(format!(
                "{release} takes `{interpreter}-{interpreter}` and `cp3…-abi3` for {}, and pure wheels",
                facts.platforms.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(", ")
            ))
            .hint("build for this release, or audit against the one that the wheel is for"),
    )
}

/// Whether the installer of a runtime takes a tag.
fn is_taken(tag: &Tag, facts: &PyodideFacts) -> bool {
    let own = facts.interpreter_tag();
    let minor = |tag: &str, start: &str| tag.strip_prefix(start)?.parse::<u32>().ok();
    let ours = minor(&own, "cp3").unwrap_or(0);
    let platform = tag.platform == "any" || facts.platforms.contains(&tag.platform);
    let up_to_ours = |start| minor(&tag.interpreter, start).is_some_and(|minor| minor <= ours);
    let python = match tag.abi.as_str() {
        "none" => tag.interpreter == own || tag.interpreter == "py3" || up_to_ours("py3"),
        "abi3" => up_to_ours("cp3"),
        abi => abi == own && tag.interpreter == own,
    };
    platform && python
}

fn pure(wheel: &Wheel, subject: &Subject<'_>) -> Option<Diagnostic> {
    let (path, _) = subject.modules.iter().find(|(_, shared)| shared.extension.is_some())?;
    wheel.name.is_pure().then(|| {
        Diagnostic::error(&code::PURE, "an extension module in a wheel for any platform")
            .at(subject.place(path))
            .hint("give the wheel the tag of its platform with `anymod whl retag`")
    })
}

fn lines(wheel: &Wheel, subject: &Subject<'_>) -> Option<Diagnostic> {
    let headers = wheel.headers("WHEEL").ok()?;
    let said: BTreeSet<&str> = headers.all("Tag").collect();
    let named: BTreeSet<String> = wheel.name.tags().iter().map(Tag::to_string).collect();
    if said.iter().copied().eq(named.iter().map(String::as_str)) {
        return None;
    }
    let list = |tags: Vec<&str>| match tags.len() {
        0 => "no tag".to_owned(),
        _ => tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(", "),
    };
    let path = format!("{}/WHEEL", wheel.dist_info().ok()?);
    Some(
        Diagnostic::error(&code::TAG_LINES, "the tags are not those of the file name")
            .at(subject.place(&path))
            .note(format!("`WHEEL` says {}", list(said.into_iter().collect())))
            .note(format!("the name says {}", list(named.iter().map(String::as_str).collect())))
            .hint("change both with `anymod whl retag`"),
    )
}
