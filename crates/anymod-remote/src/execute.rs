//! Remote execution: an action and everything that it needs to the server, and what it made back.
//!
//! Every wait has an end of this side's own, because servers queue for ever what no worker can do. A stream that breaks is
//! taken up where it was; inputs that the server has lost are given once more, whatever it calls that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::Status;
use tonic::codec::Streaming;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use crate::client::Client;
use crate::fault::{Fault, attempts};
use crate::lanes::Place;
use crate::message::{
    ActionResult, CancelOperationRequest, Digest, Empty, ExecuteRequest, ExecuteResponse,
    Operation, WaitExecutionRequest,
};
use crate::operation::{News, news, queued};
use crate::refusal::{Refusal, refusal};
use crate::task::Task;
use crate::tree::Subtree;
use crate::wire::{Ended, Wire};

const EXECUTE: &str = "/build.bazel.remote.execution.v2.Execution/Execute";
const WAIT: &str = "/build.bazel.remote.execution.v2.Execution/WaitExecution";
const CANCEL: &str = "/google.longrunning.Operations/CancelOperation";

/// A stream that lasted so long did not break because the server is sick: many are cut off when nothing happens.
const LASTING: Duration = Duration::from_secs(5);
/// Files that are larger are given by one action while others that need them as well wait.
const LARGE: i64 = 1 << 20;

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// How the command ended.
    pub exit_code: i32,
    /// What it said on its standard output and then on the other.
    pub said: Vec<u8>,
    /// The files that it made, by the paths that the command called them, and whether they may be executed. If it
    /// succeeded, all that it had to make are there.
    pub files: BTreeMap<String, (Vec<u8>, bool)>,
    /// True if the server knew the result.
    pub cached: bool,
    /// How long it waited for a worker, as the server says.
    pub queued: Duration,
    /// Name of the worker.
    pub worker: String,
}

/// An action that is being executed.
pub struct Pursuit(Arc<Notify>);

impl Pursuit {
    /// Has the server asked to stop, and listens no more.
    pub fn give_up(&self) {
        self.0.notify_one();
    }
}

/// Why an action was not executed.
enum Undone {
    /// Giving its inputs once more may help.
    Perhaps(Fault),
    /// It would end the same way.
    Over(Fault),
}

impl From<Fault> for Undone {
    fn from(fault: Fault) -> Undone {
        Undone::Over(fault)
    }
}

/// A stream that tells of an action, and its place on a connection.
struct Told {
    operations: Streaming<Operation>,
    _place: Place,
}

impl Client {
    /// Has an action executed, and calls `done` on the network's thread, unless it is given up.
    pub fn execute(
        &self,
        task: Task,
        done: impl FnOnce(Result<Executed, Fault>) + Send + 'static,
    ) -> Pursuit {
        let wire = Arc::clone(&self.wire);
        let stop = Arc::new(Notify::new());
        let pursuit = Pursuit(Arc::clone(&stop));
        self.handle.spawn(async move {
            let name = Mutex::default();
            tokio::select! {
                answer = wire.execute(&task, &name) => done(answer),
                () = stop.notified() => wire.cancel(&name).await,
            }
        });
        pursuit
    }

    /// The same, waited for.
    ///
    /// # Errors
    /// Why it was not executed.
    pub fn execute_and_wait(&self, task: Task) -> Result<Executed, Fault> {
        self.wait(async move |wire| wire.execute(&task, &Mutex::default()).await)
    }

    /// True if the server may be asked to execute something: it does so, and has not failed at it several times.
    #[must_use]
    pub fn executes(&self) -> bool {
        self.off().is_none() && self.wire.execution.open().is_none()
    }
}

impl Wire {
    /// Has an action executed; what the server calls it meanwhile is kept in `name`.
    pub(crate) async fn execute(
        &self,
        task: &Task,
        name: &Mutex<String>,
    ) -> Result<Executed, Fault> {
        if self.execution.open().is_some() {
            return Err(Fault::Off);
        }
        let can = self.capabilities().await?;
        let lacking = if !can.executes {
            Some("it does not execute")
        } else if !can.output_paths {
            Some("it speaks a version of the API before 2.1, which cannot name outputs")
        } else {
            None
        };
        if let Some(why) = lacking {
            self.execution.turn_off(why);
            return Err(Fault::Refused(why.to_owned()));
        }
        let executed = self.provide_and_run(task, name).await;
        match &executed {
            Ok(_) => self.execution.succeeded(),
            // Of these the server knows nothing.
            Err(Fault::Off | Fault::Changed) => {}
            Err(fault) => self.execution.failed(&fault.to_string()),
        }
        executed
    }

    async fn provide_and_run(&self, task: &Task, name: &Mutex<String>) -> Result<Executed, Fault> {
        let begun = Instant::now();
        self.provide(task).await?;
        let first = match self.run(task, name).await {
            Ok(response) => return self.collect(task, response).await,
            Err(Undone::Over(fault)) => return Err(fault),
            Err(Undone::Perhaps(fault)) => fault,
        };
        // Whatever it calls it, inputs that it has lost are a common reason.
        for part in &task.inputs.parts {
            let below = part.messages.keys().chain(&part.files);
            self.present.forget(below, begun);
        }
        self.present.forget(task.own(), begun);
        name.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.provide(task).await?;
        match self.run(task, name).await {
            Ok(response) => self.collect(task, response).await,
            Err(Undone::Over(fault)) => Err(fault),
            Err(Undone::Perhaps(again)) if again == first => {
                let why =
                    format!("{first}; its inputs were given once more, with the same outcome");
                Err(Fault::Refused(why))
            }
            Err(Undone::Perhaps(again)) => Err(again),
        }
    }

    /// Gives what an action needs. What many need is given by one of them.
    async fn provide(&self, task: &Task) -> Result<(), Fault> {
        for part in &task.inputs.parts {
            // Its own message is given last, so that whoever finds it finds all of it.
            let below = part.messages.keys().chain(&part.files);
            self.provide_shared(task, part, below).await?;
        }
        let large = |digest: &&Digest| digest.size_bytes > LARGE;
        let large: BTreeSet<Digest> = task.inputs.files.iter().filter(large).cloned().collect();
        if large.iter().any(|digest| !self.present.has(digest)) {
            let _alone = self.present.gate.lock().await;
            self.give(large, &*task.inputs.load).await?;
        }
        let load = |digest: &Digest| {
            task.described.get(digest).cloned().or_else(|| (task.inputs.load)(digest))
        };
        self.give(task.own().cloned().collect(), &load).await.map(|_| ())
    }

    async fn provide_shared(
        &self,
        task: &Task,
        part: &Subtree,
        below: impl Iterator<Item = &Digest>,
    ) -> Result<(), Fault> {
        if self.present.has(&part.digest) {
            return Ok(());
        }
        let _alone = self.present.gate.lock().await;
        if self.present.has(&part.digest) {
            return Ok(());
        }
        let load = |digest: &Digest| {
            part.messages.get(digest).cloned().or_else(|| (task.inputs.load)(digest))
        };
        // All of it is noted only when all of it is there, its own message included.
        self.give(below.cloned().collect(), &load).await.map(|_| ())
    }

    /// Runs an action once; the response of an action that was run, whatever came of it.
    async fn run(&self, task: &Task, name: &Mutex<String>) -> Result<ExecuteResponse, Undone> {
        let queue_end = Instant::now() + self.config.queue;
        let mut end = queue_end;
        let mut revivals = 0;
        let mut told = self.open(task, name, end).await?;
        let mut since = Instant::now();
        loop {
            let message = match tokio::time::timeout_at(end, told.operations.message()).await {
                Ok(message) => message,
                Err(_) => {
                    self.cancel(name).await;
                    return Err(Undone::Over(match end == queue_end {
                        true => self.no_worker(task, ""),
                        false => self.too_long(),
                    }));
                }
            };
            let broken = match message {
                Ok(Some(operation)) => {
                    if !operation.name.is_empty() {
                        let mut name = name.lock().unwrap_or_else(PoisonError::into_inner);
                        name.clone_from(&operation.name);
                    }
                    match news(operation) {
                        News::Waits => {}
                        News::Runs if end == queue_end => {
                            end = Instant::now() + self.config.execution;
                        }
                        News::Runs => {}
                        News::Done(response) => return Ok(*response),
                        News::Refused(refusal) => return Err(self.undone(task, refusal)),
                        News::TooLong => return Err(Undone::Over(self.too_long())),
                        News::Unreadable => {
                            let why = "its answer to an action cannot be read";
                            return Err(Undone::Over(Fault::Wrong(why.to_owned())));
                        }
                    }
                    continue;
                }
                Ok(None) => Status::unavailable("it stopped telling of an action"),
                Err(status) => status,
            };
            if since.elapsed() > LASTING {
                revivals = 0;
            }
            revivals += 1;
            if revivals >= attempts(broken.code()) {
                return Err(self.explained(task, &broken));
            }
            tokio::time::sleep(Duration::from_millis(50 << revivals)).await;
            told = self.open(task, name, end).await?;
            since = Instant::now();
        }
    }

    /// Listens to an action: one that has a name already, else it is begun.
    async fn open(&self, task: &Task, name: &Mutex<String>, end: Instant) -> Result<Told, Undone> {
        let time = self.deadline(0).min(end.saturating_duration_since(Instant::now()));
        let name = name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !name.is_empty() {
            let request = WaitExecutionRequest { name };
            match self.tries(time, || self.listen(WAIT, request.clone())).await {
                Ok(told) => return Ok(told),
                // It has forgotten the action, or never knew that one can wait for it: it is begun anew.
                Err(Ended::Status(status)) if attempts(status.code()) == 1 => {}
                Err(ended) => return Err(self.not_opened(task, ended)),
            }
        }
        let request = ExecuteRequest {
            instance_name: self.config.instance.clone(),
            skip_cache_lookup: false,
            action_digest: Some(task.action.clone()),
        };
        let told = self.tries(time, || self.listen(EXECUTE, request.clone())).await;
        told.map_err(|ended| self.not_opened(task, ended))
    }

    fn not_opened(&self, task: &Task, ended: Ended) -> Undone {
        match ended {
            Ended::Status(status) => self.explained(task, &status),
            ended => Undone::Over(ended.fault()),
        }
    }

    async fn listen<Q: prost::Message + 'static>(
        &self,
        path: &'static str,
        request: Q,
    ) -> Result<Told, Status> {
        let (mut client, place) = self.ready_for_long().await?;
        let codec: ProstCodec<Q, Operation> = ProstCodec::default();
        let path = PathAndQuery::from_static(path);
        let answer = client.server_streaming(self.request(request), path, codec).await?;
        Ok(Told { operations: answer.into_inner(), _place: place })
    }

    /// Has the server asked to stop; it need not.
    async fn cancel(&self, name: &Mutex<String>) {
        let name = name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if name.is_empty() {
            return;
        }
        let asked = self.tries(self.config.connect, || async {
            let mut client = self.ready().await?;
            let codec: ProstCodec<CancelOperationRequest, Empty> = ProstCodec::default();
            let request = self.request(CancelOperationRequest { name: name.clone() });
            client.unary(request, PathAndQuery::from_static(CANCEL), codec).await
        });
        // Not all servers know how to.
        let _ = asked.await;
    }

    fn explained(&self, task: &Task, status: &Status) -> Undone {
        self.undone(task, refusal(status))
    }

    fn undone(&self, task: &Task, refusal: Refusal) -> Undone {
        match refusal {
            Refusal::NoWorker(said) => Undone::Over(self.no_worker(task, &said)),
            Refusal::Lost(said) => {
                Undone::Perhaps(Fault::Refused(format!("it has lost inputs of the action: {said}")))
            }
            Refusal::Other(fault) => Undone::Perhaps(fault),
        }
    }

    fn no_worker(&self, task: &Task, said: &str) -> Fault {
        let seconds = self.config.queue.as_secs();
        let wanted = match task.platform.as_str() {
            "" => "no worker".to_owned(),
            platform => format!("no worker has {platform}"),
        };
        Fault::Refused(match (said, task.platform.as_str()) {
            ("", "") => format!("no worker took the action within {seconds} s"),
            ("", _) => format!("{wanted}, or none was free within {seconds} s"),
            (said, "") => format!("it has no worker for the action: {said}"),
            (said, _) => format!("{wanted}: {said}"),
        })
    }

    fn too_long(&self) -> Fault {
        let seconds = self.config.execution.as_secs();
        Fault::Away(format!("the action ran for more than {seconds} s"))
    }

    /// Fetches what an action made.
    async fn collect(&self, task: &Task, response: ExecuteResponse) -> Result<Executed, Fault> {
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
        let taken = match self.take(outputs.chain(said_digests).collect()).await {
            Err(Fault::Missing) => {
                let why = "it says that an action succeeded, and does not have what it made";
                return Err(Fault::Wrong(why.to_owned()));
            }
            taken => taken?,
        };
        let said = spoken.iter().zip(inline).map(|(digest, raw)| {
            let blob = digest.as_ref().and_then(|digest| taken.get(digest));
            if raw.is_empty() { blob.cloned().unwrap_or_default() } else { raw.clone() }
        });
        let said = said.collect::<Vec<_>>().concat();
        let files = files(&result, &taken);
        let mut lacking = task.outputs.iter().filter(|output| !files.contains_key(*output));
        if let Some(output) = lacking.next().filter(|_| result.exit_code == 0) {
            let why = format!("it says that an action succeeded, and lacks its output `{output}`");
            return Err(Fault::Wrong(why));
        }
        Ok(Executed {
            exit_code: result.exit_code,
            said,
            files,
            cached: response.cached_result,
            queued: queued(&result),
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
