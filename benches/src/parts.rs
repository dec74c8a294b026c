//! Benchmarks in parts, of which one or all are run.

/// A part: its name, and what runs it on what the benchmark prepared.
pub(crate) type Part<T> = (&'static str, fn(&T) -> Result<(), String>);

/// The names of the parts, with something between them.
pub(crate) fn names<T>(parts: &[Part<T>], between: &str) -> String {
    parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(between)
}

/// The part of a name, or all.
pub(crate) fn chosen<'a, T>(
    parts: &'a [Part<T>],
    part: Option<&str>,
) -> Result<Vec<&'a Part<T>>, String> {
    let chosen: Vec<_> =
        parts.iter().filter(|(name, _)| part.is_none_or(|part| part == *name)).collect();
    match part {
        Some(part) if chosen.is_empty() => {
            Err(format!("there is no part `{part}`; there are {}", names(parts, ", ")))
        }
        _ => Ok(chosen),
    }
}
