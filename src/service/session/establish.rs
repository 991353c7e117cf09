//! Making the session of a sign-in, and renewing one: one transaction from the question whether the
//! proof still counts to the new cookie. A sign-in that is refused leaves the browser as it was.

use super::{Authenticated, Ending, Established, LiveSession, Remember, ended_event, write_copy};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{self, Secret};
use crate::origin::device;
use crate::protocol::types::SessionId;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Subject};
use crate::service::risk::{self, Mailbox, SignIn};
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::store::grants::Offline;
use crate::store::sessions::{self, Renewal, Session};
use crate::store::{StoreError, Tx, audit, sign_ins, users};

/// Makes the session of a person who has just authenticated. A session of theirs that this browser
/// already had is renewed, and so is the one that another click on the same form has made meanwhile; else
/// somebody else's active one ends, unless this person is an addition. The old cookie value is dead in both cases, and a value the browser brought is never adopted. `None`,
/// and nothing has changed, when the person was disabled, got another password, or signed out everywhere
/// or everywhere else since they proved who they are.
///
/// # Errors
/// [`Failure`] when SQL does not take it; nobody is signed in then.
pub async fn establish(
    app: &App,
    who: Authenticated,
    (accounts, newcomer): (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    let (caller, new_device) = recognisable(caller);
    let mailbox = risk::mailbox(app, &who.user_id, &who.findings).await;
    let coming = Coming { who: &who, mailbox, caller: &caller };
    let mut tx = app.store.begin().await?;
    if !sign_ins::begin(&mut tx, (&who.user_id, who.footing), app.now()).await?
        || !has_proof(&mut tx, &who).await?
    {
        return Ok(None);
    }
    let renewed = match accounts.of(&who.user_id) {
        Some(own) => renew_by(app, &mut tx, own, &coming).await?,
        None => None,
    };
    let before = accounts.active().filter(|_| newcomer == Newcomer::TakesThePlace);
    let written = match renewed {
        Some(renewed) => renewed,
        None => match renew_claimed(app, &mut tx, before, &coming).await? {
            Claimed::Renewed(renewed) => *renewed,
            Claimed::Free(id) => begin(app, &mut tx, (id, before), &coming).await?,
        },
    };
    let established = written.settle(app, tx).await?;
    app.count_origin("sign_in", caller.address.as_deref());
    Ok(Some(Established { new_device, ..established }))
}

/// Whether what was proven is still there: a password can be taken away without ending anything else.
async fn has_proof(tx: &mut Tx, who: &Authenticated) -> Result<bool, StoreError> {
    let by_password = who.amr.iter().any(|method| method == "pwd");
    Ok(!by_password || users::password(tx, &who.user_id).await?.is_some())
}

/// A caller whose browser will be recognised, and the cookie for it if it has none yet.
fn recognisable(caller: &Caller) -> (Caller, Option<Secret>) {
    let fresh = caller.device.is_none().then(Secret::generate);
    let hash = fresh.as_ref().map(|secret| secret.hash().as_str().to_owned());
    (Caller { device: hash.or_else(|| caller.device.clone()), ..caller.clone() }, fresh)
}

/// Somebody who has proved who they are.
struct Coming<'a> {
    who: &'a Authenticated,
    mailbox: Mailbox,
    caller: &'a Caller,
}

impl Coming<'_> {
    /// Notes and remembers the sign-in in the transaction that makes this session.
    async fn note(&self, app: &App, tx: &mut Tx, session: &SessionId) -> Result<(), Failure> {
        let sign_in = SignIn {
            user: &self.who.user_id,
            session: Some(session),
            findings: &self.who.findings,
            mailbox: self.mailbox,
            caller: self.caller,
        };
        risk::note(app, tx, &sign_in).await
    }
}

/// A session that a transaction has made or renewed and not committed yet.
struct Written {
    session: LiveSession,
    cookie: Secret,
    /// Of the cookie value that it had until now.
    old_hash: Option<String>,
    /// Somebody else's, which this one takes the place of.
    ended: Option<(LiveSession, Ending)>,
}

impl Written {
    /// Commits and publishes.
    async fn settle(self, app: &App, mut tx: Tx) -> Result<Established, Failure> {
        let Self { session, cookie, old_hash, ended } = self;
        let mut dead: Vec<_> = old_hash.iter().map(|hash| Subject::Cookie(hash)).collect();
        dead.extend(ended.iter().flat_map(|(before, ending)| ending.dead(before)));
        // Last: everybody's revocations wait for this one to commit.
        let pending = revocation::record(&mut tx, &dead, app.now()).await?;
        tx.commit().await?;
        app.outbox_bell.notify_one();
        revocation::publish(app, pending).await;
        let mut place_of = None;
        if let Some((before, ending)) = ended {
            if let Some(lasted) = ending.settle(app).await {
                app.metrics.session_ended("person", lasted);
            }
            place_of = Some(before.id);
        }
        write_copy(app, &session).await;
        let cookie_max_age = session.cookie_max_age(app);
        Ok(Established { session, cookie, cookie_max_age, ended: place_of, new_device: None })
    }
}

/// A session of somebody who is new to this browser; the one before ends.
async fn begin(
    app: &App,
    tx: &mut Tx,
    (id, before): (SessionId, Option<&LiveSession>),
    coming: &Coming<'_>,
) -> Result<Written, Failure> {
    let (who, caller) = (coming.who, coming.caller);
    let ended = end_before(app, tx, before, caller).await?;
    let cookie = Secret::generate();
    let row = Session { id, ..new_row(app, who, (&cookie, caller)) };
    sessions::insert(&mut *tx, &row).await?;
    let event = Event::success("session.created", &Actor::User(who.user_id.clone()), app.now())
        .user(&who.user_id)
        .session(&row.id)
        .caller(caller);
    audit::append(&mut *tx, &event.into_row()).await?;
    coming.note(app, tx, &row.id).await?;
    let session = LiveSession::of(row, app.now());
    Ok(Written { session, cookie, old_hash: None, ended })
}

/// Ends the session of this browser that another one takes the place of.
async fn end_before(
    app: &App,
    tx: &mut Tx,
    before: Option<&LiveSession>,
    caller: &Caller,
) -> Result<Option<(LiveSession, Ending)>, Failure> {
    let Some(before) = before else { return Ok(None) };
    let ending = Ending::write(app, tx, (before, Offline::Keep)).await?;
    // Of two clicks on the form the second finds that the first has ended it.
    if ending.had_ended.is_none() {
        let actor = Actor::User(before.user_id.clone());
        audit::append(&mut *tx, &ended_event(app, before, (&actor, caller)).into_row()).await?;
    }
    Ok(Some((before.clone(), ending)))
}

/// What has become of the session that clicks on one form share.
enum Claimed {
    Renewed(Box<Written>),
    /// Nobody has made it, or it is over: the id for the next one.
    Free(SessionId),
}

/// Renews the session that another click on the same form has made or renewed. The caller's hold on the
/// person keeps two clicks apart: the second sees what the first has committed.
async fn renew_claimed(
    app: &App,
    tx: &mut Tx,
    before: Option<&LiveSession>,
    coming: &Coming<'_>,
) -> Result<Claimed, Failure> {
    let fresh = || SessionId::new(secret::new_id(app.now()));
    let Some(id) = &coming.who.claimed else { return Ok(Claimed::Free(fresh())) };
    let Some(row) = sessions::by_id(&mut *tx, id).await? else {
        return Ok(Claimed::Free(id.clone()));
    };
    if row.user_id != coming.who.user_id {
        return Ok(Claimed::Free(fresh()));
    }
    // What was unlike before has been found and told once: by the first click.
    let who = Authenticated { findings: Vec::new(), ..coming.who.clone() };
    let again = Coming { who: &who, mailbox: Mailbox::Closed, caller: coming.caller };
    let made = LiveSession::of(row, app.now());
    let Some(renewed) = renew_by(app, tx, &made, &again).await? else {
        return Ok(Claimed::Free(fresh()));
    };
    let before = before.filter(|before| before.id != made.id);
    let ended = end_before(app, tx, before, coming.caller).await?;
    Ok(Claimed::Renewed(Box::new(Written { ended, ..renewed })))
}

/// The row of a session that begins now.
fn new_row(app: &App, who: &Authenticated, (cookie, caller): (&Secret, &Caller)) -> Session {
    let now = app.now();
    let (idle_seconds, absolute) = limits(app, who.remember);
    let address = caller.address.clone().unwrap_or_default();
    Session {
        id: SessionId::new(secret::new_id(now)),
        secret_hash: cookie.hash().as_str().to_owned(),
        user_id: who.user_id.clone(),
        auth_time: now,
        acr: who.acr.clone(),
        amr: who.amr.clone(),
        device: device::label(caller.user_agent.as_deref()),
        place: app.live.load().places.of(&address),
        address,
        created_at: now,
        last_seen_at: now,
        idle_seconds,
        expires_at: now.plus(absolute),
        revoked_at: None,
    }
}

/// Idle and absolute limit.
fn limits(app: &App, remember: Remember) -> (Seconds, Seconds) {
    let running = app.settings();
    let settings = &running.session;
    match remember {
        Remember::ThisVisit => (settings.idle, settings.absolute),
        Remember::OnThisDevice => (settings.remember, settings.remember),
    }
}

/// What a session rests on.
struct Proof {
    auth_time: UnixTime,
    acr: String,
    amr: Vec<String>,
}

/// A new cookie value and nothing else new; `None` when the session died meanwhile.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn renew_cookie(
    app: &App,
    session: &LiveSession,
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    let LiveSession { auth_time, acr, amr, .. } = session.clone();
    let mut tx = app.store.begin().await?;
    match renew(app, &mut tx, (session, Proof { auth_time, acr, amr }), caller).await? {
        Some(written) => Ok(Some(written.settle(app, tx).await?)),
        None => Ok(None),
    }
}

/// The session of this very person goes on under a new cookie value; `None` when it died meanwhile.
async fn renew_by(
    app: &App,
    tx: &mut Tx,
    own: &LiveSession,
    coming: &Coming<'_>,
) -> Result<Option<Written>, Failure> {
    let Authenticated { acr, amr, .. } = coming.who.clone();
    let proof = Proof { auth_time: app.now(), acr, amr };
    let renewed = renew(app, tx, (own, proof), coming.caller).await?;
    if renewed.is_some() {
        coming.note(app, tx, &own.id).await?;
    }
    Ok(renewed)
}

/// A new cookie value for the same session; `None` when it died meanwhile.
async fn renew(
    app: &App,
    tx: &mut Tx,
    (previous, proof): (&LiveSession, Proof),
    caller: &Caller,
) -> Result<Option<Written>, Failure> {
    let now = app.now();
    let cookie = Secret::generate();
    let renewal = Renewal {
        id: previous.id.clone(),
        old_hash: previous.secret_hash.clone(),
        new_hash: cookie.hash().as_str().to_owned(),
        auth_time: proof.auth_time,
        acr: proof.acr.clone(),
        amr: proof.amr.clone(),
        now,
    };
    if !sessions::renew(&mut *tx, &renewal).await? {
        return Ok(None);
    }
    let event = Event::success("session.renewed", &Actor::User(previous.user_id.clone()), now)
        .user(&previous.user_id)
        .session(&previous.id)
        .caller(caller);
    audit::append(&mut *tx, &event.into_row()).await?;
    let session = LiveSession {
        auth_time: proof.auth_time,
        acr: proof.acr,
        amr: proof.amr,
        read_at: now,
        secret_hash: renewal.new_hash,
        ..previous.clone()
    };
    let old_hash = Some(previous.secret_hash.clone());
    Ok(Some(Written { session, cookie, old_hash, ended: None }))
}
