//! The database: its version, its schema, and how fast it answers.

use std::time::{Duration, Instant};

use super::Finding;
use crate::app::App;
use crate::config::DatabaseKind;
use crate::store::about;

/// The oldest PostgreSQL the tests look for.
const OLDEST_POSTGRES: i64 = 14;

/// A sign-in asks a dozen times; slower than this and people notice.
const SLOW: Duration = Duration::from_millis(50);

/// How often it is asked; the fastest answer counts, since the first one may have to connect.
const TRIES: usize = 5;

pub(super) async fn check(app: &App) -> Finding {
    let name = "database";
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let asked = Instant::now();
        if app.store.db.ping().await.is_err() {
            return Finding::failure(name, "does not answer");
        }
        fastest = fastest.min(asked.elapsed());
    }
    let (Ok(about), Ok(status)) =
        (about::read(&app.store.db).await, app.store.migration_status().await)
    else {
        return Finding::failure(name, "does not tell its version or its schema; look at the log");
    };
    if let Some(pending) = status.iter().find(|migration| !migration.applied) {
        let text =
            format!("migration {} is not applied; run: doorward db migrate", pending.version);
        return Finding::failure(name, text);
    }
    let schema = status.last().map_or(0, |migration| migration.version);
    let millis = fastest.as_secs_f64() * 1000.0;
    let found = format!("{}, schema {schema}, answers in {millis:.1} ms", about.version);
    if app.config.database_kind() == DatabaseKind::Postgres && about.major < OLDEST_POSTGRES {
        let text = format!(
            "{found}; it is older than {OLDEST_POSTGRES}, the oldest that is tested: upgrade it"
        );
        return Finding::warning(name, text);
    }
    if fastest > SLOW {
        let text =
            format!("{found}, and a sign-in asks a dozen times; bring it nearer to this machine");
        return Finding::warning(name, text);
    }
    Finding::fine(name, found)
}
