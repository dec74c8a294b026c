//! The client as a synchronous program sees it: questions whose answers come through a closure, and uploads that nobody
//! waits for.
//!
//! All of the network is on one thread of its own. A program that makes no [`Client`] has neither the thread nor the
//! runtime on it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anymod_store::{Entry, Output, Record};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};

use crate::blobs::Load;
use crate::cache::{Fetched, Step};
use crate::capabilities::Capabilities;
use crate::config::Config;
use crate::fault::Fault;
use crate::message::Digest;
use crate::wire::{SharedWire, Wire};

/// How many uploads go on at once.
const UPLOADS: usize = 32;
/// How many uploads may wait; what comes on top is not uploaded.
const WAITING: usize = 4096;

/// A server.
pub struct Client {
    pub(crate) wire: SharedWire,
    pub(crate) handle: Handle,
    uploads: Arc<Uploads>,
    /// Ends the thread when it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What there is of uploads.
struct Uploads {
    places: Semaphore,
    pending: Mutex<usize>,
    changed: Condvar,
    /// Why nothing more is uploaded.
    refused: Mutex<Option<String>>,
    given_up: AtomicUsize,
    shared: AtomicUsize,
    bytes: AtomicU64,
}

/// What crossed the network, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes to the server.
    pub up: u64,
    /// Bytes from it.
    pub down: u64,
    /// Questions asked.
    pub calls: u64,
}

/// How the uploads of a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Results that the server has now.
    pub shared: usize,
    /// Bytes of blobs that it had not.
    pub bytes: u64,
    /// Results that were not uploaded in time.
    pub given_up: usize,
    /// Why the server did not take them.
    pub refused: Option<String>,
}

impl Client {
    /// Starts a client; the connection comes about with the first question.
    ///
    /// # Errors
    /// What is wrong with the configuration, in words.
    pub fn start(config: Config) -> Result<Client, String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no thread for the network: {error}"))?;
        let wire = {
            let _inside = runtime.enter();
            Arc::new(Wire::new(config)?)
        };
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            // Ends when the sender is dropped; what is not over by then is given up.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("remote".to_owned()).spawn(work);
        let thread = thread.map_err(|error| format!("no thread for the network: {error}"))?;
        let uploads = Arc::new(Uploads {
            places: Semaphore::new(UPLOADS),
            pending: Mutex::new(0),
            changed: Condvar::new(),
            refused: Mutex::new(None),
            given_up: AtomicUsize::new(0),
            shared: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
        });
        Ok(Client { wire, handle, uploads, stop: Some(stop), thread: Some(thread) })
    }

    /// Why the server is not asked any more, if it is not.
    #[must_use]
    pub fn off(&self) -> Option<String> {
        self.wire.breaker.open()
    }

    /// What crossed the network, so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let counters = &self.wire.counters;
        Traffic {
            up: counters.up.load(Ordering::Relaxed),
            down: counters.down.load(Ordering::Relaxed),
            calls: counters.calls.load(Ordering::Relaxed),
        }
    }

    /// What the server can do; asked once and waited for.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn capabilities(&self) -> Result<Capabilities, Fault> {
        self.wait(async |wire| wire.capabilities().await.cloned())
    }

    /// Asks among which files a step has run, and calls `done` on the network's thread.
    pub fn surroundings(
        &self,
        step: Step,
        done: impl FnOnce(Result<Record, Fault>) + Send + 'static,
    ) {
        let wire = Arc::clone(&self.wire);
        self.handle.spawn(async move { done(wire.surroundings(&step).await) });
    }

    /// Asks what came of a step among the files of `known`, with those blobs that are wanted, and calls `done` on the
    /// network's thread.
    pub fn fetch(
        &self,
        step: Step,
        known: Entry,
        wanted: impl Fn(&Output) -> bool + Send + Sync + 'static,
        done: impl FnOnce(Result<Fetched, Fault>) + Send + 'static,
    ) {
        let wire = Arc::clone(&self.wire);
        self.handle.spawn(async move { done(wire.fetch(&step, known, &wanted).await) });
    }

    /// Takes blobs by what results say of them, and calls `done` on the network's thread.
    pub fn blobs(
        &self,
        outputs: Vec<Output>,
        done: impl FnOnce(Result<Vec<Vec<u8>>, Fault>) + Send + 'static,
    ) {
        let wire = Arc::clone(&self.wire);
        let digests = outputs.iter().map(|output| Digest::new(output.digest, output.size));
        let digests = digests.collect();
        self.handle.spawn(async move {
            done(wire.take(digests).await.map(|taken| taken.into_values().collect()));
        });
    }

    /// Gives the server what came of a step, sometime. Nothing happens if results are only taken from it.
    pub fn share(&self, step: Step, entry: Entry, load: Box<Load>) {
        let (wire, uploads) = (Arc::clone(&self.wire), Arc::clone(&self.uploads));
        if !wire.config.writes || wire.breaker.open().is_some() || uploads.refused().is_some() {
            return;
        }
        if !uploads.begin() {
            return;
        }
        self.handle.spawn(async move {
            let place = uploads.places.acquire().await;
            if uploads.refused().is_none() {
                match wire.share(&step, &entry, &*load).await {
                    Ok(bytes) => {
                        uploads.shared.fetch_add(1, Ordering::Relaxed);
                        uploads.bytes.fetch_add(bytes, Ordering::Relaxed);
                    }
                    Err(Fault::Refused(why)) => uploads.refuse(why),
                    Err(_) => {
                        uploads.given_up.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            drop(place);
            uploads.end();
        });
    }

    /// Waits for the uploads, at most for `patience`, and says how they went.
    #[must_use]
    pub fn finish(&self, patience: Duration) -> Uploaded {
        let pending = self.uploads.pending();
        let waited =
            self.uploads.changed.wait_timeout_while(pending, patience, |pending| *pending > 0);
        let left = *waited.unwrap_or_else(PoisonError::into_inner).0;
        Uploaded {
            shared: self.uploads.shared.load(Ordering::Relaxed),
            bytes: self.uploads.bytes.load(Ordering::Relaxed),
            given_up: left + self.uploads.given_up.load(Ordering::Relaxed),
            refused: self.uploads.refused(),
        }
    }

    /// Does something on the network's thread and waits for it. Everything there has a deadline.
    pub(crate) fn wait<T, F>(&self, work: impl FnOnce(SharedWire) -> F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (give, take) = std::sync::mpsc::sync_channel(1);
        let work = work(Arc::clone(&self.wire));
        self.handle.spawn(async move {
            let _ = give.send(work.await);
        });
        take.recv().unwrap_or(Err(Fault::Off))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Uploads {
    fn pending(&self) -> std::sync::MutexGuard<'_, usize> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that another one waits; false if too many do.
    fn begin(&self) -> bool {
        let mut pending = self.pending();
        if *pending >= WAITING {
            self.given_up.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        *pending += 1;
        true
    }

    fn end(&self) {
        *self.pending() -= 1;
        self.changed.notify_all();
    }

    fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, why: String) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}
