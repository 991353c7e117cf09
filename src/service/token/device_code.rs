//! A device asking whether the person has answered (RFC 8628 section 3.4).
//!
//! As with authorization codes the single-use gate is the SQL insert of the grant that the record
//! names. A record that comes back to life with a restored Redis cannot be redeemed again, and one
//! that is lost is never an answer.

use super::issue::{self, AccessTokenSeed};
use super::lineage::{self, Gate, Ground, Replay};
use super::request::{Limits, TokenRequest};
use crate::app::App;
use crate::crypto::secret::SecretHash;
use crate::protocol::client::Client;
use crate::protocol::device::{Approval, DeviceRecord};
use crate::protocol::error::OAuthError;
use crate::protocol::token::TokenResponse;
use crate::protocol::token::grant::device_code::{self, Pace, Standing};
use crate::protocol::user::User;
use crate::service::authorize::device::MEMORY;
use crate::service::failure::{EndpointError, Failure};
use crate::store::ephemeral::device_codes::{self, Read};
use crate::store::grants::{self, Grant};
use crate::store::users;

pub(super) async fn poll(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let code = request
        .params()
        .get("device_code")?
        .ok_or_else(|| OAuthError::invalid_request("device_code is missing."))?;
    let hash = SecretHash::of(code);
    let found: Option<Read<DeviceRecord>> =
        device_codes::by_device(&app.ephemeral, hash.as_str()).await?;
    let record = found.ok_or_else(device_code::unknown)?.value;
    match device_code::standing(&record, request.client(), app.now())? {
        Standing::Pending => Err(told_to_wait(app, &hash).await?.into()),
        Standing::Denied => Err(device_code::denied().into()),
        Standing::Expired => Err(expired(app, request, &record).await?),
        Standing::Allowed(approval) => redeem(app, request, (&record, approval)).await,
    }
}

/// What a device hears while nobody has answered; asking too often slows it down.
async fn told_to_wait(app: &App, hash: &SecretHash) -> Result<OAuthError, Failure> {
    let settings = app.settings();
    let tokens = &settings.tokens;
    let before: Option<Read<Pace>> = device_codes::pace(&app.ephemeral, hash.as_str()).await?;
    let (after, told) = match &before {
        None => (Pace::first(app.now(), tokens.device_poll_interval), device_code::pending()),
        Some(before) => before.value.again(app.now()),
    };
    let change = (before.as_ref(), &after);
    let ttl = tokens.device_code_lifetime + MEMORY;
    if device_codes::set_pace(&app.ephemeral, hash.as_str(), change, ttl).await? {
        return Ok(told);
    }
    // Another request of this device came at this very moment.
    Ok(device_code::slow_down())
}

async fn expired(
    app: &App,
    request: &TokenRequest<'_>,
    record: &DeviceRecord,
) -> Result<EndpointError, Failure> {
    match grants::by_id(&app.store.db, &record.grant_id).await? {
        Some(grant) => punish_replay(app, request, &grant).await,
        None => Ok(device_code::expired().into()),
    }
}

async fn redeem(
    app: &App,
    request: &TokenRequest<'_>,
    (record, approval): (&DeviceRecord, &Approval),
) -> Result<TokenResponse, EndpointError> {
    let client = request.client();
    let user = living_user(app, approval).await?;
    let grant = grant_of(app, client, (record, approval));
    let basis = request.basis(Some((&user, &grant)), &Limits::of(&grant))?;
    let seed = AccessTokenSeed::new(client, app.now());
    let envelope = issue::prepare_id_token(app, &basis).await?;
    // An opaque token is stored before the gate: if the gate refuses, nobody ever learns it.
    let token = issue::access_token(app, &basis, &seed).await?;
    let refresh = lineage::new_family(app, client, (&user, &grant))?;
    let made = (&grant, refresh.as_ref());
    match lineage::commit(app, made, Ground::Answer(approval), request).await? {
        Gate::Passed => {}
        Gate::SpentBefore => return Err(punish_replay(app, request, &grant).await?),
        Gate::GroundLost => {
            let why = "the answer or the consent was taken back, or the person or client is gone";
            return Err(device_code::denied().because(why).into());
        }
        Gate::ShutOut => {
            return Err(device_code::denied().because("the person may not use the app").into());
        }
    }
    let id_token = issue::id_token(app, (&basis, envelope), (&token.text, None))?;
    let refresh_token = refresh.map(|(_, text)| text);
    Ok(TokenResponse { refresh_token, id_token, ..issue::answer(&basis, token) })
}

/// The person, if they may still sign in and have not signed out everywhere since they answered.
async fn living_user(app: &App, approval: &Approval) -> Result<User, EndpointError> {
    let alive = |u: &User| u.disabled_at.is_none() && u.token_version == approval.user_version;
    users::by_id(&app.store.db, &approval.user_id).await?.filter(alive).ok_or_else(|| {
        device_code::denied().because("the person is disabled, gone or signed out").into()
    })
}

/// The grant stands on its consent and not on the session of the browser, which belongs to another
/// device and may end today. That session has to be there only until the device has fetched its answer, and
/// is remembered: whoever ends it because it is a thief's ends what the thief has let in, too.
fn grant_of(app: &App, client: &Client, (record, approval): (&DeviceRecord, &Approval)) -> Grant {
    let now = app.now();
    Grant {
        id: record.grant_id.clone(),
        user_id: approval.user_id.clone(),
        client_id: client.id.clone(),
        session_id: None,
        scopes: record.scopes.clone(),
        offline: true,
        auth_time: approval.auth_time,
        acr: approval.acr.clone(),
        amr: approval.amr.clone(),
        details: record.details.clone(),
        // A device asks for none: nobody could choose there.
        organisation: None,
        created_at: now,
        expires_at: now.plus(lineage::lifetime(app, client, true)),
        revoked_at: None,
    }
}

/// A spent code came back: one of the two who hold it is a thief, so both lose.
async fn punish_replay(
    app: &App,
    request: &TokenRequest<'_>,
    grant: &Grant,
) -> Result<EndpointError, Failure> {
    let replay = Replay {
        kind: "device_code_replay",
        grant: &grant.id,
        client: &grant.client_id,
        user: &grant.user_id,
        session: None,
    };
    lineage::punish(app, &replay, request.caller()).await?;
    Ok(device_code::unknown().because("already redeemed; its grant is revoked").into())
}
