//! Doing one thing to many files on all processors, in the files' order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::jobs::processors;

/// The results of a function for each item, in the order of the items.
pub(crate) fn map<'i, T: Sync, R: Send>(
    items: &'i [T],
    function: impl Fn(&'i T) -> R + Sync,
) -> Vec<R> {
    let workers = processors().min(items.len());
    if workers < 2 {
        return items.iter().map(function).collect();
    }
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(slot)) = (items.get(at), slots.get(at)) else { break };
            let result = function(item);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        // This thread works as well.
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(super::map(&items, |item| item * 2)[999], 1998);
        assert!(super::map(&items[..0], |item| item * 2).is_empty());
    }
}
