//! The content-addressed store: what decides an action's bytes, and the bytes that came of it.
//!
//! | module | owns |
//! |---|---|
//! | [`digest`] | SHA-256 of bytes and of framed fields |
//! | [`walk`] | the one walk over everything that decides bytes, and its visitors: key and explanation |
//! | `store` | what users call: find, restore, keep, claim |
//! | `layout` | every path, and what may become a part of one |
//! | `record` | what is known of a key, as values and as text |
//! | `blobs`, `flush`, `restore` | files in, to the disk, checked files out |
//! | `locks`, `claims` | many use or one collects; who runs which action |
//! | `limits`, `grown`, `scan`, `collect` | how much it may hold, how much it holds, what goes |
//! | `verify`, `statistics` | is it sound, what is in it |
//! | `files`, `warnings` | creating files; telling trouble once |
//! | [`text`] | texts that several rooms write alike |
//!
//! On disk, below the directory that [`Store::open`] is given (byte tables in `docs/formats/store.md`):
//!
//! ```text
//! v1/CACHEDIR.TAG
//! v1/blobs/ab/<sha-256>             a file, read-only
//! v1/records/<namespace>/ab/<key>   what is known of a key; its modification time is its last use
//! v1/claims/<key>                   locked while the action runs
//! v1/grown                          about how much is in here
//! v1/gate, v1/lock                  locked while the store is used or collected
//! v1/tmp/, v1/trash/                being written, being removed
//! ```
//!
//! It knows nothing of stages, plans or tools: an action is a walk, outputs are files. Nothing in it fails a build but a
//! destination that cannot be written.

mod blobs;
mod claims;
mod collect;
pub mod digest;
mod files;
mod flush;
mod grown;
mod layout;
mod limits;
mod locks;
mod record;
mod restore;
mod scan;
mod statistics;
mod store;
pub mod text;
mod verify;
pub mod walk;
mod warnings;

pub use blobs::Blobs;
pub use claims::{Claim, ClaimGuard};
pub use collect::Collected;
pub use digest::{Digest, Fields};
pub use files::TEMPORARY;
pub use limits::{Held, Limit, Limits};
pub use record::{Entry, Output, Record};
pub use restore::Link;
pub use statistics::{Explained, Part, Statistics};
pub use store::{Kept, Options, Store};
pub use verify::Verified;
pub use walk::{Explanation, Field, KeyHasher, Visit};
