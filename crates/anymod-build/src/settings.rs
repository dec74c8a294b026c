//! Where settings come from on this machine: the user's file, the workspace's file and the environment, put together with
//! what the command line says.
//!
//! What settings there are is `anymod_model::settings`' table; this module only finds and reads the files. Whoever wants
//! a build that depends on neither files nor variables makes a [`Settings`] without it.

use std::path::{Path, PathBuf};

use anymod_model::codes::build as codes;
use anymod_model::manifest::FILE_NAME;
use anymod_model::settings::{Layer, Origin, Settings, Value, parse};
use anymod_model::{Diagnostic, Diagnostics, Place};

use crate::environment::Environment;
use crate::install;

/// Name of the variable that names another file in place of the user's, or `none`.
pub const ANYMOD_CONFIG: &str = "ANYMOD_CONFIG";

/// The workspace's file, relative to the directory of the manifest.
pub const WORKSPACE_FILE: &str = ".config/anymod.toml";

/// Puts all settings together: flags above the environment above the workspace's file above the user's above defaults.
///
/// `root` is the project's directory, if there is a project. Paths of the workspace's file are relative to it, those of
/// the user's file to that file's directory, and the others to the current directory.
///
/// # Errors
/// Everything wrong in the files and the environment at once (`M0201` to `M0204`), `B0002` for a file that cannot be read.
pub fn load(
    root: Option<&Path>,
    flags: Layer,
    environment: &Environment,
) -> Result<Settings, Diagnostics> {
    let mut findings = Vec::new();
    let mut layers = vec![computed(environment)];
    let mut add = |layer: Result<Layer, Diagnostics>, base: &Path| match layer {
        Ok(mut layer) => {
            layer.resolve_paths(|path| base.join(path).display().to_string());
            layers.push(layer);
        }
        Err(errors) => findings.extend(errors.0),
    };
    if let Some((path, named)) = user_file(environment) {
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        add(read(&path, named), &base);
    }
    if let Some(root) = root {
        add(read(&root.join(WORKSPACE_FILE), false), root);
    }
    let current = std::env::current_dir().unwrap_or_default();
    add(Layer::of_variables(|name| environment.get(name)), &current);
    add(Ok(flags), &current);
    if findings.is_empty() { Ok(Settings::of(layers)) } else { Err(Diagnostics(findings)) }
}

/// The directory of the manifest that `path` names or is at or below, if there is one; the manifest is not read.
#[must_use]
pub fn project_root(path: &Path) -> Option<PathBuf> {
    let absolute = path.canonicalize().ok()?;
    if absolute.is_file() {
        return absolute.parent().map(Path::to_owned);
    }
    let mut directories = absolute.ancestors();
    directories.find(|directory| directory.join(FILE_NAME).is_file()).map(Path::to_owned)
}

/// Where the store is unless a setting says otherwise: `store` in anymod's directory for caches.
#[must_use]
pub fn default_store(environment: &Environment) -> Option<PathBuf> {
    Some(cache_dir(environment)?.join("store"))
}

/// Where anymod keeps what it can make again: `anymod` in the platform's directory for caches.
pub(crate) fn cache_dir(environment: &Environment) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        PathBuf::from(set(environment, "LOCALAPPDATA")?)
    } else if cfg!(target_os = "macos") {
        PathBuf::from(set(environment, "HOME")?).join("Library/Caches")
    } else if let Some(cache) = absolute(environment, "XDG_CACHE_HOME") {
        cache
    } else {
        PathBuf::from(set(environment, "HOME")?).join(".cache")
    };
    Some(base.join("anymod"))
}

/// The user's file, and whether it was named, so that it has to be there.
fn user_file(environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(named) = set(environment, ANYMOD_CONFIG) {
        let path = std::path::absolute(named).unwrap_or_else(|_| PathBuf::from(named));
        return (named != "none").then_some((path, true));
    }
    let base = if cfg!(windows) {
        PathBuf::from(set(environment, "APPDATA")?)
    } else if let Some(config) = absolute(environment, "XDG_CONFIG_HOME") {
        config
    } else {
        PathBuf::from(set(environment, "HOME")?).join(".config")
    };
    Some((base.join("anymod").join("config.toml"), false))
}

fn set<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).filter(|value| !value.is_empty())
}

/// A variable that the XDG rules want to be an absolute path.
fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    set(environment, name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The defaults that depend on the machine.
fn computed(environment: &Environment) -> Layer {
    let mut layer = Layer::new();
    let store = match default_store(environment) {
        Some(path) => Value::Path(path.display().to_string()),
        // Without a home there is no place that is the user's own.
        None => Value::Word("off"),
    };
    layer.put("store.path", store, Origin::Default);
    layer
}

/// Reads a file that may be missing, unless it was named.
fn read(path: &Path, named: bool) -> Result<Layer, Diagnostics> {
    let shown = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if !named && is_absent(&error) => return Ok(Layer::new()),
        Err(error) => return Err(install::read_error(path, &error).into()),
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        Diagnostic::error(&codes::READ, "the file of settings is not UTF-8 text")
            .at(Place::file(shown.clone()))
            .hint("save it as UTF-8")
    })?;
    parse(&text, &shown)
}

fn is_absent(error: &std::io::Error) -> bool {
    // A file where the directory would be says as well that there are no settings.
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    /// A home with a user's file and a project with a workspace's file.
    fn machine(user: &str, workspace: &str) -> (tempfile::TempDir, Environment) {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in
            [("home/.config/anymod/config.toml", user), ("project/.config/anymod.toml", workspace)]
        {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let home = directory.path().join("home").display().to_string();
        (directory, Environment::default().with("HOME", &home))
    }

    #[test]
    fn the_nearest_place_wins() {
        let (directory, environment) = machine(
            "[store]\npath = \"cache\"\nmax-size = \"1GiB\"\nmax-entries = 5\n[build]\njobs = 1\n",
            "[store]\nmax-size = \"2GiB\"\nmax-entries = 6\n[build]\njobs = 2\n",
        );
        let environment =
            environment.with("ANYMOD_STORE_MAX_ENTRIES", "7").with("ANYMOD_JOBS", "3");
        let mut flags = Layer::new();
        flags.flag("build.jobs", "--jobs", "4").unwrap();
        let root = directory.path().join("project");
        let settings = load(Some(&root), flags, &environment).unwrap();
        let user = directory.path().join("home/.config/anymod");
        let values = [
            (
                "store.path",
                format!("{}/cache", user.display()),
                format!("{}/config.toml", user.display()),
            ),
            ("store.max-size", "2GiB".into(), format!("{}/.config/anymod.toml", root.display())),
            ("store.max-entries", "7".into(), "ANYMOD_STORE_MAX_ENTRIES".into()),
            ("build.jobs", "4".into(), "--jobs".into()),
            ("store.link", "reflink".into(), "default".into()),
        ];
        for (key, value, origin) in values {
            let found = settings.get(key).unwrap();
            assert_eq!(
                (found.value.to_string(), found.origin.to_string()),
                (value, origin),
                "{key}"
            );
        }
        let outside = load(None, Layer::new(), &environment).unwrap();
        assert_eq!(outside.number("store.max-size"), Some(1 << 30));
    }

    #[test]
    fn without_files_there_are_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().display().to_string();
        let environment = Environment::default().with("HOME", &home);
        let settings = load(Some(directory.path()), Layer::new(), &environment).unwrap();
        assert_eq!(settings.path("store.path"), Some(&*format!("{home}/.cache/anymod/store")));
        let xdg = environment.clone().with("XDG_CACHE_HOME", "/c");
        let settings = load(None, Layer::new(), &xdg).unwrap();
        assert_eq!(settings.path("store.path"), Some("/c/anymod/store"));
        let off = load(None, Layer::new(), &environment.with("ANYMOD_STORE", "off")).unwrap();
        assert_eq!((off.path("store.path"), off.word("store.path")), (None, Some("off")));
        let homeless = load(None, Layer::new(), &Environment::default()).unwrap();
        assert_eq!(homeless.word("store.path"), Some("off"));
    }

    #[test]
    fn a_named_file_replaces_the_users_and_has_to_be_there() {
        let (directory, environment) = machine("[build]\njobs = 1\n", "");
        let other = directory.path().join("other.toml");
        std::fs::write(&other, "[build]\njobs = 9\n").unwrap();
        let jobs = |file: &str| {
            let environment = environment.clone().with(ANYMOD_CONFIG, file);
            load(None, Layer::new(), &environment).map(|settings| settings.number("build.jobs"))
        };
        assert_eq!(jobs("").unwrap(), Some(1));
        assert_eq!(jobs(&other.display().to_string()).unwrap(), Some(9));
        assert_eq!(jobs("none").unwrap(), None);
        let missing = jobs("/nowhere/at/all.toml").unwrap_err();
        assert_eq!(missing.0[0].code.id, "B0002");
    }

    #[test]
    fn what_is_wrong_in_all_places_is_told_at_once() {
        let (directory, environment) = machine("[store]\nlink = \"x\"\n", "[bild]\njobs = 1\n");
        let environment = environment.with("ANYMOD_JOBS", "-1");
        let root = directory.path().join("project");
        let findings = load(Some(&root), Layer::new(), &environment).unwrap_err();
        let codes: Vec<&str> = findings.0.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, ["M0204", "M0202", "M0204"]);
        std::fs::write(root.join(WORKSPACE_FILE), b"\xff").unwrap();
        let findings = load(Some(&root), Layer::new(), &Environment::default()).unwrap_err();
        assert_eq!(findings.0[0].code.id, "B0002");
    }
}
