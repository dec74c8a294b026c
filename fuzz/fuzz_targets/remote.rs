//! Bytes as what a server of the Remote Execution API sends, as paths of an input root, and as a remembered toolchain.
#![no_main]

use std::collections::BTreeMap;

use anymod_remote::message::{ActionResult, Digest, Directory, Operation};
use anymod_remote::{News, Tree, news, outputs, queued};
use anymod_store::Digest as Sha256;
use prost::Message as _;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(result) = ActionResult::decode(data)
        && let Ok(read) = outputs(&result)
    {
        assert!(read.len() == result.output_files.len(), "each file is read");
    }
    if let Ok(operation) = Operation::decode(data) {
        let is_over = operation.done;
        let news = news(operation);
        assert!(is_over != matches!(news, News::Waits | News::Runs), "what is over is not under way");
        if let News::Done(response) = news {
            std::hint::black_box(queued(&response.result.unwrap_or_default()));
        }
    }
    if let Ok(directory) = Directory::decode(data) {
        let again = Directory::decode(directory.encode_to_vec().as_slice());
        assert!(again == Ok(directory), "a directory is read as it was written");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut tree = Tree::default();
    for path in text.lines() {
        let _ = tree.add(path, Digest::of(path.as_bytes()), false);
    }
    let mut messages = BTreeMap::new();
    let root = tree.encode(&mut messages);
    assert!(messages.contains_key(&root), "the root is among the messages");
    let memo = format!("anymod-toolchain-tree 1 stamp\n{text}\n");
    let memo = format!("{memo}= {}\n", Sha256::of(memo.as_bytes()));
    std::hint::black_box(anymod_build::remote::remembered(memo.as_bytes(), " stamp"));
    std::hint::black_box(anymod_build::remote::remembered(data, " stamp"));
});
