//! Whether everything a sign-in needs answers.

use crate::app::App;
use crate::protocol::types::SigningAlg;
use crate::service::failure::Failure;
use crate::store::sync;
use crate::telemetry::metrics::Part;

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
    check(app).await;
    Ok(())
}

/// Asks every part, and tells the metrics which stores answered. Public text: what is wrong in a word, never
/// why in detail.
pub async fn check(app: &App) -> Vec<Check> {
    let database = sync::read(&app.store.db).await.err().map(|_| "does not answer".to_owned());
    let ephemeral = app.ephemeral.ping().await.err().map(|_| "does not answer".to_owned());
    app.metrics.store_up(Part::Sql, database.is_none());
    app.metrics.store_up(Part::Ephemeral, ephemeral.is_none());
    let keyring = app.keyring.load();
    let missing = app.config.keys.algorithms.iter().find(|alg| keyring.active(**alg).is_none());
    let key = missing.map(|alg: &SigningAlg| format!("no active {} key", alg.as_str()));
    vec![
        Check { name: "database", problem: database },
        Check { name: "ephemeral", problem: ephemeral },
        Check { name: "signing-keys", problem: key },
    ]
}
