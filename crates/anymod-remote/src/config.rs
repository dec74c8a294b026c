//! What a client is told: where the server is, who it is to it, and how long anything may take.

use std::fmt;
use std::time::Duration;

/// Something that is sent to the server and shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A certificate of the client's own, with its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Secret,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `grpc://host:port`, or `grpcs://` for an encrypted connection.
    pub endpoint: String,
    /// Name of the instance; often empty.
    pub instance: String,
    /// What is sent along with every call, such as `authorization`. Names are in small letters.
    pub headers: Vec<(String, Secret)>,
    /// Whom to trust besides those whom the system trusts, PEM.
    pub authority: Option<Vec<u8>>,
    /// Who the client is.
    pub identity: Option<Identity>,
    /// True if results are given to the server as well.
    pub writes: bool,
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long one call may take with all its attempts, besides what its bytes take.
    pub call: Duration,
    /// How long an action may wait for a worker.
    pub queue: Duration,
    /// How long an action may run.
    pub execution: Duration,
}

impl Config {
    /// A server without any secrets, with the usual deadlines, from which results are only taken.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Config {
        Config {
            endpoint: endpoint.into(),
            instance: String::new(),
            headers: Vec::new(),
            authority: None,
            identity: None,
            writes: false,
            connect: Duration::from_secs(3),
            call: Duration::from_secs(10),
            queue: Duration::from_secs(300),
            execution: Duration::from_secs(600),
        }
    }

    /// The endpoint as an address of HTTP; `Err` says what is wrong with it.
    pub(crate) fn address(&self) -> Result<(String, bool), String> {
        let (address, encrypted) = if let Some(rest) = self.endpoint.strip_prefix("grpc://") {
            (format!("http://{rest}"), false)
        } else if let Some(rest) = self.endpoint.strip_prefix("grpcs://") {
            (format!("https://{rest}"), true)
        } else {
            return Err("it has to begin with `grpc://` or `grpcs://`".to_owned());
        };
        if address.contains('@') {
            return Err("it holds a password, which belongs into a header".to_owned());
        }
        Ok((address, encrypted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut config = Config::new("grpc://127.0.0.1:1");
        config.headers.push(("authorization".to_owned(), Secret::new("Bearer s3cret")));
        config.identity = Some(Identity { certificate: Vec::new(), key: Secret::new("s3cret") });
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn endpoints_are_addresses_of_grpc() {
        let address = |endpoint: &str| Config::new(endpoint).address();
        assert_eq!(address("grpc://h:1"), Ok(("http://h:1".to_owned(), false)));
        assert_eq!(address("grpcs://h"), Ok(("https://h".to_owned(), true)));
        for bad in ["h:1", "http://h", "grpc://me:secret@h"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
