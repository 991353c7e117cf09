//! "Sign out everywhere" and "sign out everywhere else": many sessions of one person end at once, and if
//! wanted the devices and apps that stay signed in by themselves. The account page, the console and the
//! command line all come here.
//!
//! Whatever was made before the answer is dead after it. A sign-in holds the person while it adds a
//! session, a redeemed code holds its session and a device its consent while they add a grant; here all
//! of those are held, too. So either they come first and are seen, or they wait and find out. What had
//! begun and is no session and no grant yet, such as a sign-in whose password is being checked or a
//! device's answer that nobody has fetched, finds another sign-in epoch.
//!
//! [`end_all`] is the whole of it, and what a new password, a disabled and a deleted account do as well.

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::rights::Right;
use crate::protocol::types::{GrantId, SessionId, UserId};
use crate::service::api::ending::end_keys;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Pending, Spread, Subject};
use crate::service::session::session_data::{self, Leftovers};
use crate::service::session::{backchannel_logout, ended_by};
use crate::store::sessions::EndedSession;
use crate::store::{Tx, audit, grants, pairs, sessions, sign_ins, users};

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
    /// API keys, too.
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

/// Ends them. Apps with a back channel are told of every session. Where there is nothing to end, nothing
/// is published. `None` when there is no such person, or the session that was to stay has ended meanwhile:
/// nothing changes then.
///
/// # Errors
/// [`PeopleError::NotYours`], and [`Failure`] when SQL does not take it; nothing has ended then and the caller must
/// say so.
pub async fn sign_out(
    app: &App,
    wanted: &Wanted<'_>,
    (actor, caller): (&Actor, &Caller),
) -> Result<Option<Ended>, PeopleError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if !hold(&mut tx, wanted, actor).await? {
        drop(tx);
        revocation::outlive_recent(app, now).await;
        return Ok(None);
    }
    if !matches!(actor, Actor::User(id) if id == wanted.user) {
        // Whoever had one of them may have been somebody else.
        sessions::disown_living(&mut tx, wanted.user).await?;
    }
    let Written { gone, connections, pending, leftovers } =
        end_in(app, &mut tx, (wanted, now)).await?;
    let ended = Ended { sessions: gone.len(), connections };
    if wanted.connections == Connections::End {
        end_keys(&mut tx, wanted.user, (actor, now)).await?;
    }
    // Every number that is given out makes all nodes look at what has ended.
    let Some(pending) = pending else {
        tx.commit().await?;
        // The first of two clicks may still wait for what it has ended to be over everywhere.
        revocation::outlive_recent(app, now).await;
        return Ok(Some(ended));
    };
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
    session_data::make_room(app, leftovers).await;
    count(app, &gone, (ended_by(actor, wanted.user), now));
    Ok(Some(ended))
}

/// Tells the metrics how long these sessions lasted. Those that their limits had ended before count as
/// they would have when they were removed.
fn count(app: &App, gone: &[EndedSession], (ended_by, now): (&'static str, UnixTime)) {
    for session in gone {
        if session.was_over(now) {
            app.metrics.session_ended("expiry", session.last_seen_at.since(session.created_at));
        } else {
            app.metrics.session_ended(ended_by, now.since(session.created_at));
        }
    }
}

/// Whether the person is there, and the session that is to stay. Holds them, the sessions that end, and before
/// those whatever of an administrator's power it stands on.
///
/// # Errors
/// [`PeopleError::NotYours`] when the person is not for `actor` to sign out.
async fn hold(tx: &mut Tx, wanted: &Wanted<'_>, actor: &Actor) -> Result<bool, PeopleError> {
    let authority = Authority::of(&mut *tx, actor, Some(wanted.user)).await?;
    if !users::hold(&mut *tx, wanted.user).await? {
        return Ok(false);
    }
    authority.change_by_id(&mut *tx, Right::SessionsEnd, wanted.user).await?;
    Ok(stays(tx, wanted).await?)
}

/// Whether the session that is to stay is there to stay. Holds it, and those that end.
async fn stays(tx: &mut Tx, wanted: &Wanted<'_>) -> Result<bool, Failure> {
    let held = sessions::hold_of_user(tx, wanted.user).await?;
    Ok(match wanted.reach {
        Reach::Everywhere => true,
        Reach::Elsewhere(kept) => held.contains(kept),
    })
}

/// What [`sign_out`] has written and not committed yet.
struct Written {
    gone: Vec<EndedSession>,
    /// Grants that had outlived sessions.
    connections: usize,
    /// Nothing when there was nothing to end.
    pending: Option<Pending>,
    leftovers: Leftovers,
}

async fn end_in(
    app: &App,
    tx: &mut Tx,
    (wanted, now): (&Wanted<'_>, UnixTime),
) -> Result<Written, Failure> {
    let Wanted { user, reach, connections } = *wanted;
    if (reach, connections) == (Reach::Everywhere, Connections::End) {
        // Nothing is to stay, so neither does what no row here stands for, such as a sign-in under way.
        let all = end_all(app, tx, user).await?;
        let pending = Some(all.record(tx, (user, now)).await?);
        let EndOfAll { sessions: gone, unbound, leftovers, .. } = all;
        return Ok(Written { gone, connections: unbound.len(), pending, leftovers });
    }
    let except = match reach {
        Reach::Everywhere => None,
        Reach::Elsewhere(kept) => Some(kept),
    };
    sign_ins::raise_epoch(&mut *tx, user).await?;
    pairs::hold_ended_of_user(tx, user).await?;
    let gone = sessions::revoke_for_user(&mut *tx, user, except, now).await?;
    backchannel_logout::enqueue(app, tx, user, gone.iter().map(|session| &session.id)).await?;
    let unbound = match connections {
        Connections::Keep => Vec::new(),
        Connections::End => grants::revoke_unbound(&mut *tx, user, now).await?,
    };
    let bound = grants::revoke_bound(&mut *tx, user, except, now).await?;
    let mut leftovers = Leftovers::default();
    for session in &gone {
        leftovers.extend(session_data::forget_session(tx, &session.id).await?);
    }
    // What was bound has a stone of its own, too: the row of its session may be gone for long.
    let apart = unbound.iter().chain(&bound).map(Subject::Grant);
    let subjects: Vec<_> = of_sessions(&gone).chain(apart).collect();
    let pending = match subjects.as_slice() {
        [] => None,
        subjects => Some(revocation::record(tx, subjects, now).await?),
    };
    Ok(Written { gone, connections: unbound.len(), pending, leftovers })
}

/// Everything of a person, ended in a transaction that has yet to record it.
#[must_use = "record it in the same transaction, and settle it after the commit"]
pub(crate) struct EndOfAll {
    sessions: Vec<EndedSession>,
    /// What had outlived sessions.
    unbound: Vec<GrantId>,
    version: i64,
    leftovers: Leftovers,
    at: UnixTime,
}

impl EndOfAll {
    /// Records it: last of all, since everybody's revocations wait for this one to commit.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not take it.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        (user, now): (&UserId, UnixTime),
    ) -> Result<Pending, Failure> {
        let all = std::iter::once(Subject::User(user, self.version));
        let subjects: Vec<_> = all.chain(of_sessions(&self.sessions)).collect();
        revocation::record(tx, &subjects, now).await
    }

    /// After the commit: publishes it, makes room, and counts the sessions as ended by whoever did it.
    pub(crate) async fn settle(self, app: &App, pending: Pending, ended_by: &'static str) {
        self.spread(app, pending, ended_by).await.outlive_copies().await;
    }

    /// As [`EndOfAll::settle`], for work that goes on: what comes back is to be waited for before any of it is
    /// acknowledged.
    pub(crate) async fn spread(
        self,
        app: &App,
        pending: Pending,
        ended_by: &'static str,
    ) -> Spread {
        app.outbox_bell.notify_one();
        let spread = revocation::spread(app, pending).await;
        session_data::make_room(app, self.leftovers).await;
        count(app, &self.sessions, (ended_by, self.at));
        spread
    }
}

/// Ends everything a person has: sessions, what outlives them, what apps keep, and under the next token
/// version whatever no row here stands for.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn end_all(app: &App, tx: &mut Tx, user: &UserId) -> Result<EndOfAll, Failure> {
    let now = app.now();
    // A sign-in under way comes first and is seen below, or waits and is refused.
    users::hold(&mut *tx, user).await?;
    sessions::hold_of_user(tx, user).await?;
    // A device that redeems its code at this moment holds its consent: it is waited for, and its grant seen.
    pairs::hold_ended_of_user(tx, user).await?;
    let sessions = sessions::revoke_for_user(&mut *tx, user, None, now).await?;
    // A list, not what makes one: a job that deletes people may run on any thread.
    let ids: Vec<_> = sessions.iter().map(|session| session.id.clone()).collect();
    backchannel_logout::enqueue(app, tx, user, ids.iter()).await?;
    let unbound = grants::revoke_unbound(&mut *tx, user, now).await?;
    grants::revoke_for_user(&mut *tx, user, now).await?;
    let leftovers = session_data::forget_user(tx, user, ids.iter()).await?;
    let version = users::raise_token_version(&mut *tx, user).await?;
    Ok(EndOfAll { sessions, unbound, version, leftovers, at: now })
}

fn of_sessions(ended: &[EndedSession]) -> impl Iterator<Item = Subject<'_>> {
    ended
        .iter()
        .flat_map(|ended| [Subject::Session(&ended.id), Subject::Cookie(&ended.secret_hash)])
}
