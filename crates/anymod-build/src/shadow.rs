//! Headers that are not there: where a new file would be found before the header that a source was compiled with.
//!
//! A compiler searches for a header in the directories of the files that include each other (for `"…"`) and along its
//! search path, and reports only what it found. A build that tracks only that overlooks a new file earlier on the way.
//! So the places that were searched in vain are remembered; more than the compiler looked at, because the only harm is
//! one compilation too many when such a file appears.

use std::collections::BTreeSet;

/// The paths at which a new file could come before one of `headers`, sorted. They may exist; then they were passed over
/// for another reason and are the caller's to drop.
pub(crate) fn candidates(source: &str, headers: &[String], search: &[String]) -> BTreeSet<String> {
    let own =
        |path: &str| !path.starts_with('/') || search.iter().any(|dir| below(path, dir).is_some());
    // Directories that a header in quotes is looked for in before the search path.
    let mut local: BTreeSet<&str> = BTreeSet::new();
    local.insert(parent(source));
    local.extend(headers.iter().filter(|path| own(path)).map(|path| parent(path)));
    let mut candidates = BTreeSet::new();
    for header in headers.iter().filter(|header| *header != source) {
        let place = search.iter().position(|dir| below(header, dir).is_some());
        let earlier = search.get(..place.unwrap_or(search.len())).unwrap_or_default();
        let directories = local.iter().copied().chain(earlier.iter().map(String::as_str));
        for directory in directories {
            for name in included_as(header, search) {
                candidates.insert(join(directory, name));
            }
        }
    }
    for header in headers {
        candidates.remove(header);
    }
    candidates
}

/// The names under which a header may have been included.
fn included_as<'a>(header: &'a str, search: &[String]) -> Vec<&'a str> {
    let mut names: Vec<&str> = search.iter().filter_map(|dir| below(header, dir)).collect();
    if names.is_empty() {
        // One of the compiler's own, for instance `string.h` or `sys/types.h`.
        let mut slashes = header.rmatch_indices('/').map(|(at, _)| at + 1);
        names.extend(slashes.next().and_then(|at| header.get(at..)));
        names.extend(slashes.next().and_then(|at| header.get(at..)));
        if names.is_empty() {
            names.push(header);
        }
    }
    names
}

/// The rest of a path below a directory.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    if matches!(directory, "" | ".") {
        return (!path.starts_with('/')).then_some(path);
    }
    path.strip_prefix(directory.trim_end_matches('/'))?.strip_prefix('/')
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn join(directory: &str, name: &str) -> String {
    match directory {
        "" | "." => name.to_owned(),
        _ => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str, headers: &[&str], search: &[&str]) -> Vec<String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        candidates(source, &owned(headers), &owned(search)).into_iter().collect()
    }

    #[test]
    fn places_before_the_header_that_was_found() {
        let found = of("src/a.c", &["src/a.c", "second/x.h"], &["first", "second", "third"]);
        assert_eq!(found, ["first/x.h", "src/x.h"]);
    }

    #[test]
    fn headers_of_the_compiler_can_be_shadowed_everywhere() {
        let found = of("a.c", &["/usr/include/sys/types.h"], &["inc"]);
        assert_eq!(found, ["inc/sys/types.h", "inc/types.h", "sys/types.h", "types.h"]);
    }

    #[test]
    fn a_header_beside_its_includer_is_first() {
        assert_eq!(of("a.c", &["b.h"], &["inc"]), ["inc/b.h"]);
        let nested = of("src/a.c", &["inc/dir/b.h", "inc/dir/c.h"], &["inc"]);
        assert!(nested.contains(&"inc/dir/dir/c.h".to_owned()), "{nested:?}");
        assert!(nested.contains(&"src/dir/b.h".to_owned()), "{nested:?}");
    }
}
