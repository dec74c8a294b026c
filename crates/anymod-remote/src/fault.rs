//! What can go wrong between a client and a server.

use std::fmt;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server does not have it: an answer, not a failure.
    Missing,
    /// The server is not asked any more.
    Off,
    /// The server was not reached, or did not answer in time.
    Away(String),
    /// The server does not do this for this client: read-only, not allowed, too much.
    Refused(String),
    /// A file that was to be given to it is not what it was.
    Changed,
    /// What the server sent is not what it should be.
    Wrong(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => f.write_str("the server does not have it"),
            Fault::Off => f.write_str("the server is left alone for the rest of this run"),
            Fault::Changed => f.write_str("a file to be uploaded has changed"),
            Fault::Away(why) | Fault::Refused(why) | Fault::Wrong(why) => f.write_str(why),
        }
    }
}

impl Fault {
    /// What a status of gRPC comes to. Only the server's code and words are told, never what was sent to it.
    pub(crate) fn of(status: &tonic::Status) -> Fault {
        use tonic::Code;
        let words = words(status);
        match status.code() {
            Code::NotFound => Fault::Missing,
            Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::ResourceExhausted
            | Code::OutOfRange => Fault::Refused(words),
            Code::DataLoss => Fault::Wrong(words),
            _ => Fault::Away(words),
        }
    }
}

/// How often a call is tried that ended so.
pub(crate) fn attempts(code: tonic::Code) -> u32 {
    use tonic::Code;
    match code {
        Code::Unavailable | Code::Aborted | Code::ResourceExhausted => 4,
        // What a broken connection looks like from here.
        Code::Unknown | Code::Internal | Code::Cancelled | Code::DataLoss => 2,
        _ => 1,
    }
}

fn words(status: &tonic::Status) -> String {
    let name = format!("{:?}", status.code());
    // Transport errors say little themselves; their sources say what happened.
    let mut message = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        let text = error.to_string();
        if !message.contains(&text) {
            message = if message.is_empty() { text } else { format!("{message}: {text}") };
        }
        source = error.source();
    }
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let message: String = message.chars().take(300).collect();
    if message.is_empty() { name } else { format!("{name}: {message}") }
}
