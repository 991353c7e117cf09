//! A fixed number of operating-system threads for work that occupies a whole core, fed by a bounded
//! queue. Runs beside the async runtime so that a wave of it cannot starve everything else, and
//! refuses instead of queueing without end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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

/// How a pool works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits<W> {
    /// At most so many pieces of work wait; further ones are refused.
    pub queue: usize,
    /// A thread without work for this long rests.
    pub idle: Duration,
    /// What a worker gives back when it rests.
    pub rest: fn(&mut W),
}

/// Threads that each own a `W`: whatever is worth keeping from one piece of work to the next.
/// They end when the pool is dropped, after the work already queued.
pub(super) struct Pool<W> {
    queue: Arc<Queue<W>>,
    waiting: Arc<AtomicUsize>,
}

impl<W: Send + 'static> Pool<W> {
    /// Starts one thread per worker.
    pub(super) fn start(name: &str, workers: Vec<W>, habits: Habits<W>) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(habits));
        let pool = Self { queue: Arc::clone(&queue), waiting: Arc::default() };
        for (number, worker) in workers.into_iter().enumerate() {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || queue.serve(worker))?;
        }
        Ok(pool)
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
        if self.queue.add(job).is_err() {
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

impl<W> Drop for Pool<W> {
    fn drop(&mut self) {
        self.queue.state().open = false;
        self.queue.changed.notify_all();
    }
}

/// The work that waits. A condition and not a channel, since every idle thread must notice that it
/// has been idle for long, and only one at a time can wait in a channel.
struct Queue<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
    habits: Habits<W>,
}

struct State<W> {
    jobs: VecDeque<Job<W>>,
    open: bool,
}

/// What a thread does next.
enum Next<W> {
    Work(Job<W>),
    Rest,
    End,
}

impl<W> Queue<W> {
    fn new(habits: Habits<W>) -> Self {
        let state = Mutex::new(State { jobs: VecDeque::new(), open: true });
        Self { state, changed: Condvar::new(), habits }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, job: Job<W>) -> Result<(), PoolError> {
        let mut state = self.state();
        if state.jobs.len() >= self.habits.queue {
            return Err(PoolError::Full);
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work; when there is something to give back, not for longer than `patience`.
    fn next(&self, patience: Option<Duration>) -> Next<W> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Next::Work(job);
            }
            if !state.open {
                return Next::End;
            }
            state = match patience {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.changed.wait_timeout(state, patience);
                    let (state, end) = waited.unwrap_or_else(PoisonError::into_inner);
                    if end.timed_out() && state.jobs.is_empty() && state.open {
                        return Next::Rest;
                    }
                    state
                }
            };
        }
    }

    fn serve(&self, mut worker: W) {
        let mut patience = None;
        loop {
            match self.next(patience) {
                Next::Work(job) => {
                    patience = Some(self.habits.idle);
                    // A panic costs the one caller an answer, never the pool a thread.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut worker))).is_err() {
                        tracing::error!("work on a background thread panicked");
                    }
                }
                Next::Rest => {
                    patience = None;
                    (self.habits.rest)(&mut worker);
                }
                Next::End => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::mpsc;
    use std::task::Poll;

    fn habits<W>(queue: usize) -> Habits<W> {
        Habits { queue, idle: Duration::from_mins(1), rest: |_| {} }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_further_work_and_recovers() {
        let pool = Arc::new(Pool::start("test", vec![()], habits(1)).unwrap());
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
        let pool = Pool::start("test", vec![()], habits(4)).unwrap();
        assert_eq!(pool.run(|()| panic!("on purpose")).await, Err::<(), _>(PoolError::Lost));
        assert_eq!(pool.run(|()| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_skipped() {
        let pool = Pool::start("test", vec![0], habits(4)).unwrap();
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

    #[tokio::test]
    async fn every_idle_thread_gives_back_what_it_kept() {
        let habits = Habits {
            queue: 4,
            idle: Duration::from_millis(20),
            rest: |kept: &mut Kept| kept.0 = None,
        };
        let witness = Arc::new(());
        let workers = vec![Kept(None), Kept(None), Kept(None)];
        let pool = Arc::new(Pool::start("test", workers, habits).unwrap());
        let keep = || {
            let (pool, witness) = (Arc::clone(&pool), Arc::clone(&witness));
            async move { pool.run(move |kept| kept.0 = Some(witness)).await }
        };
        // Again after a rest: a thread that has rested works on.
        for _ in 0..2 {
            let (one, two, three) = tokio::join!(keep(), keep(), keep());
            assert_eq!((one, two, three), (Ok(()), Ok(()), Ok(())));
            let begin = std::time::Instant::now();
            while Arc::strong_count(&witness) > 1 {
                assert!(begin.elapsed() < Duration::from_secs(20), "never given back");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    #[tokio::test]
    async fn a_dropped_pool_finishes_what_is_queued_and_ends() {
        let pool = Pool::start("test", vec![()], habits(4)).unwrap();
        let (queue, witness) = (Arc::downgrade(&pool.queue), Arc::new(()));
        let done = Arc::clone(&witness);
        assert_eq!(pool.run(move |()| drop(done)).await, Ok(()));
        drop(pool);
        let begin = std::time::Instant::now();
        while queue.strong_count() > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "the thread never ends");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    struct Kept(Option<Arc<()>>);
}
