//! Diagnostics as people see them: the excerpt of a text file with the span underlined, or the spot in a binary.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anymod_model::{Diagnostic, Place, Severity};

/// Renders a finding with escape codes; the printer strips them where colour is off.
pub(crate) fn diagnostic(finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut group =
        Group::with_title(level.primary_title(finding.message.clone()).id(finding.code.id));
    match &finding.place {
        Some(Place::Text { file, span }) => {
            let bytes = anymod_build::install::read(file.as_ref()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let span = clamp(&text, span.clone());
            group = group.element(
                Snippet::source(text)
                    .path(file.clone())
                    .annotation(AnnotationKind::Primary.span(span)),
            );
        }
        Some(place @ Place::Binary { .. }) => {
            group = group.element(Origin::path(place.to_string()))
        }
        None => {}
    }
    let mut groups = Vec::new();
    for (level, text) in finding
        .notes
        .iter()
        .map(|note| (Level::NOTE, note))
        .chain(finding.hint.iter().map(|hint| (Level::HELP.with_name("hint"), hint)))
    {
        // Without an excerpt or a place to hang on, a note is a paragraph of its own.
        if finding.place.is_some() {
            group = group.element(level.message(text.clone()));
        } else {
            groups.push(Group::with_title(level.secondary_title(text.clone())));
        }
    }
    groups.insert(0, group);
    Renderer::styled().render(&groups)
}

/// Keeps a span inside a text that may have changed since it was read.
fn clamp(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let inside = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = inside(span.start);
    start..inside(span.end).max(start)
}
