//! "Sign out everywhere" and "sign out everywhere else": many sessions of one person end at once, and if
//! wanted the devices and apps that stay signed in by themselves. The account page, the console and the
//! command line all come here.
//!
//! Whatever was made before the answer is dead after it. A sign-in holds the person while it adds a
//! session, a redeemed code holds its session and a device its consent while they add a grant; here all
//! of those are held, too. So either they come first and are seen, or they wait and find out. What had
//! begun and is no session and no grant yet, such as a sign-in whose password is being checked or a
//! device's answer that nobody has fetched, finds another sign-in epoch.

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::types::{GrantId, SessionId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Pending, Subject};
use crate::service::session::backchannel_logout;
use crate::service::session::session_data::{self, Leftovers};
use crate::store::{Tx, audit, consents, grants, sessions, sign_ins, users};

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    Everywhere,
    /// All but this one.
    Elsewhere(&'a SessionId),
}

/// What happens to devices and apps that stay signed in without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    Keep,
    End,
}

/// What is to end.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub user: &'a UserId,
    pub reach: Reach<'a>,
    pub connections: Connections,
}

/// What has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub sessions: usize,
    /// Grants that had outlived sessions.
    pub connections: usize,
}

/// Ends them. Apps with a back channel are told of every session. `None` when there is no such person,
/// or the session that was to stay has ended meanwhile: nothing changes then.
///
/// # Errors
/// [`Failure`] when SQL does not take it; nothing has ended then and the caller must say so.
pub async fn sign_out(
    app: &App,
    wanted: &Wanted<'_>,
    (actor, caller): (&Actor, &Caller),
) -> Result<Option<Ended>, Failure> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if !users::hold(&mut tx, wanted.user).await? || !stays(&mut tx, wanted.reach).await? {
        return Ok(None);
    }
    if !matches!(actor, Actor::User(id) if id == wanted.user) {
        // Whoever had one of them may have been somebody else.
        sessions::disown_living(&mut tx, wanted.user).await?;
    }
    let (ended, pending, leftovers) = end_in(app, &mut tx, (wanted, now)).await?;
    let event = match wanted.reach {
        Reach::Everywhere => Event::success("user.signed_out_everywhere", actor, now),
        Reach::Elsewhere(kept) => {
            Event::success("user.signed_out_elsewhere", actor, now).session(kept)
        }
    };
    let event = event
        .user(wanted.user)
        .caller(caller)
        .detail("sessions", ended.sessions)
        .detail("connections", ended.connections);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    for kept in leftovers {
        session_data::make_room(app, kept).await;
    }
    Ok(Some(ended))
}

/// Whether the session that is to stay is there to stay.
async fn stays(tx: &mut Tx, reach: Reach<'_>) -> Result<bool, Failure> {
    match reach {
        Reach::Everywhere => Ok(true),
        Reach::Elsewhere(kept) => Ok(sessions::hold(tx, kept).await?),
    }
}

async fn end_in(
    app: &App,
    tx: &mut Tx,
    (wanted, now): (&Wanted<'_>, UnixTime),
) -> Result<(Ended, Pending, Vec<Leftovers>), Failure> {
    let Wanted { user, reach, connections } = *wanted;
    let except = match reach {
        Reach::Everywhere => None,
        Reach::Elsewhere(kept) => Some(kept),
    };
    sign_ins::raise_epoch(&mut *tx, user).await?;
    let gone = sessions::revoke_for_user(&mut *tx, user, except, now).await?;
    backchannel_logout::enqueue(app, tx, user, gone.iter().map(|(id, _)| id)).await?;
    let unbound = match connections {
        Connections::Keep => Vec::new(),
        Connections::End => end_connections(tx, (user, now)).await?,
    };
    grants::revoke_bound(&mut *tx, user, except, now).await?;
    let mut leftovers = Vec::new();
    for (session, _) in &gone {
        leftovers.push(session_data::forget_session(tx, session).await?);
    }
    let mut subjects: Vec<_> = gone
        .iter()
        .flat_map(|(session, cookie)| [Subject::Session(session), Subject::Cookie(cookie)])
        .chain(unbound.iter().map(Subject::Grant))
        .collect();
    if (reach, connections) == (Reach::Everywhere, Connections::End) {
        // Nothing is to stay, so neither does what no grant here stands for.
        let version = users::raise_token_version(&mut *tx, user).await?;
        subjects.push(Subject::User(user, version));
    }
    let pending = revocation::record(tx, &subjects, now).await?;
    Ok((Ended { sessions: gone.len(), connections: unbound.len() }, pending, leftovers))
}

/// Waits for devices that redeem their codes at this moment, and then sees their grants.
async fn end_connections(
    tx: &mut Tx,
    (user, now): (&UserId, UnixTime),
) -> Result<Vec<GrantId>, Failure> {
    consents::hold_all(tx, user).await?;
    Ok(grants::revoke_unbound(&mut *tx, user, now).await?)
}
