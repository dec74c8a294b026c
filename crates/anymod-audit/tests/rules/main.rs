//! Every rule of the audit: wheels made here that break one, and wheels that come near and do not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod hostile;
mod modules;
mod support;
mod wheels;
