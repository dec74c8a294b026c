//! Questions of many put into one call: while some calls are under way, what comes meanwhile waits and goes together.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

/// Questions that wait, and how many calls are under way.
pub(crate) struct Gather<Q, A> {
    waiting: Mutex<Vec<Waiting<Q, A>>>,
    places: Semaphore,
}

struct Waiting<Q, A> {
    size: u64,
    question: Q,
    to: oneshot::Sender<A>,
}

impl<Q, A: Clone> Gather<Q, A> {
    /// With so many calls at once.
    pub(crate) fn new(places: usize) -> Gather<Q, A> {
        Gather { waiting: Mutex::default(), places: Semaphore::new(places) }
    }

    /// Asks with what else waits, as much of it as fits into `limit`. All get the answer of the call. None if whoever made
    /// the call was given up in the middle of it.
    pub(crate) async fn ask<F: Future<Output = A>>(
        &self,
        question: Q,
        size: u64,
        limit: u64,
        call: impl Fn(Vec<Q>) -> F,
    ) -> Option<A> {
        let (to, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { size, question, to });
        loop {
            let place = tokio::select! {
                biased;
                answer = &mut answered => return answer.ok(),
                place = self.places.acquire() => place,
            };
            let (questions, all) = self.next(limit);
            if questions.is_empty() {
                // Somebody else is asking for it.
                drop(place);
                return answered.await.ok();
            }
            let answer = call(questions).await;
            drop(place);
            for to in all {
                // Who was given up does not listen.
                let _ = to.send(answer.clone());
            }
        }
    }

    /// The questions that have waited longest, at least one if there is any.
    fn next(&self, limit: u64) -> (Vec<Q>, Vec<oneshot::Sender<A>>) {
        let mut waiting = self.waiting();
        waiting.retain(|waiting| !waiting.to.is_closed());
        let (mut held, mut count) = (0, 0);
        for waiting in waiting.iter() {
            held += waiting.size;
            if count > 0 && held > limit {
                break;
            }
            count += 1;
        }
        waiting.drain(..count).map(|waiting| (waiting.question, waiting.to)).unzip()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting<Q, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Asks so many questions at once; how many questions each call had.
    fn calls(questions: u64, limit: u64) -> Vec<usize> {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let gather = Arc::new(Gather::new(1));
            let mut tasks = tokio::task::JoinSet::new();
            for question in 0..questions {
                let (gather, calls) = (Arc::clone(&gather), Arc::clone(&calls));
                tasks.spawn(async move {
                    let call = async |all: Vec<u64>| {
                        calls.lock().unwrap().push(all.len());
                        tokio::task::yield_now().await;
                        all
                    };
                    let answer = gather.ask(question, 1, limit, call).await.unwrap();
                    assert!(answer.contains(&question), "{question}");
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
        });
        Arc::into_inner(calls).unwrap().into_inner().unwrap()
    }

    #[test]
    fn what_comes_during_a_call_goes_together() {
        assert_eq!(calls(10, u64::MAX), [1, 9]);
        assert_eq!(calls(10, 4), [1, 4, 4, 1]);
        assert_eq!(calls(3, 0), [1, 1, 1], "what does not fit goes by itself");
    }

    #[test]
    fn who_waits_for_somebody_who_was_given_up_is_told() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let gather: Arc<Gather<u64, ()>> = Arc::new(Gather::new(2));
            let never = |_| std::future::pending::<()>();
            let other = Arc::clone(&gather);
            let first = tokio::spawn(async move { other.ask(0, 1, 9, never).await });
            tokio::task::yield_now().await;
            let other = Arc::clone(&gather);
            let second = tokio::spawn(async move { other.ask(1, 1, 9, async |_| ()).await });
            assert_eq!(second.await.unwrap(), Some(()), "there is another place");
            first.abort();
            assert_eq!(gather.ask(2, 1, 9, async |_| ()).await, Some(()));
        });
    }
}
