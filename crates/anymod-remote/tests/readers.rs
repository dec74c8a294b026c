//! Readers of what servers send: any bytes are read without a panic, and what is read is what was written.

use anymod_remote::message::{ActionResult, Digest, Directory, OutputFile};
use anymod_remote::outputs;
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
