//! Names of entries.

/// The longest that a path can be where files are unpacked, in bytes.
const LONGEST: usize = 4096;

/// What is wrong with a name of a file in a package; none if it can be unpacked safely.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let parts = || name.split('/');
    if name.is_empty() {
        Some("its name is empty")
    } else if name.len() > LONGEST {
        Some("its name is longer than a path can be")
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

/// Names that occur twice, and names of files that are directories of others; each with what it is.
pub(crate) fn clashes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'static str)> {
    // With the slash before everything else, what is below a name follows it at once. No name has control characters.
    let key = |byte: u8| if byte == b'/' { 0 } else { byte };
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable_by(|one, other| one.bytes().map(key).cmp(other.bytes().map(key)));
    let pairs = names.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        match second.strip_prefix(first)? {
            "" => Some((*first, "the name occurs twice")),
            rest => rest.starts_with('/').then_some((*first, "it is a file and a directory")),
        }
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_names_pass() {
        for name in ["a", "a/b.so", "a b/ä.py", "..a/b..", "a.dist-info/RECORD"] {
            assert_eq!(fault(name), None, "{name}");
        }
        assert!(fault(&"a/".repeat(3000)).is_some() && fault(&"a".repeat(4096)).is_none());
        for name in ["", "/a", "C:/a", "a\\b", "..", "a/../b", "a//b", "./a", "a/", "a\0b", "a\nb"]
        {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn clashes_are_found_whatever_lies_between() {
        let found = |names: &[&'static str]| clashes(names.iter().copied());
        assert_eq!(found(&["a/b", "a-b", "b", "a.py", "ab"]), []);
        assert_eq!(found(&["a/b", "a-b", "a"]), [("a", "it is a file and a directory")]);
        assert_eq!(found(&["a/b/c", "x", "a/b"]), [("a/b", "it is a file and a directory")]);
        assert_eq!(found(&["a", "b", "a"]), [("a", "the name occurs twice")]);
    }
}
