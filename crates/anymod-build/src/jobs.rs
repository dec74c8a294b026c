//! How many actions may run at once, agreed upon with the other tools of a GNU make jobserver.
//!
//! Under a `make` that passes its jobserver on, each action beyond the first takes one of make's tokens. Otherwise the run
//! opens a jobserver of its own. Either is offered to the tools that are started, so that one which starts jobs itself
//! (a linker, a `make` below us) takes part instead of doubling the load.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use jobserver::{Acquired, Client, HelperThread};

use crate::environment::Environment;

const MAKEFLAGS: &str = "MAKEFLAGS";

/// The job slots of a run.
pub(crate) struct Jobs {
    /// The most that may run at once.
    pub(crate) limit: usize,
    client: Option<Client>,
    /// What tools are told of it, in `MAKEFLAGS`.
    offered: Option<String>,
}

impl Jobs {
    /// Joins the jobserver that the environment names, unless a number of jobs was asked for; else opens one.
    pub(crate) fn new(asked: Option<usize>, environment: &Environment) -> Jobs {
        let limit = asked.unwrap_or_else(processors).max(1);
        let named =
            environment.all().get(MAKEFLAGS).is_some_and(|flags| flags.contains("--jobserver"));
        let joined = if asked.is_none() && named { inherited() } else { None };
        // One token is ours from the start, as it is for every participant.
        let client = joined.or_else(|| Client::new(limit - 1).ok());
        let offered = client.as_ref().and_then(words);
        if let Some(words) = &offered {
            pass_on(words);
        }
        Jobs { limit, client, offered }
    }

    /// Lets a tool take part.
    pub(crate) fn offer(&self, command: &mut Command) {
        if let Some(words) = &self.offered {
            command.env(MAKEFLAGS, words);
        }
    }

    /// A source of tokens; each that arrives is sent through `deliver`.
    pub(crate) fn tokens<T: Send + 'static>(&self, to: Sender<T>, wrap: fn(Token) -> T) -> Tokens {
        let helper = self.client.clone().and_then(|client| {
            let deliver = move |token: std::io::Result<Acquired>| {
                // Without a token the action has to go on all the same, or the run would never end.
                let _ = to.send(wrap(Token(token.ok())));
            };
            client.into_helper_thread(deliver).ok()
        });
        Tokens { helper, asked: 0, held: Vec::new() }
    }
}

/// Leave to run one more action; given back when dropped.
pub(crate) struct Token(#[expect(dead_code, reason = "held for its drop")] Option<Acquired>);

/// The tokens of a run, besides the one that every participant has without asking.
pub(crate) struct Tokens {
    helper: Option<HelperThread>,
    asked: usize,
    held: Vec<Token>,
}

impl Tokens {
    /// How many actions may run now.
    pub(crate) fn allowed(&self) -> usize {
        if self.helper.is_none() { usize::MAX } else { 1 + self.held.len() }
    }

    /// Asks for one more, unless enough have been asked for.
    pub(crate) fn want(&mut self, running: usize) {
        if let Some(helper) = &self.helper
            && self.asked + self.held.len() < running
        {
            helper.request_token();
            self.asked += 1;
        }
    }

    /// Takes a token that arrived.
    pub(crate) fn arrived(&mut self, token: Token) {
        self.asked = self.asked.saturating_sub(1);
        self.held.push(token);
    }

    /// Gives back what is not needed for so many running actions.
    pub(crate) fn release(&mut self, running: usize) {
        self.held.truncate(running.saturating_sub(1));
    }
}

/// How many processors this machine has.
pub(crate) fn processors() -> usize {
    // Asking reads several files of the control groups.
    static KNOWN: OnceLock<usize> = OnceLock::new();
    *KNOWN.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// The jobserver of the process that started this one.
#[expect(unsafe_code, reason = "file descriptors inherited by number can be had no other way")]
fn inherited() -> Option<Client> {
    // SAFETY: the descriptors are named by the MAKEFLAGS of whoever started this process and were open when it began;
    // nothing in this program closes descriptors that it did not open, and with `true` the client checks that they are
    // pipes that can be read and written.
    unsafe { Client::from_env_ext(true) }.client.ok()
}

/// The words that name a jobserver to those who are to join it.
fn words(client: &Client) -> Option<String> {
    let mut command = Command::new("");
    client.configure_make(&mut command);
    let mut variables = command.get_envs();
    let words = variables.find_map(|(name, value)| if name == MAKEFLAGS { value } else { None });
    Some(words?.to_str()?.to_owned())
}

/// Lets processes that are started inherit the descriptors that a jobserver's words name. The library's own way is to run
/// code between `fork` and `exec`, and a process that does so cannot be started by the much cheaper `posix_spawn`.
#[cfg(unix)]
fn pass_on(words: &str) {
    let Some((_, rest)) = words.split_once("--jobserver-auth=") else { return };
    let descriptors = rest.split(' ').next().unwrap_or_default().split(',');
    for descriptor in descriptors.filter_map(|number| number.parse().ok()) {
        #[expect(unsafe_code, reason = "the descriptors are known by their numbers alone")]
        // SAFETY: the numbers are those of the client, which holds them open for as long as it lives.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
        // If it fails, tools run without the jobserver and say so.
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty());
    }
}

#[cfg(not(unix))]
fn pass_on(_words: &str) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn tools_inherit_a_jobserver_that_works() {
        let directory = tempfile::tempdir().unwrap();
        let makefile = "all: a b\na b:\n\t@echo $@ $(MAKEFLAGS)\n";
        std::fs::write(directory.path().join("Makefile"), makefile).unwrap();
        let jobs = Jobs::new(Some(3), &Environment::default());
        let mut make = Command::new("make");
        make.current_dir(directory.path());
        jobs.offer(&mut make);
        let output = make.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "no word of a missing jobserver: {said}"
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("--jobserver-auth="));
    }
}
