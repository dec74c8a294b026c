//! A remote server behind the store: what a run uses of `anymod_remote`.
//!
//! Nothing else in this room knows of the protocol. A server is asked only for what the store does not have, what comes
//! from it goes into the store and from there into its place, and what is given to it comes out of the store.

mod execute;
pub mod explain;
mod host;
mod request;
mod scan;
mod toolchain;

use anymod_model::Diagnostic;
use anymod_model::codes::remote as codes;
use anymod_remote::{Client, Fetched, Step, Traffic, Uploaded};
pub use anymod_remote::{Tried, Went};
use anymod_store::{Digest, Entry, Field, Store};

use crate::environment::Environment;

pub(crate) use execute::{Executor, home_path};
use request::{AUTHORITY, CERTIFICATE};
pub use request::{Download, RemoteRequest};
pub use toolchain::remembered;

/// A server that a run uses.
pub(crate) struct Remote {
    pub(crate) client: Client,
    /// What doing actions there needs, if they are to be done there.
    pub(crate) executor: Option<Executor>,
    /// What is fetched of what it has.
    pub(crate) download: Download,
    patience: std::time::Duration,
    endpoint: String,
    /// The file that says whom to trust.
    authority: Option<String>,
    /// True if the client shows no certificate.
    is_nobody: bool,
}

impl Remote {
    /// Makes ready to ask; the connection comes about with the first question.
    ///
    /// # Errors
    /// `F0001` for a configuration that cannot be used.
    pub(crate) fn start(
        request: &RemoteRequest,
        environment: &Environment,
    ) -> Result<Remote, Diagnostic> {
        let config = request.config(environment)?;
        let (endpoint, is_nobody) = (config.endpoint.clone(), config.identity.is_none());
        let client = Client::start(config).map_err(|why| {
            let message = format!("the remote server `{endpoint}` cannot be used: {why}");
            let hint = "write the endpoint like `grpc://HOST:PORT` or `grpcs://HOST:PORT`";
            Diagnostic::error(&codes::CONFIGURATION, message).hint(hint)
        })?;
        Ok(Remote {
            client,
            executor: request.executor(),
            download: request.download,
            patience: request.patience,
            endpoint,
            authority: request.authority(),
            is_nobody,
        })
    }

    /// True if it is worth asking.
    pub(crate) fn is_on(&self) -> bool {
        self.client.off().is_none()
    }

    /// What a step was found to read elsewhere and to make. Waits for the answer; none is a miss.
    pub(crate) fn known(&self, namespace: &'static str, key: Digest) -> Vec<Entry> {
        let (give, take) = std::sync::mpsc::sync_channel(1);
        self.client.surroundings(Step { namespace, key }, move |answer| {
            // Nobody listens any more once the call is over.
            let _ = give.send(answer);
        });
        let answer = take.recv().ok().and_then(Result::ok);
        answer.map(|record| record.entries).unwrap_or_default()
    }

    /// What came of a step among the files of `known`, put into the store. Waits for the answer; none is a miss.
    pub(crate) fn fetch(
        &self,
        namespace: &'static str,
        key: Digest,
        walk: &[Field],
        known: Entry,
        store: &Store,
    ) -> Option<Entry> {
        let (give, take) = std::sync::mpsc::sync_channel(1);
        let blobs = store.blobs();
        let lacks = move |output: &anymod_store::Output| !blobs.has(&output.digest, output.size);
        self.client.fetch(Step { namespace, key }, known, lacks, move |answer| {
            let _ = give.send(answer);
        });
        let Fetched { entry, blobs } = take.recv().ok()?.ok()?;
        let blobs: Vec<_> = blobs.iter().map(|blob| (Digest::of(blob), blob.as_slice())).collect();
        store.adopt(namespace, &key, walk, entry.clone(), &blobs).then_some(entry)
    }

    /// Gives it what the store has just kept.
    pub(crate) fn share(&self, namespace: &'static str, key: Digest, entry: Entry, store: &Store) {
        let blobs = store.blobs();
        let load = move |digest: &anymod_remote::message::Digest| {
            blobs.read(&digest.sha256()?, digest.size()?)
        };
        self.client.share(Step { namespace, key }, entry, Box::new(load));
    }

    /// Waits for uploads within the bound; what crossed the network, and what went wrong.
    pub(crate) fn finish(&self, undone: Option<(String, usize)>) -> (Traffic, Vec<Diagnostic>) {
        let uploaded = self.client.finish(self.patience);
        let mut findings = Vec::new();
        if let Some(why) = self.client.off() {
            let message = format!("the remote server `{}` was left alone: {why}", self.endpoint);
            let finding = Diagnostic::warning(&codes::OFF, message);
            let otherwise = "`anymod remote check` shows what it can do";
            findings.push(mended(finding, &why, self, otherwise));
        } else {
            findings.extend(told(&uploaded, &self.endpoint));
        }
        if let Some((why, count)) = undone {
            let message = format!(
                "the remote server `{}` left {count} of its actions to this machine: {why}",
                self.endpoint
            );
            let hint = "`anymod remote check` shows whether it executes anything";
            findings.push(Diagnostic::warning(&codes::UNDONE, message).hint(hint));
        }
        (self.client.traffic(), findings)
    }
}

/// A finding with what mends it, as far as what went wrong tells.
fn mended(finding: Diagnostic, why: &str, remote: &Remote, otherwise: &str) -> Diagnostic {
    if why.contains("invalid peer certificate") {
        let vouches = match &remote.authority {
            Some(path) => format!("neither this system nor `{path}` vouches for its certificate"),
            None => "nobody whom this system trusts vouches for its certificate".to_owned(),
        };
        let hint = format!("let `{AUTHORITY}` name the certificate of whoever signed the server's");
        return finding.note(vouches).hint(hint);
    }
    // A server that wants to know its clients says so after the handshake, when nobody listens any more: what comes of that
    // depends on who is faster.
    let ends = ["connection closed", "alert", "broken pipe", "connection reset"];
    let refused = ends.iter().any(|word| why.to_ascii_lowercase().contains(word));
    if remote.endpoint.starts_with("grpcs:") && remote.is_nobody && refused {
        let hint = format!(
            "if the server wants a certificate of its clients, let `{CERTIFICATE}` name one"
        );
        return finding.hint(hint);
    }
    finding.hint(otherwise)
}

/// The finding of a process that cannot listen for those that it starts.
pub(crate) fn unheard(error: &std::io::Error) -> Diagnostic {
    let why = crate::install::reason(error);
    let message = format!("calls of compilers do without the remote server: {why}");
    let hint = "set `TMPDIR` to a directory with a short path that can be written";
    Diagnostic::warning(&codes::OFF, message).hint(hint)
}

/// A directory of a toolchain as a part of input roots: how many files it has, and its digest. It is digested once and
/// remembered beside the directory; none if it cannot be read.
#[must_use]
pub fn toolchain_tree(root: &std::path::Path) -> Option<(usize, String)> {
    let toolchain = toolchain::Toolchain::open(root)?;
    let part = toolchain.part("lib")?;
    Some((toolchain.len(), part.digest.hash.clone()))
}

/// Tries out what a server says and does, step by step; the steps, and a finding for each that failed.
///
/// # Errors
/// `F0001` for a configuration that cannot be used.
pub fn check(
    request: &RemoteRequest,
    environment: &Environment,
) -> Result<(Vec<Tried>, Vec<Diagnostic>), Diagnostic> {
    let remote = Remote::start(request, environment)?;
    let tried = remote.client.check();
    let failed = tried.iter().filter(|step| step.went == Went::Wrong);
    let finding = |step: &Tried| {
        let message = format!("the remote server fails at the {}: {}", step.what, step.told);
        let otherwise = "builds go on without what fails; whoever runs the server can mend it";
        let finding = Diagnostic::error(&codes::CHECK, message);
        mended(finding, &step.told, &remote, otherwise)
    };
    let findings = failed.map(finding).collect();
    Ok((tried, findings))
}

fn told(uploaded: &Uploaded, endpoint: &str) -> Option<Diagnostic> {
    if let Some(why) = &uploaded.refused {
        let message = format!("the remote server `{endpoint}` takes no results: {why}");
        let hint =
            "set `remote.mode` to `read`, or ask whoever runs the server for the right to write";
        return Some(Diagnostic::warning(&codes::UPLOADS, message).hint(hint));
    }
    if uploaded.given_up == 0 {
        return None;
    }
    let message = format!(
        "{} of {} results were not uploaded to the remote server `{endpoint}`",
        uploaded.given_up,
        uploaded.given_up + uploaded.shared
    );
    let hint = "`remote.upload-wait` gives uploads more time at the end of a run";
    Some(Diagnostic::warning(&codes::UPLOADS, message).hint(hint))
}
