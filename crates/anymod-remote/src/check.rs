//! Trying a server out: what it says and what it really does, step by step.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anymod_store::{Digest as Sha256, Entry, Output};

use crate::cache::Step;
use crate::client::Client;
use crate::fault::Fault;
use crate::message::{Command, Digest};
use crate::probe_program;
use crate::task::{Inputs, Task};
use crate::tree::Tree;
use crate::wire::{Wire, random};

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What was tried.
    pub what: &'static str,
    /// How it went.
    pub went: Went,
    /// What there is to say of it.
    pub told: String,
    /// How long it took.
    pub took: Duration,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// As it should.
    Well,
    /// The server or the settings leave it out.
    Without,
    /// It did not.
    Wrong,
}

/// A blob that goes in one call, and one that goes in pieces.
const SIZES: [(&str, usize); 2] = [("small blob", 1 << 10), ("large blob", 5 << 20)];
const NAMESPACE: &str = "check";
/// What the program that is executed writes, and where.
const OUTPUT: &str = "out";

impl Client {
    /// Tries everything that a build uses, in order; nothing is written unless the configuration lets results be given.
    #[must_use]
    pub fn check(&self) -> Vec<Tried> {
        let tried = self.wait(async |wire| Ok(check(&wire).await));
        tried.unwrap_or_default()
    }
}

async fn check(wire: &Wire) -> Vec<Tried> {
    let mut tried = Vec::new();
    let begun = Instant::now();
    let can = match wire.capabilities().await {
        Ok(can) => can.clone(),
        Err(fault) => {
            tried.push(step("connection", begun, Err(fault)));
            return tried;
        }
    };
    let said = match can.said_batch {
        0 => "does not say".to_owned(),
        bytes => format!("says {bytes}"),
    };
    let (low, high) = &can.versions;
    let told = format!(
        "API {low} to {high}; up to {} bytes in a call (it {said}); results {}; execution {}",
        can.batch,
        if can.updates { "taken" } else { "not taken" },
        if can.executes { "offered" } else { "not offered" },
    );
    tried.push(step("connection", begun, Ok(told)));
    let begun = Instant::now();
    let nothing = Step { namespace: NAMESPACE, key: Sha256::of(&random().to_le_bytes()) };
    let lookup = match wire.surroundings(&nothing).await {
        Err(Fault::Missing) => Ok("a result that nobody has given is not found".to_owned()),
        Ok(_) => Err(Fault::Wrong("it has a result that nobody has given".to_owned())),
        Err(fault) => Err(fault),
    };
    tried.push(step("lookup", begun, lookup));
    if !wire.config.writes {
        for what in ["small blob", "large blob", "result", "execution"] {
            tried.push(without(what, "`remote.mode` is `read`: nothing is written"));
        }
        return tried;
    }
    for (what, size) in SIZES {
        let begun = Instant::now();
        tried.push(step(what, begun, there_and_back(wire, size).await));
    }
    let begun = Instant::now();
    tried.push(match can.updates {
        true => step("result", begun, result(wire).await),
        false => without("result", "the server takes none"),
    });
    let begun = Instant::now();
    tried.push(match can.executes {
        true => step("execution", begun, execution(wire).await),
        false => without("execution", "the server offers none"),
    });
    tried
}

fn step(what: &'static str, begun: Instant, went: Result<String, Fault>) -> Tried {
    let took = begun.elapsed();
    match went {
        Ok(told) => Tried { what, went: Went::Well, told, took },
        Err(fault) => Tried { what, went: Went::Wrong, told: fault.to_string(), took },
    }
}

fn without(what: &'static str, told: &str) -> Tried {
    Tried { what, went: Went::Without, told: told.to_owned(), took: Duration::ZERO }
}

/// Bytes that no server has seen.
fn fresh(size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend(random().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

async fn there_and_back(wire: &Wire, size: usize) -> Result<String, Fault> {
    let bytes = fresh(size);
    let digest = Digest::of(&bytes);
    if wire.missing(vec![digest.clone()]).await?.is_empty() {
        return Err(Fault::Wrong("it says that it has a blob that nobody has given".to_owned()));
    }
    let load = |_: &Digest| Some(bytes.clone());
    wire.give([digest.clone()].into(), &load).await?;
    if !wire.missing(vec![digest.clone()]).await?.is_empty() {
        return Err(Fault::Wrong("it lacks a blob that it was just given".to_owned()));
    }
    let taken = wire.take([digest].into()).await?;
    if taken.into_values().next() != Some(bytes) {
        return Err(Fault::Wrong("a blob came back different".to_owned()));
    }
    Ok(format!("{size} bytes given and taken"))
}

async fn result(wire: &Wire) -> Result<String, Fault> {
    let bytes = fresh(64);
    let digest = Sha256::of(&bytes);
    let step = Step { namespace: NAMESPACE, key: Sha256::of(&fresh(8)) };
    let size = bytes.len() as u64;
    let output = Output { name: "a".to_owned(), digest, size, executable: false };
    let entry = Entry { outputs: vec![output], ..Entry::default() };
    let load = |_: &Digest| Some(bytes.clone());
    wire.share(&step, &entry, &load).await?;
    let record = wire.surroundings(&step).await?;
    let known = record.entries.into_iter().next().ok_or(Fault::Missing)?;
    let fetched = wire.fetch(&step, known, &|_| true).await?;
    if fetched.entry != entry || fetched.blobs != [bytes] {
        return Err(Fault::Wrong("a result came back different".to_owned()));
    }
    Ok("given and taken".to_owned())
}

/// Has a program of a few bytes executed, which needs nothing of the worker but its processor and kernel.
async fn execution(wire: &Wire) -> Result<String, Fault> {
    let program = probe_program::program(&random().to_string());
    let digest = Digest::of(&program);
    let mut root = Tree::default();
    if !root.add("probe", digest.clone(), true) || !root.directory("made") {
        return Err(Fault::Wrong("no directory for the action".to_owned()));
    }
    let command = Command {
        arguments: vec!["./probe".to_owned()],
        output_paths: vec![OUTPUT.to_owned()],
        ..Command::default()
    };
    let expected = probe_program::written(&program);
    let load = Arc::new(move |_: &Digest| Some(program.clone()));
    let inputs = Inputs { files: [digest].into(), parts: Vec::new(), load };
    let task = Task::new(command, &root, &[], wire.config.execution, inputs);
    let executed = wire.execute(&task, &Mutex::default()).await?;
    if executed.exit_code != 0 {
        let said = String::from_utf8_lossy(&executed.said).trim().to_owned();
        let code = executed.exit_code;
        return Err(Fault::Wrong(format!(
            "a program for Linux on x86-64 ended with {code}: {said}"
        )));
    }
    match executed.files.get(OUTPUT) {
        Some((bytes, _)) if *bytes == expected => {
            let worker = match executed.worker.as_str() {
                "" => "a worker".to_owned(),
                name => format!("worker `{name}`"),
            };
            Ok(format!("{worker} ran a program for Linux on x86-64"))
        }
        Some(_) => Err(Fault::Wrong("the output of an action is not what it wrote".to_owned())),
        None => {
            Err(Fault::Wrong("it says that an action succeeded, and lacks its output".to_owned()))
        }
    }
}
