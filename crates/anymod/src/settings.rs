//! Flags that set settings, as every command takes them that builds or uses the store.

use std::path::{Path, PathBuf};

use anymod_build::environment::Environment;
use anymod_build::{RemoteRequest, StoreRequest};
use anymod_model::codes::manifest::USAGE;
use anymod_model::settings::{Layer, NAMESPACES, Settings};
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::{Limit, Limits, Link, Options};
use clap::Args;

// Which store to use.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreArgs {
    /// Directory of the store; `off` for none [default: as configured, else in the user's cache directory]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Keep nothing in a store and look nothing up
    #[arg(long, conflicts_with = "store")]
    no_store: bool,
}

// Which remote server to use.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServerArgs {
    /// Server of the Remote Execution API behind the store, `grpc://HOST:PORT` or `grpcs://HOST:PORT` [default: as
    /// configured, else none]
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// Use no remote server
    #[arg(long, conflicts_with = "remote")]
    no_remote: bool,
    /// Which way results go: `read`, `read-write` or `off` [default: as configured, else `read`]
    #[arg(long, value_name = "MODE")]
    remote_mode: Option<String>,
}

// Which store to use, and which server behind it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SharedArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    server: ServerArgs,
    // Taken to be refused in words that help.
    #[arg(long, value_name = "WHAT", hide = true)]
    remote_download: Option<String>,
}

// Which remote server to use, and for what.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RemoteArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Have the server's workers compile, where the toolchain can be sent along
    #[arg(long)]
    remote_exec: bool,
    /// What to fetch of results that the server has: `all`, `outputs` (finished modules and what something done here reads) or
    /// `minimal` (only the latter) [default: as configured, else `all`]
    #[arg(long, value_name = "WHAT")]
    remote_download: Option<String>,
    /// Actions that are on the server at once [default: as configured, else what `--jobs` says, else 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    remote_jobs: Option<u16>,
    /// When to do here what the server is there for: on its `failure`, or in a `race` with it [default: as configured, else
    /// `failure`]
    #[arg(long, value_name = "WHEN")]
    remote_local_fallback: Option<String>,
}

// How to run.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Actions to run at once; with `--remote-exec`, on the server, and here at most as many as there are processors
    /// [default: as configured, else the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// After a failure, still do everything that does not depend on it
    #[arg(short, long)]
    keep_going: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

impl ServerArgs {
    /// Adds what the flags set.
    fn add(&self, layer: &mut Layer) -> Result<(), Diagnostics> {
        if let Some(remote) = &self.remote {
            layer.flag("remote.endpoint", "--remote", remote)?;
        }
        if self.no_remote {
            layer.flag("remote.endpoint", "--no-remote", "off")?;
        }
        if let Some(mode) = &self.remote_mode {
            layer.flag("remote.mode", "--remote-mode", mode)?;
        }
        Ok(())
    }
}

impl SharedArgs {
    /// What the flags set.
    pub(crate) fn layer(&self) -> Result<Layer, Diagnostics> {
        if self.remote_download.is_some() {
            return Err(no_download("it makes what it is asked for").into());
        }
        let mut layer = self.store.layer()?;
        self.server.add(&mut layer)?;
        Ok(layer)
    }
}

/// The finding of a command that cannot leave results on the server.
fn no_download(why: &str) -> Diagnostic {
    let message = format!("`--remote-download` has no such meaning here: {why}");
    let hint =
        "leave the flag out; `anymod build` and `anymod watch` can leave results on the server";
    Diagnostic::error(&USAGE, message).hint(hint)
}

impl RemoteArgs {
    /// Adds what the flags set.
    pub(crate) fn add(&self, layer: &mut Layer) -> Result<(), Diagnostics> {
        self.server.add(layer)?;
        if self.remote_exec {
            layer.flag("remote.execute", "--remote-exec", "true")?;
        }
        if let Some(what) = &self.remote_download {
            layer.flag("remote.download", "--remote-download", what)?;
        }
        if let Some(jobs) = self.remote_jobs {
            layer.flag("remote.jobs", "--remote-jobs", &jobs.to_string())?;
        }
        if let Some(when) = &self.remote_local_fallback {
            layer.flag("remote.local-fallback", "--remote-local-fallback", when)?;
        }
        Ok(())
    }
}

impl StoreArgs {
    /// What the flags set.
    pub(crate) fn layer(&self) -> Result<Layer, Diagnostics> {
        let mut layer = Layer::new();
        if let Some(store) = &self.store {
            layer.flag("store.path", "--store", &store.to_string_lossy())?;
        }
        if self.no_store {
            layer.flag("store.path", "--no-store", "off")?;
        }
        Ok(layer)
    }
}

impl RunArgs {
    /// Refuses a flag that asks for less than is needed; settings that do are for other commands.
    pub(crate) fn refuse_download(&self, why: &str) -> Result<(), Diagnostic> {
        self.remote.remote_download.as_ref().map_or(Ok(()), |_| Err(no_download(why)))
    }

    /// What the flags set.
    pub(crate) fn layer(&self) -> Result<Layer, Diagnostics> {
        let mut layer = self.store.layer()?;
        if let Some(jobs) = self.jobs {
            layer.flag("build.jobs", "--jobs", &jobs.to_string())?;
        }
        if self.keep_going {
            layer.flag("build.keep-going", "--keep-going", "true")?;
        }
        self.remote.add(&mut layer)?;
        Ok(layer)
    }
}

/// What holds for the project whose manifest is at or above a path, or without one where there is none.
pub(crate) fn load(manifest: &Path, flags: Layer) -> Result<Settings, Diagnostics> {
    let root = anymod_build::settings::project_root(manifest);
    anymod_build::settings::load(root.as_deref(), flags, &Environment::of_process())
}

/// The remote server that settings mean; none if it is off.
pub(crate) fn remote(
    settings: &Settings,
    manifest: &Path,
) -> Result<Option<RemoteRequest>, Diagnostics> {
    let root = anymod_build::settings::project_root(manifest).unwrap_or_default();
    let workspace = root.join(anymod_build::settings::WORKSPACE_FILE);
    Ok(RemoteRequest::of(settings, &workspace)?)
}

/// The store that settings mean, with the server behind it; none if it is off.
pub(crate) fn shared(
    settings: &Settings,
    manifest: &Path,
) -> Result<Option<StoreRequest>, Diagnostics> {
    let remote = remote(settings, manifest)?;
    Ok(store(settings).map(|store| StoreRequest { remote, ..store }))
}

/// The store that settings mean, by itself; none if it is off.
pub(crate) fn store(settings: &Settings) -> Option<StoreRequest> {
    let directory = PathBuf::from(settings.path("store.path")?);
    let limit = |section: &str| Limit {
        bytes: settings.number(&format!("{section}.max-size")),
        entries: settings.number(&format!("{section}.max-entries")),
    };
    let all = limit("store");
    let namespaces = NAMESPACES
        .iter()
        .map(|name| ((*name).to_owned(), limit(&format!("store.namespace.{name}"))));
    let link = match settings.word("store.link") {
        Some("copy") => Link::Copy,
        Some("hardlink") => Link::Hardlink,
        _ => Link::Reflink,
    };
    let limits =
        Limits { bytes: all.bytes, entries: all.entries, namespaces: namespaces.collect() };
    Some(StoreRequest { directory, options: Options { link, limits }, remote: None })
}
