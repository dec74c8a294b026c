//! The stages of a build, and the services around them; the only room besides the store that touches the file system or
//! starts processes.
//!
//! [`build()`] names the stages in order:
//!
//! | stage | module | from | to |
//! |---|---|---|---|
//! | manifest | `anymod_model::manifest` | `anymod.toml` | checked settings |
//! | plan | `plan` | settings, directories, [`toolchain`]s | actions (`action`) and products |
//! | check | `check`, `log`, `disk`, `shadow` | actions, what earlier builds left | which are fresh, and why others are not |
//! | run | `run`, `cached`, `work`, `package`, `jobs`, `children` | actions | files below `build/` |
//! | install | `deliver`, [`install`] | finished modules | files below `dist/` |
//! | report | `build` | outcomes | [`Report`], [`size`] |
//!
//! What is asked and answered is in `request`, where a build takes place in `project`, what every part of a run is given in `way`.
//! A build that finds everything as the last one left it goes none of this way: `snapshot` says so from stats alone.
//! [`inspect()`] goes it as far as check.
//!
//! What other builds make of a project is [`artifact`]'s: captured into the store and populated from it.
//!
//! What building for a release of Pyodide takes is made by [`target::add`] and found by [`target::find`]; [`probe`] tries a wheel
//! in the runtime itself.
//!
//! [`bundle`] makes one WebAssembly module of archives.
//!
//! Finished files are looked at by [`audit`]; wheels are unpacked, packed and retagged by [`whl`].
//!
//! Nothing here prints or exits; what happens is told to a sink of `anymod_model::event::Event`s. The process's
//! environment is read in one place, [`environment`]; [`settings`] come from there, from files and from flags.

mod action;
pub mod archives;
pub mod artifact;
pub mod audit;
mod build;
pub mod bundle;
mod cached;
mod cancel;
mod cargo;
mod check;
mod children;
pub mod clean;
mod compile_commands;
mod deliver;
mod depfile;
mod disk;
pub mod embed;
pub mod environment;
mod fence;
mod glob;
mod headers;
mod incbin;
mod init;
mod inspect;
pub mod install;
pub mod intercept;
mod jobs;
pub mod layers;
mod locations;
mod log;
pub mod mpy;
mod node;
pub mod pack;
mod package;
mod plan;
pub mod probe;
mod project;
pub mod remote;
mod request;
mod run;
mod runner;
pub mod settings;
mod shadow;
mod shelf;
pub mod size;
mod snapshot;
pub mod split;
mod stat;
pub mod target;
pub mod toolchain;
mod trace;
pub mod watch;
mod way;
pub mod wheel;
pub mod whl;
mod work;

pub use build::{build, sizes};
pub use cancel::Cancel;
pub use init::init;
pub use inspect::{Inspected, Inspection, inspect, last_run};
pub use project::read_manifest;
pub use remote::{Download, RemoteRequest};
pub use request::{BuildRequest, Output, Report, StoreRequest};
pub use way::Sink;
