//! The way of a sign-in that is tried, as any app goes it: the authorization request (RFC 6749 section 4.1.1 with
//! RFC 7636), the answer, the token request, refreshing, and signing out (RP-Initiated Logout section 2).

use super::TryError;
use super::client::{self, CALLBACK, CLIENT_ID, Fitness, PAGE};
use super::kept::{self, Attempt, Ending, Refusal, Tokens, Visitor};
use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::Secret;
use crate::protocol::authorize::acr::Level;
use crate::protocol::discovery::path;
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;
use crate::protocol::token::TokenResponse;
use crate::service::audit::Caller;
use crate::service::clients::authentication::ClientRequest;
use crate::service::failure::EndpointError;
use crate::service::token::dpop::Entrance;
use crate::service::token::{self, access_token, token_revocation};

/// The longest text of an error that is kept.
const MOST_CHARS: usize = 300;

/// What the authorization request asks for.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// `openid` is added: without it, it would be no sign-in.
    pub scopes: Scopes,
    /// `prompt=login`: the person proves anew who they are.
    pub again: bool,
    /// Seconds.
    pub max_age: Option<Seconds>,
    pub acr: Option<Level>,
}

/// Begins one; gives the address that the browser goes to.
///
/// # Errors
/// [`TryError::NotReady`], or a failure.
pub async fn start(app: &App, visitor: &Visitor, wishes: &Wishes) -> Result<String, TryError> {
    let Fitness::Ready(client) = client::fitness(app).await? else {
        return Err(TryError::NotReady);
    };
    let (state, nonce, verifier) = (Secret::generate(), Secret::generate(), Secret::generate());
    let attempt = Attempt {
        visitor: visitor.clone(),
        nonce: nonce.expose().to_owned(),
        verifier: verifier.expose().to_owned(),
    };
    kept::begin(app, state.expose(), &attempt).await?;
    let scope = Scopes::from_tokens(["openid"]).union(&wishes.scopes);
    let scope = scope.intersection(&client.metadata.scope).to_string();
    let max_age = wishes.max_age.map(|seconds| seconds.to_string()).unwrap_or_default();
    let redirect_uri = client::address(app, CALLBACK);
    // What is empty is left out.
    let params = Params::from_pairs([
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", &redirect_uri),
        ("scope", &scope),
        ("state", state.expose()),
        ("nonce", nonce.expose()),
        // The stored form of a secret is the S256 of it (RFC 7636 section 4.2).
        ("code_challenge", verifier.hash().as_str()),
        ("code_challenge_method", "S256"),
        ("prompt", if wishes.again { "login" } else { "" }),
        ("max_age", &max_age),
        ("acr_values", wishes.acr.map(Level::as_str).unwrap_or_default()),
    ]);
    Ok(format!("{}?{}", client::address(app, path::AUTHORIZE), params.encode()))
}

/// Takes the answer and redeems its code. What came of it, an error of the protocol too, is kept for
/// [`super::outcome::of`].
///
/// # Errors
/// [`TryError`] when nothing is kept: the answer is none to something that this visitor has begun, or somebody
/// else has signed in.
pub async fn finish(
    app: &App,
    visitor: &Visitor,
    (answer, caller): (&Params, &Caller),
) -> Result<(), TryError> {
    let state = answer.sole("state").filter(|state| Secret::looks_like_one(state));
    let state = state.ok_or(TryError::NotBegun)?;
    // Before it is taken: whoever has seen somebody else's cannot spend it.
    if kept::whose(app, state).await?.ok_or(TryError::NotBegun)? != *visitor {
        return Err(TryError::OtherSession);
    }
    let attempt = kept::take(app, state).await?.ok_or(TryError::NotBegun)?;
    if answer.sole("iss") != Some(app.issuer()) {
        return Err(TryError::OtherIssuer);
    }
    if let Some(error) = answer.sole("error") {
        let description = answer.sole("error_description").unwrap_or_default();
        return refuse(app, visitor, (error, description)).await;
    }
    let redirect_uri = client::address(app, CALLBACK);
    let request = Params::from_pairs([
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("code", answer.sole("code").unwrap_or_default()),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", &attempt.verifier),
    ]);
    let response = match exchange(app, request, caller).await {
        Ok(response) => response,
        Err(EndpointError::OAuth(error)) => {
            return refuse(app, visitor, (error.code.as_str(), error.description)).await;
        }
        Err(EndpointError::Failure(failure)) => return Err(failure.into()),
    };
    if !is_of(app, visitor, &response).await? {
        give_back(app, &response, caller).await?;
        return Err(TryError::OtherPerson);
    }
    let tokens = tokens(app, response, (attempt.nonce, None));
    Ok(kept::keep(app, visitor, Ending::Tokens(Box::new(tokens))).await?)
}

async fn refuse(
    app: &App,
    visitor: &Visitor,
    (code, description): (&str, &str),
) -> Result<(), TryError> {
    let cut = |text: &str| text.chars().take(MOST_CHARS).collect();
    let refusal = Refusal { code: cut(code), description: cut(description), at: app.now() };
    Ok(kept::keep(app, visitor, Ending::Refused(refusal)).await?)
}

/// Whether the tokens speak of this very person.
async fn is_of(app: &App, visitor: &Visitor, response: &TokenResponse) -> Result<bool, TryError> {
    let claims = access_token::genuine(app, &response.access_token).await?;
    Ok(claims.and_then(|claims| claims.user_id()).is_some_and(|user| user == visitor.user))
}

/// Ends what nobody is going to use.
async fn give_back(
    app: &App,
    response: &TokenResponse,
    caller: &Caller,
) -> Result<(), EndpointError> {
    let token = response.refresh_token.as_ref().unwrap_or(&response.access_token);
    let params = Params::from_pairs([("client_id", CLIENT_ID), ("token", token)]);
    token_revocation::revoke(app, &request(params, caller)).await
}

/// Uses the refresh token (RFC 6749 section 6).
///
/// # Errors
/// [`TryError`]; what was kept stays as it is.
pub async fn refresh(app: &App, visitor: &Visitor, caller: &Caller) -> Result<(), TryError> {
    let Some(Ending::Tokens(before)) = kept::ending(app, visitor).await? else {
        return Err(TryError::NothingKept);
    };
    let old = before.refresh_token.as_deref().ok_or(TryError::NoRefreshToken)?;
    let params = Params::from_pairs([
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", old),
    ]);
    let response = exchange(app, params, caller).await?;
    let rotated = response.refresh_token.as_deref().is_some_and(|new| new != old);
    let new = tokens(app, response, (before.nonce.clone(), Some(rotated)));
    // Without rotation the old one stays good.
    let refresh_token = new.refresh_token.clone().or(before.refresh_token);
    let new = Tokens { refresh_token, ..new };
    Ok(kept::keep(app, visitor, Ending::Tokens(Box::new(new))).await?)
}

/// Forgets the tokens; gives the address that the browser goes to in order to be signed out.
///
/// # Errors
/// [`TryError::NothingKept`], also when there was no ID token, or a failure.
pub async fn sign_out(app: &App, visitor: &Visitor) -> Result<String, TryError> {
    let Some(Ending::Tokens(tokens)) = kept::ending(app, visitor).await? else {
        return Err(TryError::NothingKept);
    };
    let hint = tokens.id_token.as_deref().ok_or(TryError::NothingKept)?;
    let back = client::address(app, PAGE);
    let params = Params::from_pairs([
        ("id_token_hint", hint),
        ("client_id", CLIENT_ID),
        ("post_logout_redirect_uri", &back),
    ]);
    kept::forget(app, visitor).await?;
    Ok(format!("{}?{}", client::address(app, path::LOGOUT), params.encode()))
}

async fn exchange(
    app: &App,
    params: Params,
    caller: &Caller,
) -> Result<TokenResponse, EndpointError> {
    Box::pin(token::exchange(app, &request(params, caller))).await
}

/// As it would come in at the token endpoint.
fn request(params: Params, caller: &Caller) -> ClientRequest {
    ClientRequest {
        authorization: None,
        params,
        dpop: Vec::new(),
        entrance: Entrance::Issuer,
        certificate: None,
        caller: caller.clone(),
    }
}

fn tokens(app: &App, response: TokenResponse, (nonce, rotated): (String, Option<bool>)) -> Tokens {
    Tokens {
        access_token: response.access_token,
        token_type: response.token_type.to_owned(),
        refresh_token: response.refresh_token,
        id_token: response.id_token,
        scope: response.scope,
        expires_in: response.expires_in,
        received_at: app.now(),
        nonce,
        rotated,
    }
}
