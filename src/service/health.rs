//! Whether everything a sign-in needs answers.

use crate::app::App;
use crate::protocol::types::SigningAlg;
use crate::store::sync;

/// One part and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Check {
    pub name: &'static str,
    pub problem: Option<String>,
}

/// Asks every part. Public text: what is wrong in a word, never why in detail.
pub async fn check(app: &App) -> Vec<Check> {
    let database = sync::read(&app.store.db).await.err().map(|_| "does not answer".to_owned());
    let ephemeral = app.ephemeral.ping().await.err().map(|_| "does not answer".to_owned());
    let keyring = app.keyring.load();
    let missing = app.config.keys.algorithms.iter().find(|alg| keyring.active(**alg).is_none());
    let key = missing.map(|alg: &SigningAlg| format!("no active {} key", alg.as_str()));
    vec![
        Check { name: "database", problem: database },
        Check { name: "ephemeral", problem: ephemeral },
        Check { name: "signing-keys", problem: key },
    ]
}
