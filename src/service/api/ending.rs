//! API keys that end with what they stood on: whoever is stopped, or is not an administrator any more, comes
//! back without the keys of before.

use crate::clock::UnixTime;
use crate::protocol::types::{SessionId, UserId};
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
        let event = revoked((user, &id, &name), (actor, now));
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(())
}

/// Ends every key that was made in a session, whosever it is, inside the caller's transaction, each with its event.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn end_keys_made_in(
    tx: &mut Tx,
    session: &SessionId,
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    for (user, id, name) in keys::revoke_made_in(&mut *tx, session, now).await? {
        let event = revoked((&user, &id, &name), (actor, now));
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(())
}

/// What is noted of a key that ends: whose it was, its id and its name.
pub(super) fn revoked(
    (user, id, name): (&UserId, &str, &str),
    (actor, now): (&Actor, UnixTime),
) -> Event {
    let event = Event::success("api_key.revoked", actor, now);
    event.user(user).detail("key", id).detail("name", name)
}
