//! Refreshing: rotation, reuse detection, and the same successor for an honest retry.
//!
//! The gate is one `update … where current_hash = $presented`; exactly one of any number of
//! parallel refreshes passes it. The others find themselves holding the previous token within the
//! grace and get the very same successor, which is sealed in the row for that long.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::issue::{self, AccessToken, AccessTokenSeed, RefreshToken};
use super::lineage;
use super::request::{Basis, Limits, TokenRequest};
use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::seal::Purpose;
use crate::crypto::secret::SecretHash;
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::fapi;
use crate::protocol::token::claims::Audience;
use crate::protocol::token::grant::details::Confirmation;
use crate::protocol::token::grant::refresh_token::{self, FamilyFacts, Standing};
use crate::protocol::token::{TokenResponse, sender_constraint};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::clients::access;
use crate::service::failure::{EndpointError, Failure};
use crate::service::revocation::{self, Lineage};
use crate::service::risk;
use crate::store::grants::Grant;
use crate::store::grants::refresh_families::{self, RefreshFamily, Rotated, Rotation};
use crate::store::users;

/// The pair a rotation leads to, sealed in the row during the grace.
#[derive(Serialize, Deserialize)]
struct Successor {
    refresh_token: String,
    access: AccessTokenSeed,
    /// The key the access token is bound to.
    #[serde(default)]
    bound: Option<Confirmation>,
    /// What the access token is good for.
    #[serde(default)]
    reach: Option<Reach>,
}

/// What an access token is good for: a retry that asks for something else gets another token, since
/// the first one may have been handed on as the narrow token it is.
#[derive(PartialEq, Serialize, Deserialize)]
struct Reach {
    scope: String,
    audience: Audience,
    authorization_details: Vec<Value>,
}

impl Reach {
    fn of(basis: &Basis<'_>) -> Self {
        Self {
            scope: basis.scopes().to_string(),
            audience: basis.audience().clone(),
            authorization_details: basis.authorization_details().to_vec(),
        }
    }
}

/// The pair a refresh gives.
struct Pair {
    refresh_token: String,
    access: AccessToken,
}

fn refused(detail: &'static str) -> EndpointError {
    OAuthError::invalid_grant("The refresh token is unknown, spent or expired.")
        .because(detail)
        .into()
}

pub(super) async fn rotate(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let client = request.client();
    let text = request
        .params()
        .get("refresh_token")?
        .ok_or_else(|| OAuthError::invalid_request("refresh_token is missing."))?;
    let token = RefreshToken::open(app, text).ok_or_else(|| refused("not a token of ours"))?;
    let hash = SecretHash::of(text);
    // Losing the race to a parallel refresh means reading the row again, now rotated. A second
    // lost race in a row would need the winner's successor to be refreshed meanwhile.
    for _ in 0..3 {
        let (family, grant) = living_family(app, client, &token).await?;
        // Before anything is punished: who cannot prove the key may not end the family either.
        sender_constraint::check_grant(grant.details.confirmation.as_ref(), request.held())?;
        let user = living_user(app, (client, &grant), &token).await?;
        let basis = request.basis(Some((&user, &grant)), &Limits::of(&grant))?;
        let envelope = issue::prepare_id_token(app, &basis).await?;
        let pair = match standing(app, client, (&family, &hash)) {
            Standing::Current => rotate_row(app, &basis, (&family, &token, &hash)).await?,
            Standing::JustRotated => Some(same_again(app, &basis, &family).await?),
            Standing::Expired => return Err(refused("the family has expired")),
            Standing::Reused => return Err(punish_reuse(app, &grant, request.caller()).await?),
        };
        if let Some(Pair { refresh_token, access }) = pair {
            let since = family.rotated_at.unwrap_or(family.created_at);
            app.metrics.refreshed(client.metadata.kind.as_str(), app.now().since(since));
            app.count_origin("refresh", request.caller().address.as_deref());
            let id_token = issue::id_token(app, (&basis, envelope), (&access.text, None))?;
            let refresh_token = Some(refresh_token);
            return Ok(TokenResponse { refresh_token, id_token, ..issue::answer(&basis, access) });
        }
    }
    Err(Failure::Unavailable("the refresh family is contended".into()).into())
}

/// The family and grant of a refresh token that would be accepted right now; uses nothing up.
pub(crate) async fn inspect(
    app: &App,
    client: &Client,
    text: &str,
) -> Result<Option<(RefreshFamily, Grant)>, Failure> {
    let Some(token) = RefreshToken::open(app, text) else { return Ok(None) };
    let living = async {
        let (family, grant) = living_family(app, client, &token).await?;
        living_user(app, (client, &grant), &token).await?;
        Ok((family, grant))
    };
    match living.await {
        Ok((family, grant)) => {
            let current =
                standing(app, client, (&family, &SecretHash::of(text))) == Standing::Current;
            Ok(current.then_some((family, grant)))
        }
        Err(EndpointError::OAuth(_)) => Ok(None),
        Err(EndpointError::Failure(failure)) => Err(failure),
    }
}

/// For how long the token before the current one is answered like it.
fn grace(app: &App, client: &Client) -> Seconds {
    fapi::refresh_grace(client, app.settings().tokens.refresh_grace)
}

fn standing(app: &App, client: &Client, (family, hash): (&RefreshFamily, &SecretHash)) -> Standing {
    let facts = FamilyFacts {
        current_hash: &family.current_hash,
        previous_hash: family.previous_hash.as_deref(),
        rotated_at: family.rotated_at,
        idle_expires_at: family.idle_expires_at,
        expires_at: family.expires_at,
    };
    refresh_token::standing(&facts, hash.as_str(), app.now(), grace(app, client))
}

/// The family and its grant, if this client may still use them.
async fn living_family(
    app: &App,
    client: &Client,
    token: &RefreshToken,
) -> Result<(RefreshFamily, Grant), EndpointError> {
    let (family, grant) = refresh_families::with_grant(&app.store.db, &token.family)
        .await?
        .ok_or_else(|| refused("no such family"))?;
    if grant.client_id != client.id {
        return Err(refused("the token belongs to another client"));
    }
    if grant.revoked_at.is_some() {
        return Err(refused("the grant is revoked"));
    }
    // Tombstones are gone after an hour; the client's own row remembers for good.
    if token.client_version != client.token_version {
        return Err(refused("the client was disabled since"));
    }
    let lineage = Lineage {
        grant: &grant.id,
        session: grant.session_id.as_ref().filter(|_| !grant.offline),
        user: Some((&grant.user_id, token.user_version)),
        client: (&client.id, token.client_version),
        origins: &[],
        actors: &[],
    };
    match revocation::standing(app, &lineage).await? {
        revocation::Standing::Alive => Ok((family, grant)),
        revocation::Standing::Revoked => Err(refused("the lineage is revoked")),
    }
}

async fn living_user(
    app: &App,
    (client, grant): (&Client, &Grant),
    token: &RefreshToken,
) -> Result<User, EndpointError> {
    let user = users::by_id(&app.store.db, &grant.user_id)
        .await?
        .filter(|user| user.disabled_at.is_none() && user.token_version == token.user_version)
        .ok_or_else(|| refused("the person is disabled, gone, or signed out everywhere"))?;
    // Their grant has ended with the group; this holds whatever became of that.
    let is_for_them = access::admits_read(app, client, &user).await?;
    if is_for_them { Ok(user) } else { Err(refused("the app is not for them")) }
}

/// Tries the gate; `None` when another refresh was faster.
async fn rotate_row(
    app: &App,
    basis: &Basis<'_>,
    (family, token, presented): (&RefreshFamily, &RefreshToken, &SecretHash),
) -> Result<Option<Pair>, EndpointError> {
    let now = app.now();
    let seed = AccessTokenSeed::new(basis.client(), now);
    // Before the gate: an opaque token that cannot be stored must not cost the client its refresh
    // token, which would count as stolen once its grace is over. If the gate refuses, nobody ever
    // learns this one.
    let access = issue::access_token(app, basis, &seed).await?;
    let successor = Successor {
        access: seed,
        refresh_token: token.successor().seal(app)?,
        bound: basis.bound().cloned(),
        reach: Some(Reach::of(basis)),
    };
    let sealed = app.sealer.seal(Purpose::Successor, &serde_json::to_vec(&successor)?);
    let rotation = Rotation {
        family: family.id.clone(),
        presented_hash: presented.as_str().to_owned(),
        new_hash: SecretHash::of(&successor.refresh_token).as_str().to_owned(),
        successor_sealed: (grace(app, basis.client()) > 0).then_some(sealed),
        now,
        idle_expires_at: now.plus(family.idle_seconds),
    };
    match refresh_families::rotate(&app.store.db, &rotation).await? {
        Rotated::Yes => {
            app.metrics.token_issued("refresh_token");
            Ok(Some(Pair { refresh_token: successor.refresh_token, access }))
        }
        Rotated::No => Ok(None),
    }
}

/// What the first refresh gave, for the retry of an honest client.
async fn same_again(
    app: &App,
    basis: &Basis<'_>,
    family: &RefreshFamily,
) -> Result<Pair, EndpointError> {
    let successor = open_successor(app, family)?;
    // Such a retry comes with the same key.
    if successor.bound.as_ref() != basis.bound() {
        return Err(refused("the successor is bound to another key"));
    }
    let seed = if successor.reach == Some(Reach::of(basis)) {
        successor.access
    } else {
        AccessTokenSeed::new(basis.client(), app.now())
    };
    let access = issue::access_token(app, basis, &seed).await?;
    Ok(Pair { refresh_token: successor.refresh_token, access })
}

fn open_successor(app: &App, family: &RefreshFamily) -> Result<Successor, EndpointError> {
    let sealed = family
        .successor_sealed
        .as_deref()
        .ok_or_else(|| refused("the successor is no longer kept"))?;
    let plain = app
        .sealer
        .open(Purpose::Successor, sealed)
        .ok_or_else(|| Failure::Internal("a sealed successor cannot be opened".into()))?;
    Ok(serde_json::from_slice(&plain)?)
}

/// An old token came back: somebody has a copy, so the whole family ends.
async fn punish_reuse(app: &App, grant: &Grant, caller: &Caller) -> Result<EndpointError, Failure> {
    let event = Event::failure("refresh_reuse", &Actor::Client(grant.client_id.clone()), app.now())
        .user(&grant.user_id)
        .client(&grant.client_id)
        .caller(caller);
    let event = risk::describe_reuse(app, event);
    lineage::end_for_reuse(app, grant, event, caller).await?;
    Ok(refused("an old token was used again; the family is revoked"))
}
