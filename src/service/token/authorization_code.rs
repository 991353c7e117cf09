//! Redeeming an authorization code.
//!
//! The single-use gate is the SQL insert of the grant whose id the code carries. Everything before
//! it can be repeated without harm; once it commits, a second redemption conflicts and kills what
//! the first one got (RFC 6749 section 4.1.2). If the process dies between commit and answer, the
//! client asks the person's browser again; nothing was given twice.

use super::Bound;
use super::issue::{self, AccessTokenSeed, Basis, RefreshToken};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{self, SecretHash};
use crate::protocol::client::{Client, GrantType};
use crate::protocol::error::OAuthError;
use crate::protocol::grant::authorization_code::{self, CodePayload, CodeRequest};
use crate::protocol::grant::details::GrantDetails;
use crate::protocol::sender_constraint;
use crate::protocol::token::TokenResponse;
use crate::protocol::types::{FamilyId, SessionId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::client_authentication::ClientRequest;
use crate::service::failure::{EndpointError, Failure};
use crate::service::revocation::{self, Subject};
use crate::store::ephemeral::codes;
use crate::store::grants::{Grant, Inserted};
use crate::store::refresh_families::RefreshFamily;
use crate::store::{audit, grants, refresh_families, sessions, users};

/// A code survives this many failed checks, so that a stranger who saw it cannot burn it at once
/// and nobody can guess a verifier.
const MAX_FAILED_CHECKS: i64 = 5;
/// At least as long as any code lives.
const CODE_MEMORY: Seconds = 600;

fn refused(detail: &'static str) -> EndpointError {
    OAuthError::invalid_grant("The code is unknown, spent or expired.").because(detail).into()
}

pub(super) async fn redeem(
    app: &App,
    client: &Client,
    request: &ClientRequest,
    bound: &Bound,
) -> Result<TokenResponse, EndpointError> {
    let wanted = CodeRequest::read(&request.params)?;
    let hash = SecretHash::of(&wanted.code);
    let payload: CodePayload =
        codes::code(&app.ephemeral, hash.as_str()).await?.ok_or_else(|| refused("no such code"))?;
    let digest = |verifier: &str| SecretHash::of(verifier).as_str().to_owned();
    let same_key =
        || sender_constraint::check_grant(payload.details.confirmation.as_ref(), &bound.held);
    let checked = authorization_code::check(&payload, client, &wanted, digest);
    if let Err(error) = checked.and_then(|()| same_key()) {
        // A stranger's attempt does not count against the code of its rightful owner.
        if payload.client_id == client.id {
            count_failure(app, &hash).await?;
        }
        return Err(error.into());
    }
    if let Err(error) = authorization_code::check_expiry(&payload, app.now()) {
        if grants::by_id(&app.store.db, &payload.grant_id).await?.is_some() {
            return Err(punish_replay(app, &payload, request).await?);
        }
        return Err(error.into());
    }
    let user = living_user(app, &payload).await?;
    let grant = grant_of(app, client, &payload, bound);
    let basis = Basis { client, person: Some((&user, &grant)), scopes: &grant.scopes };
    let seed = AccessTokenSeed::new(client, bound, app.now());
    // An opaque token is stored before the gate: if the gate refuses, nobody ever learns it.
    let token = issue::access_token(app, &basis, &seed).await?;
    let refresh = new_family(app, client, (&user, &grant))?;
    match commit(app, &grant, refresh.as_ref(), (request, &payload.session_id)).await? {
        Gate::Passed => {}
        Gate::SpentBefore => return Err(punish_replay(app, &payload, request).await?),
        Gate::SessionEnded => return Err(refused("the session has ended")),
    }
    let id_token = issue::id_token(app, &basis, (&token.text, payload.nonce.as_deref()))?;
    Ok(TokenResponse {
        access_token: token.text,
        token_type: "Bearer",
        expires_in: token.expires_in,
        refresh_token: refresh.map(|(_, text)| text),
        id_token,
        scope: grant.scopes.to_string(),
    })
}

async fn count_failure(app: &App, hash: &SecretHash) -> Result<(), EndpointError> {
    if codes::count_failure(&app.ephemeral, hash.as_str(), CODE_MEMORY).await? >= MAX_FAILED_CHECKS
    {
        codes::burn(&app.ephemeral, hash.as_str()).await?;
    }
    Ok(())
}

/// The person, if they may still sign in.
async fn living_user(app: &App, payload: &CodePayload) -> Result<User, EndpointError> {
    users::by_id(&app.store.db, &payload.user_id)
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or_else(|| refused("the person is disabled or gone"))
}

fn grant_of(app: &App, client: &Client, payload: &CodePayload, bound: &Bound) -> Grant {
    let now = app.now();
    let offline = payload.scopes.contains("offline_access");
    let lifetime = if client.allows(GrantType::RefreshToken) {
        limits(app, offline).1
    } else {
        app.config.tokens.access_token_lifetime
    };
    Grant {
        id: payload.grant_id.clone(),
        user_id: payload.user_id.clone(),
        client_id: payload.client_id.clone(),
        session_id: Some(payload.session_id.clone()),
        scopes: payload.scopes.clone(),
        offline,
        auth_time: payload.auth_time,
        acr: payload.acr.clone(),
        amr: payload.amr.clone(),
        details: GrantDetails {
            confirmation: sender_constraint::of_refresh_tokens(client, bound.to.as_ref()),
            ..payload.details.clone()
        },
        created_at: now,
        expires_at: now.plus(lifetime.max(3_600)),
        revoked_at: None,
    }
}

/// Idle and absolute limits of refresh tokens.
fn limits(app: &App, offline: bool) -> (Seconds, Seconds) {
    let tokens = &app.config.tokens;
    if offline {
        (tokens.offline_idle, tokens.offline_absolute)
    } else {
        (tokens.refresh_idle, tokens.refresh_absolute)
    }
}

fn new_family(
    app: &App,
    client: &Client,
    (user, grant): (&User, &Grant),
) -> Result<Option<(RefreshFamily, String)>, Failure> {
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

/// What the gate said.
enum Gate {
    Passed,
    SpentBefore,
    SessionEnded,
}

/// The gate and what must become true with it, in one transaction.
async fn commit(
    app: &App,
    grant: &Grant,
    refresh: Option<&(RefreshFamily, String)>,
    (request, session): (&ClientRequest, &SessionId),
) -> Result<Gate, Failure> {
    let mut tx = app.store.begin().await?;
    // Held, not only looked at: a sign-out at this very moment either comes first and is seen here,
    // or waits and finds the grant to revoke. Tombstones alone would be gone in an hour.
    let live = sessions::hold(&mut tx, session).await?;
    if let Inserted::Duplicate = grants::insert(&mut tx, grant).await? {
        return Ok(Gate::SpentBefore);
    }
    if !live {
        return Ok(Gate::SessionEnded);
    }
    if let Some((family, _)) = refresh {
        refresh_families::insert(&mut tx, family).await?;
    }
    let event = grant_event(app, "grant.created", grant).caller(&request.caller);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Gate::Passed)
}

fn grant_event(app: &App, kind: &'static str, grant: &Grant) -> Event {
    let event = Event::success(kind, &Actor::Client(grant.client_id.clone()), app.now())
        .user(&grant.user_id)
        .client(&grant.client_id)
        .detail("scope", grant.scopes.to_string());
    match &grant.session_id {
        Some(session) => event.session(session),
        None => event,
    }
}

/// The code was redeemed before: one of the two holders is a thief, so both lose.
async fn punish_replay(
    app: &App,
    payload: &CodePayload,
    request: &ClientRequest,
) -> Result<EndpointError, Failure> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if grants::revoke(&mut tx, &payload.grant_id, now).await? {
        let pending =
            revocation::record(&mut tx, &[Subject::Grant(&payload.grant_id)], now).await?;
        let event = Event::failure("code_replay", &Actor::Client(payload.client_id.clone()), now)
            .user(&payload.user_id)
            .client(&payload.client_id)
            .session(&payload.session_id)
            .caller(&request.caller);
        audit::append(&mut tx, &event.into_row()).await?;
        tx.commit().await?;
        revocation::publish(app, pending).await;
    }
    Ok(refused("the code was already redeemed; its grant is revoked"))
}
