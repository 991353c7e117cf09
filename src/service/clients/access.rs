//! Who may use an app: everybody, or the people in certain groups.
//!
//! The rule is [`Client::admits`]. It is asked before anything is given about a person, and again in the
//! transaction that gives it, which takes turns with whoever takes that person out of a group: either the
//! group is gone and seen, or what was given is there and ends with it. What has been given ends in the
//! transaction that takes the group, or changes the app.

use std::collections::BTreeSet;

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::types::{ClientId, GrantId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{self as audit_log, Actor, Caller, Event};
use crate::service::clients::{self as client_cases, ClientError};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Pending, Subject};
use crate::service::session::{backchannel_logout, farewell};
use crate::store::clients::{self, allowed_groups};
use crate::store::ephemeral::throttle;
use crate::store::{Sql, Tx, audit, grants, groups, pairs, sync, users};

/// How often an hour it is noted that somebody was turned away from one app: a page that is loaded again
/// and again must not fill the audit log.
const NOTED_PER_HOUR: i64 = 20;

/// Where somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// On the way from the app, signed in.
    SignIn,
    Device,
    /// A code, device code or assertion was about to become tokens.
    Token,
    Exchange,
}

impl Door {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Device => "device",
            Self::Token => "token",
            Self::Exchange => "exchange",
        }
    }
}

/// Whether somebody may use an app. Of an app that everybody may use nothing is asked.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn admits<'a>(
    sql: impl Sql<'a>,
    client: &Client,
    user: &UserId,
) -> Result<bool, Failure> {
    if !client.is_restricted() {
        return Ok(true);
    }
    let mut sql = sql.into();
    let names = groups::groups_of(sql.reborrow(), user).await?;
    // A client that was read a moment ago has the name that a group had then.
    Ok(client.admits(&names) || allowed_groups::lets_in(sql, &client.id, user).await?)
}

/// As [`admits`], for somebody who has been read with their groups.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn admits_read(app: &App, client: &Client, user: &User) -> Result<bool, Failure> {
    Ok(client.admits(&user.groups)
        || allowed_groups::lets_in(&app.store.db, &client.id, &user.id).await?)
}

/// As [`admits`], by the app's list of this moment; nobody takes the person out of a group before the
/// transaction is over. Call it first: it holds the person.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn admits_until_commit(
    tx: &mut Tx,
    client: &Client,
    user: &UserId,
) -> Result<bool, Failure> {
    // A list that has become shorter since has ended everything by the version of the client.
    if !client.is_restricted() {
        return Ok(true);
    }
    if !users::hold(&mut *tx, user).await? {
        return Ok(false);
    }
    let newest = clients::by_id(&mut *tx, &client.id).await?;
    admits(tx, newest.as_ref().unwrap_or(client), user).await
}

/// Whether the person behind a living token may use the app that has it, for tokens that have no grant of
/// their own which could be ended. Whoever is taken out of a group makes every process look again.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn admits_bearer(
    app: &App,
    client: &ClientId,
    user: &UserId,
) -> Result<bool, Failure> {
    match client_cases::find(app, client).await? {
        Some(client) => admits(&app.store.db, &client, user).await,
        None => Ok(false),
    }
}

/// Writes down that somebody was turned away, unless it was so often lately.
///
/// # Errors
/// [`Failure`] when neither store takes it.
pub async fn note_refusal(
    app: &App,
    (client, user): (&ClientId, &UserId),
    (door, caller): (Door, &Caller),
) -> Result<(), Failure> {
    let key = format!("shut-out:{client}:{user}");
    if app.ephemeral.increment(&key, throttle::WINDOW).await? > NOTED_PER_HOUR {
        return Ok(());
    }
    let event = Event::failure("access.refused", &Actor::User(user.clone()), app.now())
        .user(user)
        .client(client)
        .caller(caller)
        .detail("at", door.as_str());
    audit_log::write(app, event).await
}

/// Ends what a person has with apps that no group of theirs lets them use any more: to be called behind
/// the change of their groups, in its transaction, which holds the person. Revoke what it gives.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn end_lost(
    app: &App,
    tx: &mut Tx,
    (user, actor): (&UserId, &Actor),
) -> Result<Vec<GrantId>, Failure> {
    let now = app.now();
    pairs::hold_ended_of_user(tx, user).await?;
    let ended = grants::revoke_shut_out(&mut *tx, user, now).await?;
    let (ids, apps): (Vec<_>, BTreeSet<_>) = ended.into_iter().unzip();
    for client in &apps {
        backchannel_logout::enqueue_for_app(app, tx, (user, client)).await?;
        let event = Event::success("access.ended", actor, now).user(user).client(client);
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(ids)
}

/// What a change of somebody's groups makes old, and what it ends.
pub(crate) fn subjects<'a>(
    people: impl IntoIterator<Item = &'a UserId>,
    ended: &'a [GrantId],
) -> Vec<Subject<'a>> {
    people.into_iter().map(Subject::Facts).chain(ended.iter().map(Subject::Grant)).collect()
}

/// Whether any app lets this group in, so that whoever leaves it may lose something.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn is_a_key<'a>(sql: impl Sql<'a>, group: &str) -> Result<bool, Failure> {
    Ok(!allowed_groups::clients_of(sql, group).await?.is_empty())
}

/// Keeps the list of an app where it can be asked of all apps, in the transaction that holds the app.
///
/// # Errors
/// [`ClientError::Invalid`] for a group that does not exist, unless `before` had it; the transaction must
/// not be committed then.
pub(super) async fn keep(
    tx: &mut Tx,
    client: &Client,
    before: Option<&ClientMetadata>,
) -> Result<(), ClientError> {
    let own = client.metadata.allowed_groups.as_deref().unwrap_or_default();
    let known = before.and_then(|before| before.allowed_groups.as_deref()).unwrap_or_default();
    if before.is_some() && known == own {
        return Ok(());
    }
    let mut problems = Vec::new();
    for group in own.iter().filter(|group| !known.contains(group)) {
        if groups::by_name(&mut *tx, group).await?.is_none() {
            problems.push(MetadataProblem::of("allowed_groups", group, "is no group here"));
        }
    }
    if !problems.is_empty() {
        return Err(ClientError::Invalid(problems));
    }
    Ok(allowed_groups::replace(tx, &client.id, own).await?)
}

/// Ends everything issued to an app that lets fewer people in from now on, however many they are: whoever
/// may still use it signs in again, mostly without noticing. Its back channel hears that everybody has
/// signed out.
///
/// # Errors
/// [`Failure`] when SQL does not take it; the list does not change then either.
pub(super) async fn end_all(
    app: &App,
    tx: &mut Tx,
    (client, now): (&mut Client, UnixTime),
) -> Result<Pending, Failure> {
    client.token_version = clients::raise_token_version(&mut *tx, &client.id).await?;
    pairs::hold_ended_of_client(tx, &client.id).await?;
    grants::revoke_for_client(&mut *tx, &client.id, now).await?;
    if client.disabled_at.is_none() {
        farewell::enqueue(app, tx, client).await?;
    }
    revocation::record(tx, &[Subject::Client(&client.id, client.token_version)], now).await
}

/// Puts the new name of a group into the lists of the apps that let it in. `true` when there are any:
/// forget the clients that are remembered after the commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn follow_rename(
    tx: &mut Tx,
    (name, new_name): (&str, &str),
) -> Result<bool, Failure> {
    let ids = allowed_groups::clients_of(&mut *tx, name).await?;
    for id in &ids {
        let Some(mut client) = clients::hold(&mut *tx, id).await? else { continue };
        let Some(list) = &mut client.metadata.allowed_groups else { continue };
        for group in list.iter_mut().filter(|group| *group == name) {
            new_name.clone_into(group);
        }
        list.sort();
        list.dedup();
        let list = list.clone();
        clients::update(&mut *tx, &client).await?;
        allowed_groups::replace(tx, id, &list).await?;
    }
    if !ids.is_empty() {
        sync::bump_catalog(tx).await?;
    }
    Ok(!ids.is_empty())
}

/// The groups an app lets in that do not exist any more, by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn missing_groups(app: &App, client: &Client) -> Result<Vec<String>, Failure> {
    if !client.is_restricted() {
        return Ok(Vec::new());
    }
    Ok(allowed_groups::missing(&app.store.db, &client.id).await?)
}
