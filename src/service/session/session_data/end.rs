//! What happens to values when what they belong to ends. No living token leads to them any more; here
//! they are removed as well.

use futures_util::future::join_all;

use super::place::{fast_key, session_place, user_place};
use crate::app::App;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::failure::Failure;
use crate::store::sessions::{session_clients, session_data};
use crate::store::{Tx, consents, grants};

/// How many keys are removed at a time.
const AT_ONCE: usize = 64;

/// Keys of the fast store that [`make_room`] removes after the commit.
#[derive(Default)]
#[must_use = "make room after the commit"]
pub(crate) struct Leftovers(Vec<String>);

impl Leftovers {
    /// Adds what something else leaves.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Removes what apps keep beside a session that ends, in the caller's transaction.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn forget_session(tx: &mut Tx, session: &SessionId) -> Result<Leftovers, Failure> {
    session_data::forget_session(&mut *tx, session).await?;
    beside(tx, session).await
}

/// Removes everything that apps keep for a person, in the caller's transaction, which has just ended
/// these sessions and every grant.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn forget_user(
    tx: &mut Tx,
    user: &UserId,
    sessions: impl Iterator<Item = &SessionId>,
) -> Result<Leftovers, Failure> {
    session_data::forget_user(&mut *tx, user).await?;
    let clients = grants::clients_of_user(&mut *tx, user).await?;
    let shared = clients.iter().map(|client| fast_key(&user_place(client, user)));
    let mut leftovers = Leftovers(shared.collect());
    for session in sessions {
        leftovers.extend(beside(tx, session).await?);
    }
    Ok(leftovers)
}

/// The keys of what apps keep beside a session.
async fn beside(tx: &mut Tx, session: &SessionId) -> Result<Leftovers, Failure> {
    let clients = session_clients::of_session(&mut *tx, session).await?;
    let keys = clients.iter().map(|client| fast_key(&session_place(client, session)));
    Ok(Leftovers(keys.collect()))
}

/// Removes what an app keeps for a person who has taken back what they allowed it, in the caller's
/// transaction. What the fast store has of before counts no more from then on, even if it stays there.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn forget_app(
    app: &App,
    tx: &mut Tx,
    (user, client): (&UserId, &ClientId),
) -> Result<Leftovers, Failure> {
    consents::note_withdrawal(tx, user, client).await?;
    session_data::forget_app(&mut *tx, user, client).await?;
    let sessions = session_clients::living_sessions(&mut *tx, (user, client), app.now()).await?;
    let beside = sessions.iter().map(|session| fast_key(&session_place(client, session)));
    Ok(Leftovers(beside.chain([fast_key(&user_place(client, user))]).collect()))
}

/// Removes values from the fast store. A failure leaves them there until they expire; nothing reads
/// them any more.
pub(crate) async fn make_room(app: &App, Leftovers(keys): Leftovers) {
    for some in keys.chunks(AT_ONCE) {
        // One by one: the keys of a Redis Cluster may be on different nodes.
        let removed = some.iter().map(async |key| app.ephemeral.delete(&[key]).await);
        for error in join_all(removed).await.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "session data stays in the fast store until it expires");
        }
    }
}
