//! Token introspection (RFC 7662): a resource server asks whether a token counts. The answer is JSON
//! or, as evidence that can be kept, a JWT (RFC 9701).

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::token::claims::{AccessTokenClaims, Audience};
use crate::protocol::token::description::Description;
use crate::service::clients::authentication::{self, ClientRequest};
use crate::service::clients::metadata_document;
use crate::service::failure::{EndpointError, Failure};
use crate::service::token::envelope::{Content, Envelope, Representation};
use crate::service::token::{access_token, refresh, subject};

/// What the resource server can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// JSON, as in RFC 7662, unless it registered something else.
    Json,
    /// `Accept: application/token-introspection+jwt` (RFC 9701 section 4).
    Jwt,
}

/// Answers an introspection request. Anything the asker may not know about looks the same as a
/// token that does not exist (section 2.2).
///
/// # Errors
/// `invalid_client` or `invalid_request`, or a failure of ours.
pub async fn introspect(
    app: &App,
    request: &ClientRequest,
    accepts: Accepts,
) -> Result<Representation, EndpointError> {
    let client = authentication::authenticate(app, request).await?;
    if !client.is_confidential() {
        return Err(
            OAuthError::invalid_client("Introspection needs a client with a secret.").into()
        );
    }
    // A name that is a URI belongs to whoever is stored under it, and not to a document that nobody
    // has allowed anything: its id may be the protected resource of another.
    metadata_document::require_stored(app, &client).await?;
    let text = request
        .params
        .get("token")?
        .ok_or_else(|| OAuthError::invalid_request("token is missing."))?;
    if accepts == Accepts::Json && !wants_jwt(&client) {
        return Ok(Representation::json(&known(app, &client, text).await?)?);
    }
    let envelope = Envelope::prepare(app, &client, Content::Introspection).await?;
    // RFC 9701 section 5: what is said about the token is inside a member of its own, and neither
    // `sub` nor `exp` is beside it, so that the answer never passes for an access token.
    let answer = json!({
        "iss": app.issuer(),
        "aud": addressee(&client),
        "iat": app.now(),
        "token_introspection": known(app, &client, text).await?,
    });
    Ok(Representation::Jwt(envelope.close(app, &answer)?))
}

/// The resource server an answer is for (RFC 9701 section 5), by the names that tokens know it by:
/// those of the protected resources it answers for, or else its own.
fn addressee(client: &Client) -> Audience {
    match client.metadata.protected_resources.as_slice() {
        [] => Audience::One(client.id.to_string()),
        [one] => Audience::One(one.clone()),
        many => Audience::Many(many.to_vec()),
    }
}

/// RFC 9701 section 6: a resource server that registered an algorithm gets nothing else.
fn wants_jwt(client: &Client) -> bool {
    let metadata = &client.metadata;
    metadata.introspection_signed_response_alg.is_some()
        || metadata.introspection_encrypted_response_alg.is_some()
}

/// What the asker may know of a token.
enum Known {
    Access(Arc<AccessTokenClaims>),
    Refresh(Map<String, Value>),
    /// Nothing at all (section 2.2).
    Inactive,
}

impl Serialize for Known {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Access(claims) => Description::of(claims).serialize(serializer),
            Self::Refresh(members) => members.serialize(serializer),
            Self::Inactive => serializer.collect_map([("active", false)]),
        }
    }
}

async fn known(app: &App, client: &Client, text: &str) -> Result<Known, EndpointError> {
    Ok(match access_token::inspect(app, text).await? {
        Some(claims) if may_know(client, &claims) => Known::Access(claims),
        Some(_) => Known::Inactive,
        None => refresh_token(app, client, text).await?.map_or(Known::Inactive, Known::Refresh),
    })
}

/// Only the token's own client and its audience (RFC 9700 section 2.3).
fn may_know(client: &Client, claims: &AccessTokenClaims) -> bool {
    claims.client_id == client.id || client.is_addressed_by(&claims.aud, claims.iat)
}

/// A refresh token is nobody's business but its client's.
async fn refresh_token(
    app: &App,
    client: &Client,
    text: &str,
) -> Result<Option<Map<String, Value>>, Failure> {
    let Some((family, grant)) = refresh::inspect(app, client, text).await? else { return Ok(None) };
    let scopes = grant.scopes.intersection(&client.metadata.scope);
    Ok(Some(Map::from_iter([
        ("active".to_owned(), Value::Bool(true)),
        ("token_type".to_owned(), Value::from("refresh_token")),
        ("client_id".to_owned(), json!(grant.client_id)),
        ("sub".to_owned(), Value::from(subject::sub(app, client, &grant.user_id)?)),
        ("scope".to_owned(), Value::from(scopes.to_string())),
        ("iss".to_owned(), Value::from(app.issuer())),
        ("exp".to_owned(), json!(family.idle_expires_at.min(family.expires_at))),
    ])))
}
