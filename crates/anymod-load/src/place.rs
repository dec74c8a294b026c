//! Where files may be extracted to.

use std::path::{Path, PathBuf};

/// A directory below which files may be put.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) path: PathBuf,
    /// True if others can write beside it.
    pub(crate) shared: bool,
}

/// All of them, best first: the user's cache, and directories that everyone has.
pub(crate) fn bases() -> Vec<Base> {
    let variable = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    if let Some(path) = std::env::var_os("ANYMOD_EXTRACT_DIR").filter(|path| !path.is_empty()) {
        return vec![Base { path: path.into(), shared: false }];
    }
    let home = variable("HOME");
    let usual = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| home.map(|home| home.join(".cache")))
    };
    let usual = usual.map(|path| Base { path: path.join("anymod"), shared: false });
    let mut shared = vec![Some(std::env::temp_dir())];
    if cfg!(target_os = "linux") {
        shared.insert(0, variable("XDG_RUNTIME_DIR"));
        shared.extend(["/var/tmp", "/dev/shm"].map(|path| Some(PathBuf::from(path))));
    }
    let own = own_name();
    let shared = shared.into_iter().flatten();
    let shared = shared.map(|path| Base { path: path.join(&own), shared: true });
    usual.into_iter().chain(shared).collect()
}

/// Name of a directory that belongs to this user alone, beside those of others.
#[cfg(unix)]
fn own_name() -> String {
    format!("anymod-{}", rustix::process::getuid().as_raw())
}

/// Temporary directories are the user's own.
#[cfg(not(unix))]
fn own_name() -> String {
    "anymod-addons".to_owned()
}

/// Makes a directory that is the user's alone, or says why it is not.
#[cfg(unix)]
pub(crate) fn claim(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = std::fs::symlink_metadata(path)?;
    let own = found.uid() == rustix::process::getuid().as_raw() && found.mode() & 0o022 == 0;
    if found.is_dir() && own {
        return Ok(());
    }
    Err(std::io::Error::other(format!("{} belongs to someone else", path.display())))
}

/// Makes a directory.
#[cfg(not(unix))]
pub(crate) fn claim(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}
