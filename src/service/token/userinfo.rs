//! Userinfo (OpenID Connect Core section 5.3).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::App;
use crate::protocol::authorize::claims_request::ClaimsRequest;
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::token::claims::{self, AccessTokenClaims};
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::clients;
use crate::service::failure::EndpointError;
use crate::service::organisations::active;
use crate::service::token::access_token::{self, Presented};
use crate::service::token::envelope::{Content, Envelope, Representation};
use crate::store::{grants, users};

/// The claims this access token may see, in the form its client registered (section 5.3.2): JSON, or
/// a JWT that is signed, encrypted or both.
///
/// # Errors
/// `invalid_token` or `insufficient_scope` (RFC 6750 section 3.1), what is wrong with the proof of a
/// bound token (RFC 9449 section 7.1), or a failure of ours.
pub async fn answer(app: &App, presented: &Presented<'_>) -> Result<Representation, EndpointError> {
    let dead = || OAuthError::invalid_token("The access token is unknown, expired or revoked.");
    let token = access_token::accept(app, presented).await?;
    if !token.is_for_provider(app.issuer()) {
        return Err(OAuthError::invalid_token(
            "The access token is for another API. For userinfo its audience must have the issuer or \
             the app itself.",
        )
        .into());
    }
    let client = clients::find(app, &token.client_id).await?.ok_or_else(dead)?;
    let mut claims = claims(app, &client, &token).await?;
    let envelope = Envelope::prepare(app, &client, Content::Userinfo).await?;
    if !envelope.is_wanted() {
        return Ok(Representation::json(&claims)?);
    }
    // Section 5.3.2: a signed answer says from whom and for whom it is. No `exp`: it describes this
    // moment, and without one it never passes for an ID token.
    claims.insert("iss".into(), app.issuer().into());
    claims.insert("aud".into(), client.id.as_str().into());
    Ok(Representation::Jwt(envelope.close(app, &claims)?))
}

async fn claims(
    app: &App,
    client: &Client,
    token: &AccessTokenClaims,
) -> Result<Map<String, Value>, EndpointError> {
    let dead = || OAuthError::invalid_token("The access token is unknown, expired or revoked.");
    let scopes = token.scopes();
    if !scopes.contains("openid") {
        return Err(OAuthError::new(
            ErrorCode::InsufficientScope,
            "The access token does not have the openid scope.",
        )
        .into());
    }
    let user_id = token.user_id().ok_or_else(dead)?;
    let user = person(app, &user_id).await?.ok_or_else(dead)?;
    // Only the grant knows what else was asked for; most tokens save the look.
    let asked = if token.more_userinfo {
        grants::by_id(&app.store.db, &token.grant).await?.ok_or_else(dead)?.details.claims
    } else {
        ClaimsRequest::default()
    };
    // Whoever has left it since acts for it no more.
    let organisation = match &token.org_id {
        Some(id) => active::membership(app, (id, &user_id)).await?,
        None => None,
    };
    let told = (&scopes, &asked.userinfo);
    Ok(claims::userinfo((&user, client), &token.sub, told, organisation.as_ref()))
}

/// The person, if they may use their account: from the memory of this process, or from SQL. To be
/// called after the token was found alive, since that hears of the newest revocation.
async fn person(app: &App, id: &UserId) -> Result<Option<Arc<User>>, EndpointError> {
    // Taken before anything is read: what changes from here on makes the memory worthless.
    let newest = app.watch.newest_revocation();
    if app.watch.remembers_as_of() == Some(newest)
        && let Some(user) = app.people.remembers(id, newest)
    {
        return Ok(Some(user));
    }
    let found = users::by_id(&app.store.db, id).await?;
    let user = found.filter(|user| user.disabled_at.is_none()).map(Arc::new);
    if let Some(user) = &user {
        app.people.remember(user.id.clone(), Arc::clone(user), newest);
    }
    Ok(user)
}
