//! Readers of what servers send: any bytes are read without a panic, and what is read is what was written.

use std::time::Duration;

use anymod_remote::message::{
    ActionResult, Any, Digest, Directory, ExecuteOperationMetadata, ExecuteResponse,
    ExecutedActionMetadata, Operation, OutputFile, Status, Timestamp,
};
use anymod_remote::{News, news, outputs, queued};
use anymod_store::Digest as Sha256;
use proptest::prelude::*;
use prost::Message as _;

/// A result of these files.
fn result(files: &[(String, Vec<u8>, bool)]) -> ActionResult {
    let file = |(path, bytes, is_executable): &(String, Vec<u8>, bool)| OutputFile {
        path: path.clone(),
        digest: Some(Digest::of(bytes)),
        is_executable: *is_executable,
        ..OutputFile::default()
    };
    ActionResult { output_files: files.iter().map(file).collect(), ..ActionResult::default() }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(result) = ActionResult::decode(bytes.as_slice()) {
            let _ = outputs(&result);
        }
        if let Ok(directory) = Directory::decode(bytes.as_slice()) {
            prop_assert_eq!(Directory::decode(directory.encode_to_vec().as_slice()), Ok(directory));
        }
    }

    #[test]
    fn any_bytes_are_an_operation_that_is_over_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200), done: bool) {
        // As a message, and as what the messages inside of one are.
        let inside = Some(Any { type_url: String::new(), value: bytes.clone() });
        let carries = Operation { metadata: inside.clone(), response: inside, done, ..Operation::default() };
        for operation in Operation::decode(bytes.as_slice()).into_iter().chain([carries]) {
            let is_over = operation.done;
            let news = news(operation);
            prop_assert_eq!(is_over, !matches!(news, News::Waits | News::Runs));
            if let News::Done(response) = news {
                let _ = queued(&response.result.unwrap_or_default());
            }
        }
    }

    #[test]
    fn an_operation_says_what_was_written(stage in 0..6, code in 0..17, exit_code: i32, name in ".{0,9}") {
        let any = |value| Some(Any { type_url: "x".to_owned(), value });
        let metadata = any(ExecuteOperationMetadata { stage }.encode_to_vec());
        let waits = Operation { name: name.clone(), metadata: metadata.clone(), ..Operation::default() };
        prop_assert_eq!(news(waits) == News::Runs, stage >= 3);
        let result = Some(ActionResult { exit_code, ..ActionResult::default() });
        let status = Some(Status { code, message: "worker died".to_owned(), details: Vec::new() });
        let response = ExecuteResponse { result, status: status.clone(), ..ExecuteResponse::default() };
        let over = Operation { name, metadata, done: true, response: any(response.encode_to_vec()), error: None };
        let failed = Operation { error: status, ..over.clone() };
        match (code, news(over)) {
            (0, News::Done(read)) => prop_assert_eq!(*read, response),
            (4, News::TooLong) => {}
            (0 | 4, other) => prop_assert!(false, "{other:?}"),
            (_, other) => prop_assert!(matches!(other, News::Refused(_)), "{other:?}"),
        }
        prop_assert!(matches!(news(failed), News::Refused(_)));
    }

    #[test]
    fn times_in_queues_are_those_that_were_written(
        from in (any::<i64>(), any::<i32>()), waited in 0..u64::MAX / 4, to in (any::<i64>(), any::<i32>()),
    ) {
        let between = |from: (i64, i32), to: (i64, i32)| {
            let time = |(seconds, nanos)| Some(Timestamp { seconds, nanos });
            let metadata = ExecutedActionMetadata {
                queued_timestamp: time(from), worker_start_timestamp: time(to), ..ExecutedActionMetadata::default()
            };
            queued(&ActionResult { execution_metadata: Some(metadata), ..ActionResult::default() })
        };
        // Whatever a clock says.
        let _ = between(from, to);
        let after = |seconds: i64, nanos: i64| (seconds + nanos / 1_000_000_000, (nanos % 1_000_000_000) as i32);
        let begun = (from.0 / 4, 0);
        let to = after(begun.0, waited as i64);
        prop_assert_eq!(between(begun, to), Duration::from_nanos(waited));
        prop_assert_eq!(between(to, begun), Duration::ZERO);
    }

    #[test]
    fn changed_results_are_none_or_whole(
        files in prop::collection::vec((".{0,9}", prop::collection::vec(any::<u8>(), 0..9), any::<bool>()), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let result = result(&files);
        let read = outputs(&result).unwrap();
        for (output, (path, bytes, executable)) in read.iter().zip(&files) {
            prop_assert_eq!((&output.name, output.executable), (path, *executable));
            prop_assert_eq!((output.digest, output.size), (Sha256::of(bytes), bytes.len() as u64));
        }
        let mut changed = result.encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] ^= byte;
        }
        if let Ok(result) = ActionResult::decode(changed.as_slice())
            && let Ok(read) = outputs(&result)
        {
            prop_assert_eq!(read.len(), result.output_files.len());
            prop_assert_eq!(result.exit_code, 0);
        }
    }
}
