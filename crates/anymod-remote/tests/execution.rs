//! Execution by servers that fail in every way: each question has an end, and what comes of it is whole or a clear reason.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod stub;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anymod_remote::message::{
    Any, Command, Digest, PreconditionFailure, ServerCapabilities, Status, Violation,
};
use anymod_remote::{Client, Config, Executed, Fault, Inputs, Subtree, Task, Tree};
use prost::Message;
use stub::farm::{Farm, operation, over};
use stub::{Answer, Told, message, telling};

/// How long an action may wait for a worker, and how long it may run.
const QUEUE: Duration = Duration::from_secs(3);
const EXECUTION: Duration = Duration::from_secs(4);

fn client(port: u16) -> Client {
    let mut config = Config::new(format!("grpc://127.0.0.1:{port}"));
    config.call = Duration::from_secs(3);
    config.queue = QUEUE;
    config.execution = EXECUTION;
    Client::start(config).unwrap()
}

/// An action with a file of its own, a part that others have as well, and one output.
fn task(number: usize) -> Task {
    let (own, shared) = (format!("own {number}").into_bytes(), b"shared".to_vec());
    let (own_digest, shared_digest) = (Digest::of(&own), Digest::of(&shared));
    let part = Arc::new(Subtree::of(&[("shared.h", &shared_digest, false)]));
    let mut root = Tree::default();
    assert!(root.add("a.c", own_digest.clone(), false));
    assert!(root.graft("include", part.digest.clone()));
    let command = Command {
        arguments: vec!["cc".to_owned(), "a.c".to_owned()],
        output_paths: vec!["a.o".to_owned()],
        ..Command::default()
    };
    let files = [own_digest.clone()].into();
    let bytes = BTreeMap::from([(own_digest, own), (shared_digest, shared)]);
    let load = Arc::new(move |digest: &Digest| bytes.get(digest).cloned());
    let inputs = Inputs { files, parts: vec![part], load };
    let platform = [("OSFamily".to_owned(), "linux".to_owned())];
    Task::new(command, &root, &platform, EXECUTION, inputs)
}

fn farm() -> Farm {
    let work = |command: &Command| {
        let outputs = command.output_paths.iter();
        outputs.map(|path| (path.clone(), b"object".to_vec())).collect()
    };
    Farm::new(4, Duration::from_millis(20), Box::new(work))
}

/// One message of a stream, and how it ends then.
fn told(pieces: Vec<Told>) -> Answer {
    let (tell, answer) = telling();
    for piece in pieces {
        let _ = tell.send(piece);
    }
    answer
}

fn running(stage: i32) -> Told {
    Told::Message(operation("op", stage).encode_to_vec())
}

/// An operation that ended with a status.
fn refused(code: i32, words: &str, missing: &[&str]) -> Answer {
    let violations = missing
        .iter()
        .map(|subject| Violation { kind: "MISSING".to_owned(), subject: (*subject).to_owned() });
    let value = PreconditionFailure { violations: violations.collect() }.encode_to_vec();
    let type_url = "type.googleapis.com/google.rpc.PreconditionFailure".to_owned();
    let details = if missing.is_empty() { Vec::new() } else { vec![Any { type_url, value }] };
    let status = Status { code, message: words.to_owned(), details };
    let response = anymod_remote::message::ExecuteResponse {
        status: Some(status),
        ..anymod_remote::message::ExecuteResponse::default()
    };
    message(&over("op", response))
}

/// What is to come of it.
enum Outcome {
    Made,
    /// A reason with these words.
    Reason(&'static str),
}
use Outcome::{Made, Reason};

type Case = (&'static str, fn(&str, usize) -> Option<Answer>, Outcome);

/// What goes wrong with the calls of one action, by method and by how often it was called before.
const CASES: &[Case] = &[
    ("nothing", |_, _| None, Made),
    (
        "the stream breaks while the action runs",
        |method, _| (method == "Execute").then(|| told(vec![running(3), Told::Break])),
        Reason("for more than 4 s"),
    ),
    ("busy", |method, times| busy(method == "Execute" && times < 3), Made),
    ("busy for ever", |method, _| busy(method == "Execute"), Reason("Unavailable")),
    (
        "inputs are lost, as a precondition",
        |method, times| lost(method, times, 1, || refused(9, "no", &["blobs/0a/1"])),
        Made,
    ),
    (
        "inputs are lost, as an internal error",
        |method, times| lost(method, times, 1, || refused(13, "blob 0a not found", &[])),
        Made,
    ),
    (
        "inputs are lost, as the call's own status",
        |method, times| lost(method, times, 1, || Answer::Status(9, "input missing")),
        Made,
    ),
    (
        "inputs are lost for ever",
        |method, times| lost(method, times, 9, || refused(9, "no", &["blobs/0a/1"])),
        Reason("it has lost inputs of the action: blobs/0a/1; its inputs were given once more"),
    ),
    (
        "no worker, said at once",
        |method, times| lost(method, times, 9, || refused(9, "No workers exist for platform", &[])),
        Reason("no worker has OSFamily=linux: FailedPrecondition: No workers exist"),
    ),
    (
        "no worker, never said",
        |method, _| (method == "Execute").then(|| kept(2)),
        Reason("no worker has OSFamily=linux, or none was free within 3 s"),
    ),
    (
        "a worker never ends",
        |method, _| (method == "Execute").then(|| kept(3)),
        Reason("the action ran for more than 4 s"),
    ),
    (
        "the worker's own deadline",
        |method, times| lost(method, times, 9, || refused(4, "timeout", &[])),
        Reason("the action ran for more than 4 s"),
    ),
    (
        "an output is missing",
        |method, _| (method == "Execute").then(|| made(&[])),
        Reason("lacks its output `a.o`"),
    ),
    (
        "an output that nobody has",
        |method, _| (method == "Execute").then(|| made(&["a.o"])),
        Reason("does not have what it made"),
    ),
    (
        "nonsense",
        |method, _| (method == "Execute").then(|| Answer::Messages(vec![vec![0xff; 9]])),
        Reason("Internal"),
    ),
    ("silence", |method, _| (method == "Execute").then_some(Answer::Silence), Reason("no answer")),
    (
        "it does not execute",
        |method, _| {
            (method == "GetCapabilities").then(|| {
                message(&ServerCapabilities {
                    execution_capabilities: None,
                    ..stub::capabilities()
                })
            })
        },
        Reason("it does not execute"),
    ),
];

fn busy(wanted: bool) -> Option<Answer> {
    wanted.then_some(Answer::Status(14, "busy"))
}

fn lost(method: &str, times: usize, often: usize, answer: fn() -> Answer) -> Option<Answer> {
    (method == "Execute" && times < often).then(answer)
}

/// A stream that says a stage and then nothing more.
fn kept(stage: i32) -> Answer {
    let (tell, answer) = telling();
    let _ = tell.send(running(stage));
    std::mem::forget(tell);
    answer
}

/// An action that succeeded with these outputs, whose bytes the server does not have.
fn made(outputs: &[&str]) -> Answer {
    let output_files = outputs.iter().map(|path| anymod_remote::message::OutputFile {
        path: (*path).to_owned(),
        digest: Some(Digest::of(b"somewhere")),
        ..anymod_remote::message::OutputFile::default()
    });
    let result = anymod_remote::message::ActionResult {
        output_files: output_files.collect(),
        ..anymod_remote::message::ActionResult::default()
    };
    message(&over(
        "op",
        anymod_remote::message::ExecuteResponse {
            result: Some(result),
            ..anymod_remote::message::ExecuteResponse::default()
        },
    ))
}

fn check(executed: &Result<Executed, Fault>, wanted: &Outcome) -> Result<(), String> {
    match (executed, wanted) {
        (Ok(executed), Made) if executed.files["a.o"].0 == b"object" => Ok(()),
        (Err(fault), Reason(words)) if fault.to_string().contains(words) => Ok(()),
        (executed, _) => Err(format!("{executed:?}")),
    }
}

#[test]
fn every_fault_ends_with_the_outputs_or_a_clear_reason() {
    let cases: Vec<_> = CASES
        .iter()
        .map(|(name, fault, outcome)| {
            std::thread::spawn(move || {
                let farm = Arc::new(farm().failing(Box::new(fault)));
                let client = client(farm.start());
                let begun = Instant::now();
                let executed = client.execute_and_wait(task(0));
                check(&executed, outcome).map_err(|why| format!("{name}: {why}"))?;
                // Twice through all deadlines; the rest is for a machine that has other things to do.
                let bound = Duration::from_secs(60);
                (begun.elapsed() < bound).then_some(()).ok_or(format!("{name}: too late"))
            })
        })
        .collect();
    for case in cases {
        case.join().unwrap().unwrap();
    }
}

#[test]
fn a_stream_that_broke_is_taken_up_and_the_action_is_done_once() {
    let farm = Arc::new(farm());
    let inner = Arc::clone(&farm);
    // The first stream breaks after the action has begun.
    let port = stub::serve(move |call| {
        let inner = Arc::clone(&inner);
        async move {
            match (call.method(), inner.respond(&call)) {
                ("Execute", Answer::Told(mut stream)) => {
                    let first = stream.recv().await.unwrap();
                    told(vec![first, Told::Break])
                }
                (_, answer) => answer,
            }
        }
    });
    let executed = client(port).execute_and_wait(task(0)).unwrap();
    assert_eq!(executed.files["a.o"].0, b"object");
    assert_eq!(farm.calls("WaitExecution"), 1);
    assert_eq!(farm.executed.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn what_many_share_is_asked_about_once_and_given_again_after_it_was_lost() {
    let farm = Arc::new(farm());
    let client = client(farm.start());
    for number in 0..20 {
        client.execute_and_wait(task(number)).unwrap();
    }
    // One question for the shared part, one for each action.
    assert_eq!(farm.calls("FindMissingBlobs"), 21);
    farm.forget();
    let executed = client.execute_and_wait(task(3)).unwrap();
    assert_eq!(executed.files["a.o"].0, b"object");
}

#[test]
fn many_actions_are_under_way_although_a_connection_takes_few() {
    let farm = Arc::new(Farm::new(
        300,
        Duration::from_secs(2),
        Box::new(|_| BTreeMap::from([("a.o".to_owned(), Vec::new())])),
    ));
    let client = client(farm.start());
    let (give, take) = std::sync::mpsc::channel();
    for number in 0..300 {
        let give = give.clone();
        client.execute(task(number), move |answer| give.send(answer).unwrap());
    }
    for _ in 0..300 {
        let executed = take.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(executed.is_ok(), "{executed:?}");
    }
    let most = farm.most.load(std::sync::atomic::Ordering::Relaxed);
    assert!(most > 200, "{most} at once");
}

#[test]
fn an_action_that_is_given_up_is_cancelled_and_answers_nothing() {
    let fault = |method: &str, _| (method == "Execute").then(|| kept(3));
    let farm = Arc::new(farm().failing(Box::new(fault)));
    let client = client(farm.start());
    let (give, take) = std::sync::mpsc::channel();
    let pursuit = client.execute(task(0), move |answer| give.send(answer).unwrap());
    let begun = Instant::now();
    while farm.calls("Execute") == 0 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    pursuit.give_up();
    assert!(take.recv_timeout(Duration::from_secs(30)).is_err(), "nobody is told");
    assert_eq!(farm.calls("CancelOperation"), 1);
}

#[test]
fn a_sick_farm_is_left_alone_and_its_cache_is_not() {
    let fault = |method: &str, _| (method == "Execute").then(|| refused(13, "worker died", &[]));
    let farm = Arc::new(farm().failing(Box::new(fault)));
    let client = client(farm.start());
    for number in 0..4 {
        assert!(client.executes());
        assert!(matches!(
            client.execute_and_wait(task(number)),
            Err(Fault::Refused(_) | Fault::Away(_))
        ));
    }
    assert!(!client.executes() && client.off().is_none());
    let asked = farm.calls("Execute");
    assert_eq!(client.execute_and_wait(task(9)), Err(Fault::Off));
    assert_eq!(farm.calls("Execute"), asked);
}
