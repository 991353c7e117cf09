//! One SQL text on two databases: [`Db`] and [`Tx`] both answer `query("…")` with a [`Statement`]
//! that binds, runs and reads the same way on PostgreSQL and SQLite.
//!
//! What the SQL may use is listed in `docs/architecture.md`; the conformance suite runs every
//! statement on both.

pub(in crate::store) mod batch;
mod breaker;
pub(in crate::store) mod columns;
pub(in crate::store) mod connect;
pub(in crate::store) mod cursor;
pub(in crate::store) mod health;
pub(in crate::store) mod migrations;
pub(in crate::store) mod repeated;
pub(in crate::store) mod search;
pub(in crate::store) mod triggers;

use std::future::Future;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Encode, FromRow, Transaction, Type};
use tracing::{Instrument as _, Span};

use super::error::{StoreError, is_nul_refused};
use crate::store::db::health::Health;
use crate::telemetry::{metrics, traces};

/// How long one statement may take before the answer is `Unavailable`.
pub(super) const STATEMENT_LIMIT: Duration = Duration::from_millis(1800);

/// The same where rows are changed that may be very many, and none of them may be left out.
const PATIENT_LIMIT: Duration = Duration::from_mins(2);
const PATIENT: &str = "set local statement_timeout = '2min'";

/// A call without an answer for so long makes one caller ask whether the server is still there.
const SILENCE: Duration = Duration::from_secs(1);

/// A failure faster than this is a dead connection rather than a dead server.
const QUICK_FAILURE: Duration = Duration::from_millis(200);

/// A value both databases can store.
pub trait Value<'t>:
    Encode<'t, Postgres> + Type<Postgres> + Encode<'t, Sqlite> + Type<Sqlite>
{
}
impl<'t, T> Value<'t> for T where
    T: Encode<'t, Postgres> + Type<Postgres> + Encode<'t, Sqlite> + Type<Sqlite>
{
}

/// A row both databases can produce.
pub trait Record: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> {}
impl<T> Record for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> {}

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// A PostgreSQL server.
    Postgres { pool: PgPool, health: Health },
    /// A SQLite file: many readers, and one connection that writes, so that writers queue here
    /// and not on the file's lock.
    Sqlite { readers: SqlitePool, writer: SqlitePool },
}

/// A transaction: everything or nothing. Dropping it without [`Tx::commit`] undoes it.
///
/// On SQLite it holds the one writing connection: do not run a write on the [`Db`] meanwhile.
/// After any `Err` only dropping it makes sense, since PostgreSQL refuses what follows.
#[derive(Debug)]
pub enum Tx {
    /// With how long each statement may take.
    Postgres {
        open: Transaction<'static, Postgres>,
        health: Health,
        limit: Duration,
    },
    Sqlite {
        open: Transaction<'static, Sqlite>,
    },
}

/// Where a statement runs: on the database, each statement for itself, or inside a transaction.
#[derive(Debug)]
pub enum Target<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

/// What the functions of this module take as their first argument: `&Db` or `&mut Tx`.
pub trait Sql<'a>: Into<Target<'a>> + Send {}
impl<'a, T: Into<Target<'a>> + Send> Sql<'a> for T {}

impl<'a> From<&'a Db> for Target<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for Target<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl Db {
    /// A statement of its own, outside any transaction.
    pub fn query(&self, sql: &'static str) -> Statement<'_> {
        let call = match self {
            Self::Postgres { pool, health } => {
                let on = On::Pool(pool);
                Call::Postgres { query: sqlx::query(sql), on, health, limit: STATEMENT_LIMIT }
            }
            Self::Sqlite { readers, writer } => {
                let pool = if sql.trim_start().starts_with("select") { readers } else { writer };
                Call::Sqlite { query: sqlx::query(sql), on: On::Pool(pool) }
            }
        };
        Statement { call, sql }
    }

    /// Begins a transaction; on SQLite it takes the write lock at once.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Postgres { pool, health } => {
                health.admit().await?;
                let began = Instant::now();
                let limit = STATEMENT_LIMIT;
                let open = match watched((health, limit), begun(health, pool)).await {
                    // Nothing has run yet, so a connection found dead is simply replaced.
                    Err(StoreError::Unavailable(_)) if began.elapsed() < QUICK_FAILURE => {
                        watched((health, limit), begun(health, pool)).await?
                    }
                    outcome => outcome?,
                };
                Ok(Tx::Postgres { open, health: health.clone(), limit })
            }
            Self::Sqlite { writer, .. } => {
                Ok(Tx::Sqlite { open: writer.begin_with("begin immediate").await? })
            }
        }
    }

    /// Answers when the database does: readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query("select cast(1 as bigint)").one::<(i64,)>().await.map(drop)
    }

    /// How many connections are open, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let idle = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match self {
            Self::Postgres { pool, .. } => (pool.size(), idle(pool.num_idle())),
            Self::Sqlite { readers, writer } => {
                // The pool counts one too few for a moment, which may be one below none.
                let both = readers.num_idle().saturating_add(writer.num_idle());
                (readers.size() + writer.size(), idle(both))
            }
        }
    }

    /// Closes every connection in good order.
    pub async fn close(&self) {
        match self {
            Self::Postgres { pool, .. } => pool.close().await,
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

impl Tx {
    /// A transaction of PostgreSQL on a connection beside the pool, whose trouble is nobody else's.
    pub(in crate::store) fn unwatched(open: Transaction<'static, Postgres>) -> Self {
        Self::Postgres { open, health: Health::new(), limit: STATEMENT_LIMIT }
    }

    /// A statement inside this transaction.
    pub fn query(&mut self, sql: &'static str) -> Statement<'_> {
        let call = match self {
            Self::Postgres { open, health, limit } => {
                let on = On::Connection(&mut **open);
                Call::Postgres { query: sqlx::query(sql), on, health, limit: *limit }
            }
            Self::Sqlite { open } => {
                Call::Sqlite { query: sqlx::query(sql), on: On::Connection(open) }
            }
        };
        Statement { call, sql }
    }

    /// Lets the statements from here on take two minutes each, as where everything of an app ends, of which
    /// there may be very much: within the usual limit it could never be ended. Waiting for a row that somebody
    /// else holds stays as short as ever.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn be_patient(&mut self) -> Result<(), StoreError> {
        if matches!(self, Self::Sqlite { .. }) {
            return Ok(()); // Nothing interrupts a statement there.
        }
        self.query(PATIENT).execute().await?;
        if let Self::Postgres { limit, .. } = self {
            *limit = PATIENT_LIMIT;
        }
        Ok(())
    }

    /// Makes everything done here permanent. When it answers `Unavailable` the outcome is unknown.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres { open, health, limit } => {
                watched((&health, limit), open.commit()).await
            }
            Self::Sqlite { open } => Ok(open.commit().await?),
        }
    }
}

impl Target<'_> {
    /// The same for one of several functions that ask there.
    pub fn reborrow(&mut self) -> Target<'_> {
        match self {
            Self::Db(db) => Target::Db(db),
            Self::Tx(tx) => Target::Tx(tx),
        }
    }

    /// A statement on this target.
    pub fn query(&mut self, sql: &'static str) -> Statement<'_> {
        match self {
            Self::Db(db) => db.query(sql),
            Self::Tx(tx) => tx.query(sql),
        }
    }
}

/// A statement being prepared. Bind in the order of `$1, $2, …`, then run it.
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'a> {
    call: Call<'a>,
    sql: &'static str,
}

enum Call<'a> {
    Postgres {
        query: Query<'static, Postgres, PgArguments>,
        on: On<'a, PgPool, PgConnection>,
        health: &'a Health,
        limit: Duration,
    },
    Sqlite {
        query: Query<'static, Sqlite, SqliteArguments>,
        on: On<'a, SqlitePool, SqliteConnection>,
    },
}

enum On<'a, Pool, Connection> {
    Pool(&'a Pool),
    Connection(&'a mut Connection),
}

impl<Pool, Connection> On<'_, Pool, Connection> {
    /// Whether the server is believed to answer. What is under way in a transaction goes on.
    async fn admit(&self, health: &Health) -> Result<(), StoreError> {
        match self {
            Self::Pool(_) => health.admit().await,
            Self::Connection(_) => Ok(()),
        }
    }
}

impl Statement<'_> {
    /// Binds the next parameter.
    pub fn bind<'t, T: Value<'t>>(self, value: T) -> Self {
        let call = match self.call {
            Call::Postgres { query, on, health, limit } => {
                Call::Postgres { query: query.bind(value), on, health, limit }
            }
            Call::Sqlite { query, on } => Call::Sqlite { query: query.bind(value), on },
        };
        Self { call, sql: self.sql }
    }

    fn span(&self) -> Span {
        let system = match self.call {
            Call::Postgres { .. } => "postgresql",
            Call::Sqlite { .. } => "sqlite",
        };
        traces::statement(system, self.sql)
    }

    // The drivers' futures are large, and each use case that may ask the database holds them, even
    // while it answers from memory: they get a place of their own when they are needed.

    /// Runs it and tells how many rows it touched.
    pub async fn execute(self) -> Result<u64, StoreError> {
        let (span, sql, began) = (self.span(), self.sql, Instant::now());
        let outcome = Box::pin(self.run()).instrument(span).await;
        metrics::statement(sql, began.elapsed());
        outcome
    }

    async fn run(self) -> Result<u64, StoreError> {
        match self.call {
            Call::Postgres { query, on, health, limit } => {
                on.admit(health).await?;
                let run = async move {
                    Ok(match on {
                        On::Connection(connection) => query.execute(connection).await?,
                        On::Pool(pool) => query.execute(&mut *pool.acquire().await?).await?,
                    })
                };
                Ok(watched((health, limit), run).await?.rows_affected())
            }
            Call::Sqlite { query, on } => Ok(match on {
                On::Connection(connection) => query.execute(connection).await?.rows_affected(),
                On::Pool(pool) => query.execute(pool).await?.rows_affected(),
            }),
        }
    }

    /// Runs it and reads every row.
    pub async fn all<R: Record>(self) -> Result<Vec<R>, StoreError> {
        let (span, sql, began) = (self.span(), self.sql, Instant::now());
        let outcome = Box::pin(self.read()).instrument(span).await;
        metrics::statement(sql, began.elapsed());
        outcome
    }

    async fn read<R: Record>(self) -> Result<Vec<R>, StoreError> {
        match self.call {
            Call::Postgres { query, on, health, limit } => {
                on.admit(health).await?;
                let run = async move {
                    let rows = match on {
                        On::Connection(connection) => query.fetch_all(connection).await,
                        On::Pool(pool) => query.fetch_all(&mut *pool.acquire().await?).await,
                    };
                    match rows {
                        // No stored text holds a NUL, so looking for one finds nothing.
                        Err(error) if is_nul_refused(&error) => Ok(Vec::new()),
                        rows => rows,
                    }
                };
                let rows = watched((health, limit), run).await?;
                Ok(rows.iter().map(R::from_row).collect::<Result<_, _>>()?)
            }
            Call::Sqlite { query, on } => {
                let rows = match on {
                    On::Connection(connection) => query.fetch_all(connection).await?,
                    On::Pool(pool) => query.fetch_all(pool).await?,
                };
                Ok(rows.iter().map(R::from_row).collect::<Result<_, _>>()?)
            }
        }
    }

    /// Runs it and reads the row, if there is one.
    // It reads to the end rather than stop after one row: SQLite commits an `update … returning`
    // only when the statement is finished.
    pub async fn optional<R: Record>(self) -> Result<Option<R>, StoreError> {
        Ok(self.all().await?.into_iter().next())
    }

    /// Runs it and reads the one row that must be there.
    pub async fn one<R: Record>(self) -> Result<R, StoreError> {
        self.optional().await?.ok_or_else(|| StoreError::Corrupt("a row is missing".to_owned()))
    }
}

/// Begins a transaction, and lets the pool know when whoever wants it goes away meanwhile.
async fn begun(
    health: &Health,
    pool: &PgPool,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    // In this order, so that the connection is handed back after that is noted.
    let mut begin = std::pin::pin!(pool.begin());
    let beginning = health.watch_beginning();
    let outcome = begin.as_mut().await;
    beginning.end();
    outcome
}

/// Runs a PostgreSQL call within the time limit and lets the pool know about trouble, so that
/// connections made before it are tested before they are used again.
async fn watched<T>(
    (health, limit): (&Health, Duration),
    run: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    // Pinned here so that it is dropped, and its connection handed back, after the trouble is noted.
    let mut run = std::pin::pin!(run);
    let began = Instant::now();
    let outcome = match tokio::time::timeout(limit, run.as_mut()).await {
        Ok(outcome) => outcome.map_err(StoreError::from),
        Err(_) => Err(StoreError::timed_out()),
    };
    match outcome {
        Err(StoreError::Unavailable(_)) => {
            health.note_trouble();
            if began.elapsed() >= SILENCE {
                health.note_silence();
            }
        }
        Ok(_) => health.note_answer(),
        Err(_) => {}
    }
    outcome
}
