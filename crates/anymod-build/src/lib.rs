//! The stages of a build: manifest, plan, run (compile, link, merge), install, report; and the services around them.

pub mod digest;
pub mod environment;
pub mod install;
mod log;
pub mod toolchain;
