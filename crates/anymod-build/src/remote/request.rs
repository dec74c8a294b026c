//! What a run is told of a remote server: settings, and the files and commands that secrets come from.
//!
//! Secrets are read when a server is first needed, so that a build with nothing to do asks nobody for a password. They
//! are in no event, no log and no key.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anymod_model::codes::remote as codes;
use anymod_model::settings::{Found, Origin, Settings, Value};
use anymod_model::{Diagnostic, Place};
use anymod_remote::{Config, Identity, Secret};

use super::execute::Executor;
use crate::environment::Environment;
use crate::install;

/// A server to be used, as settings name it.
#[derive(Clone, Debug)]
pub struct RemoteRequest {
    settings: Settings,
    /// What is fetched of results that nothing here needs; all unless the caller can do with less.
    pub download: Download,
    /// How long the end of a run waits for uploads.
    pub(crate) patience: Duration,
}

/// What is fetched of the results that a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Download {
    /// Everything.
    #[default]
    All,
    /// Finished modules, and what something done here reads.
    Outputs,
    /// What something done here reads.
    Minimal,
}

impl Download {
    /// What settings ask for.
    #[must_use]
    pub fn of(settings: &Settings) -> Download {
        match settings.word("remote.download") {
            Some("outputs") => Download::Outputs,
            Some("minimal") => Download::Minimal,
            _ => Download::All,
        }
    }
}

/// Settings that are sent to the server.
const SECRETS: [&str; 4] =
    ["remote.token-file", "remote.token-command", "remote.client-certificate", "remote.client-key"];
/// Whom to trust besides those whom the system trusts.
pub(super) const AUTHORITY: &str = "remote.certificate-authority";
/// Who the client is.
pub(super) const CERTIFICATE: &str = "remote.client-certificate";
const HEADER: &str = "remote.header.";
const PLATFORM: &str = "remote.platform.";

impl RemoteRequest {
    /// The server that settings name; none if they name none or turn it off.
    ///
    /// # Errors
    /// `F0004` if a secret is set elsewhere than the server.
    pub fn of(settings: &Settings, workspace: &Path) -> Result<Option<RemoteRequest>, Diagnostic> {
        let off = settings.word("remote.mode") == Some("off");
        if settings.text("remote.endpoint").is_none() || off {
            return Ok(None);
        }
        if let Some(key) = foreign_secret(settings, workspace) {
            let message = format!("`{key}` is not set where the remote server is");
            let origin = settings.get("remote.endpoint").and_then(|found| found.origin.place());
            let finding = Diagnostic::error(&codes::FOREIGN_SECRET, message)
                .note("the workspace's file of settings names the server")
                .hint("name the server with `--remote`, `ANYMOD_REMOTE` or in the user's file");
            return Err(match origin {
                Some(place) => finding.at(place),
                None => finding,
            });
        }
        let patience = Duration::from_secs(settings.number("remote.upload-wait").unwrap_or(10));
        Ok(Some(RemoteRequest { settings: settings.clone(), download: Download::All, patience }))
    }

    /// How the server is reached, secrets included.
    ///
    /// # Errors
    /// `F0001` if a secret cannot be had.
    pub(crate) fn config(&self, environment: &Environment) -> Result<Config, Diagnostic> {
        let settings = &self.settings;
        let mut config = Config::new(settings.text("remote.endpoint").unwrap_or_default());
        config.instance = settings.text("remote.instance").unwrap_or_default().to_owned();
        config.writes = settings.word("remote.mode") == Some("read-write");
        config.call = Duration::from_secs(settings.number("remote.timeout").unwrap_or(10));
        config.queue = Duration::from_secs(settings.number("remote.queue-timeout").unwrap_or(300));
        config.execution = self.execution();
        config.connect = config.connect.min(config.call);
        for (key, found) in settings.all() {
            if let (Some(name), Value::Secret(text)) = (key.strip_prefix(HEADER), &found.value) {
                config.headers.push((name.to_ascii_lowercase(), Secret::new(text)));
            }
        }
        if let Some(token) = self.token(environment)? {
            let secret = Secret::new(format!("Bearer {token}"));
            config.headers.push(("authorization".to_owned(), secret));
        }
        let file = |key: &str, holds: &str| match settings.path(key) {
            Some(path) => pem(Path::new(path), key, holds).map(Some),
            None => Ok(None),
        };
        config.authority = file(AUTHORITY, "CERTIFICATE")?;
        let certificate = file(CERTIFICATE, "CERTIFICATE")?;
        config.identity = match (certificate, file("remote.client-key", "PRIVATE KEY")?) {
            (Some(certificate), Some(key)) => {
                let key = Secret::new(String::from_utf8_lossy(&key));
                Some(Identity { certificate, key })
            }
            (None, None) => None,
            _ => {
                let message = "a client's certificate and its key belong together";
                let hint = "set both `remote.client-certificate` and `remote.client-key`";
                return Err(Diagnostic::error(&codes::CONFIGURATION, message).hint(hint));
            }
        };
        Ok(config)
    }

    /// The file that says whom to trust.
    pub(crate) fn authority(&self) -> Option<String> {
        self.settings.path(AUTHORITY).map(str::to_owned)
    }

    /// What doing actions on the server needs; none if they are to be done here.
    pub(crate) fn executor(&self) -> Option<Executor> {
        self.executes().then(|| self.any_executor())
    }

    /// The same, whether actions are to be done there or not.
    pub(crate) fn any_executor(&self) -> Executor {
        let settings = &self.settings;
        let property = |(key, found): (&str, &Found)| {
            Some((key.strip_prefix(PLATFORM)?.to_owned(), found.value.to_string()))
        };
        let platform = settings.all().filter_map(property).collect();
        let races = settings.word("remote.local-fallback") == Some("race");
        let hosts = settings.is_on("remote.host-compilers");
        Executor::new(self.jobs(), races, platform, self.execution(), hosts)
    }

    /// True if actions are to be done by the server.
    pub(crate) fn executes(&self) -> bool {
        self.settings.is_on("remote.execute")
    }

    /// How many at once.
    pub(crate) fn jobs(&self) -> usize {
        let settings = &self.settings;
        let jobs = settings.number("remote.jobs").or(settings.number("build.jobs"));
        jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(64).max(1)
    }

    fn execution(&self) -> Duration {
        Duration::from_secs(self.settings.number("remote.execution-timeout").unwrap_or(600))
    }

    fn token(&self, environment: &Environment) -> Result<Option<String>, Diagnostic> {
        let text = if let Some(path) = self.settings.path("remote.token-file") {
            install::read(Path::new(path))?
        } else if let Some(line) = self.settings.text("remote.token-command") {
            said(line, environment)?
        } else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&text);
        let token = text.lines().next().unwrap_or_default().trim();
        if token.is_empty() {
            let finding = Diagnostic::error(&codes::CONFIGURATION, "the token is empty");
            return Err(finding.hint("its first line is what is sent"));
        }
        Ok(Some(token.to_owned()))
    }
}

/// What a command line of the user's says. It is the user's own, so it gets the user's environment.
fn said(line: &str, environment: &Environment) -> Result<Vec<u8>, Diagnostic> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([option, line]).env_clear().envs(environment.all());
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let failed = |why: String| {
        Diagnostic::error(&codes::CONFIGURATION, format!("the command for the token {why}"))
            .hint("run what `remote.token-command` says by hand")
    };
    let output = output
        .map_err(|error| failed(format!("could not be started: {}", install::reason(&error))))?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(output.status.to_string())) }
}

/// A secret that would go to a server which somebody else chose.
fn foreign_secret(settings: &Settings, workspace: &Path) -> Option<String> {
    let workspace = workspace.display().to_string();
    let of_workspace =
        |origin: &Origin| matches!(origin, Origin::File { file, .. } if *file == workspace);
    let endpoint = settings.get("remote.endpoint")?;
    if !of_workspace(&endpoint.origin) {
        return None;
    }
    let secret = |key: &str| SECRETS.contains(&key) || key.starts_with(HEADER);
    let mut foreign =
        settings.all().filter(|(key, found)| secret(key) && !of_workspace(&found.origin));
    foreign.next().map(|(key, _)| key.to_owned())
}

/// A file of a setting, which has to hold a part of this kind.
fn pem(path: &Path, key: &str, holds: &str) -> Result<Vec<u8>, Diagnostic> {
    let bytes = install::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    if text
        .lines()
        .any(|line| line.starts_with("-----BEGIN ") && line.ends_with(&format!("{holds}-----")))
    {
        return Ok(bytes);
    }
    let message = format!("`{key}` names a file without a `{holds}` in PEM");
    Err(Diagnostic::error(&codes::CONFIGURATION, message)
        .at(Place::file(path.display().to_string()))
        .hint(format!("give a file with a line `-----BEGIN {holds}-----`")))
}

#[cfg(test)]
mod tests {
    use anymod_model::settings::{Layer, parse};

    use super::*;

    fn request(layers: &[(&str, &str)]) -> Result<Option<RemoteRequest>, Diagnostic> {
        let layers = layers.iter().map(|(file, text)| parse(text, file).unwrap());
        RemoteRequest::of(&Settings::of(layers), Path::new("/w/.config/anymod.toml"))
    }

    const SERVER: &str = "[remote]\nendpoint = \"grpc://h:1\"\n";

    #[test]
    fn a_secret_goes_only_where_whoever_set_it_wants() {
        let (user, workspace) = ("/u/config.toml", "/w/.config/anymod.toml");
        for secret in ["token-file = \"t\"", "token-command = \"x\"", "header.x-key = \"v\""] {
            let alone = format!("[remote]\n{secret}\n");
            let both = format!("{SERVER}{secret}\n");
            assert!(request(&[(user, &both)]).unwrap().is_some());
            assert!(request(&[(workspace, &both)]).unwrap().is_some());
            assert!(request(&[(user, SERVER), (workspace, &alone)]).unwrap().is_some());
            let finding = request(&[(user, &alone), (workspace, SERVER)]).unwrap_err();
            assert_eq!(finding.code.id, "F0004", "{secret}");
        }
    }

    #[test]
    fn tokens_come_from_files_and_commands_and_are_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "s3cret\n").unwrap();
        let environment = Environment::default().with("PATH", "/usr/bin:/bin");
        for setting in [
            format!("token-file = \"{}\"", file.display()),
            "token-command = \"echo s3cret\"".to_owned(),
        ] {
            let text = format!("{SERVER}{setting}\n");
            let config = request(&[("/u", &text)]).unwrap().unwrap().config(&environment).unwrap();
            let secret = ("authorization".to_owned(), Secret::new("Bearer s3cret"));
            assert_eq!(config.headers, [secret]);
            assert!(!format!("{config:?}").contains("s3cret"));
        }
        let failing = format!("{SERVER}token-command = \"echo s3cret; exit 3\"\n");
        let failing = request(&[("/u", &failing)]).unwrap().unwrap().config(&environment);
        let told = format!("{:?}", failing.unwrap_err());
        assert!(told.contains("F0001") && !told.contains("s3cret"), "{told}");
    }

    #[test]
    fn it_can_be_off() {
        assert!(request(&[]).unwrap().is_none());
        assert!(
            request(&[("/u", SERVER), ("/v", "[remote]\nmode = \"off\"\n")]).unwrap().is_none()
        );
        let mut flags = Layer::new();
        flags.flag("remote.endpoint", "--no-remote", "off").unwrap();
        let settings = Settings::of([parse(SERVER, "/u").unwrap(), flags]);
        assert!(RemoteRequest::of(&settings, Path::new("/w")).unwrap().is_none());
    }
}
