//! Waiting for changes to a project's files, and calling back when there are some.
//!
//! This module knows nothing of builds: it says which files changed, once nothing has changed for a moment. What builds
//! write themselves, version control's own files and editors' temporary files are passed over. Directories are watched,
//! not files, so that a file which an editor replaces by renaming is seen like one that it writes.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Place};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::cancel::Cancel;
use crate::plan::{BUILD_DIR, DIST_DIR};

/// How often the flag that ends the waiting is looked at.
const PATIENCE: Duration = Duration::from_millis(50);

/// Files that change without a pause must not put the next build off for ever.
const LONGEST_UNREST: Duration = Duration::from_secs(3);

/// Directories at the top of a project that no source is in.
const PASSED_OVER: [&str; 6] = [BUILD_DIR, DIST_DIR, ".git", ".hg", ".svn", ".jj"];

type Events = Receiver<notify::Result<Event>>;

/// A project under watch.
pub struct Watch {
    root: PathBuf,
    events: Events,
    watcher: RecommendedWatcher,
    /// Directories outside the project that are watched as well.
    others: BTreeSet<PathBuf>,
}

impl Watch {
    /// Begins to watch a project's directory. Changes from now on are told, also those before the first wait.
    ///
    /// # Errors
    /// `B0016` if the system cannot watch it.
    pub fn begin(root: &Path) -> Result<Watch, Diagnostic> {
        // Events come with real paths.
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let (sender, events) = channel();
        let mut watcher =
            notify::recommended_watcher(sender).map_err(|error| failed(&root, &error))?;
        let watching = watcher.watch(&root, RecursiveMode::Recursive);
        watching.map_err(|error| failed(&root, &error))?;
        Ok(Watch { root, events, watcher, others: BTreeSet::new() })
    }

    /// Also watches the directories of these files, as far as they are outside the project and exist.
    pub fn add_outside<'a>(&mut self, files: impl IntoIterator<Item = &'a Path>) {
        for file in files {
            let directory = self.root.join(file).parent().and_then(|path| path.canonicalize().ok());
            let Some(directory) = directory.filter(|path| !path.starts_with(&self.root)) else {
                continue;
            };
            // One that cannot be watched is one whose changes are not seen; the project's own still are.
            if self.others.insert(directory.clone()) {
                let _ = self.watcher.watch(&directory, RecursiveMode::NonRecursive);
            }
        }
    }

    /// Waits until files have changed and none has for the time `quiet`: the files, relative to the project where they are
    /// in it; none at all once `cancel` is set.
    pub fn next(&mut self, quiet: Duration, cancel: &Cancel) -> Option<BTreeSet<PathBuf>> {
        let mut changed = BTreeSet::new();
        let (mut first, mut last): (Option<Instant>, Instant) = (None, Instant::now());
        loop {
            if cancel.is_set() {
                return None;
            }
            let at_rest = last.elapsed() >= quiet;
            if first.is_some_and(|first| at_rest || first.elapsed() >= LONGEST_UNREST) {
                return Some(changed);
            }
            let rest = quiet.saturating_sub(last.elapsed());
            let patience = if first.is_some() { rest.min(PATIENCE) } else { PATIENCE };
            match self.events.recv_timeout(patience) {
                Ok(event) => {
                    if self.take(event, &mut changed) {
                        last = Instant::now();
                        first.get_or_insert(last);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The watcher lives as long as this does, so its end of the channel does as well.
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Notes the files of an event that matter; true if there are any.
    fn take(&self, event: notify::Result<Event>, changed: &mut BTreeSet<PathBuf>) -> bool {
        let Ok(event) = event else {
            // What happened is not known, so anything may have.
            return true;
        };
        if event.need_rescan() {
            return true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let mut seen = false;
        for path in &event.paths {
            let inside = path.strip_prefix(&self.root).unwrap_or(path);
            if !is_noise(inside) && !is_own_output(path) {
                seen = true;
                changed.insert(inside.to_owned());
            }
        }
        seen
    }
}

/// True for files that no build reads: its own, version control's, and what editors write beside the file they edit.
fn is_noise(path: &Path) -> bool {
    if path.as_os_str().is_empty() {
        return true;
    }
    if let Some(Component::Normal(top)) = path.components().next()
        && PASSED_OVER.iter().any(|name| *name == top)
    {
        return true;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let vim =
        [".swp", ".swx", ".swo"].iter().any(|end| name.ends_with(end)) && name.starts_with('.');
    let emacs = name.starts_with(".#") || (name.starts_with('#') && name.ends_with('#'));
    let ours = name.starts_with(".anymod-") && name.ends_with(".tmp");
    // Vim makes a file of this name to learn whether it may.
    vim || emacs || ours || name.ends_with('~') || name == "4913"
}

/// True for a file that this process's standard output or error go to: saying something must not begin a build.
#[cfg(unix)]
fn is_own_output(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        Some((metadata.dev(), metadata.ino()))
    };
    let file = identity(path);
    file.is_some()
        && ["/dev/stdout", "/dev/stderr"].iter().any(|own| identity(Path::new(own)) == file)
}

#[cfg(not(unix))]
fn is_own_output(_path: &Path) -> bool {
    false
}

fn failed(path: &Path, error: &notify::Error) -> Diagnostic {
    let (reason, hint) = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => (
            "the system's limit of watched directories is reached".to_owned(),
            "raise `fs.inotify.max_user_watches`, or end other programs that watch files",
        ),
        notify::ErrorKind::Io(error) => {
            (crate::install::reason(error), "look at what is at that path")
        }
        _ => (error.to_string().to_lowercase(), "run `anymod build` by hand after changes"),
    };
    Diagnostic::error(&codes::WATCH, format!("cannot watch for changes: {reason}"))
        .at(Place::file(path.display().to_string()))
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(60);

    fn names(changed: Option<BTreeSet<PathBuf>>) -> Vec<String> {
        let changed = changed.into_iter().flatten();
        changed.map(|path| path.to_string_lossy().replace('\\', "/")).collect()
    }

    /// Sets the flag after a time, so that a test which waits in vain ends.
    fn ends_after(time: Duration) -> Cancel {
        let cancel = Cancel::default();
        let flag = cancel.flag();
        std::thread::spawn(move || {
            std::thread::sleep(time);
            flag.store(2, std::sync::atomic::Ordering::Relaxed);
        });
        cancel
    }

    #[test]
    fn changes_are_gathered_until_it_is_quiet() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        std::fs::write(root.join("old.c"), "1").unwrap();
        let mut watch = Watch::begin(&root).unwrap();
        let cancel = ends_after(Duration::from_secs(10));
        std::fs::write(root.join("a.c"), "1").unwrap();
        std::fs::write(root.join("new.tmp"), "2").unwrap();
        std::fs::rename(root.join("new.tmp"), root.join("old.c")).unwrap();
        let changed = names(watch.next(QUIET, &cancel));
        assert!(
            ["a.c", "old.c"].iter().all(|name| changed.iter().any(|c| c == name)),
            "{changed:?}"
        );
        // A new directory is watched from then on.
        std::fs::create_dir(root.join("sub")).unwrap();
        assert_eq!(names(watch.next(QUIET, &cancel)), ["sub"]);
        std::fs::write(root.join("sub/b.h"), "1").unwrap();
        let changed = names(watch.next(QUIET, &cancel));
        assert!(changed.contains(&"sub/b.h".to_owned()), "{changed:?}");
        std::fs::remove_file(root.join("sub/b.h")).unwrap();
        assert!(names(watch.next(QUIET, &cancel)).contains(&"sub/b.h".to_owned()));
    }

    #[test]
    fn what_does_not_matter_wakes_nobody() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for directory in ["build", "dist", ".git", "src"] {
            std::fs::create_dir(root.join(directory)).unwrap();
        }
        std::fs::write(root.join("src/a.c"), "1").unwrap();
        let mut watch = Watch::begin(&root).unwrap();
        let cancel = ends_after(Duration::from_millis(400));
        for file in
            ["build/a.o", "dist/m.mpy", ".git/index", "src/.a.c.swp", "src/a.c~", "src/#a.c#"]
        {
            std::fs::write(root.join(file), "1").unwrap();
        }
        assert_eq!(std::fs::read(root.join("src/a.c")).unwrap(), b"1");
        assert_eq!(watch.next(QUIET, &cancel), None);
    }

    #[test]
    fn files_elsewhere_can_be_watched_as_well() {
        let (place, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = other.path().canonicalize().unwrap().join("shared.h");
        let mut watch = Watch::begin(place.path()).unwrap();
        watch.add_outside([file.as_path(), Path::new("inside.h"), Path::new("/nowhere/at/all.h")]);
        std::fs::write(&file, "1").unwrap();
        let changed = names(watch.next(QUIET, &ends_after(Duration::from_secs(10))));
        assert_eq!(changed, [file.to_string_lossy()]);
    }

    #[test]
    fn files_that_never_rest_do_not_put_it_off_for_ever() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        let mut watch = Watch::begin(&root).unwrap();
        let cancel = ends_after(Duration::from_secs(20));
        let (stop, stopped) = channel::<()>();
        let writer = std::thread::spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                std::fs::write(root.join("log.txt"), "x").unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let changed = names(watch.next(Duration::from_millis(500), &cancel));
        drop(stop);
        writer.join().unwrap();
        assert_eq!(changed, ["log.txt"]);
    }
}
