//! Small texts that several rooms write alike: fields of a line, and what the operating system says.

/// A text as a field of a line whose fields are separated by tabs.
#[must_use]
pub fn escape(text: &str) -> String {
    if !text.contains(['\\', '\n', '\t', '\r']) {
        return text.to_owned();
    }
    let text = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    text.replace('\r', "\\r")
}

/// The text that [`escape`] wrote; none if it wrote no such thing.
#[must_use]
pub fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            letter => letter,
        });
    }
    Some(plain)
}

/// What the operating system says, in the voice of a diagnostic.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}

/// What to do about a file that could not be written.
#[must_use]
pub fn write_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "give yourself write permission, or build from a copy elsewhere"
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "free some space and run the command again; nothing that was finished is lost"
        }
        _ => "look at what is at that path",
    }
}
