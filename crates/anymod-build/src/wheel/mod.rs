//! Wheels for Pyodide out of any package: the package's own build backend runs unmodified, with a stand-in for the compilers
//! around it.
//!
//! [`build()`] goes through the stages, once for each target:
//!
//! | stage | module | from | to |
//! |---|---|---|---|
//! | fetch | `source`, `unpack` | a directory, a source distribution, a release | a tree of this run's own |
//! | prepare | `python`, `rust`, `environment`, `cython`, `backend` | what the backend needs | an isolated environment, kept for the next build |
//! | build | `cross`, `backend`, [`crate::intercept`] | the tree | a wheel as the backend leaves it |
//! | check | `extensions`, `finish` | that wheel, the trace | names and tags of the target, findings |
//! | install | `finish` | its bytes | a file in the output directory, at once or not at all |
//!
//! Everything happens below one scratch directory (`scratch`) in the user's cache directory; every process is started by
//! `crate::runner`, so that an interrupted run ends them all.

mod backend;
mod build;
mod cross;
mod cython;
mod environment;
mod extensions;
mod finish;
mod python;
mod request;
mod rust;
mod scratch;
mod source;
mod unpack;

pub use build::build;
pub use request::{Built, Event, Stage, WheelRequest};
pub use source::Source;
