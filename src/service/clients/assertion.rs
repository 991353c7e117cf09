//! Authenticating a client by the JWT it has signed (`private_key_jwt`): its signature, its claims,
//! and that it was never used before.

use serde_json::Value;

use crate::app::App;
use crate::crypto::encoding;
use crate::crypto::foreign::{EmbeddedKey, HeaderRules, Untyped, Unverified};
use crate::crypto::jose::JoseError;
use crate::protocol::client::Client;
use crate::protocol::client::assertion::{self as rules, Audience, EXPLICIT_TYPE, Expect};
use crate::protocol::discovery::path;
use crate::protocol::error::OAuthError;
use crate::service::clients::key_sets::{self, KeysError};
use crate::service::failure::EndpointError;
use crate::service::token::single_use;

/// `sub` of a JWT nobody has verified: a hint which client to load.
pub(in crate::service) fn subject(token: &str) -> Option<String> {
    let payload = encoding::decode_base64url(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get("sub")?.as_str().map(ToOwned::to_owned)
}

/// Whether this JWT proves that the request comes from this client (RFC 7523 section 3).
///
/// # Errors
/// `invalid_client`, or a failure of ours, in which case the assertion may be used up.
pub(in crate::service) async fn verify(
    app: &App,
    client: &Client,
    token: &str,
) -> Result<(), EndpointError> {
    let header = HeaderRules {
        types: &["JWT", EXPLICIT_TYPE],
        untyped: Untyped::Accepted,
        algs: &rules::algorithms(&client.metadata),
        embedded_key: EmbeddedKey::Refused,
    };
    let unverified = Unverified::read(token, &header).map_err(|error| unreadable(&error))?;
    let typ = unverified.header.get("typ").and_then(Value::as_str);
    let audience = Audience::of(client.metadata.security_profile, typ);
    let claims =
        key_sets::verify(app, client, unverified).await.map_err(|error| unsigned(&error))?;
    let expect = Expect {
        client_id: &client.id,
        issuer: app.issuer(),
        token_endpoint: &format!("{}{}", app.issuer(), path::TOKEN),
        audience,
        now: app.now(),
    };
    let accepted = rules::check(&claims, &expect)?;
    let owner = client.id.as_str();
    let until = accepted.remember_until;
    if !single_use::spend(app, "client_assertion", (owner, &accepted.jti), until).await? {
        let error = OAuthError::invalid_client(
            "The client assertion was used before; every request needs a new jti.",
        );
        return Err(error.into());
    }
    Ok(())
}

/// The header is wrong, which has nothing to do with the client's keys.
fn unreadable(error: &JoseError) -> OAuthError {
    let description = match error {
        JoseError::Algorithm => {
            "The client assertion is signed with an algorithm that is not accepted from this \
             client. Assertions made with a client secret (client_secret_jwt) are not offered; \
             use private_key_jwt."
        }
        JoseError::Type => "typ of the client assertion must be JWT or client-authentication+jwt.",
        _ => "The client assertion is not a JWT as RFC 7523 describes it.",
    };
    OAuthError::invalid_client(description).because(error.to_string())
}

fn unsigned(error: &KeysError) -> OAuthError {
    let description = match error {
        KeysError::Unavailable(_) => {
            "The keys of the client could not be fetched from its jwks_uri."
        }
        KeysError::Absent | KeysError::Unusable(_) | KeysError::Token(_) => {
            "Client authentication failed."
        }
    };
    OAuthError::invalid_client(description).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_read_from_any_jwt_and_from_nothing_else() {
        let token = |claims: &str| format!("x.{}.y", encoding::encode_base64url(claims.as_bytes()));
        assert_eq!(subject(&token(r#"{"sub":"app"}"#)).as_deref(), Some("app"));
        for bad in ["{}", r#"{"sub":1}"#, "[]", "", "{"] {
            assert_eq!(subject(&token(bad)), None, "{bad}");
        }
        for bad in ["", "x", "..", "x.%.y"] {
            assert_eq!(subject(bad), None, "{bad}");
        }
    }
}
