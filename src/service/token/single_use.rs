//! Tokens that others signed and that are good once: their identifiers are used up in SQL before
//! anything they prove is acknowledged.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::SecretHash;
use crate::service::failure::Failure;
use crate::store::used_jtis;

/// Nodes whose clocks differ must not forget what another one still accepts.
const MARGIN: Seconds = 60;

/// Uses a `jti`: `purpose` is what the token is for, the pair its owner and its `jti`. `false` if
/// it was used before. `until` is when the token is refused for its age.
///
/// # Errors
/// [`Failure`]; the `jti` may be used up then.
pub(crate) async fn spend(
    app: &App,
    purpose: &'static str,
    (owner, jti): (&str, &str),
    until: UnixTime,
) -> Result<bool, Failure> {
    // Lengths in front, so that no two pairs make the same text.
    let text = format!("{purpose}:{}:{owner}:{}:{jti}", owner.len(), jti.len());
    let hash = SecretHash::of(&text);
    Ok(used_jtis::spend(&app.store.db, hash.as_str(), until.plus(MARGIN)).await?)
}
