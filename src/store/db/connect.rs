//! Opening the database named by a URL.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::store::db::health::Health;
use crate::store::db::{Db, STATEMENT_LIMIT};
use crate::store::error::{ConnectError, StoreError};

/// How long to wait for a free or new connection.
const ACQUIRE_LIMIT: Duration = Duration::from_millis(1800);
/// How long to wait for one's turn to write to a SQLite file. A queue there means that much is going on,
/// not that anything is broken: waiting serves people better than a refusal.
const WRITE_QUEUE_LIMIT: Duration = Duration::from_secs(5);
/// How long the first connection may take.
const START_LIMIT: Duration = Duration::from_secs(3);
/// Readers of a SQLite file; more would only wait for the same disk.
const SQLITE_READERS: u32 = 4;

/// Which database to use.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `sqlite://path/to/file.db` or `postgres://user:password@host:port/name`.
    pub url: String,
    /// Most connections this process opens to PostgreSQL. SQLite ignores it.
    pub max_connections: u32,
}

impl DatabaseSettings {
    /// Settings for this URL with the default number of connections.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: 10 }
    }

    /// The SQLite file that is meant, if it is not there yet. `None` for PostgreSQL, and for what cannot be
    /// opened anyway.
    #[must_use]
    pub fn missing_file(&self) -> Option<PathBuf> {
        if !self.url.starts_with("sqlite:") || is_in_memory(&self.url) {
            return None;
        }
        let options = SqliteConnectOptions::from_str(&self.url).ok()?;
        let path = options.get_filename();
        (!path.exists()).then(|| path.to_owned())
    }
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &"…")
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

/// What becomes of a SQLite file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Missing {
    Made,
    Refused,
}

/// What was opened: the database and where migrations find it.
pub(in crate::store) enum Opened {
    Postgres { db: Db, options: Box<PgConnectOptions> },
    Sqlite { db: Db, options: Box<SqliteConnectOptions> },
}

/// Opens the database; fails with one clear line when it cannot be used.
pub(in crate::store) async fn open(
    settings: &DatabaseSettings,
    missing: Missing,
) -> Result<Opened, ConnectError> {
    match settings.url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => sqlite(&settings.url, missing).await,
        Some("postgres" | "postgresql") => postgres(settings).await,
        _ => Err(ConnectError::Scheme),
    }
}

async fn postgres(settings: &DatabaseSettings) -> Result<Opened, ConnectError> {
    let url = url::Url::parse(&settings.url).map_err(|e| ConnectError::Url(e.to_string()))?;
    let plain = PgConnectOptions::from_url(&url)
        .map_err(|e| ConnectError::Url(e.to_string()))?
        .application_name("doorward")
        .disable_statement_logging();
    // One connection by hand first: the pool would only say that it waited in vain.
    match tokio::time::timeout(START_LIMIT, PgConnection::connect_with(&plain)).await {
        Ok(Ok(connection)) => connection.close().await.unwrap_or_default(),
        Ok(Err(error)) => return Err(ConnectError::Unreachable(reason(error))),
        Err(_) => return Err(ConnectError::Unreachable("no answer in time".to_owned())),
    }
    let limit = format!("{}ms", STATEMENT_LIMIT.as_millis());
    let limited = plain.clone().options([
        ("statement_timeout", limit.as_str()),
        ("lock_timeout", limit.as_str()),
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    let health = Health::of_server(&plain);
    let (before, after) = (health.clone(), health.clone());
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections.max(2))
        .acquire_timeout(ACQUIRE_LIMIT)
        .test_before_acquire(false)
        .before_acquire(move |connection, seen| {
            let health = before.clone();
            Box::pin(async move { health.before_use(connection, seen).await })
        })
        .after_release(move |connection, _| {
            let health = after.clone();
            Box::pin(async move { health.after_use(connection).await })
        })
        .connect_lazy_with(limited);
    Ok(Opened::Postgres { db: Db::Postgres { pool, health }, options: Box::new(plain) })
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

async fn sqlite(url: &str, missing: Missing) -> Result<Opened, ConnectError> {
    if is_in_memory(url) {
        return Err(ConnectError::InMemory);
    }
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|e| ConnectError::Url(e.to_string()))?
        .create_if_missing(missing == Missing::Made)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_LIMIT)
        .disable_statement_logging();
    let path = options.get_filename().to_owned();
    let refused = |reason: String| ConnectError::File { path: path.display().to_string(), reason };
    match missing {
        Missing::Made => create_private(&path).map_err(|e| refused(e.to_string()))?,
        Missing::Refused if path.exists() => {}
        Missing::Refused => return Err(refused("there is no such file".to_owned())),
    }

    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(WRITE_QUEUE_LIMIT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // A full disk makes SQLite undo a transaction by itself. The driver's own undoing fails then,
        // and it counts the transaction as open for ever: no other could begin on this connection.
        .before_acquire(|connection, _| {
            let is_usable = !connection.is_in_transaction();
            Box::pin(std::future::ready(Ok(is_usable)))
        })
        .connect_with(options.clone())
        .await
        .map_err(|e| refused(reason(e)))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE_LIMIT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // A write that strays here fails loudly instead of fighting the writer for the lock.
        .connect_lazy_with(options.clone().pragma("query_only", "on"));
    Ok(Opened::Sqlite { db: Db::Sqlite { readers, writer }, options: Box::new(options) })
}

/// Creates the file so that only its owner can read it. SQLite gives the files it puts beside it
/// the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The driver's reason without the words around it.
fn reason(error: sqlx::Error) -> String {
    match StoreError::from(error) {
        StoreError::Conflict => StoreError::Conflict.to_string(),
        StoreError::Corrupt(reason) | StoreError::Unavailable(reason) => reason,
    }
}
