//! Servers that fail in every way: whatever they do, a question has an end, and nothing unchecked comes of it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod stub;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anymod_remote::message::{
    ActionResult, BatchReadBlobsRequest, BatchReadBlobsResponse, BlobRead, Digest, OutputFile,
    Status,
};
use anymod_remote::{Client, Config, Fault, Fetched, Step};
use anymod_store::{Digest as Sha256, Entry, Output};
use prost::Message as _;
use stub::{Answer, capabilities, message};

/// Starts a server whose answers a function makes of the method's name; its port.
fn serve(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> u16 {
    stub::serve(move |call| std::future::ready(answer(call.method())))
}

fn client(port: u16) -> Client {
    let mut config = Config::new(format!("grpc://127.0.0.1:{port}"));
    config.call = Duration::from_secs(2);
    Client::start(config).unwrap()
}

/// Asks for a result among no files, with all its blobs.
fn fetch(client: &Client) -> Result<Fetched, Fault> {
    let (give, take) = std::sync::mpsc::channel();
    let step = Step { namespace: "compile", key: Sha256::of(b"key") };
    client.fetch(step, Entry::default(), |_| true, move |answer| give.send(answer).unwrap());
    take.recv_timeout(Duration::from_secs(120)).unwrap()
}

fn result() -> ActionResult {
    let file = OutputFile {
        path: "a.o".to_owned(),
        digest: Some(Digest::of(b"object")),
        ..OutputFile::default()
    };
    ActionResult { output_files: vec![file], ..ActionResult::default() }
}

fn blobs(data: &[u8]) -> BatchReadBlobsResponse {
    let digest = Some(Digest::of(b"object"));
    BatchReadBlobsResponse {
        responses: vec![BlobRead { digest, data: data.to_vec(), status: None }],
    }
}

#[test]
fn what_is_sent_whole_is_taken() {
    let port = serve(|method| match method {
        "GetCapabilities" => message(&capabilities()),
        "GetActionResult" => message(&result()),
        _ => message(&blobs(b"object")),
    });
    let fetched = fetch(&client(port)).unwrap();
    assert_eq!(fetched.blobs, [b"object"]);
    assert_eq!(fetched.entry.outputs[0].name, "a.o");
}

#[test]
fn blobs_that_are_not_what_they_are_called_are_not_taken_and_turn_the_server_off() {
    for wrong in [b"objekt".as_slice(), b"obj", b"", b"object and more"] {
        let port = serve(move |method| match method {
            "GetCapabilities" => message(&capabilities()),
            "GetActionResult" => message(&result()),
            _ => message(&blobs(wrong)),
        });
        let client = client(port);
        for _ in 0..4 {
            assert!(matches!(fetch(&client), Err(Fault::Wrong(_))));
        }
        assert_eq!(fetch(&client), Err(Fault::Off));
        assert!(client.off().unwrap().contains("digest"));
    }
}

#[test]
fn every_fault_at_every_call_ends_within_the_bound() {
    const METHODS: [&str; 3] = ["GetCapabilities", "GetActionResult", "BatchReadBlobs"];
    let faults: [fn() -> Answer; 8] = [
        || Answer::Status(14, "no"),
        || Answer::Status(13, "no"),
        || Answer::Status(7, "no"),
        || Answer::Status(8, "no"),
        || Answer::Silence,
        || Answer::Cut,
        || Answer::Messages(vec![vec![0xff; 9]]),
        || Answer::Messages(vec![Vec::new()]),
    ];
    for method in METHODS {
        for fault in faults {
            let port = serve(move |called| match called {
                called if called == method => fault(),
                "GetCapabilities" => message(&capabilities()),
                "GetActionResult" => message(&result()),
                _ => message(&blobs(b"object")),
            });
            let client = client(port);
            let begun = Instant::now();
            assert!(fetch(&client).is_err(), "{method}");
            // One question is at most three calls of two seconds; the rest is for a machine that has other things to do.
            assert!(begun.elapsed() < Duration::from_secs(60), "{method}");
        }
    }
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_asked_again_and_one_that_stays_so_is_left_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let port = serve(move |method| match method {
        "GetCapabilities" => message(&capabilities()),
        "GetActionResult" if counted.fetch_add(1, Ordering::Relaxed) < 2 => {
            Answer::Status(14, "no")
        }
        "GetActionResult" => message(&result()),
        _ => message(&blobs(b"object")),
    });
    assert!(fetch(&client(port)).is_ok());
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let port = serve(|method| match method {
        "GetCapabilities" => message(&capabilities()),
        _ => Answer::Status(14, "no"),
    });
    let client = client(port);
    for _ in 0..4 {
        assert!(matches!(fetch(&client), Err(Fault::Away(_))));
    }
    assert_eq!(fetch(&client), Err(Fault::Off));
}

#[test]
fn a_result_of_a_failed_action_or_without_files_is_none() {
    for bad in [ActionResult { exit_code: 1, ..result() }, ActionResult::default()] {
        let port = serve(move |method| match method {
            "GetCapabilities" => message(&capabilities()),
            "GetActionResult" => message(&bad),
            _ => message(&blobs(b"object")),
        });
        assert!(matches!(fetch(&client(port)), Err(Fault::Wrong(_))));
    }
}

#[test]
fn blobs_of_several_steps_come_in_one_call_and_one_that_is_gone_is_missed_by_its_own_step_alone() {
    let called = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&called);
    let port = stub::serve(move |call| {
        noted.lock().unwrap().push(call.method().to_owned());
        std::future::ready(match call.method() {
            "GetCapabilities" => message(&capabilities()),
            _ => {
                let asked = BatchReadBlobsRequest::decode(call.messages().remove(0)).unwrap();
                let responses = asked.digests.into_iter().map(|digest| match digest.size_bytes {
                    // What is of an odd length is gone.
                    size if size % 2 == 1 => {
                        let status = Some(Status { code: 5, ..Status::default() });
                        BlobRead { digest: Some(digest), data: Vec::new(), status }
                    }
                    size => BlobRead {
                        digest: Some(digest),
                        data: vec![7; usize::try_from(size).unwrap()],
                        status: None,
                    },
                });
                message(&BatchReadBlobsResponse { responses: responses.collect() })
            }
        })
    });
    let client = client(port);
    let (give, take) = std::sync::mpsc::channel();
    for size in 0..40 {
        let bytes = vec![7; size];
        let digest = Sha256::of(&bytes);
        let output = Output { name: "a".into(), digest, size: size as u64, executable: false };
        let known = Entry { outputs: vec![output], ..Entry::default() };
        let step = Step { namespace: "compile", key: digest };
        let give = give.clone();
        let done = move |answer| give.send((bytes, answer)).unwrap();
        client.fetch(step, known, |_| true, done);
    }
    for _ in 0..40 {
        let (bytes, answer) = take.recv_timeout(Duration::from_secs(120)).unwrap();
        match answer {
            Ok(Fetched { blobs, .. }) => assert!(blobs == [bytes.clone()] && bytes.len() % 2 == 0),
            Err(fault) => assert!(fault == Fault::Missing && bytes.len() % 2 == 1, "{fault:?}"),
        }
    }
    let called = called.lock().unwrap();
    let reads = called.iter().filter(|method| *method == "BatchReadBlobs").count();
    assert!(reads < 20 && reads + 1 == called.len(), "{called:?}");
}
