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
    for note in &finding.notes {
        group = group.element(Level::NOTE.message(note.clone()));
    }
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.clone()));
    }
    Renderer::styled().render(&[group])
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
