//! Token introspection (RFC 7662): a resource server asks whether a token counts.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::service::client_authentication::ClientRequest;
use crate::service::failure::{EndpointError, Failure};
use crate::service::token::refresh;
use crate::service::{access_token, client_authentication, subject};

/// Answers an introspection request. Anything the asker may not know about looks the same as a
/// token that does not exist (section 2.2).
///
/// # Errors
/// `invalid_client` or `invalid_request`, or a failure of ours.
pub async fn introspect(
    app: &App,
    request: &ClientRequest,
) -> Result<Map<String, Value>, EndpointError> {
    let client = client_authentication::authenticate(app, request).await?;
    if !client.is_confidential() {
        return Err(
            OAuthError::invalid_client("Introspection needs a client with a secret.").into()
        );
    }
    let text = request
        .params
        .get("token")?
        .ok_or_else(|| OAuthError::invalid_request("token is missing."))?;
    if let Some(claims) = access_token::inspect(app, text).await? {
        if may_know(&client, &claims) {
            return Ok(describe(&claims));
        }
    } else if let Some(description) = refresh_token(app, &client, text).await? {
        return Ok(description);
    }
    Ok(inactive())
}

/// Only the token's own client and its audience (RFC 9700 section 2.3).
fn may_know(client: &Client, claims: &AccessTokenClaims) -> bool {
    claims.client_id == client.id || claims.aud.contains(client.id.as_str())
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}

fn describe(claims: &AccessTokenClaims) -> Map<String, Value> {
    let mut answer = match json!(claims) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    // Bookkeeping of ours that means nothing outside.
    for private in ["grant", "user_version", "client_version"] {
        answer.remove(private);
    }
    answer.insert("active".into(), Value::Bool(true));
    answer.insert("token_type".into(), Value::from("Bearer"));
    answer
}

/// A refresh token is nobody's business but its client's.
async fn refresh_token(
    app: &App,
    client: &Client,
    text: &str,
) -> Result<Option<Map<String, Value>>, Failure> {
    let Some((family, grant)) = refresh::inspect(app, client, text).await? else { return Ok(None) };
    Ok(Some(Map::from_iter([
        ("active".to_owned(), Value::Bool(true)),
        ("token_type".to_owned(), Value::from("refresh_token")),
        ("client_id".to_owned(), json!(grant.client_id)),
        ("sub".to_owned(), Value::from(subject::sub(app, client, &grant.user_id)?)),
        ("scope".to_owned(), Value::from(grant.scopes.to_string())),
        ("iss".to_owned(), Value::from(app.issuer())),
        ("exp".to_owned(), json!(family.idle_expires_at.min(family.expires_at))),
    ])))
}
