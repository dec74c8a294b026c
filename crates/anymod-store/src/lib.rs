//! The content-addressed store: what decides an action's bytes, and the bytes that came of it.
//!
//! | module | owns |
//! |---|---|
//! | [`digest`] | SHA-256 of bytes and of framed fields |
//! | [`walk`] | the one walk over everything that decides bytes, and its visitors: key and explanation |
//!
//! It knows nothing of stages, plans or tools: an action is a walk, outputs are files.

pub mod digest;
pub mod walk;

pub use digest::{Digest, Fields};
pub use walk::{Explanation, Field, KeyHasher, Visit};
