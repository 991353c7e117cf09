//! The three ways a store can fail, and how the drivers' many errors fall into them.

use sqlx::error::{DatabaseError, ErrorKind};

/// Why the store could not do as asked. Absence is no error: it is `Option` or a count.
///
/// `Display` is for logs. It carries the driver's reason, never a statement or a bound value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row with the same unique value exists, or a row that this one refers to does not.
    #[error("the change collides with what is already stored")]
    Conflict,
    /// What came back cannot be understood, or the schema is not the one this program knows.
    #[error("stored data cannot be used: {0}")]
    Corrupt(String),
    /// The store cannot be reached or is too slow: try again later, answer 503 meanwhile.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// Why the store could not be opened at start-up. `Display` is one line for the operator and never
/// shows a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "the database URL is not understood: it must begin with sqlite://, postgres:// or postgresql://"
    )]
    Scheme,
    #[error("the database URL is not understood: {0}")]
    Url(String),
    #[error(
        "an in-memory SQLite database would forget everything: give a file, such as sqlite://data/doorward.db"
    )]
    InMemory,
    #[error("cannot open the database file {path}: {reason}")]
    File { path: String, reason: String },
    #[error("cannot reach the database: {0}")]
    Unreachable(String),
}

impl StoreError {
    /// What a timeout on our own side means.
    pub(super) fn timed_out() -> Self {
        Self::Unavailable("no answer in time".to_owned())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => from_database(error.as_ref()),
            E::Io(error) => Self::Unavailable(error.to_string()),
            E::Tls(error) => Self::Unavailable(error.to_string()),
            E::PoolTimedOut => Self::Unavailable("no connection became free in time".to_owned()),
            E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
                Self::Unavailable(error.to_string())
            }
            // The PostgreSQL driver reports a connection cut mid-message this way.
            E::Protocol(reason) => Self::Unavailable(reason),
            other => Self::Corrupt(other.to_string()),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    if matches!(error.kind(), ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation) {
        return StoreError::Conflict;
    }
    let code = error.code().unwrap_or_default().into_owned();
    let reason = format!("{} ({code})", error.message());
    let unavailable = match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        Some(_) => postgres_is_unavailable(&code),
        None => sqlite_is_unavailable(&code),
    };
    if unavailable { StoreError::Unavailable(reason) } else { StoreError::Corrupt(reason) }
}

/// SQLSTATE codes (PostgreSQL manual, appendix A) that say "not now" rather than "never".
fn postgres_is_unavailable(code: &str) -> bool {
    // connection, authorisation, transaction state and rollback, resources, operator, system
    const CLASSES: [&str; 7] = ["08", "28", "40", "53", "57", "58", "3D"];
    // read-only transaction, aborted transaction, lock not available, no privilege
    const CODES: [&str; 4] = ["25006", "25P02", "55P03", "42501"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

/// SQLite result codes: the low byte is the primary code.
fn sqlite_is_unavailable(code: &str) -> bool {
    // PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
    const PRIMARY: [i64; 10] = [3, 5, 6, 7, 8, 9, 10, 13, 14, 15];
    code.parse::<i64>().is_ok_and(|code| PRIMARY.contains(&(code & 0xff)))
}

/// Whether PostgreSQL refused text because it holds a NUL character, which no row can hold.
pub(super) fn is_nul_refused(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(DatabaseError::code)
        .is_some_and(|code| matches!(code.as_ref(), "22021" | "22P05"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_ending_a_connection_is_an_outage() {
        for code in ["57P01", "57014", "08006", "53300", "25006", "40P01"] {
            assert!(postgres_is_unavailable(code), "{code}");
        }
    }

    #[test]
    fn a_missing_table_or_bad_syntax_is_not_an_outage() {
        for code in ["42P01", "42601", "22021"] {
            assert!(!postgres_is_unavailable(code), "{code}");
        }
    }

    #[test]
    fn a_locked_full_or_read_only_sqlite_file_is_an_outage_and_a_damaged_one_is_not() {
        for code in ["5", "261", "13", "8", "776", "14"] {
            assert!(sqlite_is_unavailable(code), "{code}");
        }
        for code in ["1", "11", "26"] {
            assert!(!sqlite_is_unavailable(code), "{code}");
        }
    }
}
