//! Who is in an organisation. Leaving one is final: what was given for it ends in the same transaction, as
//! when an app is not for somebody any more, and no session has it chosen.

use std::collections::BTreeSet;

use super::{MOST_PER_PERSON, OrganisationError, described, described_by};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::rights::Right;
use crate::protocol::types::{GrantId, OrganisationId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Subject};
use crate::service::session::backchannel_logout;
use crate::store::organisations::{self as rows, Organisation};
use crate::store::{StoreError, Tx, audit, gateway_cookies, grants, pairs, sessions, users};

/// A page of the people in one, by username, behind `after`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    (about, after): (&Organisation, Option<&str>),
    limit: i64,
) -> Result<Vec<User>, Failure> {
    Ok(users::of_organisation(&app.store.db, (&about.id, after), limit).await?)
}

/// Those somebody is in, by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn of_user(app: &App, user: &UserId) -> Result<Vec<Organisation>, Failure> {
    Ok(rows::of_user(&app.store.db, user, MOST_PER_PERSON).await?)
}

/// Takes somebody in; nothing happens if they are in it.
///
/// # Errors
/// [`OrganisationError`]; [`OrganisationError::Full`] when they are in as many as one may be.
pub async fn add(
    app: &App,
    (about, user): (&Organisation, &UserId),
    actor: &Actor,
) -> Result<(), OrganisationError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    hold(&mut tx, (about, user), actor).await?;
    let all = rows::of_user(&mut tx, user, MOST_PER_PERSON).await?;
    if all.iter().any(|organisation| organisation.id == about.id) {
        return Ok(());
    }
    if i64::try_from(all.len()).unwrap_or(MOST_PER_PERSON) >= MOST_PER_PERSON {
        return Err(OrganisationError::Full);
    }
    match rows::add_member(&mut tx, (&about.id, user), now).await {
        Ok(_) => {}
        Err(StoreError::Conflict) => return Err(OrganisationError::NoPerson),
        Err(other) => return Err(other.into()),
    }
    let event = joined((&about.name, &about.id), user, (actor, now));
    audit::append(&mut tx, &event.into_row()).await?;
    // So that no cookie for the gateway is made before this is over.
    sessions::hold_of_user(&mut tx, user).await?;
    let told = told(&mut tx, user).await?;
    let pending = revocation::record(&mut tx, told.as_slice(), now).await?;
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(())
}

/// Takes people, who are held or made in the same transaction, into organisations, which nobody deletes before
/// it is over. `there` are those who were not made in it: to what is old of them the answer is as [`told`]
/// gives it. Nobody may come into more than [`MOST_PER_PERSON`]; events are the caller's.
///
/// # Errors
/// [`StoreError`]; `Conflict` if one of the organisations is gone.
pub(in crate::service) async fn add_all(
    tx: &mut Tx,
    (places, there): (&[(&OrganisationId, &UserId)], &[&UserId]),
    now: UnixTime,
) -> Result<Vec<UserId>, StoreError> {
    // One order for everybody, so that two who do this do not wait for each other.
    let organisations: BTreeSet<_> = places.iter().map(|(id, _)| *id).collect();
    for id in organisations {
        if !rows::hold(&mut *tx, id).await? {
            return Err(StoreError::Conflict);
        }
    }
    rows::add_members(&mut *tx, places, now).await?;
    // As in `add`: no cookie for the gateway is made before this is over.
    sessions::hold_of_users(tx, there).await?;
    gateway_cookies::holders_among(tx, there).await
}

/// Somebody came into the organisation of this name and id.
pub(in crate::service) fn joined(
    about: (&str, &OrganisationId),
    user: &UserId,
    (actor, now): (&Actor, UnixTime),
) -> Event {
    described_by(Event::success("organisation.member_added", actor, now).user(user), about)
}

/// Takes somebody out, and ends what was given to apps for it; nothing happens if they are not in it.
/// When this comes back no node takes a token that was given for it for alive.
///
/// # Errors
/// [`OrganisationError`].
pub async fn remove(
    app: &App,
    (about, user): (&Organisation, &UserId),
    actor: &Actor,
) -> Result<(), OrganisationError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    hold(&mut tx, (about, user), actor).await?;
    if !rows::remove_member(&mut tx, (&about.id, user)).await? {
        drop(tx);
        // Who removed them may still be waiting for it to be final.
        revocation::outlive_recent(app, now).await;
        return Ok(());
    }
    let event = Event::success("organisation.member_removed", actor, now).user(user);
    audit::append(&mut tx, &described(event, about).into_row()).await?;
    let ended = end_for(app, &mut tx, (user, about), actor).await?;
    let told = told(&mut tx, user).await?;
    let pending = revocation::record(&mut tx, &subjects(&ended, told), now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    Ok(())
}

/// Asks whether `actor` may move this person, and holds person and organisation: of two who move the same
/// one, one waits.
async fn hold(
    tx: &mut Tx,
    (about, user): (&Organisation, &UserId),
    actor: &Actor,
) -> Result<(), OrganisationError> {
    let authority = Authority::of(tx, actor, Some(user)).await?;
    if !users::hold(&mut *tx, user).await? {
        return Err(OrganisationError::NoPerson);
    }
    authority.change_by_id(tx, Right::OrganisationsMembers, user).await?;
    if rows::hold(&mut *tx, &about.id).await? { Ok(()) } else { Err(OrganisationError::NotFound) }
}

/// Ends what somebody who is in an organisation no more has for it: to be called in the transaction that
/// takes them out, which holds them. Revoke what it gives.
pub(super) async fn end_for(
    app: &App,
    tx: &mut Tx,
    (user, about): (&UserId, &Organisation),
    actor: &Actor,
) -> Result<Vec<GrantId>, Failure> {
    let now = app.now();
    sessions::hold_of_user(tx, user).await?;
    sessions::forget_organisation(&mut *tx, (user, &about.id)).await?;
    pairs::hold_ended_of_user(tx, user).await?;
    let ended = grants::revoke_for_organisation(&mut *tx, (user, &about.id), now).await?;
    let (ids, apps): (Vec<_>, BTreeSet<_>) = ended.into_iter().unzip();
    for client in &apps {
        backchannel_logout::enqueue_for_app(app, tx, (user, client)).await?;
        let event = Event::success("access.ended", actor, now).user(user).client(client);
        audit::append(&mut *tx, &described(event, about).into_row()).await?;
    }
    Ok(ids)
}

/// What that ends, and what it makes old, to be revoked.
pub(super) fn subjects<'a>(
    ended: &'a [GrantId],
    told: impl IntoIterator<Item = Subject<'a>>,
) -> Vec<Subject<'a>> {
    ended.iter().map(Subject::Grant).chain(told).collect()
}

/// What is old of a person who acts for another organisation now, or may: the gateway alone remembers for which one,
/// so there is nothing where they hold no cookie of it. Call it when their sessions are held.
pub(super) async fn told<'a>(
    tx: &mut Tx,
    user: &'a UserId,
) -> Result<Option<Subject<'a>>, StoreError> {
    Ok(gateway_cookies::has_any(tx, user).await?.then_some(Subject::Facts(user)))
}
