//! The stages of a build, and the services around them; the only room besides the store that touches the file system or
//! starts processes.
//!
//! [`build()`] names the stages in order:
//!
//! | stage | module | from | to |
//! |---|---|---|---|
//! | manifest | `anymod_model::manifest` | `anymod.toml` | checked settings |
//! | plan | `plan` | settings, directories, [`toolchain`]s | actions (`action`) and products |
//! | run | `run`, `work`, `log` | actions | files below `build/` |
//! | install | [`install`] | finished modules | files below `dist/` |
//! | report | `build` | outcomes | [`Report`], [`size`] |
//!
//! Nothing here prints or exits; what happens is told to a sink of `anymod_model::event::Event`s. The process's
//! environment is read in one place, [`environment`]; [`settings`] come from there, from files and from flags.

mod action;
mod build;
mod depfile;
pub mod environment;
mod glob;
mod headers;
mod incbin;
mod init;
pub mod install;
mod log;
pub mod mpy;
mod plan;
mod run;
pub mod settings;
mod shadow;
pub mod size;
pub mod toolchain;
mod work;

pub use build::{BuildRequest, Output, Report, build, read_manifest, sizes};
pub use init::init;
pub use run::Sink;
