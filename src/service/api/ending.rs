//! API keys that end with what they stood on: whoever is stopped, or is not an administrator any more, comes
//! back without the keys of before.

use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::service::audit::{Actor, Event};
use crate::store::api::keys;
use crate::store::{StoreError, Tx, audit};

/// Ends every key of a person inside the caller's transaction, each with its event.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn end_keys(
    tx: &mut Tx,
    user: &UserId,
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    for (id, name) in keys::revoke_of(&mut *tx, user, now).await? {
        let event = Event::success("api_key.revoked", actor, now)
            .user(user)
            .detail("key", id.as_str())
            .detail("name", name.as_str());
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(())
}
