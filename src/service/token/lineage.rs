//! A new lineage: the grant, its family of refresh tokens, and the gate that lets either exist once.
//!
//! The single-use gate of a code is the SQL insert of the grant whose id the code carries. What is
//! asked before can be repeated without harm; what must become true with it is one transaction.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{self, SecretHash};
use crate::protocol::client::{Client, GrantType};
use crate::protocol::device::Approval;
use crate::protocol::token::claims::ACR_VOUCHED;
use crate::protocol::token::grant::authorization_code::CodePayload;
use crate::protocol::token::grant::details::GrantDetails;
use crate::protocol::types::{ClientId, FamilyId, GrantId, SessionId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::clients::access::{self, Door};
use crate::service::failure::Failure;
use crate::service::organisations::active;
use crate::service::revocation::{self, Pending, Subject};
use crate::service::risk;
use crate::service::token::issue::RefreshToken;
use crate::service::token::request::TokenRequest;
use crate::service::trusted_issuers::Assertion;
use crate::store::grants::refresh_families::{self, RefreshFamily};
use crate::store::grants::{self, Grant, Inserted};
use crate::store::revocations::{self, RevocationKind};
use crate::store::sessions::{self, session_clients};
use crate::store::{StoreError, Tx, audit, consents, sign_ins};

/// The grant of a person whom a trusted issuer vouches for. It belongs to no session here.
pub(super) fn of_assertion(
    app: &App,
    client: &Client,
    (user, assertion): (&User, &Assertion),
) -> Grant {
    let now = app.now();
    Grant {
        id: GrantId::new(secret::new_id(now)),
        user_id: user.id.clone(),
        client_id: client.id.clone(),
        session_id: None,
        scopes: assertion.scopes.clone(),
        offline: true,
        auth_time: assertion.issued_at,
        acr: ACR_VOUCHED.to_owned(),
        amr: Vec::new(),
        details: GrantDetails::default(),
        organisation: None,
        created_at: now,
        expires_at: now.plus(3_600),
        revoked_at: None,
    }
}

/// The row of a family and the text of its first token.
pub(super) type NewFamily = (RefreshFamily, String);

/// No access token lives longer, whatever an app's own settings say.
const LONGEST_ACCESS_TOKEN: Seconds = 3_600;

/// How long a grant is kept at most: until nothing issued from it can be alive. Its last access token may be of
/// the very end of its refresh tokens.
pub(super) fn lifetime(app: &App, client: &Client, offline: bool) -> Seconds {
    let refreshed = if client.allows(GrantType::RefreshToken) { limits(app, offline).1 } else { 0 };
    refreshed + LONGEST_ACCESS_TOKEN
}

/// Idle and absolute limits of refresh tokens.
fn limits(app: &App, offline: bool) -> (Seconds, Seconds) {
    let settings = app.settings();
    let tokens = &settings.tokens;
    if offline {
        (tokens.offline_idle, tokens.offline_absolute)
    } else {
        (tokens.refresh_idle, tokens.refresh_absolute)
    }
}

/// The first refresh token of a grant, if its client gets any.
pub(super) fn new_family(
    app: &App,
    client: &Client,
    (user, grant): (&User, &Grant),
) -> Result<Option<NewFamily>, Failure> {
    if !client.allows(GrantType::RefreshToken) {
        return Ok(None);
    }
    let now: UnixTime = app.now();
    let (idle_seconds, absolute) = limits(app, grant.offline);
    let id = FamilyId::new(secret::new_id(now));
    let versions = (user.token_version, client.token_version);
    let text = RefreshToken::new(id.clone(), versions).seal(app)?;
    app.metrics.token_issued("refresh_token");
    let family = RefreshFamily {
        id,
        grant_id: grant.id.clone(),
        generation: 0,
        current_hash: SecretHash::of(&text).as_str().to_owned(),
        previous_hash: None,
        rotated_at: None,
        successor_sealed: None,
        idle_seconds,
        idle_expires_at: now.plus(idle_seconds),
        expires_at: now.plus(absolute),
        created_at: now,
    };
    Ok(Some((family, text)))
}

/// What a grant stands on and must not outlive unnoticed.
pub(super) enum Ground<'a> {
    /// The session the code was made in, and the client that is told when that ends; and the consent it was
    /// made with, if the client has to ask.
    Code(&'a CodePayload, &'a Client),
    /// The consent it was given with, in a session that has not been ended, by somebody who has not
    /// ended their sessions together since.
    Answer(&'a Approval),
    /// What an administrator has set up. The event says on whose word.
    Trust(Box<Event>),
}

/// What the gate said.
pub(super) enum Gate {
    Passed,
    SpentBefore,
    /// The session has ended, the consent was taken back, the person has left the organisation, or the
    /// person or the client is gone.
    GroundLost,
    /// The person may not use the client, or not any more.
    ShutOut,
}

/// The gate and what must become true with it, in one transaction.
pub(super) async fn commit(
    app: &App,
    (grant, refresh): (&Grant, Option<&NewFamily>),
    ground: Ground<'_>,
    request: &TokenRequest<'_>,
) -> Result<Gate, Failure> {
    let mut tx = app.store.begin().await?;
    // Held, not only looked at: a sign-out at this very moment either comes first and is seen here,
    // or waits and finds the grant to revoke. Tombstones alone would be gone in an hour.
    let admitted = access::admits_until_commit(&mut tx, request.client(), &grant.user_id).await?;
    let belongs = active::is_in_until_commit(&mut tx, grant).await?;
    let firm = match &ground {
        _ if !admitted || !belongs => false,
        Ground::Code(code, client) => {
            sessions::hold(&mut tx, &code.session_id).await?
                && (client.skips_consent() || is_allowed(&mut tx, grant, code.withdrawals).await?)
        }
        Ground::Answer(approval) => {
            still_counts(&mut tx, approval).await?
                && is_allowed(&mut tx, grant, approval.withdrawals).await?
        }
        Ground::Trust(_) => true,
    };
    if !firm {
        // Let go of first: even what was found ended may be held now, and is not to be held by one who
        // goes on to refer to the person, whose deletion may be waiting for it.
        drop(tx);
        return Ok(match grants::by_id(&app.store.db, &grant.id).await? {
            Some(_) => Gate::SpentBefore,
            None if admitted => Gate::GroundLost,
            None => {
                let who = (&grant.client_id, &grant.user_id);
                access::note_refusal(app, who, (Door::Token, request.caller())).await?;
                Gate::ShutOut
            }
        });
    }
    let grant = &bound_by(request, grant);
    match grants::insert(&mut tx, grant).await {
        Ok(Inserted::New) => {}
        Ok(Inserted::Duplicate) => return Ok(Gate::SpentBefore),
        // The person or the client was deleted this very moment.
        Err(StoreError::Conflict) => return Ok(Gate::GroundLost),
        Err(error) => return Err(error.into()),
    }
    if let Ground::Answer(approval) = &ground {
        grants::note_approval(&mut tx, &grant.id, &approval.session_id).await?;
    }
    if let Some((family, _)) = refresh {
        refresh_families::insert(&mut tx, family).await?;
    }
    if let Ground::Code(code, client) = &ground
        && client.is_told_of_sign_outs()
    {
        session_clients::remember(&mut tx, &code.session_id, &client.id).await?;
    }
    audit::append(&mut tx, &created(app, grant, request).into_row()).await?;
    if let Ground::Trust(event) = ground {
        audit::append(&mut tx, &event.into_row()).await?;
    }
    tx.commit().await?;
    Ok(Gate::Passed)
}

fn created(app: &App, grant: &Grant, request: &TokenRequest<'_>) -> Event {
    let mut event =
        Event::success("grant.created", &Actor::Client(grant.client_id.clone()), app.now())
            .user(&grant.user_id)
            .client(&grant.client_id)
            .caller(request.caller())
            .detail("scope", grant.scopes.to_string());
    if let Some(organisation) = &grant.organisation {
        event = event.detail("organisation_id", organisation.id.as_str());
    }
    if let Some(sent) = request.sends_pkce() {
        event = event.detail("pkce", sent);
    }
    match &grant.session_id {
        Some(session) => event.session(session),
        None => event,
    }
}

/// The gate of a grant that rests on the word of a trusted issuer, which gives no refresh token: `false`
/// when the person or the client is gone, or the client is not for the person.
pub(super) async fn commit_on_trust(
    app: &App,
    request: &TokenRequest<'_>,
    (grant, event): (&Grant, Event),
) -> Result<bool, Failure> {
    match commit(app, (grant, None), Ground::Trust(Box::new(event)), request).await? {
        Gate::Passed => Ok(true),
        Gate::GroundLost | Gate::ShutOut => Ok(false),
        Gate::SpentBefore => Err(Failure::Internal("a fresh grant was not new".into())),
    }
}

/// Whether nothing has ended that takes an answer back. The person first, then the session: the order of
/// whoever ends them.
async fn still_counts(tx: &mut Tx, approval: &Approval) -> Result<bool, StoreError> {
    let standing = sign_ins::hold(&mut *tx, &approval.user_id).await?;
    Ok(standing == Some(approval.footing()) && sessions::hold(tx, &approval.session_id).await?)
}

/// Whether the person still allows this, and has not taken it back and allowed it anew since they had taken it
/// back so often; nobody takes it back before the transaction is over.
async fn is_allowed(
    tx: &mut Tx,
    grant: &Grant,
    withdrawals: Option<i64>,
) -> Result<bool, StoreError> {
    let held = consents::hold(tx, &grant.user_id, &grant.client_id).await?;
    Ok(held.is_some_and(|consent| {
        consent.scopes.covers(&grant.scopes)
            && withdrawals.is_none_or(|before| before == consent.withdrawals)
    }))
}

/// The grant with the key that its refresh tokens are bound to; what bound the code has done its work.
fn bound_by(request: &TokenRequest<'_>, grant: &Grant) -> Grant {
    let mut grant = grant.clone();
    grant.details.confirmation = request.refresh_binding();
    grant
}

/// A code that came back after it was redeemed.
pub(super) struct Replay<'a> {
    /// The audit event.
    pub kind: &'static str,
    pub grant: &'a GrantId,
    pub client: &'a ClientId,
    pub user: &'a UserId,
    pub session: Option<&'a SessionId>,
}

/// The code was redeemed before: one of the two holders is a thief, so both lose.
pub(super) async fn punish(app: &App, replay: &Replay<'_>, caller: &Caller) -> Result<(), Failure> {
    let actor = Actor::Client(replay.client.clone());
    let event = Event::failure(replay.kind, &actor, app.now())
        .user(replay.user)
        .client(replay.client)
        .caller(caller);
    let event = match replay.session {
        Some(session) => event.session(session),
        None => event,
    };
    end(app, replay.grant, event).await
}

/// Ends a lineage: everything issued in it is dead. One that has ended is left as it is, without a
/// word in the audit log: whoever holds a dead token could fill that, and the revocation set.
pub(crate) async fn end(app: &App, grant: &GrantId, event: Event) -> Result<(), Failure> {
    // Looked at first, so that nobody with a dead token makes others wait for their turn to write.
    if let Some(ended_at) = over_since(app, grant).await? {
        revocation::outlive_recent(app, ended_at).await;
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    if let Some(pending) = end_in(app, &mut tx, grant, event).await? {
        return commit_end(app, tx, pending).await;
    }
    drop(tx);
    revocation::outlive_recent(app, app.now()).await;
    Ok(())
}

async fn over_since(app: &App, grant: &GrantId) -> Result<Option<UnixTime>, StoreError> {
    if let Some(known) = grants::by_id(&app.store.db, grant).await? {
        return Ok(known.revoked_at);
    }
    // A client's own token has no row.
    let stones =
        revocations::any(&app.store.db, &[(RevocationKind::Grant, grant.as_str())]).await?;
    Ok(stones.first().map(|stone| stone.revoked_at))
}

/// Ends the lineage of a refresh token that was used twice, and tells its owner.
pub(super) async fn end_for_reuse(
    app: &App,
    grant: &Grant,
    event: Event,
    caller: &Caller,
) -> Result<(), Failure> {
    // Looked at first here, too: whoever holds a dead token could use up the owner's letters.
    if over_since(app, &grant.id).await?.is_some() {
        return Ok(());
    }
    let mailbox = risk::mailbox_for_reuse(app, &grant.user_id).await;
    let mut tx = app.store.begin().await?;
    let Some(pending) = end_in(app, &mut tx, &grant.id, event).await? else { return Ok(()) };
    risk::note_reuse(app, &mut tx, grant, (mailbox, caller)).await?;
    commit_end(app, tx, pending).await?;
    app.outbox_bell.notify_one();
    Ok(())
}

/// Commits what [`end_in`] has written, and comes back when it is so everywhere.
pub(crate) async fn commit_end(app: &App, tx: Tx, pending: Pending) -> Result<(), Failure> {
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(())
}

/// What [`end`] writes, to be [committed](commit_end); `None`, and nothing is written, when the lineage has
/// ended before.
pub(crate) async fn end_in(
    app: &App,
    tx: &mut Tx,
    grant: &GrantId,
    event: Event,
) -> Result<Option<Pending>, Failure> {
    let now = app.now();
    let pending = if grants::revoke(&mut *tx, grant, now).await? {
        Some(revocation::record(tx, &[Subject::Grant(grant)], now).await?)
    } else if grants::by_id(&mut *tx, grant).await?.is_some() {
        None
    } else {
        revocation::record_new(tx, grant, now).await?
    };
    if pending.is_some() {
        audit::append(tx, &event.into_row()).await?;
    }
    Ok(pending)
}
