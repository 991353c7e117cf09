//! The age of signing keys: a server rotates them on schedule, so an old one says that none does.

use super::Finding;
use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::keyring::KeyState;
use crate::service::keys;
use crate::store::keys::KeyRow;

const DAY: Seconds = 86_400;

/// How much later than planned a rotation may be: a server looks every few minutes while it runs.
const GRACE: Seconds = DAY;

pub(super) async fn check(app: &App) -> Finding {
    let name = "key-age";
    let rows = match keys::list(app).await {
        Ok(rows) => rows,
        Err(error) => return Finding::failure(name, error.to_string()),
    };
    let state = |row: &KeyRow| KeyState::from_name(&row.state);
    let of_use = |row: &&KeyRow| app.config.keys.algorithms.contains(&row.alg);
    let active: Vec<_> = rows
        .iter()
        .filter(of_use)
        .filter(|row| state(row) == Some(KeyState::Active))
        .map(|row| (row.alg.as_str(), app.now().since(row.activates_at)))
        .collect();
    let late: Vec<_> = active
        .iter()
        .filter(|(_, age)| *age > app.config.keys.rotate_every.saturating_add(GRACE))
        .map(|(alg, age)| format!("{alg} ({} days)", age / DAY))
        .collect();
    if !late.is_empty() {
        let text = format!(
            "these keys sign longer than keys.rotate_every allows: {}; a running server rotates them, and so \
             does: doorward key rotate",
            late.join(", ")
        );
        return Finding::warning(name, text);
    }
    let oldest = active.iter().map(|(_, age)| *age).max().unwrap_or_default();
    Finding::fine(name, format!("the oldest key in use has signed for {} days", oldest / DAY))
}
