//! Cancellation: a flag that a signal handler sets and that a run looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells a run to stop. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicUsize>);

impl Cancel {
    /// The flag, for a signal handler to store a signal's number in.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// True once the run is to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}
