//! What came of a sign-in that is tried, read as a relying party reads it: the ID token by the published keys,
//! the access token as introspection describes it, and userinfo. It is asked anew each time, so it says what is
//! true now. The tokens themselves are not in it.

use serde_json::{Map, Value};

use super::client::CLIENT_ID;
use super::kept::{self, Ending, Refusal, Tokens, Visitor};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::foreign::{EmbeddedKey, ForeignKeys, HeaderRules, Untyped, Unverified};
use crate::crypto::jose::{self, TokenType};
use crate::protocol::check::Check;
use crate::protocol::discovery::path;
use crate::protocol::token::description::Description;
use crate::protocol::token::relying_party::{self, Expected, Nonce};
use crate::protocol::token::sender_constraint::Scheme;
use crate::protocol::types::SigningAlg;
use crate::service::failure::{EndpointError, Failure};
use crate::service::token::access_token::{self, Presented};
use crate::service::token::dpop::{Carrier, Entrance};
use crate::service::token::envelope::Representation;
use crate::service::token::userinfo;

/// What came of it.
pub enum Outcome {
    Refused(Refusal),
    Tokens(Box<Shown>),
}

/// What the app has got.
pub struct Shown {
    /// `None` where there is none that can be read.
    pub id_token: Option<Decoded>,
    /// Of the ID token, the signature first.
    pub checks: Vec<Check>,
    /// `None` for an opaque one.
    pub access_token: Option<Decoded>,
    /// What introspection says of it (RFC 7662 section 2.2).
    pub introspection: Value,
    /// What userinfo answers, or why it does not.
    pub userinfo: Result<Value, String>,
    pub token_type: String,
    pub scope: String,
    pub received_at: UnixTime,
    pub expires_in: Seconds,
    pub has_refresh_token: bool,
    /// Whether the last refresh gave another refresh token; `None` before the first one.
    pub rotated: Option<bool>,
    /// Whether the app has what it needs to sign out.
    pub may_sign_out: bool,
}

/// A JWT taken apart.
pub struct Decoded {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// What came of the last one of this visitor; `None` where nothing is kept.
///
/// # Errors
/// [`Failure`] when a store does not answer.
pub async fn of(app: &App, visitor: &Visitor) -> Result<Option<Outcome>, Failure> {
    Ok(match kept::ending(app, visitor).await? {
        None => None,
        Some(Ending::Refused(refusal)) => Some(Outcome::Refused(refusal)),
        Some(Ending::Tokens(tokens)) => Some(Outcome::Tokens(Box::new(shown(app, *tokens).await?))),
    })
}

async fn shown(app: &App, tokens: Tokens) -> Result<Shown, Failure> {
    let (id_token, checks) = read_id_token(app, &tokens)?;
    let introspection = match access_token::inspect(app, &tokens.access_token).await? {
        Some(claims) => serde_json::to_value(Description::of(&claims))?,
        None => serde_json::json!({ "active": false }),
    };
    let access_token = take_apart(&tokens.access_token, TokenType::AccessToken);
    Ok(Shown {
        id_token,
        checks,
        access_token: access_token.as_ref().map(decoded),
        introspection,
        userinfo: ask_userinfo(app, &tokens.access_token).await?,
        token_type: tokens.token_type,
        scope: tokens.scope,
        received_at: tokens.received_at,
        expires_in: tokens.expires_in,
        has_refresh_token: tokens.refresh_token.is_some(),
        rotated: tokens.rotated,
        may_sign_out: tokens.id_token.is_some(),
    })
}

/// A JWT of ours as anybody else reads it; `None` for any other text.
fn take_apart(token: &str, typ: TokenType) -> Option<Unverified<'_>> {
    let rules = HeaderRules {
        types: &[typ.as_str()],
        untyped: Untyped::Refused,
        algs: &SigningAlg::ALL,
        embedded_key: EmbeddedKey::Refused,
    };
    Unverified::read(token, &rules).ok()
}

fn decoded(token: &Unverified<'_>) -> Decoded {
    Decoded { header: token.header.clone(), claims: token.claims.clone() }
}

fn read_id_token(app: &App, tokens: &Tokens) -> Result<(Option<Decoded>, Vec<Check>), Failure> {
    let about = "signature";
    let Some(text) = &tokens.id_token else {
        return Ok((None, vec![Check::failed(about, "There is no ID token.")]));
    };
    let Some(token) = take_apart(text, TokenType::IdToken) else {
        let said = "This ID token cannot be read here. Is the app set to have it encrypted?";
        return Ok((None, vec![Check::failed(about, said)]));
    };
    let (read, alg) = (decoded(&token), token.alg());
    let keys = ForeignKeys::from_json(app.keyring.load().jwks().as_bytes())
        .map_err(|error| Failure::Internal(format!("our own key set: {error}")))?;
    let signature = match token.verify(&keys) {
        Ok(_) => Check::ok(about, "It is signed with a key that is published."),
        Err(error) => Check::failed(about, format!("It was not accepted: {error}.")),
    };
    let nonce = match tokens.rotated {
        None => Nonce::JustSent(&tokens.nonce),
        Some(_) => Nonce::SentBefore(&tokens.nonce),
    };
    let expected = Expected {
        issuer: app.issuer(),
        client_id: CLIENT_ID,
        nonce,
        at_hash: &jose::left_half_hash(alg, &tokens.access_token),
        now: app.now(),
    };
    let mut checks = vec![signature];
    checks.extend(relying_party::examine(&read.claims, &expected));
    Ok((Some(read), checks))
}

/// What the userinfo endpoint would answer to this access token.
async fn ask_userinfo(app: &App, token: &str) -> Result<Result<Value, String>, Failure> {
    let carrier = Carrier {
        headers: &[],
        method: "GET",
        path: path::USERINFO,
        entrance: Entrance::Issuer,
        token: None,
    };
    let presented = Presented { token, scheme: Scheme::Bearer, carrier, certificate: None };
    Ok(match userinfo::answer(app, &presented).await {
        Ok(Representation::Json(text)) => Ok(serde_json::from_str(&text)?),
        Ok(Representation::Jwt(text)) => match take_apart(&text, TokenType::Userinfo) {
            Some(token) => Ok(Value::Object(token.claims)),
            None => Err("The answer is encrypted to the app.".to_owned()),
        },
        Err(EndpointError::OAuth(error)) => Err(error.description.to_owned()),
        Err(EndpointError::Failure(failure)) => return Err(failure),
    })
}
