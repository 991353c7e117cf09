//! Whether everything a sign-in needs answers.

use crate::app::App;
use crate::protocol::types::SigningAlg;
use crate::service::failure::Failure;
use crate::store::{StoreError, about};
use crate::telemetry::metrics::Part;

pub const DATABASE: &str = "database";
pub const SCHEMA: &str = "schema";
pub const EPHEMERAL: &str = "ephemeral";
pub const SIGNING_KEYS: &str = "signing-keys";
/// Every part that [`check`] asks, in its order.
pub const PARTS: [&str; 4] = [DATABASE, SCHEMA, EPHEMERAL, SIGNING_KEYS];

/// One part and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Check {
    pub name: &'static str,
    pub problem: Option<String>,
}

/// Asks every part, for the metrics, whether or not anybody asks for its readiness: a node whose stores are
/// away gets no traffic, so nothing that counts requests shows it. Runs every few seconds.
///
/// # Errors
/// None: what does not answer is in the metrics, and in the log by whatever needs it.
pub async fn watch(app: &App) -> Result<(), Failure> {
    check(app, &[]).await;
    Ok(())
}

/// Asks every part but those left out, and tells the metrics which stores answered. Public text: what is
/// wrong in a word, never why in detail.
pub async fn check(app: &App, left_out: &[&str]) -> Vec<Check> {
    let is_asked = |name: &str| !left_out.contains(&name);
    let mut checks = Vec::with_capacity(PARTS.len());
    if is_asked(DATABASE) || is_asked(SCHEMA) {
        checks.extend(sql(app).await);
    }
    // Not waited for by whoever does not want to know: it may take its time to be away.
    if is_asked(EPHEMERAL) {
        let answer = app.ephemeral.ping().await;
        app.metrics.store_up(Part::Ephemeral, answer.is_ok());
        let problem = answer.err().map(|_| "does not answer".to_owned());
        checks.push(Check { name: EPHEMERAL, problem });
    }
    let keyring = app.keyring.load();
    let missing = app.config.keys.algorithms.iter().find(|alg| keyring.active(**alg).is_none());
    let problem = missing.map(|alg: &SigningAlg| format!("no active {} key", alg.as_str()));
    checks.push(Check { name: SIGNING_KEYS, problem });
    checks.retain(|check| is_asked(check.name));
    checks
}

/// Asks the database for its schema, which is as short a question as any.
async fn sql(app: &App) -> [Check; 2] {
    let answer = about::has_schema(&app.store.db).await;
    let is_silent = matches!(answer, Err(StoreError::Unavailable(_)));
    app.metrics.store_up(Part::Sql, !is_silent);
    let problem = match answer {
        Ok(true) => None,
        Ok(false) => Some("older than this program".to_owned()),
        // Nothing speaks against the schema of a database that does not answer.
        Err(_) if is_silent => None,
        Err(_) => Some("cannot be read".to_owned()),
    };
    let silent = is_silent.then(|| "does not answer".to_owned());
    [Check { name: DATABASE, problem: silent }, Check { name: SCHEMA, problem }]
}
