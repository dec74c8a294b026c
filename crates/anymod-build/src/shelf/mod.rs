//! The store and what stands behind it, for everything that does one step at a time and waits for each answer: calls of the
//! stand-in, bundles, links of splits, artifacts.
//!
//! A step is looked up here ([`Shelf::look`]), then elsewhere ([`Shelf::ask`]), else done and kept ([`Shelf::keep`]). The
//! engine, which has many actions under way at once, asks the same server in its own way (`run/ask`), and processes that it
//! starts ask it over a socket (`relay`).

pub(crate) mod relay;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anymod_model::Diagnostic;
use anymod_store::{Digest, Entry, Field, Kept, Output, Store};

use crate::environment::Environment;
use crate::remote::{Remote, RemoteRequest};
use crate::request::StoreRequest;

/// A store, and a server behind it if there is one.
pub(crate) struct Shelf {
    store: Store,
    behind: Behind,
    /// How many steps were found elsewhere.
    hits: AtomicUsize,
}

enum Behind {
    Nothing,
    Server(Box<Server>),
    /// A process that has the server and the same store.
    Parent(PathBuf),
}

/// A server that is started when it is first needed: most calls find what they look for in the store.
struct Server {
    request: RemoteRequest,
    environment: Environment,
    started: OnceLock<Result<Remote, Diagnostic>>,
}

/// A step's place: its part of the store, its key, and what that is the digest of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) namespace: &'static str,
    pub(crate) key: Digest,
    pub(crate) walk: &'a [Field],
}

/// Says whether an entry's surroundings are as they are here.
type Fits<'a> = &'a mut dyn FnMut(&Entry) -> bool;
/// Puts the outputs of an entry where they are wanted; none if that is not what is looked for.
type Put<'a, T, E> = &'a mut dyn FnMut(&Entry) -> Result<Option<T>, E>;
/// [`Shelf::look`] or [`Shelf::ask`].
pub(crate) type Find<T, E> = fn(&Shelf, Step<'_>, Fits<'_>, Put<'_, T, E>) -> Result<Option<T>, E>;

impl Shelf {
    /// Opens the store of a request.
    ///
    /// # Errors
    /// If it cannot be a store's directory.
    pub(crate) fn open(
        request: &StoreRequest,
        environment: &Environment,
    ) -> Result<Shelf, Diagnostic> {
        let behind = match &request.remote {
            None => Behind::Nothing,
            Some(request) => Behind::Server(Box::new(Server {
                request: request.clone(),
                environment: environment.clone(),
                started: OnceLock::new(),
            })),
        };
        Ok(Shelf { store: request.open()?, behind, hits: AtomicUsize::new(0) })
    }

    /// The store of a process whose parent listens on `parent`, if anyone does.
    pub(crate) fn of_child(store: Store, parent: Option<PathBuf>) -> Shelf {
        let behind = parent.map_or(Behind::Nothing, Behind::Parent);
        Shelf { store, behind, hits: AtomicUsize::new(0) }
    }

    /// The same for a process that keeps little and ends soon.
    pub(crate) fn for_a_moment(self) -> Shelf {
        Shelf { store: self.store.for_a_moment(), ..self }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The server, which is started if it was not.
    ///
    /// # Errors
    /// `F0001` if it cannot be used as it is configured.
    pub(crate) fn remote(&self) -> Result<Option<&Remote>, Diagnostic> {
        let Behind::Server(server) = &self.behind else { return Ok(None) };
        let start = || Remote::start(&server.request, &server.environment);
        server.started.get_or_init(start).as_ref().map(Some).map_err(Clone::clone)
    }

    /// The same for who can do without.
    fn server(&self) -> Option<&Remote> {
        self.remote().ok().flatten()
    }

    /// The first thing that comes of what the store has for a step.
    pub(crate) fn look<T, E>(
        &self,
        step: Step<'_>,
        fits: Fits<'_>,
        put: Put<'_, T, E>,
    ) -> Result<Option<T>, E> {
        let record = self.store.find(step.namespace, &step.key);
        for entry in record.into_iter().flat_map(|record| record.entries) {
            if fits(&entry)
                && let Some(taken) = put(&entry)?
            {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// The same with what is behind the store. What is taken from there is in the store afterwards.
    ///
    /// # Errors
    /// `F0001` if the server cannot be used as it is configured, and what `put` fails with.
    pub(crate) fn ask<T, E: From<Diagnostic>>(
        &self,
        step: Step<'_>,
        fits: Fits<'_>,
        put: Put<'_, T, E>,
    ) -> Result<Option<T>, E> {
        self.remote()?;
        for known in self.known(step.namespace, step.key) {
            if !fits(&known) {
                continue;
            }
            let Some(entry) = self.fetch(step, known) else { continue };
            if let Some(taken) = put(&entry)? {
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// What a step was found to read elsewhere and to make.
    pub(crate) fn known(&self, namespace: &'static str, key: Digest) -> Vec<Entry> {
        match &self.behind {
            Behind::Nothing => Vec::new(),
            Behind::Server(_) => {
                self.server().map_or_else(Vec::new, |remote| remote.known(namespace, key))
            }
            Behind::Parent(parent) => relay::known(parent, namespace, key),
        }
    }

    /// What came of a step among certain files elsewhere, with all its blobs in the store.
    pub(crate) fn fetch(&self, step: Step<'_>, known: Entry) -> Option<Entry> {
        match &self.behind {
            Behind::Nothing => None,
            Behind::Server(_) => {
                let Step { namespace, key, walk } = step;
                self.server()?.fetch(namespace, key, walk, known, &self.store)
            }
            Behind::Parent(parent) => relay::fetch(parent, step, known),
        }
    }

    /// Keeps what a step made, here and behind the store; its outputs, in the order of the files.
    pub(crate) fn keep(&self, step: Step<'_>, kept: Kept<'_>) -> Vec<Output> {
        let outputs = self.store.keep(step.namespace, &step.key, step.walk, kept);
        if outputs.len() == kept.files.len() {
            let (found, passed) = (kept.found.to_vec(), kept.passed.to_vec());
            let said = kept.said.to_owned();
            self.share(step, Entry { found, passed, outputs: outputs.clone(), said });
        }
        outputs
    }

    /// The same for what is in memory.
    pub(crate) fn adopt(&self, step: Step<'_>, entry: Entry, blobs: &[(Digest, &[u8])]) {
        let Step { namespace, key, walk } = step;
        if self.store.adopt(namespace, &key, walk, entry.clone(), blobs) {
            self.share(step, entry);
        }
    }

    /// Gives what the store has just kept to what is behind it.
    pub(crate) fn share(&self, step: Step<'_>, entry: Entry) {
        match &self.behind {
            Behind::Nothing => {}
            Behind::Server(_) => {
                if let Some(remote) = self.server() {
                    remote.share(step.namespace, step.key, entry, &self.store);
                }
            }
            Behind::Parent(parent) => relay::share(parent, step, entry),
        }
    }

    /// How many steps were found elsewhere so far.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }

    /// Waits for uploads within their bound; everything that went wrong with the store and behind it.
    pub(crate) fn finish(&self) -> Vec<Diagnostic> {
        let mut warnings = self.store.take_warnings();
        if let Behind::Server(server) = &self.behind {
            match server.started.get() {
                Some(Ok(remote)) => warnings.extend(remote.finish(None).1),
                Some(Err(why)) => warnings.push(why.clone()),
                None => {}
            }
        }
        warnings
    }
}
