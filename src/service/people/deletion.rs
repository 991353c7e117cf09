//! Deleting accounts: at once, or so that they can be brought back for a while
//! (`docs/decisions/0027-deleted-accounts-can-be-brought-back.md`). Enabling one brings it back.

use super::authority::Authority;
use super::{PeopleError, disable, keep_an_owner, spread_end};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Spread};
use crate::service::session::{ended_by, everywhere};
use crate::store::users::{self, leaving};
use crate::store::{Tx, audit, pairs};

/// How long a deleted account can be brought back.
pub const GRACE: Seconds = 7 * 86_400;

/// [`GRACE`] in days, for people.
pub const GRACE_DAYS: Seconds = GRACE / 86_400;

/// Deletes an account and everything it has. The audit log stays.
///
/// # Errors
/// [`PeopleError`].
pub async fn delete(app: &App, id: &UserId, actor: &Actor) -> Result<(), PeopleError> {
    let (tx, before) = begin(app, id, actor).await?;
    remove(app, tx, (&before, actor)).await
}

/// As [`delete`], if the person is in the moment of the deletion what they are here; `false`, and nothing changes,
/// when somebody else has changed them since.
///
/// # Errors
/// [`PeopleError`].
pub async fn delete_if(app: &App, made_from: &User, actor: &Actor) -> Result<bool, PeopleError> {
    let (tx, before) = begin(app, &made_from.id, actor).await?;
    if *made_from != before {
        return Ok(false);
    }
    remove(app, tx, (&before, actor)).await?;
    Ok(true)
}

/// Disables an account, which ends everything that disabling ends, and has it deleted when [`GRACE`] is
/// over; says when. One that is to be deleted already keeps its time.
///
/// # Errors
/// [`PeopleError`].
pub async fn delete_later(app: &App, id: &UserId, actor: &Actor) -> Result<UnixTime, PeopleError> {
    let (delete_at, spread) = schedule(app, id, actor).await?;
    spread.outlive_copies().await;
    Ok(delete_at)
}

/// As [`delete_later`], for work that goes on: what comes back with the time is to be waited for before it is
/// acknowledged.
///
/// # Errors
/// [`PeopleError`].
pub(in crate::service) async fn schedule(
    app: &App,
    id: &UserId,
    actor: &Actor,
) -> Result<(UnixTime, Spread), PeopleError> {
    let now = app.now();
    let (mut tx, before) = begin(app, id, actor).await?;
    if let Some(delete_at) = before.delete_at {
        drop(tx);
        // Whoever came first may still be waiting for it to be final.
        return Ok((delete_at, revocation::spread_recent(app).await));
    }
    let delete_at = now.plus(GRACE);
    if before.disabled_at.is_none() {
        disable(&mut tx, &before, now).await?;
    }
    leaving::set(&mut tx, id, delete_at).await?;
    let event = Event::success("user.deletion_scheduled", actor, now)
        .user(id)
        .detail("username", before.username.as_str())
        .detail("days", GRACE_DAYS);
    Ok((delete_at, spread_end(app, tx, (id, actor, event)).await?))
}

/// Deletes those whose time is over, at most `limit`; says how many there were.
///
/// # Errors
/// [`Failure`]; whoever is left is deleted another time.
pub(in crate::service) async fn delete_due(
    app: &App,
    now: UnixTime,
    limit: i64,
) -> Result<usize, Failure> {
    let due = leaving::due(&app.store.db, now, limit).await?;
    for id in &due {
        match delete_if_due(app, id, now).await {
            // Somebody else has deleted them, or brought them back.
            Ok(()) | Err(PeopleError::NotFound) => {}
            Err(PeopleError::Failure(failure)) => return Err(failure),
            Err(other) => return Err(Failure::Internal(other.to_string())),
        }
    }
    Ok(due.len())
}

async fn delete_if_due(app: &App, id: &UserId, now: UnixTime) -> Result<(), PeopleError> {
    let (tx, before) = begin(app, id, &Actor::System).await?;
    if before.delete_at.is_none_or(|at| at > now) {
        return Err(PeopleError::NotFound);
    }
    remove(app, tx, (&before, &Actor::System)).await
}

/// Begins a deletion, with whoever must not change meanwhile held.
async fn begin(app: &App, id: &UserId, actor: &Actor) -> Result<(Tx, User), PeopleError> {
    let mut tx = app.store.begin().await?;
    users::hold_owners(&mut tx).await?;
    let authority = Authority::of(&mut tx, actor, Some(id)).await?;
    // Whoever brings them back at this moment has done so, or waits and finds nobody.
    users::hold(&mut tx, id).await?;
    let before = users::by_id(&mut tx, id).await?.ok_or(PeopleError::NotFound)?;
    authority.change(&mut tx, Right::PeopleDelete, &before).await?;
    Ok((tx, before))
}

async fn remove(
    app: &App,
    mut tx: Tx,
    (before, actor): (&User, &Actor),
) -> Result<(), PeopleError> {
    let (id, now) = (&before.id, app.now());
    // Before the rows go with the person's: apps are told of sessions, and whoever adds something to
    // what goes is waited for while they need not wait for the person.
    pairs::hold_deleted_of_user(&mut tx, id).await?;
    let ended = everywhere::end_all(app, &mut tx, id).await?;
    users::delete(&mut tx, id).await?;
    let pending = ended.record(&mut tx, (id, now)).await?;
    keep_an_owner(&mut tx, before).await?;
    let event = Event::success("user.deleted", actor, now)
        .user(id)
        .detail("username", before.username.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    ended.settle(app, pending, ended_by(actor, id)).await;
    Ok(())
}
