//! Where things are on this machine, kept out of keys, records and files that are made, so that builds in other directories
//! and of other users find what this one kept.
//!
//! The working directory, the directories that a build names (its source tree, its environment), the target environment
//! and the directory of a source that is in none of them are written with markers. Everything else keeps its path.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;

use super::command::Item;
use super::config::Config;
use super::rules::HEADERS;
use crate::locations::FIXED_TIMESTAMP;

/// The directories of a command.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Directories without a slash at the end, their markers, and what is written in files that are made; the longest first.
    all: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    directory: String,
    marker: String,
    written: String,
}

/// Stands for the working directory.
const HERE: &str = "<.>";
const TARGET: &str = "<target>";
const ELSEWHERE: &str = "<elsewhere>";

impl Places {
    /// Those of a command that runs in `directory` and compiles `source`, if it does.
    pub(crate) fn new(config: &Config, directory: &Path, source: Option<&Path>) -> Places {
        let mut all = Vec::new();
        let mut add = |directory: &Path, marker: String, written: String| {
            // A root directory is in the path of everything.
            if let Some(directory) = directory.to_str().filter(|path| path.len() > 1) {
                all.push(Place { directory: directory.to_owned(), marker, written });
            }
        };
        add(directory, HERE.to_owned(), ".".to_owned());
        for (root, name) in &config.roots {
            add(root, format!("<{name}>"), format!("/{name}"));
        }
        let name = config.target.facts.target();
        add(&config.environment, TARGET.to_owned(), format!("/{name}"));
        let parent = source.filter(|source| source.is_absolute()).and_then(Path::parent);
        if let Some(parent) = parent
            && !all.iter().any(|place| parent.starts_with(&place.directory))
            && let Some(directory) = parent.to_str().filter(|path| path.len() > 1)
        {
            let (directory, written) = (directory.to_owned(), "/elsewhere".to_owned());
            all.push(Place { directory, marker: ELSEWHERE.to_owned(), written });
        }
        // Stable, so that the working directory is before a root that it is.
        all.sort_by_key(|place| std::cmp::Reverse(place.directory.len()));
        Places { all }
    }

    /// A path as keys and records have it.
    pub(crate) fn portable<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if !path.starts_with('/') {
            return Cow::Borrowed(path);
        }
        let found = self.all.iter().find_map(|place| {
            let rest = path.strip_prefix(place.directory.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", place.marker))
        });
        found.map_or(Cow::Borrowed(path), Cow::Owned)
    }

    /// The path on this machine that [`Places::portable`] wrote.
    pub(crate) fn real<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if !path.starts_with('<') {
            return Cow::Borrowed(path);
        }
        let found = self.all.iter().find_map(|place| {
            let rest = path.strip_prefix(place.marker.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", place.directory))
        });
        found.map_or(Cow::Borrowed(path), Cow::Owned)
    }

    /// A word of a command as keys have it: a path, or an option that names a directory or file that is searched or read.
    /// Other options, such as definitions of macros, can put a path into what is made, and keep it.
    pub(crate) fn portable_word<'a>(&self, word: &'a str) -> Cow<'a, str> {
        const OPTIONS: [&str; 4] =
            ["--sysroot=", "-include", "-imacros", "--allow-undefined-file="];
        let mut options = HEADERS.into_iter().chain(OPTIONS);
        let found = options.find_map(|option| {
            let path = word.strip_prefix(option).filter(|path| path.starts_with('/'))?;
            Some(format!("{option}{}", self.portable(path)))
        });
        found.map_or_else(|| self.portable(word), Cow::Owned)
    }

    /// What a tool said, as records have it.
    pub(crate) fn portable_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for place in &self.all {
            if text.contains(&place.directory) {
                text =
                    text.replace(&format!("{}/", place.directory), &format!("{}/", place.marker));
            }
        }
        text
    }

    /// What a tool said here, from what [`Places::portable_text`] wrote.
    pub(crate) fn real_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for place in &self.all {
            if text.contains(&place.marker) {
                text =
                    text.replace(&format!("{}/", place.marker), &format!("{}/", place.directory));
            }
        }
        text
    }

    /// Options that keep these places, and when a source was last saved, out of what a compiler makes.
    pub(crate) fn maps(&self) -> Vec<OsString> {
        let mut words = FIXED_TIMESTAMP.map(OsString::from).to_vec();
        // The last one that fits counts for debugging information, the longest for macros.
        let places = self.all.iter().rev();
        words.extend(places.map(|place| {
            format!("-ffile-prefix-map={}={}", place.directory, place.written).into()
        }));
        words
    }

    /// True if one of the directories is named in what was made: elsewhere it would have come out otherwise.
    pub(crate) fn are_in(&self, made: &[u8]) -> bool {
        let finds =
            |place: &Place| memchr::memmem::find(made, place.directory.as_bytes()).is_some();
        self.all.iter().any(finds)
    }

    /// True for a path that belongs to the build: relative, or in one of its directories.
    pub(crate) fn is_own(&self, path: &str) -> bool {
        if !path.starts_with('/') {
            return true;
        }
        let portable = self.portable(path);
        portable.starts_with('<') && !portable.starts_with(TARGET)
    }
}

/// Directories that a driver's command has searched for headers, in order, but for the target's own.
pub(crate) fn searched(items: &[Item], places: &Places) -> Vec<String> {
    let mut searched = Vec::new();
    for option in ["-iquote", "-I", "-isystem", "-idirafter"] {
        searched.extend(items.iter().filter_map(|item| {
            match item {
                Item::Valued { name, value, .. } if *name == option => value
                    .to_str()
                    .filter(|value| !places.portable(value).starts_with(TARGET))
                    .map(str::to_owned),
                _ => None,
            }
        }));
    }
    searched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::fixture;

    fn places(source: &str) -> Places {
        let target = fixture::target(Path::new("/home/u/targets"), "0.29.5");
        let mut config = Config::new(&target, Path::new("/trace"));
        config.roots = vec![("/tmp/x/src".into(), "src".to_owned())];
        Places::new(&config, Path::new("/tmp/x/src/build"), Some(Path::new(source)))
    }

    #[test]
    fn paths_are_written_with_the_nearest_marker_and_read_back() {
        let places = places("/tmp/tmpabc/try.c");
        for (path, portable) in [
            ("/tmp/x/src/build/a.c", "<.>/a.c"),
            ("/tmp/x/src/build", "<.>"),
            ("/tmp/x/src/include", "<src>/include"),
            ("/tmp/x/src/builder/a.c", "<src>/builder/a.c"),
            ("/home/u/targets/pyodide-0.29.5/sysroot", "<target>/sysroot"),
            ("/tmp/tmpabc/try.c", "<elsewhere>/try.c"),
            ("/tmp/x/srcs/a", "/tmp/x/srcs/a"),
            ("/usr/lib/x.h", "/usr/lib/x.h"),
            ("../a.c", "../a.c"),
        ] {
            assert_eq!(places.portable(path), portable);
            assert_eq!(places.real(portable), path);
        }
        assert_eq!(places.portable_word("-I/tmp/x/src/a"), "-I<src>/a");
        assert_eq!(places.portable_word("-DX=/tmp/x/src"), "-DX=/tmp/x/src");
        let said = "In file included from /tmp/x/src/build/a.h: /tmp/x/src/b.h";
        assert_eq!(places.portable_text(said), "In file included from <.>/a.h: <src>/b.h");
        assert_eq!(places.real_text(&places.portable_text(said)), said);
    }

    #[test]
    fn sources_in_a_known_directory_need_no_marker_of_their_own() {
        let maps = places("/tmp/x/src/a.c").maps();
        let maps: Vec<_> = maps.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            maps.get(2..).unwrap(),
            [
                "-ffile-prefix-map=/tmp/x/src=/src",
                "-ffile-prefix-map=/tmp/x/src/build=.",
                "-ffile-prefix-map=/home/u/targets/pyodide-0.29.5=/pyodide-0.29.5"
            ]
        );
    }
}
