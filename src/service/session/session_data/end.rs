//! What happens to values when what they belong to ends. No living token leads to them any more; here
//! they are removed as well.

use super::place::{fast_key, session_place, user_place};
use crate::app::App;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::failure::Failure;
use crate::store::Tx;
use crate::store::sessions::{session_clients, session_data};

/// Keys of the fast store that [`make_room`] removes after the commit.
#[must_use = "make room after the commit"]
pub(crate) struct Leftovers(Vec<String>);

/// Removes what apps keep beside a session that ends, in the caller's transaction.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn forget_session(tx: &mut Tx, session: &SessionId) -> Result<Leftovers, Failure> {
    session_data::forget_session(&mut *tx, session).await?;
    let clients = session_clients::of_session(&mut *tx, session).await?;
    let keys = clients.iter().map(|client| fast_key(&session_place(client, session)));
    Ok(Leftovers(keys.collect()))
}

/// Removes what an app keeps for a person who has taken back what they allowed it, in the caller's
/// transaction.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn forget_app(
    app: &App,
    tx: &mut Tx,
    (user, client): (&UserId, &ClientId),
) -> Result<Leftovers, Failure> {
    session_data::forget_app(&mut *tx, user, client).await?;
    let sessions = session_clients::living_sessions(&mut *tx, (user, client), app.now()).await?;
    let beside = sessions.iter().map(|session| fast_key(&session_place(client, session)));
    Ok(Leftovers(beside.chain([fast_key(&user_place(client, user))]).collect()))
}

/// Removes values from the fast store. A failure leaves them there until they expire.
pub(crate) async fn make_room(app: &App, Leftovers(keys): Leftovers) {
    for key in &keys {
        // One by one: the keys of a Redis Cluster may be on different nodes.
        if let Err(error) = app.ephemeral.delete(&[key]).await {
            tracing::warn!(%error, "session data stays in the fast store until it expires");
        }
    }
}
