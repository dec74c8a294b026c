//! Connections for calls that take long: servers let only so many be open on one connection, often a hundred, and what
//! comes on top waits for one of them to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::transport::{Channel, Endpoint};

/// How many connections there are at most besides the first. One comes about when those before it are full.
const MORE: usize = 23;
/// How many calls are open on one.
const CALLS: usize = 80;

/// The connections.
pub(crate) struct Lanes {
    first: Lane,
    more: Vec<Lane>,
}

struct Lane {
    channel: Channel,
    open: Arc<AtomicUsize>,
}

/// A place on one of them; given back when it is dropped.
pub(crate) struct Place {
    pub(crate) channel: Channel,
    open: Arc<AtomicUsize>,
}

impl Lanes {
    /// Connections that come about when they are used. Has to be called inside the runtime.
    pub(crate) fn new(endpoint: &Endpoint) -> Lanes {
        let lane = || Lane { channel: endpoint.connect_lazy(), open: Arc::default() };
        Lanes { first: lane(), more: (0..MORE).map(|_| lane()).collect() }
    }

    /// A place on the first connection that is not full, else on the one with the fewest calls.
    pub(crate) fn enter(&self) -> Place {
        let lanes = || std::iter::once(&self.first).chain(&self.more);
        let calls = |lane: &&Lane| lane.open.load(Ordering::Relaxed);
        let free = lanes().find(|lane| calls(lane) < CALLS).or_else(|| lanes().min_by_key(calls));
        let lane = free.unwrap_or(&self.first);
        lane.open.fetch_add(1, Ordering::Relaxed);
        Place { channel: lane.channel.clone(), open: Arc::clone(&lane.open) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
