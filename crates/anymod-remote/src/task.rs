//! Actions to be executed elsewhere, as data: the messages that describe one, and where its files are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;

use crate::blobs::Load;
use crate::message::{self, Action, Command, Digest, Pair, Platform};
use crate::tree::{Subtree, Tree};

/// What an action reads.
pub struct Inputs {
    /// The files that are in no part.
    pub files: BTreeSet<Digest>,
    /// Directories that are grafted into its input root.
    pub parts: Vec<Arc<Subtree>>,
    /// Where the bytes of files are.
    pub load: Arc<Load>,
}

/// An action to be executed.
pub struct Task {
    /// Its digest.
    pub action: Digest,
    /// What describes it: the action, the command and those directories that are in no part.
    pub described: BTreeMap<Digest, Vec<u8>>,
    /// What it reads.
    pub inputs: Inputs,
    /// What it makes, by the names that the command has for it.
    pub outputs: Vec<String>,
    /// What a worker has to be like, for messages.
    pub platform: String,
}

impl Task {
    /// An action: a command in a directory.
    #[must_use]
    pub fn new(
        mut command: Command,
        root: &Tree,
        platform: &[(String, String)],
        timeout: Duration,
        inputs: Inputs,
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
        let outputs = command.output_paths.clone();
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
            timeout: Some(message::Duration { seconds, nanos: 0 }),
            platform,
            ..Action::default()
        };
        let action = describe(action.encode_to_vec());
        Task { action, described, inputs, outputs, platform: shown.join(", ") }
    }

    /// The messages and files of the action alone.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Digest> {
        self.described.keys().chain(&self.inputs.files)
    }
}
