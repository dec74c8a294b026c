//! What a build takes from the process's environment, captured once.
//!
//! This is the only place that reads environment variables; everything else gets an [`Environment`], so that tests and
//! embedders can give their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::trace::{Kind, Trace};

/// Name of the variable that overrides where toolchains and caches live.
pub const ANYMOD_HOME: &str = "ANYMOD_HOME";
/// Name of the variable that chooses the toolchain: `auto`, `gnu` or `zig`.
pub const ANYMOD_TOOLCHAIN: &str = "ANYMOD_TOOLCHAIN";

/// Name of the variable that says where zig keeps what it builds for itself.
const ZIG_CACHE: &str = "ZIG_GLOBAL_CACHE_DIR";

/// Name of the variable that holds what counts as now, for tools that write down the time.
pub(crate) const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The environment of a build. It notes what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    trace: Trace,
}

impl Environment {
    /// The process's own environment. Variables that are not text are left out.
    #[must_use]
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment::of(std::env::vars_os().filter_map(text).collect())
    }

    /// An environment of exactly these variables.
    #[must_use]
    pub fn of(variables: BTreeMap<String, String>) -> Environment {
        Environment { variables, trace: Trace::default() }
    }

    /// The same environment of which nothing has been asked.
    pub(crate) fn unasked(&self) -> Environment {
        Environment::of(self.variables.clone())
    }

    /// What has been asked.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The same environment with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Environment {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.trace.variable(name);
        self.variables.get(name).map(String::as_str)
    }

    /// Every variable.
    #[must_use]
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The value of a variable that is set to something.
    fn set(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Looks a program up on the `PATH`: its absolute path. A name with a slash stands for itself.
    #[must_use]
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        if name.contains(['/', std::path::MAIN_SEPARATOR]) {
            return self.executable(Path::new(name));
        }
        self.find_programs(name).next()
    }

    /// Every program of that name on the `PATH`, in order.
    pub(crate) fn find_programs(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(self.get("PATH").unwrap_or_default())
            .filter(|directory| directory.is_absolute())
            .filter_map(move |directory| self.executable(&directory.join(name)))
    }

    /// The path itself, if a file that may be executed is there.
    fn executable(&self, path: &Path) -> Option<PathBuf> {
        let candidate = if cfg!(windows) && path.extension().is_none() {
            path.with_extension("exe")
        } else {
            path.to_owned()
        };
        (self.trace.look(&candidate) == Kind::Program).then_some(candidate)
    }

    /// True if a file is at the path.
    pub(crate) fn is_file(&self, path: &Path) -> bool {
        matches!(self.trace.look(path), Kind::File | Kind::Program)
    }

    /// True if a directory is at the path.
    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        self.trace.look(path) == Kind::Directory
    }

    /// Where anymod keeps toolchains: `$ANYMOD_HOME`, else `anymod` in the platform's directory for user data.
    #[must_use]
    pub fn data_dir(&self) -> Option<PathBuf> {
        if let Some(home) = self.set(ANYMOD_HOME) {
            return Some(PathBuf::from(home));
        }
        let base = if cfg!(windows) {
            PathBuf::from(self.set("LOCALAPPDATA")?)
        } else if cfg!(target_os = "macos") {
            PathBuf::from(self.set("HOME")?).join("Library/Application Support")
        } else if let Some(data) = self.set("XDG_DATA_HOME").filter(|data| data.starts_with('/')) {
            PathBuf::from(data)
        } else {
            PathBuf::from(self.set("HOME")?).join(".local/share")
        };
        Some(base.join("anymod"))
    }

    /// The variables that every started tool gets: enough to run, nothing that changes what a compiler makes.
    ///
    /// Left out on purpose are `CPATH`, `C_INCLUDE_PATH`, `GCC_EXEC_PREFIX` and their kin: what decides an object's bytes
    /// is in the manifest.
    #[must_use]
    pub fn for_tools(&self) -> BTreeMap<String, String> {
        const PASSED: [&str; 8] = [
            "PATH",
            "HOME",
            "TMPDIR",
            "TEMP",
            "TMP",
            "SYSTEMROOT",
            "LD_LIBRARY_PATH",
            "USERPROFILE",
        ];
        let mut tools: BTreeMap<String, String> = PASSED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.get(name)?.to_owned())))
            .collect();
        tools.insert("LC_ALL".to_owned(), "C.UTF-8".to_owned());
        // Where zig keeps the libraries that it builds for a platform once; nothing in it reaches an output.
        let cache = self.set(ZIG_CACHE).map(PathBuf::from);
        let cache = cache.or_else(|| Some(self.data_dir()?.join("zig-cache")));
        if let Some(cache) = cache.filter(|cache| cache.is_absolute()) {
            tools.insert(ZIG_CACHE.to_owned(), cache.to_string_lossy().into_owned());
        }
        tools
    }

    /// What `__DATE__` and `__TIME__` stand for in seconds since 1970, so that objects do not depend on the clock.
    #[must_use]
    pub fn source_date_epoch(&self) -> String {
        self.set(SOURCE_DATE_EPOCH).unwrap_or("0").to_owned()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::of(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn data_directory_follows_the_most_specific_variable() {
        let home = environment(&[("HOME", "/h")]);
        assert_eq!(home.data_dir(), Some("/h/.local/share/anymod".into()));
        let relative = home.clone().with("XDG_DATA_HOME", "data");
        assert_eq!(relative.data_dir(), home.data_dir(), "the XDG rules ignore relative paths");
        let xdg = home.with("XDG_DATA_HOME", "/d");
        assert_eq!(xdg.data_dir(), Some("/d/anymod".into()));
        assert_eq!(xdg.with(ANYMOD_HOME, "/a").data_dir(), Some("/a".into()));
        assert_eq!(environment(&[]).data_dir(), None);
    }

    #[test]
    fn programs_are_executable_files_on_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tool");
        std::fs::write(&path, "").unwrap();
        let search = environment(&[("PATH", &format!("/nowhere:{}", directory.path().display()))]);
        assert_eq!(search.find_program("tool"), None, "not executable");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        assert_eq!(search.unasked().find_program("tool"), Some(path));
    }

    #[test]
    fn tools_never_see_variables_that_change_their_output() {
        let tools = environment(&[("CPATH", "/x"), ("PATH", "/bin"), ("LANG", "de")]).for_tools();
        assert_eq!(tools.keys().collect::<Vec<_>>(), ["LC_ALL", "PATH"]);
    }
}
