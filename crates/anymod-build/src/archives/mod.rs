//! Modules as archives: what they are linked with, and what whoever links them has to know.
//!
//! The plan asks [`libraries`] and [`stamp`]; flags, information and build files for others come from the same two, so that
//! there is one source of truth.

pub(crate) mod facts;
mod gather;
mod info;
pub(crate) mod libraries;
mod ninja;
pub(crate) mod pkg_config;
mod request;
pub(crate) mod stamp;

pub use gather::{GatherRequest, gather};
pub use info::{Info, Own, info};
pub use libraries::LibraryOverride;
pub use ninja::{Program, ninja};
pub use request::Request;
