//! Redeeming an authorization code.
//!
//! The single-use gate is the SQL insert of the grant whose id the code carries. Everything before
//! it can be repeated without harm; once it commits, a second redemption conflicts and kills what
//! the first one got (RFC 6749 section 4.1.2). If the process dies between commit and answer, the
//! client asks the person's browser again; nothing was given twice.

use super::issue::{self, AccessTokenSeed};
use super::lineage::{self, Gate, Ground, Replay};
use super::request::{Limits, TokenRequest};
use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::SecretHash;
use crate::protocol::client::Client;
use crate::protocol::organisation::ActiveOrganisation;
use crate::protocol::token::grant::authorization_code::{self, CodePayload, CodeRequest};
use crate::protocol::token::{TokenResponse, sender_constraint};
use crate::protocol::user::User;
use crate::service::audit::Caller;
use crate::service::failure::{EndpointError, Failure};
use crate::service::organisations::active;
use crate::store::ephemeral::codes;
use crate::store::grants::{self, Grant};
use crate::store::users;

/// A code survives this many failed checks, so that a stranger who saw it cannot burn it at once
/// and nobody can guess a verifier.
const MAX_FAILED_CHECKS: i64 = 5;
/// At least as long as any code lives.
const CODE_MEMORY: Seconds = 600;

fn refused(detail: &'static str) -> EndpointError {
    authorization_code::unknown().because(detail).into()
}

pub(super) async fn redeem(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let client = request.client();
    let payload = checked_payload(app, request).await?;
    let user = living_user(app, &payload).await?;
    let organisation = organisation_of(app, &payload).await?;
    let grant = grant_of(app, (client, organisation), &payload);
    let basis = request.basis(Some((&user, &grant)), &Limits::of(&grant))?;
    let seed = AccessTokenSeed::new(client, app.now());
    let envelope = issue::prepare_id_token(app, &basis).await?;
    // An opaque token is stored before the gate: if the gate refuses, nobody ever learns it.
    let token = issue::access_token(app, &basis, &seed).await?;
    let refresh = lineage::new_family(app, client, (&user, &grant))?;
    let ground = Ground::Code(&payload, client);
    match lineage::commit(app, (&grant, refresh.as_ref()), ground, request).await? {
        Gate::Passed => {}
        Gate::SpentBefore => return Err(punish_replay(app, &payload, request.caller()).await?),
        Gate::GroundLost => {
            let why = "the session has ended, the consent was taken back, or somebody is gone";
            return Err(refused(why));
        }
        Gate::ShutOut => return Err(refused("the person may not use the app")),
    }
    let facts = (token.text.as_str(), payload.nonce.as_deref());
    let id_token = issue::id_token(app, (&basis, envelope), facts)?;
    let refresh_token = refresh.map(|(_, text)| text);
    Ok(TokenResponse { refresh_token, id_token, ..issue::answer(&basis, token) })
}

/// What the code stands for, if this request may redeem it now.
async fn checked_payload(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<CodePayload, EndpointError> {
    let client = request.client();
    let wanted = CodeRequest::read(request.params())?;
    let hash = SecretHash::of(&wanted.code);
    let payload: CodePayload =
        codes::code(&app.ephemeral, hash.as_str()).await?.ok_or_else(|| refused("no such code"))?;
    let digest = |verifier: &str| SecretHash::of(verifier).as_str().to_owned();
    let same_key =
        || sender_constraint::check_grant(payload.details.confirmation.as_ref(), request.held());
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
            return Err(punish_replay(app, &payload, request.caller()).await?);
        }
        return Err(error.into());
    }
    Ok(payload)
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

/// The organisation the person acts for, which they have to be in.
async fn organisation_of(
    app: &App,
    payload: &CodePayload,
) -> Result<Option<ActiveOrganisation>, EndpointError> {
    let Some(id) = &payload.organisation else { return Ok(None) };
    let found = active::membership(app, (id, &payload.user_id)).await?;
    found.map(Some).ok_or_else(|| refused("the person is not in the organisation any more"))
}

fn grant_of(
    app: &App,
    (client, organisation): (&Client, Option<ActiveOrganisation>),
    payload: &CodePayload,
) -> Grant {
    let now = app.now();
    let offline = payload.scopes.contains("offline_access");
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
        details: payload.details.clone(),
        organisation,
        created_at: now,
        expires_at: now.plus(lineage::lifetime(app, client, offline)),
        revoked_at: None,
    }
}

async fn punish_replay(
    app: &App,
    payload: &CodePayload,
    caller: &Caller,
) -> Result<EndpointError, Failure> {
    let replay = Replay {
        kind: "code_replay",
        grant: &payload.grant_id,
        client: &payload.client_id,
        user: &payload.user_id,
        session: Some(&payload.session_id),
    };
    lineage::punish(app, &replay, caller).await?;
    Ok(refused("the code was already redeemed; its grant is revoked"))
}
