//! Headers that are not there: where a new file would be found before the header that a source was compiled with.
//!
//! A compiler searches for a header in the directories of the files that include each other (for `"…"`) and along its
//! search path, and reports only what it found. A build that tracks only that overlooks a new file earlier on the way.
//! So the places that come first are looked at again; more of them than the compiler looked at, because the only harm is
//! one compilation too many when such a file appears.

use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

use crate::disk::join;
use crate::log::{Log, TextId};
use crate::plan::is_generated;

/// Files that are at places where a compiler would look before it finds one of `headers`, and that are not themselves
/// among `headers`: when they are found right after compiling, it passed them over; when later, they are new.
pub(crate) fn found(
    source: &str,
    headers: &[TextId],
    search: &[String],
    log: &mut Log,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if nothing_near(source, headers, search, log) {
        return found;
    }
    let headers: Vec<String> = headers.iter().map(|header| log.text(*header).to_owned()).collect();
    let own = |path: &str| {
        let relative = !path.starts_with('/') && !is_generated(path);
        relative || search.iter().any(|dir| dir.starts_with('/') && below(path, dir).is_some())
    };
    places(source, &headers, search, &own, &mut |directory, name| {
        if log.has(directory, name) {
            let path = join(directory, name);
            if !headers.contains(&path) && path != source {
                found.insert(path);
            }
        }
    });
    found
}

/// What is known of directories and headers in this run, so that thousands of sources with the same headers cost little.
#[derive(Default)]
pub(crate) struct Memo {
    /// By directory: for each header whether something by its name is there.
    near: FxHashMap<TextId, Vec<Option<bool>>>,
    /// By header: its directory, if a header in quotes could be looked for there.
    parents: Vec<Option<Option<TextId>>>,
}

/// True if none of the directories holds anything called like one of the headers, so that nothing can come first. Says
/// false more often than needed; then [`places`] decides.
fn nothing_near(source: &str, headers: &[TextId], search: &[String], log: &mut Log) -> bool {
    if search.iter().any(|directory| directory.starts_with('/')) {
        return false;
    }
    let mut directories = vec![log.id(parent(source))];
    for directory in search {
        directories.push(log.id(directory));
    }
    for header in headers {
        if let Some(parent) = parent_of(*header, log)
            && !directories.contains(&parent)
        {
            directories.push(parent);
        }
    }
    !directories
        .iter()
        .any(|directory| headers.iter().any(|header| is_near(*directory, *header, log)))
}

fn parent_of(header: TextId, log: &mut Log) -> Option<TextId> {
    let index = header as usize;
    if let Some(Some(known)) = log.seen.shadows.parents.get(index) {
        return *known;
    }
    let text = log.text(header).to_owned();
    let found = (!text.starts_with('/') && !is_generated(&text)).then(|| log.id(parent(&text)));
    let parents = &mut log.seen.shadows.parents;
    parents.resize(parents.len().max(index + 1), None);
    if let Some(slot) = parents.get_mut(index) {
        *slot = Some(found);
    }
    found
}

/// True if a directory holds something called like a header, under its name or with the names of up to two of the
/// directories above it, other than the header itself.
fn is_near(directory: TextId, header: TextId, log: &mut Log) -> bool {
    let index = header as usize;
    let known = log.seen.shadows.near.get(&directory).and_then(|near| near.get(index));
    if let Some(Some(known)) = known {
        return *known;
    }
    let (directory_text, text) = (log.text(directory).to_owned(), log.text(header).to_owned());
    let starts = text.rmatch_indices('/').map(|(at, _)| at + 1).take(3);
    let mut names: Vec<&str> = starts.filter_map(|at| text.get(at..)).collect();
    if !text.starts_with('/') && names.len() < 3 {
        names.push(&text);
    }
    let near = names
        .iter()
        .any(|name| join(&directory_text, name) != text && log.has(&directory_text, name));
    let all = log.seen.shadows.near.entry(directory).or_default();
    all.resize(all.len().max(index + 1), None);
    if let Some(slot) = all.get_mut(index) {
        *slot = Some(near);
    }
    near
}

/// Visits each directory and name at which a file would come before one of `headers`. Headers that are the project's `own`
/// may include others that are beside them.
pub(crate) fn places(
    source: &str,
    headers: &[String],
    search: &[String],
    own: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&str, &str),
) {
    // Directories that a header in quotes is looked for in before the search path.
    let mut local: BTreeSet<&str> = BTreeSet::from([parent(source)]);
    local.extend(headers.iter().filter(|path| own(path)).map(|path| parent(path)));
    for header in headers.iter().filter(|header| *header != source) {
        let place = search.iter().position(|dir| below(header, dir).is_some());
        let earlier = search.get(..place.unwrap_or(search.len())).unwrap_or_default();
        let names = included_as(header, search);
        for directory in local.iter().copied().chain(earlier.iter().map(String::as_str)) {
            for name in &names {
                visit(directory, name);
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str, headers: &[&str], search: &[&str]) -> Vec<String> {
        let search: Vec<String> = search.iter().map(|text| (*text).to_owned()).collect();
        let headers: Vec<String> = headers.iter().map(|text| (*text).to_owned()).collect();
        let mut all = BTreeSet::new();
        places(
            source,
            &headers,
            &search,
            &|path| !path.starts_with('/'),
            &mut |directory, name| {
                all.insert(join(directory, name));
            },
        );
        headers.iter().for_each(|header| _ = all.remove(header));
        all.into_iter().collect()
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

    #[test]
    fn what_appears_is_found_and_what_was_used_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        put("second/sys/x.h");
        let search = ["first".to_owned(), "second".to_owned()];
        let now = || {
            let mut log = Log::in_memory(directory.path());
            let header = log.id("second/sys/x.h");
            found("a.c", &[header], &search, &mut log)
        };
        assert!(now().is_empty());
        put("first/sys/y.h");
        assert!(now().is_empty());
        put("first/sys/x.h");
        assert_eq!(now(), BTreeSet::from(["first/sys/x.h".to_owned()]));
    }
}
