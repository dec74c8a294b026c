//! Who may be in the store at the same time: many that find and keep, or one that collects.
//!
//! Two files are locked, `lock` and `gate`. Who finds or keeps passes the gate (shared, for an instant) and then shares the
//! lock; who collects closes the gate (exclusively) and then waits for the lock. So no stream of short uses, however dense,
//! keeps a collector waiting, and a killed process holds nothing.
//!
//! A lock belongs to an open file, not to a thread. Within a process the first thread takes it for all and the last gives
//! it back. A store that is not there, or whose files may not be opened, is used without a lock: what is read is verified,
//! so the lock only saves it from becoming a miss.

use std::fs::{File, TryLockError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::files;
use crate::layout::Layout;

/// The locks of one process on one store.
#[derive(Default)]
pub(crate) struct Locks {
    state: Mutex<State>,
    empty: Condvar,
}

#[derive(Default)]
struct State {
    /// The gate and the lock, once they could be opened.
    files: Option<(File, File)>,
    /// Threads that are inside.
    inside: usize,
    /// True if the lock is held for them.
    held: bool,
}

/// Being inside, until dropped.
pub(crate) struct Shared<'a>(&'a Locks);

/// Being alone in the store, until dropped.
pub(crate) struct Exclusive {
    gate: File,
    lock: File,
}

impl Locks {
    /// Enters, waiting only for somebody who collects.
    pub(crate) fn shared(&self, layout: &Layout) -> Shared<'_> {
        let mut state = self.state();
        loop {
            if state.files.is_none() {
                state.files = open(layout).ok();
            }
            let passed = match &state.files {
                None => true,
                Some((gate, lock)) if !state.held => {
                    // Failing to lock, as on a file system without locks, is not a reason to fail.
                    let _ = gate.lock_shared();
                    let held = lock.lock_shared().is_ok();
                    let _ = gate.unlock();
                    state.held = held;
                    true
                }
                Some((gate, _)) => match gate.try_lock_shared() {
                    Err(TryLockError::WouldBlock) => false,
                    _ => {
                        let _ = gate.unlock();
                        true
                    }
                },
            };
            if passed {
                break;
            }
            // Somebody waits to collect: let those inside leave, then queue at the gate.
            while state.held {
                state = self.empty.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.inside += 1;
        Shared(self)
    }

    /// A panic elsewhere does not make a number wrong.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.inside = state.inside.saturating_sub(1);
        if state.inside > 0 || !state.held {
            return;
        }
        state.held = false;
        if let Some((_, lock)) = &state.files {
            let _ = lock.unlock();
        }
        drop(state);
        self.0.empty.notify_all();
    }
}

/// Opens gate and lock of a store that is there, for reading: that is enough for `flock`.
fn open(layout: &Layout) -> std::io::Result<(File, File)> {
    Ok((File::open(layout.gate())?, File::open(layout.lock())?))
}

/// Waits until nobody else is in the store.
pub(crate) fn exclusive(layout: &Layout) -> std::io::Result<Exclusive> {
    let (gate, lock) = (files::open_lock(&layout.gate())?, files::open_lock(&layout.lock())?);
    gate.lock()?;
    lock.lock()?;
    Ok(Exclusive { gate, lock })
}

/// The same, but `None` if somebody else collects already.
pub(crate) fn exclusive_unless_busy(layout: &Layout) -> std::io::Result<Option<Exclusive>> {
    let (gate, lock) = (files::open_lock(&layout.gate())?, files::open_lock(&layout.lock())?);
    match gate.try_lock() {
        Ok(()) => lock.lock()?,
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(Some(Exclusive { gate, lock }))
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        // Explicitly, because a process that was just started may still share the open files.
        let _ = self.lock.unlock();
        let _ = self.gate.unlock();
    }
}
