//! Remote execution: an action and everything that it needs to the server, and what it made back.
//!
//! Every wait has an end of this side's own, because servers queue for ever what no worker can do. A stream that breaks is
//! taken up where it was; inputs that the server has lost are given once more, whatever it calls that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;
use tonic::codec::Streaming;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::blobs::Load;
use crate::client::Client;
use crate::fault::Fault;
use crate::message::{
    Action, ActionResult, Command, Digest, ExecuteOperationMetadata, ExecuteRequest,
    ExecuteResponse, ExecutedActionMetadata, Operation, Pair, Platform, Timestamp,
    WaitExecutionRequest,
};
use crate::tree::Tree;
use crate::wire::Wire;

const EXECUTE: &str = "/build.bazel.remote.execution.v2.Execution/Execute";
const WAIT: &str = "/build.bazel.remote.execution.v2.Execution/WaitExecution";

/// How often a stream that broke is taken up again.
const REVIVALS: u32 = 5;
/// Number of the stage in which a worker runs the action, and of the one after it.
const EXECUTING: i32 = 3;

/// An action to be executed.
pub struct Task {
    /// Its digest.
    pub action: Digest,
    /// What describes it: the action, the command and its directories.
    pub described: BTreeMap<Digest, Vec<u8>>,
    /// The files in the directories.
    pub files: BTreeSet<Digest>,
    /// Where the bytes of files are.
    pub load: Arc<Load>,
    /// What a worker has to be like, for messages.
    pub platform: String,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// How the command ended.
    pub exit_code: i32,
    /// What it said on its standard output and then on the other.
    pub said: Vec<u8>,
    /// The files that it made, by the paths that the command called them, and whether they may be executed.
    pub files: BTreeMap<String, (Vec<u8>, bool)>,
    /// True if the server knew the result.
    pub cached: bool,
    /// How long it waited for a worker, as the server says.
    pub queued: Duration,
    /// Name of the worker.
    pub worker: String,
}

impl Task {
    /// An action: a command in a directory.
    #[must_use]
    pub fn new(
        mut command: Command,
        root: &Tree,
        platform: &[(String, String)],
        timeout: Duration,
        files: BTreeSet<Digest>,
        load: Arc<Load>,
    ) -> Task {
        let mut properties: Vec<Pair> = platform
            .iter()
            .map(|(name, value)| Pair { name: name.clone(), value: value.clone() })
            .collect();
        properties.sort();
        let shown: Vec<String> =
            properties.iter().map(|pair| format!("{}={}", pair.name, pair.value)).collect();
        let platform = (!properties.is_empty()).then_some(Platform { properties });
        command.environment_variables.sort();
        command.output_paths.sort();
        command.platform = platform.clone();
        let mut described = BTreeMap::new();
        let input_root_digest = Some(root.encode(&mut described));
        let mut describe = |bytes: Vec<u8>| {
            let digest = Digest::of(&bytes);
            described.insert(digest.clone(), bytes);
            digest
        };
        let command_digest = Some(describe(command.encode_to_vec()));
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        let action = Action {
            command_digest,
            input_root_digest,
            timeout: Some(crate::message::Duration { seconds, nanos: 0 }),
            platform,
            ..Action::default()
        };
        let action = describe(action.encode_to_vec());
        Task { action, described, files, load, platform: shown.join(", ") }
    }
}

impl Client {
    /// Has an action executed, and calls `done` on the network's thread.
    pub fn execute(&self, task: Task, done: impl FnOnce(Result<Executed, Fault>) + Send + 'static) {
        let wire = Arc::clone(&self.wire);
        self.handle.spawn(async move { done(wire.execute(&task).await) });
    }

    /// The same, waited for.
    ///
    /// # Errors
    /// Why it was not executed.
    pub fn execute_and_wait(&self, task: Task) -> Result<Executed, Fault> {
        self.wait(async move |wire| wire.execute(&task).await)
    }
}

impl Wire {
    pub(crate) async fn execute(&self, task: &Task) -> Result<Executed, Fault> {
        let can = self.capabilities().await?;
        if !can.executes {
            return Err(Fault::Refused("it does not execute".to_owned()));
        }
        if !can.output_paths {
            let why = "it speaks a version of the API before 2.1, which cannot name outputs";
            return Err(Fault::Refused(why.to_owned()));
        }
        self.provide(task).await?;
        let response = match self.run(task).await {
            Ok(response) => response,
            Err(first) => {
                // Whatever it calls it, inputs that it has lost are a common reason.
                if matches!(first, Fault::Off) {
                    return Err(first);
                }
                self.provide(task).await?;
                self.run(task).await?
            }
        };
        self.collect(response).await
    }

    /// Gives what an action needs.
    async fn provide(&self, task: &Task) -> Result<(), Fault> {
        let digests = task.described.keys().chain(&task.files).cloned().collect();
        let load =
            |digest: &Digest| task.described.get(digest).cloned().or_else(|| (task.load)(digest));
        self.give(digests, &load).await.map(|_| ())
    }

    /// Runs an action once; the response of an action that was run, whatever came of it.
    async fn run(&self, task: &Task) -> Result<ExecuteResponse, Fault> {
        let queue_end = Instant::now() + self.config.queue;
        let mut end = queue_end;
        let mut name = String::new();
        let mut revivals = 0;
        let mut stream = self.open(task, &name, end).await?;
        loop {
            let message = match tokio::time::timeout_at(end, stream.message()).await {
                Ok(message) => message,
                Err(_) if end == queue_end => return Err(self.no_worker(task)),
                Err(_) => {
                    let seconds = self.config.execution.as_secs();
                    return Err(Fault::Away(format!("the action ran for more than {seconds} s")));
                }
            };
            match message {
                Ok(Some(operation)) => {
                    if !operation.name.is_empty() {
                        name.clone_from(&operation.name);
                    }
                    if operation.done {
                        return self.ended(task, operation);
                    }
                    if end == queue_end && stage(&operation) >= EXECUTING {
                        end = Instant::now() + self.config.execution;
                    }
                }
                Ok(None) | Err(_) if revivals < REVIVALS => {
                    revivals += 1;
                    tokio::time::sleep(Duration::from_millis(50 << revivals)).await;
                    stream = self.open(task, &name, end).await?;
                }
                Ok(None) => {
                    return Err(Fault::Away("it stopped telling of an action".to_owned()));
                }
                Err(status) => return Err(Fault::of(&status)),
            }
        }
    }

    /// Listens to an action: one that has a name already, else it is begun.
    async fn open(
        &self,
        task: &Task,
        name: &str,
        end: Instant,
    ) -> Result<Streaming<Operation>, Fault> {
        let time = self.deadline(0).min(end.saturating_duration_since(Instant::now()));
        if !name.is_empty() {
            let request = WaitExecutionRequest { name: name.to_owned() };
            match self.attempt(time, || self.listen(WAIT, request.clone())).await {
                // It has forgotten the action, or never knew that one can wait for it: it is begun anew.
                Err(Fault::Missing | Fault::Refused(_)) => {}
                heard => return heard,
            }
        }
        let request = ExecuteRequest {
            instance_name: self.config.instance.clone(),
            skip_cache_lookup: false,
            action_digest: Some(task.action.clone()),
        };
        self.attempt(time, || self.listen(EXECUTE, request.clone())).await
    }

    async fn listen<Q: prost::Message + 'static>(
        &self,
        path: &'static str,
        request: Q,
    ) -> Result<Streaming<Operation>, Status> {
        let mut client = self.ready().await?;
        let codec: ProstCodec<Q, Operation> = ProstCodec::default();
        let path = PathAndQuery::from_static(path);
        Ok(client.server_streaming(self.request(request), path, codec).await?.into_inner())
    }

    fn ended(&self, task: &Task, operation: Operation) -> Result<ExecuteResponse, Fault> {
        if let Some(error) = operation.error {
            return Err(self.explained(task, error.code, error.message));
        }
        let value = operation.response.map(|any| any.value).unwrap_or_default();
        let response = ExecuteResponse::decode(value.as_slice())
            .map_err(|_| Fault::Wrong("its answer to an action cannot be read".to_owned()))?;
        match &response.status {
            Some(status) if status.code != 0 => {
                Err(self.explained(task, status.code, status.message.clone()))
            }
            _ => Ok(response),
        }
    }

    fn explained(&self, task: &Task, code: i32, message: String) -> Fault {
        let lower = message.to_lowercase();
        let worker = ["no worker", "no bot", "no eligible", "platform", "no available"];
        if Code::from(code) == Code::FailedPrecondition
            && worker.iter().any(|words| lower.contains(words))
        {
            return self.no_worker(task);
        }
        match Fault::of(&Status::new(code.into(), message)) {
            // Only the action's own result could be missing, and that is not how one says so.
            Fault::Missing => Fault::Refused("it has lost inputs of the action".to_owned()),
            fault => fault,
        }
    }

    fn no_worker(&self, task: &Task) -> Fault {
        let seconds = self.config.queue.as_secs();
        Fault::Refused(match task.platform.as_str() {
            "" => format!("no worker took the action within {seconds} s"),
            platform => format!("no worker has {platform}, or none was free within {seconds} s"),
        })
    }

    /// Fetches what an action made.
    async fn collect(&self, response: ExecuteResponse) -> Result<Executed, Fault> {
        let result = response
            .result
            .ok_or_else(|| Fault::Wrong("it says that an action ended, and not how".to_owned()))?;
        let metadata = result.execution_metadata.clone().unwrap_or_default();
        let spoken = [&result.stdout_digest, &result.stderr_digest];
        let inline = [&result.stdout_raw, &result.stderr_raw];
        let wanted_said = spoken.iter().zip(inline).filter(|(_, raw)| raw.is_empty());
        let said_digests = wanted_said.filter_map(|(digest, _)| (*digest).clone());
        let said_digests = said_digests.filter(|digest| digest.size_bytes > 0);
        let outputs = result.output_files.iter().filter_map(|file| file.digest.clone());
        let taken = self.take(outputs.chain(said_digests).collect()).await?;
        let said = spoken.iter().zip(inline).map(|(digest, raw)| {
            let blob = digest.as_ref().and_then(|digest| taken.get(digest));
            if raw.is_empty() { blob.cloned().unwrap_or_default() } else { raw.clone() }
        });
        let said = said.collect::<Vec<_>>().concat();
        Ok(Executed {
            exit_code: result.exit_code,
            said,
            files: files(&result, &taken),
            cached: response.cached_result,
            queued: queued(&metadata),
            worker: metadata.worker,
        })
    }
}

fn files(
    result: &ActionResult,
    taken: &BTreeMap<Digest, Vec<u8>>,
) -> BTreeMap<String, (Vec<u8>, bool)> {
    let file = |file: &crate::message::OutputFile| {
        let bytes = taken.get(file.digest.as_ref()?)?.clone();
        Some((file.path.clone(), (bytes, file.is_executable)))
    };
    result.output_files.iter().filter_map(file).collect()
}

fn stage(operation: &Operation) -> i32 {
    let value = operation.metadata.as_ref().map(|any| any.value.as_slice()).unwrap_or_default();
    ExecuteOperationMetadata::decode(value).map(|metadata| metadata.stage).unwrap_or_default()
}

fn queued(metadata: &ExecutedActionMetadata) -> Duration {
    let nanoseconds =
        |time: &Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let (from, to) = (&metadata.queued_timestamp, &metadata.worker_start_timestamp);
    let (Some(from), Some(to)) = (from, to) else { return Duration::ZERO };
    let waited = u64::try_from(nanoseconds(to) - nanoseconds(from));
    waited.map_or(Duration::ZERO, Duration::from_nanos)
}
