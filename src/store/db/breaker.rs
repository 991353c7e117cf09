//! What spares callers the wait for a PostgreSQL that is silent: frozen, or behind a network that swallows
//! everything. A server that refuses or answers badly fails quickly by itself and is none of this.
//!
//! After a call that got no answer in time one caller at a time asks the server for a new connection, beside
//! the pool. If that is silent, too, everybody else is told so at once, until somebody's question is
//! answered. A slow statement, a row that others hold, and a pool without a free connection therefore keep
//! nobody out: the server answers the question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::store::error::StoreError;

/// How long the server may take to give a connection. With the pause it bounds how late its return is
/// noticed.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// The server answers.
const SOUND: u8 = 0;
/// A call got no answer in time; nobody has asked yet whether the server is there.
const SUSPECT: u8 = 1;
/// The server does not answer.
const SILENT: u8 = 2;

/// Shared by every statement of a pool.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    state: Arc<State>,
    options: Arc<PgConnectOptions>,
}

#[derive(Debug)]
struct State {
    began: Instant,
    now: AtomicU8,
    is_asked: AtomicBool,
    /// When somebody asked last, in milliseconds after `began`.
    asked_at: AtomicU64,
}

impl Breaker {
    /// For the server that these options lead to.
    pub(super) fn new(options: &PgConnectOptions) -> Self {
        let state = State {
            began: Instant::now(),
            now: AtomicU8::new(SOUND),
            is_asked: AtomicBool::new(false),
            asked_at: AtomicU64::new(0),
        };
        Self { state: Arc::new(state), options: Arc::new(options.clone()) }
    }

    /// A call got no answer in time.
    pub(super) fn note_silence(&self) {
        let _ = self.state.change(SOUND, SUSPECT);
    }

    /// A call was answered.
    pub(super) fn note_answer(&self) {
        if self.state.now.load(Ordering::Relaxed) != SOUND
            && self.state.now.swap(SOUND, Ordering::Relaxed) == SILENT
        {
            tracing::info!("the database answers again");
        }
    }

    /// Whether a call may be made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] at once while the server is silent; the one caller whose turn it is to
    /// ask hears it after a second.
    pub(super) async fn admit(&self) -> Result<(), StoreError> {
        let now = self.state.now.load(Ordering::Relaxed);
        if now == SOUND {
            return Ok(());
        }
        let Some(_turn) = self.state.take_turn(now) else {
            return if now == SILENT { Err(StoreError::timed_out()) } else { Ok(()) };
        };
        if self.answers().await {
            self.note_answer();
            return Ok(());
        }
        if self.state.change(SUSPECT, SILENT) {
            tracing::warn!("the database does not answer: nobody waits for it until it does");
        }
        Err(StoreError::timed_out())
    }

    /// Whether the server says anything to somebody who connects.
    async fn answers(&self) -> bool {
        let asked = PgConnection::connect_with(&self.options);
        match tokio::time::timeout(ANSWER_LIMIT, asked).await {
            Ok(Ok(connection)) => {
                // Whether it hears the farewell does not matter.
                let _ = tokio::time::timeout(PAUSE, connection.close()).await;
                true
            }
            // A refusal is an answer, and comes quickly to everybody.
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }
}

impl State {
    fn change(&self, from: u8, to: u8) -> bool {
        self.now.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The right to ask, if nobody else is asking and the last time was long enough ago.
    fn take_turn(&self, now: u8) -> Option<Turn<'_>> {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        let since = self.millis().saturating_sub(self.asked_at.load(Ordering::Relaxed));
        if now == SILENT && since < pause {
            return None;
        }
        let is_free =
            self.is_asked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        is_free.ok().map(|_| Turn(self))
    }
}

/// Whoever is asking. Given back also when the caller goes away meanwhile.
struct Turn<'s>(&'s State);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.asked_at.store(self.0.millis(), Ordering::Relaxed);
        self.0.is_asked.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn breaker(port: u16) -> Breaker {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
        Breaker::new(&options)
    }

    #[tokio::test]
    async fn one_asks_and_the_others_hear_at_once_that_there_is_silence() {
        // It takes connections and says nothing.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let breaker = breaker(listener.local_addr().unwrap().port());
        assert_eq!(breaker.admit().await, Ok(()), "nothing has happened");
        breaker.note_silence();
        let began = Instant::now();
        let (asking, other) = tokio::join!(breaker.admit(), breaker.admit());
        assert!(asking.is_err() && other.is_ok(), "one slow call keeps nobody out");
        assert!(began.elapsed() >= ANSWER_LIMIT);
        let began = Instant::now();
        for _ in 0..100 {
            assert!(breaker.admit().await.is_err());
        }
        assert!(began.elapsed() < PAUSE);
        // Somebody who asks and goes away leaves the turn to the next one.
        tokio::time::sleep(PAUSE).await;
        assert!(tokio::time::timeout(PAUSE, breaker.admit()).await.is_err());
        tokio::time::sleep(PAUSE).await;
        assert!(tokio::time::timeout(PAUSE, breaker.admit()).await.is_err(), "it asks");
        breaker.note_answer();
        assert_eq!(breaker.admit().await, Ok(()));
    }

    #[tokio::test]
    async fn a_server_that_refuses_is_not_silent() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let breaker = breaker(port);
        breaker.note_silence();
        assert_eq!(breaker.admit().await, Ok(()));
        assert_eq!(breaker.state.now.load(Ordering::Relaxed), SOUND);
    }
}
