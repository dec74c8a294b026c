//! Where things are on this machine, kept out of keys and records so that results can be shared between checkouts,
//! users and machines.
//!
//! What belongs to the project is written relative to it from the start. What anymod itself installed has a place that
//! depends on the user; it is written with a marker instead. Everything else, for instance a system's headers, keeps its
//! absolute path.

use std::borrow::Cow;
use std::path::Path;

use crate::environment::Environment;

/// Stands for anymod's own directory. `<` and `>` are in no path that a person makes.
pub(crate) const HOME_MARKER: &str = "<anymod>/";

/// Options that fix the one built-in macro that `SOURCE_DATE_EPOCH` does not. A compiler warns of a built-in macro that it
/// is given unless told not to.
pub(crate) const FIXED_TIMESTAMP: [&str; 2] =
    ["-Wno-builtin-macro-redefined", "-D__TIMESTAMP__=\"Thu Jan  1 00:00:00 1970\""];

/// The directories of a build that are the user's or the machine's.
#[derive(Clone, Debug)]
pub(crate) struct Locations {
    /// The project's directory, absolute.
    root: String,
    /// anymod's own directory, with a slash at the end.
    home: Option<String>,
}

impl Locations {
    pub(crate) fn new(root: &Path, environment: &Environment) -> Locations {
        let home = environment.data_dir().filter(|home| home.is_absolute());
        let home = home.and_then(|home| Some(format!("{}/", home.to_str()?)));
        Locations { root: root.to_string_lossy().into_owned(), home }
    }

    /// A path, or a word of a command that is one, as keys and records have it.
    pub(crate) fn portable<'a>(&self, whole: &'a str) -> Cow<'a, str> {
        // A long option with a path behind it names a file; one with a single `-` may define a macro.
        let (option, path) = match whole.split_once("=/") {
            Some((option, _)) if option.starts_with("--") => whole.split_at(option.len() + 1),
            _ => ("", whole),
        };
        let home = self.home.as_deref().filter(|_| path.starts_with('/'));
        match home.and_then(|home| path.strip_prefix(home)) {
            Some(rest) => Cow::Owned(format!("{option}{HOME_MARKER}{rest}")),
            None => Cow::Borrowed(whole),
        }
    }

    /// The path on this machine that [`Locations::portable`] wrote.
    pub(crate) fn real<'a>(&self, path: &'a str) -> Cow<'a, str> {
        match (path.strip_prefix(HOME_MARKER), &self.home) {
            (Some(rest), Some(home)) => Cow::Owned(format!("{home}{rest}")),
            _ => Cow::Borrowed(path),
        }
    }

    /// Options that keep these places, and when a source was last saved, out of what a compiler makes.
    pub(crate) fn prefix_maps(&self) -> Vec<String> {
        let mut maps = FIXED_TIMESTAMP.map(str::to_owned).to_vec();
        if let Some(home) = &self.home {
            maps.push(format!("-ffile-prefix-map={}=/anymod", home.trim_end_matches('/')));
        }
        // Compilers take the last one that fits.
        maps.push(format!("-ffile-prefix-map={}=.", self.root));
        maps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anymod_installed_is_written_with_a_marker() {
        let environment = Environment::default().with(crate::environment::ANYMOD_HOME, "/h/anymod");
        let locations = Locations::new(Path::new("/src/tree"), &environment);
        let portable = locations.portable("/h/anymod/toolchains/zig/zig").into_owned();
        assert_eq!(portable, "<anymod>/toolchains/zig/zig");
        assert_eq!(locations.real(&portable), "/h/anymod/toolchains/zig/zig");
        let option = locations.portable("--sysroot=/h/anymod/targets/x").into_owned();
        assert_eq!(option, "--sysroot=<anymod>/targets/x");
        for path in ["src/a.c", "/usr/bin/gcc", "-DX=/h/anymod/x", "/h/anymodule"] {
            assert_eq!(locations.portable(path), path);
            assert_eq!(locations.real(path), path);
        }
    }
}
