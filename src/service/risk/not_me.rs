//! "This was not me": the link in a letter about a sign-in. Looking at it changes nothing, since mail
//! scanners follow links; the button ends the session and all that came from it, devices let in and API keys
//! made there among it, makes the password useless and hands out a reset link.

use std::collections::BTreeSet;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{Secret, SecretHash};
use crate::mail::Letter;
use crate::protocol::types::{SessionId, UserId};
use crate::protocol::user::User;
use crate::service::api::ending::end_keys_made_in;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::brake;
use crate::service::failure::Failure;
use crate::service::people::links as recovery;
use crate::service::revocation::{self, Subject};
use crate::service::session::{self, LiveSession, session_data};
use crate::service::sign_in::address_rule;
use crate::service::{mail, people};
use crate::store::grants::{self, Offline};
use crate::store::known_marks::{self, Mark, MarkKind};
use crate::store::links::{self, LinkKind, OneTimeLink};
use crate::store::sessions::{self, Session};
use crate::store::{StoreError, Tx, audit, sign_ins, users};

/// Why a link did not work.
#[derive(Debug, thiserror::Error)]
pub enum NotMeError {
    /// Unknown, spent and expired look the same.
    #[error("this link has been used or has expired")]
    Spent,
    /// Too many links that do not work came from this network.
    #[error("throttled for {retry_after} seconds")]
    Throttled { retry_after: Seconds },
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for NotMeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What a link is about.
#[derive(Debug)]
pub struct Disputed {
    pub user: User,
    /// The session, dead or alive; `None` when nobody was let in, or it is long gone.
    pub session: Option<Session>,
    /// The session that the letter was about, also when it is long gone.
    pub session_id: Option<SessionId>,
    /// When the letter was written.
    pub told_at: UnixTime,
}

/// What becomes of the person's other sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSessions {
    Keep,
    End,
}

/// Looks at a link without spending it.
///
/// # Errors
/// [`NotMeError`].
pub async fn check(app: &App, token: &str, caller: &Caller) -> Result<Disputed, NotMeError> {
    if let Some(disputed) = find(app, token).await? {
        // Whoever holds a link that works has guessed nothing: what neighbours try must not stop them.
        return Ok(disputed);
    }
    refuse_if_throttled(app, caller).await?;
    Err(wrong(app, caller).await?)
}

async fn find(app: &App, token: &str) -> Result<Option<Disputed>, StoreError> {
    let hash = SecretHash::of(token);
    let link = links::live(&app.store.db, hash.as_str(), app.now()).await?;
    let Some(link) = link.filter(|link| link.kind == LinkKind::NotMe) else { return Ok(None) };
    let Some(user) = owner(app, &link).await? else { return Ok(None) };
    let session_id = link.session_id.clone();
    let session = match &link.session_id {
        Some(id) => sessions::by_id(&app.store.db, id).await?,
        None => None,
    };
    let session = session.filter(|session| session.user_id == user.id);
    Ok(Some(Disputed { user, session, session_id, told_at: link.created_at }))
}

async fn owner(app: &App, link: &OneTimeLink) -> Result<Option<User>, StoreError> {
    let Some(id) = &link.user_id else { return Ok(None) };
    let user = users::by_id(&app.store.db, id).await?;
    Ok(user.filter(|user| user.disabled_at.is_none()))
}

/// Spends a link: the session and everything issued from it end, the password works no more, and a
/// reset link comes back, which is mailed, too. All or nothing, and once.
///
/// # Errors
/// [`NotMeError`].
pub async fn redeem(
    app: &App,
    token: &str,
    others: OtherSessions,
    caller: &Caller,
) -> Result<Secret, NotMeError> {
    let Disputed { user, session, session_id, .. } = check(app, token, caller).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    // A sign-in under way comes first and is seen, or waits and finds another epoch and no password.
    users::hold(&mut tx, &user.id).await?;
    // The gate: of any number of callers one gets on.
    if links::spend(&mut tx, SecretHash::of(token).as_str(), now).await?.is_none() {
        return Err(NotMeError::Spent);
    }
    let ended = hold(&mut tx, (&user.id, session_id.as_ref()), others).await?;
    sign_ins::raise_epoch(&mut tx, &user.id).await?;
    if let Some(session) = &session {
        sessions::disown(&mut tx, &session.id).await?;
    }
    if others == OtherSessions::End {
        sessions::disown_living(&mut tx, &user.id).await?;
    }
    users::remove_password(&mut tx, &user.id).await?;
    forget_marks(app, &mut tx, &user.id).await?;
    let actor = Actor::User(user.id.clone());
    let reset =
        recovery::create_in(app, &mut tx, (LinkKind::PasswordReset, Some(&user.id)), &actor);
    let reset = reset.await?;
    mail::enqueue(app, &mut tx, &user, recovery_letter(app, &user, &reset)).await?;
    for session in &ended {
        end_keys_made_in(&mut tx, session, (&actor, now)).await?;
    }
    let event = Event::success("sign_in.disowned", &actor, now).user(&user.id).caller(caller);
    let event =
        event.detail("other_sessions", if others == OtherSessions::End { "ended" } else { "kept" });
    match (others, session) {
        (OtherSessions::End, session) => {
            let event = session.iter().fold(event, |event, session| event.session(&session.id));
            people::end_everything(app, tx, (&user.id, &actor, event)).await?;
        }
        (OtherSessions::Keep, Some(row)) => {
            let live = LiveSession::of(row, app.now());
            let event = event.session(&live.id);
            let lasted = session::end_in(app, tx, (&live, Offline::Revoke), event).await?;
            if let Some(lasted) = lasted {
                app.metrics.session_ended("person", lasted);
            }
        }
        (OtherSessions::Keep, None) => end_what_outlived(app, tx, session_id, event).await?,
    }
    Ok(reset)
}

/// Holds the sessions that are about to end, and tells which they are; the one that the letter was about is among them,
/// also when it is long gone.
async fn hold(
    tx: &mut Tx,
    (user, disputed): (&UserId, Option<&SessionId>),
    others: OtherSessions,
) -> Result<BTreeSet<SessionId>, StoreError> {
    let mut ended = BTreeSet::from_iter(disputed.cloned());
    match (others, disputed) {
        (OtherSessions::End, _) => ended.extend(sessions::hold_of_user(tx, user).await?),
        (OtherSessions::Keep, Some(session)) => {
            sessions::hold(tx, session).await?;
        }
        (OtherSessions::Keep, None) => {}
    }
    Ok(ended)
}

/// The row of a session goes long before a link does. What came from the session and outlived it ends here.
async fn end_what_outlived(
    app: &App,
    mut tx: Tx,
    session: Option<SessionId>,
    event: Event,
) -> Result<(), Failure> {
    let now = app.now();
    audit::append(&mut tx, &event.into_row()).await?;
    let Some(session) = session else {
        tx.commit().await?;
        app.outbox_bell.notify_one();
        return Ok(());
    };
    let ended = grants::revoke_for_session(&mut tx, &session, now, Offline::Revoke).await?;
    let leftovers = session_data::forget_session(&mut tx, &session).await?;
    let grants = ended.iter().map(Subject::Grant);
    let subjects: Vec<_> = std::iter::once(Subject::Session(&session)).chain(grants).collect();
    let pending = revocation::record(&mut tx, &subjects, now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    session_data::make_room(app, leftovers).await;
    Ok(())
}

/// Whoever it was has been remembered as known; so everything is forgotten, and whatever comes next is
/// new.
async fn forget_marks(app: &App, tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    let now = app.now();
    known_marks::forget(&mut *tx, user).await?;
    for kind in MarkKind::ALL {
        let nobody = Mark { kind, mark: super::NOBODY.to_owned() };
        let until = now.plus(app.settings().risk.remember);
        known_marks::remember(&mut *tx, (user, &nobody), (now, until)).await?;
    }
    Ok(())
}

fn recovery_letter(app: &App, user: &User, reset: &Secret) -> Letter {
    Letter::Recovery {
        username: user.username.clone(),
        link: recovery::reset_url(app, reset),
        minutes: recovery::LIFETIME / 60,
    }
}

/// Fails closed: when the counters cannot be read, nobody may try links.
async fn refuse_if_throttled(app: &App, caller: &Caller) -> Result<(), NotMeError> {
    match brake::wait(app, &[throttle_key(caller)], "not_me").await? {
        Some(retry_after) => Err(NotMeError::Throttled { retry_after }),
        None => Ok(()),
    }
}

async fn wrong(app: &App, caller: &Caller) -> Result<NotMeError, Failure> {
    let key = throttle_key(caller);
    brake::note_failure(app, ("not_me", &key, &address_rule(app)), caller).await?;
    Ok(NotMeError::Spent)
}

fn throttle_key(caller: &Caller) -> String {
    format!("not-me:{}", caller.network())
}
