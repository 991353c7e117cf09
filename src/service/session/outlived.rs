//! What apps still refresh of a session whose row has gone. It goes when the session has reached its absolute
//! limit; refresh tokens that end with the session may be used for longer.

use crate::app::App;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::audit::{Actor, Caller};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Subject};
use crate::store::Tx;
use crate::store::grants::{self, Offline};
use crate::store::{audit, users};

use super::backchannel_logout;

/// Whose it was, while any app still has something to refresh that ends with it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(super) async fn owner(app: &App, id: &SessionId) -> Result<Option<UserId>, Failure> {
    Ok(grants::owner_of_bound(&app.store.db, id).await?)
}

/// Ends it as [`super::end`] would have, commits, and gives the apps that were signed in to through it; none when all
/// of it had ended before. Nothing of it is believed anywhere any more in either case.
///
/// # Errors
/// [`Failure`] when SQL does not take it; it lives on then and the caller must say so.
pub(super) async fn end(
    app: &App,
    mut tx: Tx,
    (id, user): (&SessionId, &UserId),
    (actor, caller): (&Actor, &Caller),
) -> Result<Vec<ClientId>, Failure> {
    let now = app.now();
    users::hold(&mut tx, user).await?;
    let apps = grants::clients_of_session(&mut tx, id).await?;
    if grants::revoke_for_session(&mut tx, id, now, Offline::Keep).await?.is_empty() {
        drop(tx);
        revocation::outlive_recent(app, now).await;
        return Ok(Vec::new());
    }
    backchannel_logout::enqueue_to(app, &mut tx, (user, id), &apps).await?;
    let pending = revocation::record(&mut tx, &[Subject::Session(id)], now).await?;
    let event = super::ended_event_of(app, (id, user), (actor, caller));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    Ok(apps)
}
