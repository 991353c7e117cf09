//! Telling dead PostgreSQL connections from live ones without a question before every statement.
//!
//! After a failure every connection that was idle at that moment is asked once before it is used
//! again, and connections that come back to the pool are given a second to prove themselves. So a
//! restarted server costs one failed answer and not one per pooled connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::breaker::Breaker;
use crate::store::error::StoreError;

/// A connection idle for longer than this is asked before use, since firewalls forget.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);
/// For how long after trouble the connections that are handed back are asked too.
const ALERT: Duration = Duration::from_secs(5);
/// How long a connection may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// When the database last failed. Shared by the pool's hooks and every statement.
#[derive(Debug, Clone)]
pub struct Health {
    began: Instant,
    /// Milliseconds after `began`; 0 means never.
    trouble: Arc<AtomicU64>,
    /// `None` for one connection that is used to its end.
    breaker: Option<Breaker>,
}

impl Health {
    pub(in crate::store) fn new() -> Self {
        Self { began: Instant::now(), trouble: Arc::default(), breaker: None }
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
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.trouble.fetch_max(millis.max(1), Ordering::Relaxed);
    }

    /// How long ago the last trouble was.
    fn since_trouble(&self) -> Option<Duration> {
        match self.trouble.load(Ordering::Relaxed) {
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
            answers(connection).await?;
        }
        Ok(true)
    }

    /// Hook for a connection being handed back.
    pub(in crate::store) async fn after_use(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, sqlx::Error> {
        if self.since_trouble().is_some_and(|ago| ago < ALERT) {
            answers(connection).await?;
        }
        Ok(true)
    }
}

async fn answers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    match tokio::time::timeout(ANSWER_LIMIT, connection.ping()).await {
        Ok(answer) => answer,
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
