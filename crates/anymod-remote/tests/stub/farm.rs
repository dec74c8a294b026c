//! A server with workers that only pretend: blobs in memory, slots, and a time that each action takes.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anymod_remote::message::{
    Action, ActionResult, Any, BatchReadBlobsRequest, BatchReadBlobsResponse,
    BatchUpdateBlobsRequest, BatchUpdateBlobsResponse, BlobRead, BlobUpdated, Command, Digest,
    ExecuteOperationMetadata, ExecuteRequest, ExecuteResponse, FindMissingBlobsRequest,
    FindMissingBlobsResponse, GetActionResultRequest, Operation, OutputFile, Status,
    UpdateActionResultRequest, WriteRequest, WriteResponse,
};
use bytes::Bytes;
use prost::Message;
use tokio::sync::Semaphore;

use super::{Answer, Call, Told, capabilities, message, serve, telling};

/// Larger blobs are not kept, only known: a compiler is one of them, and nobody asks for it back.
const KEPT: usize = 1 << 20;

/// What workers make of a command: its outputs by name.
pub(crate) type Work = dyn Fn(&Command) -> BTreeMap<String, Vec<u8>> + Send + Sync;
/// What is to go wrong with a call, by method and by how often it was called before; none if it goes right.
pub(crate) type Fault = dyn Fn(&str, usize) -> Option<Answer> + Send + Sync;

/// A server with workers.
pub(crate) struct Farm {
    blobs: Mutex<HashMap<String, Option<Vec<u8>>>>,
    pub(crate) results: Mutex<HashMap<String, ActionResult>>,
    /// Operations that are over, by name.
    over: Mutex<HashMap<String, Operation>>,
    calls: Mutex<HashMap<String, usize>>,
    slots: Semaphore,
    latency: Duration,
    work: Box<Work>,
    fault: Box<Fault>,
    pub(crate) executed: AtomicUsize,
    /// How many were under way at once, at most.
    pub(crate) most: AtomicUsize,
    under_way: AtomicUsize,
    /// Microseconds that slots were busy in all.
    busy: AtomicU64,
    /// When the first action began and the last one ended.
    span: Mutex<Option<(Instant, Instant)>>,
}

impl Farm {
    /// Workers with so many slots in all, where each action takes a time.
    pub(crate) fn new(slots: usize, latency: Duration, work: Box<Work>) -> Farm {
        Farm {
            blobs: Mutex::default(),
            results: Mutex::default(),
            over: Mutex::default(),
            calls: Mutex::default(),
            slots: Semaphore::new(slots),
            latency,
            work,
            fault: Box::new(|_, _| None),
            executed: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            busy: AtomicU64::new(0),
            span: Mutex::default(),
        }
    }

    /// The same, where calls go wrong.
    pub(crate) fn failing(self, fault: Box<Fault>) -> Farm {
        Farm { fault, ..self }
    }

    /// Starts it; its port.
    pub(crate) fn start(self: &Arc<Farm>) -> u16 {
        let farm = Arc::clone(self);
        serve(move |call| {
            let farm = Arc::clone(&farm);
            async move { farm.respond(&call) }
        })
    }

    /// True if it has executed the action with a digest.
    pub(crate) fn did(&self, hash: &str) -> bool {
        self.over.lock().unwrap().contains_key(hash)
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.calls.lock().unwrap().get(method).copied().unwrap_or(0)
    }

    /// How long slots were busy in all, and how long it was from the first action to the end of the last one.
    pub(crate) fn times(&self) -> (Duration, Duration) {
        let busy = Duration::from_micros(self.busy.load(Ordering::Relaxed));
        let span = self.span.lock().unwrap().map(|(from, to)| to - from);
        (busy, span.unwrap_or_default())
    }

    /// Drops every blob.
    pub(crate) fn forget(&self) {
        self.blobs.lock().unwrap().clear();
    }

    fn keep(&self, hash: &str, bytes: Vec<u8>) {
        let kept = (bytes.len() <= KEPT).then_some(bytes);
        self.blobs.lock().unwrap().insert(hash.to_owned(), kept);
    }

    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.blobs.lock().unwrap().get(&digest.hash)?.clone()
    }

    /// What a call is answered with. Has to be called where the server runs.
    pub(crate) fn respond(self: &Arc<Farm>, call: &Call) -> Answer {
        let (method, asked) = (call.method(), call.messages());
        let before = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(method.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        if let Some(fault) = (self.fault)(method, before) {
            return fault;
        }
        let asked_first = asked.first().map(AsRef::as_ref).unwrap_or_default();
        match method {
            "GetCapabilities" => message(&capabilities()),
            "FindMissingBlobs" => {
                let request = FindMissingBlobsRequest::decode(asked_first).unwrap();
                let blobs = self.blobs.lock().unwrap();
                let lacks = |digest: &Digest| !blobs.contains_key(&digest.hash);
                let missing = request.blob_digests.into_iter().filter(lacks).collect();
                message(&FindMissingBlobsResponse { missing_blob_digests: missing })
            }
            "BatchUpdateBlobs" => self.update(asked_first),
            "BatchReadBlobs" => self.read(asked_first),
            "Write" => self.write(&asked),
            "GetActionResult" => {
                let request = GetActionResultRequest::decode(asked_first).unwrap();
                let hash = request.action_digest.unwrap().hash;
                match self.results.lock().unwrap().get(&hash) {
                    Some(result) => message(result),
                    None => Answer::Status(5, "no such result"),
                }
            }
            "UpdateActionResult" => {
                let request = UpdateActionResultRequest::decode(asked_first).unwrap();
                let result = request.action_result.unwrap();
                let hash = request.action_digest.unwrap().hash;
                self.results.lock().unwrap().insert(hash, result.clone());
                message(&result)
            }
            "Execute" => self.execute(&ExecuteRequest::decode(asked_first).unwrap()),
            "WaitExecution" => {
                let request = anymod_remote::message::WaitExecutionRequest::decode(asked_first);
                self.wait(&request.unwrap().name)
            }
            "CancelOperation" => Answer::Messages(vec![Vec::new()]),
            _ => Answer::Status(12, "not here"),
        }
    }

    fn update(&self, asked: &[u8]) -> Answer {
        let request = BatchUpdateBlobsRequest::decode(asked).unwrap();
        let responses = request.requests.into_iter().map(|one| {
            let digest = one.digest.unwrap();
            self.keep(&digest.hash, one.data);
            BlobUpdated { digest: Some(digest), status: Some(Status::default()) }
        });
        message(&BatchUpdateBlobsResponse { responses: responses.collect() })
    }

    fn read(&self, asked: &[u8]) -> Answer {
        let request = BatchReadBlobsRequest::decode(asked).unwrap();
        let responses = request.digests.into_iter().map(|digest| {
            let data = self.blob(&digest);
            let code = if data.is_some() { 0 } else { 5 };
            let status = Some(Status { code, ..Status::default() });
            BlobRead { digest: Some(digest), data: data.unwrap_or_default(), status }
        });
        message(&BatchReadBlobsResponse { responses: responses.collect() })
    }

    fn write(&self, asked: &[Bytes]) -> Answer {
        let pieces = asked.iter().map(|piece| WriteRequest::decode(piece.as_ref()).unwrap());
        let (mut name, mut bytes) = (String::new(), Vec::new());
        for piece in pieces {
            if !piece.resource_name.is_empty() {
                name = piece.resource_name;
            }
            bytes.extend(piece.data);
        }
        let committed_size = i64::try_from(bytes.len()).unwrap();
        let hash = name.rsplit('/').nth(1).unwrap().to_owned();
        self.keep(&hash, bytes);
        message(&WriteResponse { committed_size })
    }

    /// Executes an action as soon as a slot is free.
    fn execute(self: &Arc<Farm>, request: &ExecuteRequest) -> Answer {
        let action = request.action_digest.clone().unwrap();
        let bytes = self.blob(&action);
        let command = bytes.and_then(|bytes| {
            self.blob(&Action::decode(bytes.as_slice()).unwrap().command_digest.unwrap())
        });
        let Some(command) = command else {
            return Answer::Status(9, "the action is missing in the storage");
        };
        let command = Command::decode(command.as_slice()).unwrap();
        let (tell, answer) = telling();
        let farm = Arc::clone(self);
        tokio::spawn(async move {
            let _ = tell.send(Told::Message(operation(&action.hash, 2).encode_to_vec()));
            let slot = farm.slots.acquire().await.unwrap();
            let begun = Instant::now();
            let now = farm.under_way.fetch_add(1, Ordering::Relaxed) + 1;
            farm.most.fetch_max(now, Ordering::Relaxed);
            let _ = tell.send(Told::Message(operation(&action.hash, 3).encode_to_vec()));
            tokio::time::sleep(farm.latency).await;
            let done = farm.done(&action.hash, &command);
            farm.under_way.fetch_sub(1, Ordering::Relaxed);
            farm.note(begun);
            drop(slot);
            farm.over.lock().unwrap().insert(action.hash, done.clone());
            let _ = tell.send(Told::Message(done.encode_to_vec()));
        });
        answer
    }

    fn note(&self, begun: Instant) {
        let now = Instant::now();
        let busy = u64::try_from((now - begun).as_micros()).unwrap();
        self.busy.fetch_add(busy, Ordering::Relaxed);
        self.executed.fetch_add(1, Ordering::Relaxed);
        let mut span = self.span.lock().unwrap();
        let from = span.map_or(begun, |(from, _)| from.min(begun));
        *span = Some((from, now));
    }

    fn wait(self: &Arc<Farm>, name: &str) -> Answer {
        let (tell, answer) = telling();
        let (farm, name) = (Arc::clone(self), name.to_owned());
        tokio::spawn(async move {
            loop {
                let over = farm.over.lock().unwrap().get(&name).cloned();
                if let Some(over) = over {
                    let _ = tell.send(Told::Message(over.encode_to_vec()));
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        answer
    }

    fn done(&self, name: &str, command: &Command) -> Operation {
        let made = (self.work)(command);
        let output_files = made.into_iter().map(|(path, bytes)| {
            let digest = Digest::of(&bytes);
            self.keep(&digest.hash, bytes);
            OutputFile { path, digest: Some(digest), ..OutputFile::default() }
        });
        let result =
            ActionResult { output_files: output_files.collect(), ..ActionResult::default() };
        over(name, ExecuteResponse { result: Some(result), ..ExecuteResponse::default() })
    }
}

/// An operation in a stage.
pub(crate) fn operation(name: &str, stage: i32) -> Operation {
    let metadata = ExecuteOperationMetadata { stage }.encode_to_vec();
    let metadata = Some(Any { type_url: String::new(), value: metadata });
    Operation { name: name.to_owned(), metadata, ..Operation::default() }
}

/// One that is over.
pub(crate) fn over(name: &str, response: ExecuteResponse) -> Operation {
    let response = Some(Any { type_url: String::new(), value: response.encode_to_vec() });
    Operation { done: true, response, ..operation(name, 4) }
}
