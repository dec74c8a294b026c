//! What a server is sent for an action: the action, its command and its input root, with digests and sizes.
//!
//! Made by the code that makes what is sent, for the files as they are now.

use anymod_model::codes::remote as codes;
use anymod_model::{Diagnostic, Diagnostics};
use anymod_remote::Task;
pub use anymod_remote::message::Digest;
use anymod_remote::message::{Action, Command, Directory};
use prost::Message as _;

use super::execute::Executor;
use crate::inspect::planned;
use crate::project::Project;
use crate::request::BuildRequest;

/// An action as a server is sent it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Digest of the action, by which servers and their logs call it.
    pub action: Digest,
    /// Digest of its command.
    pub command: Digest,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// The environment, by name.
    pub environment: Vec<(String, String)>,
    /// What it makes, relative to the directory that it runs in.
    pub outputs: Vec<String>,
    /// The directory that it runs in.
    pub directory: String,
    /// What a worker has to be like, as the action says and as the command does.
    pub platforms: [Vec<(String, String)>; 2],
    /// Digest of the input root.
    pub root: Digest,
    /// What is in it, in order.
    pub tree: Vec<Node>,
}

/// A file or directory of an input root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub path: String,
    /// Its digest: of a directory that of its message.
    pub digest: Digest,
    /// What it is.
    pub kind: Kind,
}

/// What something in an input root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, and whether it may be executed.
    File {
        /// True if so.
        executable: bool,
    },
    /// A directory, whose entries follow.
    Directory,
    /// A directory that many actions have, of so many files, which are not listed.
    Shared {
        /// How many.
        files: usize,
    },
}

/// What is sent for an action, by a file that it makes or by the digest that a server knows it by.
///
/// # Errors
/// What planning says, and `F0008` if there is no such action or it is not sent to servers.
pub fn explain(request: &BuildRequest, action: &str) -> Result<Sent, Diagnostics> {
    let remote = request.store.as_ref().and_then(|store| store.remote.as_ref());
    let executor = remote.map_or_else(
        || Executor::new(1, false, Vec::new(), DEADLINE, false),
        |remote| remote.any_executor(),
    );
    let root = Project::find(request)?.root;
    let (plan, locations) = planned(request)?;
    let is_digest = action.len() == 64 && action.bytes().all(|byte| byte.is_ascii_hexdigit());
    let built = plan.products.iter().find(|product| product.installed == action);
    let output = built.map_or(action, |product| product.built.as_str());
    let mut known = false;
    for candidate in &plan.actions {
        let named = candidate.outputs.iter().any(|made| made == output);
        known |= named;
        if !(named || is_digest) || !executor.takes(candidate, &locations) {
            continue;
        }
        let task = executor.task(candidate, &root, &locations);
        if let Some(task) = task.filter(|task| named || task.action.hash == action) {
            return sent(&task).ok_or_else(|| unsent(action, true).into());
        }
    }
    Err(unsent(action, known).into())
}

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(600);

fn unsent(action: &str, known: bool) -> Diagnostic {
    let (message, hint) = if known {
        (
            format!("`{action}` is made on this machine, whatever the server offers"),
            "servers are sent compilations by toolchains that anymod installed, whose sources tell all that they read",
        )
    } else {
        (
            format!("no action makes `{action}` or has that digest"),
            "`anymod graph --format json` lists the files that actions make",
        )
    };
    Diagnostic::error(&codes::UNSENT, message).hint(hint)
}

fn sent(task: &Task) -> Option<Sent> {
    let described = |digest: &Digest| task.described.get(digest).map(Vec::as_slice);
    let action = Action::decode(described(&task.action)?).ok()?;
    let (digest, root) = (action.command_digest?, action.input_root_digest?);
    let command = Command::decode(described(&digest)?).ok()?;
    let mut tree = Vec::new();
    walk(task, &root, "", &mut tree)?;
    let platforms = [action.platform, command.platform].map(|platform| {
        let properties = platform.unwrap_or_default().properties.into_iter();
        properties.map(|pair| (pair.name, pair.value)).collect()
    });
    let environment = command.environment_variables.into_iter();
    Some(Sent {
        action: task.action.clone(),
        command: digest,
        arguments: command.arguments,
        environment: environment.map(|pair| (pair.name, pair.value)).collect(),
        outputs: command.output_paths,
        directory: command.working_directory,
        platforms,
        root,
        tree,
    })
}

/// Lists what is in a directory that is the action's own.
fn walk(task: &Task, digest: &Digest, path: &str, tree: &mut Vec<Node>) -> Option<()> {
    let directory = Directory::decode(task.described.get(digest)?.as_slice()).ok()?;
    for file in directory.files {
        let kind = Kind::File { executable: file.is_executable };
        tree.push(Node { path: crate::disk::join(path, &file.name), digest: file.digest?, kind });
    }
    for inner in directory.directories {
        let (digest, path) = (inner.digest?, crate::disk::join(path, &inner.name));
        let part = task.inputs.parts.iter().find(|part| part.digest == digest);
        let own = task.described.contains_key(&digest);
        let kind = match part {
            Some(part) if !own => Kind::Shared { files: part.files.len() },
            _ => Kind::Directory,
        };
        tree.push(Node { path: path.clone(), digest: digest.clone(), kind });
        if kind == Kind::Directory {
            walk(task, &digest, &path, tree)?;
        }
    }
    Some(())
}
