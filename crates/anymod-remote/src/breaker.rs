//! The circuit breaker: after a bounded cost a sick server is left alone for the rest of the run.
//!
//! What counts is how the last calls ended, each with all its attempts. Not finding something is an answer like any other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many calls in a row that failed turn the server off.
const FAILURES: u32 = 4;
/// So many calls in a row that took most of their time turn it off as well.
const SLOW: u32 = 16;

/// So many answers that were not what they should be turn it off, in a row or not.
const WRONG: u32 = 4;

/// Whether a server is worth asking.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failed: u32,
    slow: u32,
    wrong: u32,
    open: Option<String>,
}

impl Breaker {
    /// Why the server is no longer asked, if it is not.
    pub(crate) fn open(&self) -> Option<String> {
        self.state().open.clone()
    }

    /// Notes that something went well, however long it took.
    pub(crate) fn succeeded(&self) {
        self.state().failed = 0;
    }

    /// Notes that a call was answered, and after how long of the time that it had.
    pub(crate) fn answered(&self, took: Duration, of: Duration) {
        let mut state = self.state();
        state.failed = 0;
        state.slow = if took > of / 2 { state.slow + 1 } else { 0 };
        if state.slow >= SLOW && state.open.is_none() {
            let seconds = took.as_secs_f32();
            state.open = Some(format!("its last {SLOW} answers took up to {seconds:.1} s"));
        }
    }

    /// Notes that a call failed with all its attempts.
    pub(crate) fn failed(&self, why: &str) {
        let mut state = self.state();
        state.failed += 1;
        if state.failed >= FAILURES && state.open.is_none() {
            state.open = Some(why.to_owned());
        }
    }

    /// Notes that an answer came in time and was not what it should be.
    pub(crate) fn wrong(&self, why: &str) {
        let mut state = self.state();
        state.wrong += 1;
        if state.wrong >= WRONG && state.open.is_none() {
            state.open = Some(why.to_owned());
        }
    }

    /// Turns the server off at once.
    pub(crate) fn turn_off(&self, why: &str) {
        let mut state = self.state();
        if state.open.is_none() {
            state.open = Some(why.to_owned());
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(10);

    #[test]
    fn failures_in_a_row_open_it_and_answers_between_them_do_not() {
        let breaker = Breaker::default();
        for _ in 0..3 * FAILURES {
            breaker.failed("away");
            breaker.answered(Duration::ZERO, TIME);
        }
        assert_eq!(breaker.open(), None);
        for number in 0..2 * FAILURES {
            breaker.failed(&format!("away {number}"));
        }
        assert_eq!(breaker.open().as_deref(), Some("away 3"), "the first reason is told");
    }

    #[test]
    fn wrong_answers_open_it_whatever_is_between_them() {
        let breaker = Breaker::default();
        for _ in 0..WRONG {
            assert_eq!(breaker.open(), None);
            breaker.answered(Duration::ZERO, TIME);
            breaker.wrong("damaged");
        }
        assert_eq!(breaker.open().as_deref(), Some("damaged"));
    }

    #[test]
    fn slowness_opens_it_as_well() {
        let breaker = Breaker::default();
        for _ in 1..SLOW {
            breaker.answered(TIME, TIME);
        }
        breaker.answered(TIME / 10, TIME);
        assert_eq!(breaker.open(), None);
        (0..SLOW).for_each(|_| breaker.answered(TIME, TIME));
        assert!(breaker.open().is_some());
    }
}
