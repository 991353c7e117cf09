//! A fixed number of operating-system threads for work that occupies a whole core, fed by a bounded
//! queue. Runs beside the async runtime so that a wave of it cannot starve everything else, and
//! refuses instead of queueing without end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use tokio::sync::oneshot;

type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

/// Why a piece of work gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PoolError {
    /// The queue is full.
    Full,
    /// The work panicked.
    Lost,
}

/// Threads that each own a `W`: whatever is worth keeping from one piece of work to the next.
/// They end when the pool is dropped, after the work already queued.
pub(super) struct Pool<W> {
    queue: SyncSender<Job<W>>,
    waiting: Arc<AtomicUsize>,
}

impl<W: Send + 'static> Pool<W> {
    /// Starts one thread per worker. At most `queue` pieces of work wait; further ones are refused.
    pub(super) fn start(name: &str, workers: Vec<W>, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for (number, worker) in workers.into_iter().enumerate() {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || serve(worker, &receiver))?;
        }
        Ok(Self { queue: sender, waiting: Arc::default() })
    }

    /// Runs `work` on the next free thread. If the caller goes away before its turn comes, the
    /// work is skipped: under overload nobody computes what nobody waits for.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut W) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waiting = Arc::clone(&self.waiting);
        let job: Job<W> = Box::new(move |worker| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            if !reply.is_closed() {
                // The caller may leave at this very moment; then nobody needs the answer.
                let _ = reply.send(work(worker));
            }
        });
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(PoolError::Full);
        }
        answer.await.map_err(|_| PoolError::Lost)
    }

    /// How many pieces of work wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn serve<W>(mut worker: W, queue: &Mutex<Receiver<Job<W>>>) {
    loop {
        // The lock is held while waiting: exactly one idle thread waits for work, the others for it.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic costs the one caller an answer, never the pool a thread.
        if catch_unwind(AssertUnwindSafe(|| job(&mut worker))).is_err() {
            tracing::error!("work on a background thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::mpsc;
    use std::task::Poll;

    #[tokio::test]
    async fn a_full_queue_refuses_further_work_and_recovers() {
        let pool = Arc::new(Pool::start("test", vec![()], 1).unwrap());
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let running = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move |()| {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
        let queued = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(|()| 7).await }
        });
        while pool.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|()| 8).await, Err(PoolError::Full));
        assert_eq!(pool.waiting(), 1);
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
        assert_eq!(queued.await.unwrap(), Ok(7));
        assert_eq!(pool.waiting(), 0);
        assert_eq!(pool.run(|()| 9).await, Ok(9));
    }

    #[tokio::test]
    async fn a_panic_loses_one_answer_but_no_thread() {
        let pool = Pool::start("test", vec![()], 4).unwrap();
        assert_eq!(pool.run(|()| panic!("on purpose")).await, Err::<(), _>(PoolError::Lost));
        assert_eq!(pool.run(|()| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_skipped() {
        let pool = Pool::start("test", vec![0], 4).unwrap();
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let blocking = pool.run(move |_| {
            started.send(()).unwrap();
            released.recv().unwrap();
        });
        let abandoned = async {
            tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
            let mut left = Box::pin(pool.run(|count| *count += 1));
            let pending = poll_fn(|context| Poll::Ready(left.as_mut().poll(context).is_pending()));
            assert!(pending.await);
            drop(left);
            release.send(()).unwrap();
        };
        let (done, ()) = tokio::join!(blocking, abandoned);
        assert_eq!(done, Ok(()));
        assert_eq!(pool.run(|count| *count).await, Ok(0));
    }
}
