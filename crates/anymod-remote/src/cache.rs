//! The remote cache: how results of the local store are kept as results of actions.
//!
//! The local store knows a step by its key, the digest of everything that is known before the step runs, and keeps under
//! it up to 16 entries: what the step was then found to read, with digests, and what it made. The remote cache keeps the
//! same in two steps, each an action like any other to the server:
//!
//! | action | command | result |
//! |---|---|---|
//! | surroundings | `anymod-surroundings NAMESPACE KEY` | the sets of files that the step was found to read and what it made of each, as the text of a record: on standard output, or as the file `surroundings` if it is long |
//! | result | `anymod-result NAMESPACE KEY SET` | the files that it made, and what it said |
//!
//! `KEY` is the local key, which holds no path of this machine's user, and `SET` the digest of one of the sets. The input
//! root of both is empty: what goes in is in the key. Each result is an entry of its own, so that a server which drops
//! results whose blobs are gone drops just those. Whoever takes the blobs finds out by that whether they are still there, and
//! needs one question for a step; the result is asked for by who leaves them on the server.

use anymod_store::{Digest as Sha256, Entry, Fields, Output, Record};
use prost::Message as _;

use crate::blobs::Bytes;
use crate::fault::Fault;
use crate::message::{
    Action, ActionResult, Command, Digest, Directory, GetActionResultRequest, OutputFile,
    UpdateActionResultRequest,
};
use crate::wire::Wire;

const GET: &str = "/build.bazel.remote.execution.v2.ActionCache/GetActionResult";
const UPDATE: &str = "/build.bazel.remote.execution.v2.ActionCache/UpdateActionResult";

/// Raised whenever the meaning of these actions changes, so that no result of another meaning is ever found.
const SALT: &[u8] = b"anymod cache 1";
const SURROUNDINGS: &str = "surroundings";
/// The most that is kept in a result itself.
const INLINE: usize = 32 << 10;

/// A step: its part of the store and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The part of the store.
    pub namespace: &'static str,
    /// The key.
    pub key: Sha256,
}

/// An action with the blobs that describe it.
pub(crate) struct Described {
    pub(crate) digest: Digest,
    pub(crate) blobs: Vec<(Digest, Vec<u8>)>,
}

/// An action whose command is these words, in an empty directory.
fn described(arguments: &[&str]) -> Described {
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    let command = Command { arguments, ..Command::default() }.encode_to_vec();
    let root = Directory::default().encode_to_vec();
    let action = Action {
        command_digest: Some(Digest::of(&command)),
        input_root_digest: Some(Digest::of(&root)),
        salt: SALT.to_vec(),
        ..Action::default()
    };
    let action = action.encode_to_vec();
    let digest = Digest::of(&action);
    let blobs = [action, command, root].map(|bytes| (Digest::of(&bytes), bytes));
    Described { digest, blobs: blobs.into() }
}

impl Step {
    fn surroundings(&self) -> Described {
        described(&["anymod-surroundings", self.namespace, &self.key.to_string()])
    }

    /// The action whose result is what came of the step among certain files.
    fn result(&self, entry: &Entry) -> Described {
        let mut set = Fields::new();
        set.list(entry.found.iter().map(|(path, digest)| format!("{digest} {path}")));
        set.list(entry.passed.iter());
        let set = set.finish().to_string();
        described(&["anymod-result", self.namespace, &self.key.to_string(), &set])
    }
}

/// What a result of the cache came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The entry.
    pub entry: Entry,
    /// The blobs that were asked for, with their digests checked.
    pub blobs: Vec<Vec<u8>>,
}

impl Wire {
    /// The result of an action.
    pub(crate) async fn result(&self, action: &Digest) -> Result<ActionResult, Fault> {
        let request = GetActionResultRequest {
            instance_name: self.config.instance.clone(),
            action_digest: Some(action.clone()),
            inline_stdout: true,
        };
        self.unary(GET, &request).await
    }

    async fn keep(&self, action: &Digest, result: ActionResult) -> Result<(), Fault> {
        let request = UpdateActionResultRequest {
            instance_name: self.config.instance.clone(),
            action_digest: Some(action.clone()),
            action_result: Some(result),
        };
        let _: ActionResult = self.unary(UPDATE, &request).await?;
        Ok(())
    }

    /// What a step was found to read and what came of it, each time that it ran among other files.
    pub(crate) async fn surroundings(&self, step: &Step) -> Result<Record, Fault> {
        self.capabilities().await?;
        let result = self.result(&step.surroundings().digest).await?;
        let mut text = result.stdout_raw;
        let elsewhere = result.output_files.into_iter().find(|file| file.path == SURROUNDINGS);
        if let Some(digest) = elsewhere.and_then(|file| file.digest).or(result.stdout_digest)
            && text.is_empty()
        {
            text = self.take_one(digest).await?;
        }
        // A text that is no record is no answer; the step is done, and the text replaced.
        Record::decode(&text, step.namespace, &step.key).ok_or(Fault::Missing)
    }

    async fn take_one(&self, digest: Digest) -> Result<Vec<u8>, Fault> {
        let mut taken = self.take([digest.clone()].into()).await?;
        taken.remove(&digest).ok_or(Fault::Missing)
    }

    /// What came of a step among the files of `known`, and those of its blobs that are wanted. What `known` says of outputs
    /// is believed if one of them is wanted, because then it turns out whether it is there.
    pub(crate) async fn fetch(
        &self,
        step: &Step,
        known: Entry,
        wanted: &(dyn Fn(&Output) -> bool + Send + Sync),
    ) -> Result<Fetched, Fault> {
        if known.outputs.iter().any(wanted) {
            let blobs = self.take_wanted(&known.outputs, wanted).await?;
            return Ok(Fetched { entry: known, blobs });
        }
        let result = self.result(&step.result(&known).digest).await?;
        let outputs = outputs(&result)?;
        let said = match (result.stdout_raw, result.stdout_digest) {
            (said, Some(digest)) if said.is_empty() && digest.size_bytes > 0 => {
                self.take_one(digest).await?
            }
            (said, _) => said,
        };
        let blobs = self.take_wanted(&outputs, wanted).await?;
        let said = String::from_utf8_lossy(&said).into_owned();
        Ok(Fetched { entry: Entry { outputs, said, ..known }, blobs })
    }

    async fn take_wanted(
        &self,
        outputs: &[Output],
        wanted: &(dyn Fn(&Output) -> bool + Send + Sync),
    ) -> Result<Vec<Vec<u8>>, Fault> {
        let digests = outputs.iter().filter(|output| wanted(output));
        let digests = digests.map(|output| Digest::new(output.digest, output.size)).collect();
        Ok(self.take(digests).await?.into_values().collect())
    }

    /// Gives the server what came of a step, the result first, so that nobody finds a set without one.
    pub(crate) async fn share(
        &self,
        step: &Step,
        entry: &Entry,
        load: &Bytes<'_>,
    ) -> Result<u64, Fault> {
        if !self.capabilities().await?.updates {
            return Err(Fault::Refused("it takes no results".to_owned()));
        }
        let said = entry.said.as_bytes();
        if said.len() > INLINE {
            return Ok(0);
        }
        let made = step.result(entry);
        let surroundings = step.surroundings();
        let mut record = match self.surroundings(step).await {
            Ok(record) => record,
            Err(Fault::Missing) => Record::default(),
            Err(fault) => return Err(fault),
        };
        record.add(entry.clone());
        let text = record.encode(step.namespace, &step.key).into_bytes();
        let set = Digest::of(&text);
        let long = text.len() > INLINE;
        let outputs = entry.outputs.iter().map(|output| Digest::new(output.digest, output.size));
        let own = made.blobs.iter().chain(&surroundings.blobs).map(|(digest, _)| digest.clone());
        let digests = outputs.chain(own).chain(long.then(|| set.clone())).collect();
        let known = |digest: &Digest| {
            let described = made.blobs.iter().chain(&surroundings.blobs);
            let mut found = described.filter(|(other, _)| other == digest);
            let own = found.next().map(|(_, bytes)| bytes.clone());
            own.or_else(|| (*digest == set).then(|| text.clone())).or_else(|| load(digest))
        };
        let given = self.give(digests, &known).await?;
        let files = entry.outputs.iter().map(output_file).collect();
        let result = ActionResult {
            output_files: files,
            stdout_raw: said.to_vec(),
            ..ActionResult::default()
        };
        self.keep(&made.digest, result).await?;
        let result = match long {
            false => ActionResult { stdout_raw: text, ..ActionResult::default() },
            true => {
                let file = OutputFile {
                    path: SURROUNDINGS.to_owned(),
                    digest: Some(set),
                    ..OutputFile::default()
                };
                ActionResult { output_files: vec![file], ..ActionResult::default() }
            }
        };
        self.keep(&surroundings.digest, result).await?;
        Ok(given)
    }
}

/// The files that a result names.
///
/// # Errors
/// [`Fault::Wrong`] if it is none that a step can have.
pub fn outputs(result: &ActionResult) -> Result<Vec<Output>, Fault> {
    if result.exit_code != 0 {
        return Err(Fault::Wrong("it keeps the result of an action that failed".to_owned()));
    }
    let outputs: Option<Vec<Output>> = result.output_files.iter().map(output).collect();
    outputs
        .filter(|outputs| !outputs.is_empty())
        .ok_or_else(|| Fault::Wrong("a result of it names no files".to_owned()))
}

/// A file of a result; none if it names no blob.
fn output(file: &OutputFile) -> Option<Output> {
    let digest = file.digest.as_ref()?;
    Some(Output {
        name: file.path.clone(),
        digest: digest.sha256()?,
        size: digest.size()?,
        executable: file.is_executable,
    })
}

fn output_file(output: &Output) -> OutputFile {
    OutputFile {
        path: output.name.clone(),
        digest: Some(Digest::new(output.digest, output.size)),
        is_executable: output.executable,
        contents: Vec::new(),
    }
}
