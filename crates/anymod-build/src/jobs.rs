//! How many actions may run at once, agreed upon with the other tools of a GNU make jobserver.
//!
//! Under a `make` that passes its jobserver on, each action beyond the first takes one of make's tokens. Otherwise the run
//! opens a jobserver of its own. Either is offered to the tools that are started, so that one which starts jobs itself
//! (a linker, a `make` below us) takes part instead of doubling the load.

use std::process::Command;
use std::sync::mpsc::Sender;

use jobserver::{Acquired, Client, HelperThread};

use crate::environment::Environment;

/// The job slots of a run.
pub(crate) struct Jobs {
    /// The most that may run at once.
    pub(crate) limit: usize,
    client: Option<Client>,
}

impl Jobs {
    /// Joins the jobserver that the environment names, unless a number of jobs was asked for; else opens one.
    pub(crate) fn new(asked: Option<usize>, environment: &Environment) -> Jobs {
        let limit = asked.unwrap_or_else(processors).max(1);
        let named = environment.get("MAKEFLAGS").is_some_and(|flags| flags.contains("--jobserver"));
        if asked.is_none()
            && named
            && let Some(client) = inherited()
        {
            return Jobs { limit, client: Some(client) };
        }
        // One token is ours from the start, as it is for every participant.
        Jobs { limit, client: Client::new(limit - 1).ok() }
    }

    /// Lets a tool take part.
    pub(crate) fn offer(&self, command: &mut Command) {
        if let Some(client) = &self.client {
            client.configure_make(command);
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
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The jobserver of the process that started this one.
#[expect(unsafe_code, reason = "file descriptors inherited by number can be had no other way")]
fn inherited() -> Option<Client> {
    // SAFETY: the descriptors are named by the MAKEFLAGS of whoever started this process and were open when it began;
    // nothing in this program closes descriptors that it did not open, and with `true` the client checks that they are
    // pipes that can be read and written.
    unsafe { Client::from_env_ext(true) }.client.ok()
}
