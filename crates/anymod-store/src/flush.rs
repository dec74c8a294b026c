//! Getting blobs to the disk while the build goes on.
//!
//! A blob is renamed to its place at once and flushed soon after, by a thread of its own: waiting for the disk in each of
//! the build's threads costs more than writing the blob. Between the two a crash of the machine can leave a name without
//! the bytes; nobody takes that for the blob, because whoever reads one checks it. So a build that makes blobs faster than
//! the disk takes them does not wait either: what finds the queue full is written by the system in its own time.

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::blobs;
use crate::warnings::Warnings;

/// How many files may wait.
const WAITING: usize = 64;

/// A blob that was just written.
pub(crate) struct Written {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

/// The thread, once there is something to flush. Dropping waits for it.
pub(crate) struct Flusher {
    warnings: Arc<Warnings>,
    thread: Mutex<Option<(SyncSender<Written>, JoinHandle<()>)>>,
}

impl Flusher {
    pub(crate) fn new(warnings: Arc<Warnings>) -> Flusher {
        Flusher { warnings, thread: Mutex::new(None) }
    }

    /// Sees to it that a blob gets to the disk soon.
    pub(crate) fn flush(&self, written: Written) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = start(&self.warnings);
        }
        if let Some((sender, _)) = &*thread {
            let _ = sender.try_send(written);
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = thread {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Starts the thread; `None` where there can be none.
fn start(warnings: &Arc<Warnings>) -> Option<(SyncSender<Written>, JoinHandle<()>)> {
    let (sender, receiver): (_, Receiver<Written>) = sync_channel(WAITING);
    let warnings = Arc::clone(warnings);
    let run = move || receiver.iter().for_each(|written| flush(&written, &warnings));
    let thread = std::thread::Builder::new().name("store flush".to_owned()).spawn(run).ok()?;
    Some((sender, thread))
}

fn flush(written: &Written, warnings: &Warnings) {
    if let Err(error) = written.file.sync_data() {
        // Some file systems only now find that there is no room.
        blobs::remove_opened(&written.path, &written.file);
        warnings.turn_off(&written.path, &error);
    }
}
