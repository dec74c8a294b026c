//! Names of entries.

/// What is wrong with a name of a file in a package; none if it can be unpacked safely.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let parts = || name.split('/');
    if name.is_empty() {
        Some("its name is empty")
    } else if name.starts_with('/') || drive {
        Some("its name is an absolute path")
    } else if name.contains('\\') {
        Some("its name has a backslash, which is a separator for some")
    } else if name.contains(char::is_control) {
        Some("its name has control characters")
    } else if parts().any(|part| part == "..") {
        Some("its name leads out of the directory")
    } else if parts().any(|part| part.is_empty() || part == ".") {
        Some("its name has an empty part or a lone dot")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_names_pass() {
        for name in ["a", "a/b.so", "a b/ä.py", "..a/b..", "a.dist-info/RECORD"] {
            assert_eq!(fault(name), None, "{name}");
        }
        for name in ["", "/a", "C:/a", "a\\b", "..", "a/../b", "a//b", "./a", "a/", "a\0b", "a\nb"]
        {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }
}
