//! Telling dead PostgreSQL connections from live ones without a question before every statement.
//!
//! After a failure every connection that was idle at that moment is asked once before it is used
//! again, and connections that come back to the pool are given a second to prove themselves. So a
//! restarted server costs one failed answer and not one per pooled connection.
//!
//! A connection that is handed back while somebody has just gone away from a transaction that was about to
//! begin is asked, too: the driver loses sight of such a transaction, and whatever the next one acknowledged
//! would be undone with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Row as _;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::breaker::Breaker;
use crate::store::error::StoreError;

/// A connection idle for longer than this is asked before use, since firewalls forget.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);
/// For how long after trouble the connections that are handed back are asked too.
const ALERT: Duration = Duration::from_secs(5);
/// For how long after somebody went away from a beginning the connections that are handed back are asked. It
/// is one of the very next; the rest is for a process that stands still in between.
const ABANDONED: Duration = Duration::from_mins(1);
/// How long a connection may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// When the database last failed. Shared by the pool's hooks and every statement.
#[derive(Debug, Clone)]
pub struct Health {
    began: Instant,
    /// Milliseconds after `began`; 0 means never.
    trouble: Arc<AtomicU64>,
    /// When somebody last went away from a transaction that was about to begin, likewise.
    abandoned: Arc<AtomicU64>,
    /// `None` for one connection that is used to its end.
    breaker: Option<Breaker>,
}

impl Health {
    pub(in crate::store) fn new() -> Self {
        Self {
            began: Instant::now(),
            trouble: Arc::default(),
            abandoned: Arc::default(),
            breaker: None,
        }
    }

    /// Of the server that these options lead to: nobody waits for it while it is silent.
    pub(in crate::store) fn of_server(options: &PgConnectOptions) -> Self {
        Self { breaker: Some(Breaker::new(options)), ..Self::new() }
    }

    /// Whether a call may be made that needs a connection of the pool.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while the server is silent.
    pub(super) async fn admit(&self) -> Result<(), StoreError> {
        match &self.breaker {
            Some(breaker) => breaker.admit().await,
            None => Ok(()),
        }
    }

    /// A call was answered.
    pub(super) fn note_answer(&self) {
        self.breaker.iter().for_each(Breaker::note_answer);
    }

    /// A call got no answer in time.
    pub(super) fn note_silence(&self) {
        self.breaker.iter().for_each(Breaker::note_silence);
    }

    /// Remembers that something failed just now.
    pub(in crate::store) fn note_trouble(&self) {
        self.note(&self.trouble);
    }

    /// Watches somebody who waits for a transaction to begin: if they go away first, that is remembered.
    pub(super) fn watch_beginning(&self) -> Beginning<'_> {
        Beginning { health: self, is_over: false }
    }

    fn note(&self, moment: &AtomicU64) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        moment.fetch_max(millis.max(1), Ordering::Relaxed);
    }

    /// How long ago the last trouble was.
    fn since_trouble(&self) -> Option<Duration> {
        self.since(&self.trouble)
    }

    fn since(&self, moment: &AtomicU64) -> Option<Duration> {
        match moment.load(Ordering::Relaxed) {
            0 => None,
            millis => self.began.elapsed().checked_sub(Duration::from_millis(millis)),
        }
    }

    /// Hook for a connection about to be used.
    pub(in crate::store) async fn before_use(
        &self,
        connection: &mut PgConnection,
        seen: PoolConnectionMetadata,
    ) -> Result<bool, sqlx::Error> {
        let idle_since_trouble = self.since_trouble().is_some_and(|ago| seen.idle_for >= ago);
        if idle_since_trouble || seen.idle_for > TRUSTED_IDLE {
            return is_fit(connection).await;
        }
        Ok(true)
    }

    /// Hook for a connection being handed back.
    pub(in crate::store) async fn after_use(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, sqlx::Error> {
        let is_within =
            |moment: &AtomicU64, limit| self.since(moment).is_some_and(|ago| ago < limit);
        if is_within(&self.trouble, ALERT) || is_within(&self.abandoned, ABANDONED) {
            return is_fit(connection).await;
        }
        Ok(true)
    }
}

/// Somebody who waits for a transaction to begin. Drop it before the connection is.
#[must_use = "it watches for as long as it lives"]
pub(super) struct Beginning<'a> {
    health: &'a Health,
    is_over: bool,
}

impl Beginning<'_> {
    /// It has begun, or has failed by itself.
    pub(super) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.health.note(&self.health.abandoned);
        }
    }
}

/// Whether the connection answers and is in no transaction. One that has failed there gives an error.
async fn is_fit(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // One message, so that both moments are the same unless a transaction began earlier.
    let question = sqlx::raw_sql("select transaction_timestamp() = statement_timestamp()");
    match tokio::time::timeout(ANSWER_LIMIT, question.fetch_one(connection)).await {
        Ok(answer) => answer?.try_get(0),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_database_has_known_no_trouble() {
        assert_eq!(Health::new().since_trouble(), None);
    }

    #[test]
    fn trouble_is_remembered_by_every_clone() {
        let health = Health::new();
        health.clone().note_trouble();
        assert!(health.since_trouble().is_some() || health.began.elapsed().as_millis() == 0);
    }
}
