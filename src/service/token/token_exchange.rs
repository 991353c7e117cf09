//! A token for a token (RFC 8693): checking whom the subject token speaks for and who wants to act,
//! and making a token that never reaches further than both.
//!
//! The new token has a lineage of its own, so that its client can revoke it alone, and remembers the
//! lineages it came from: whatever ends one of those ends it at once.

use serde_json::{Map, Value};

use super::issue::{self, AccessTokenSeed};
use super::lineage::{self, Ground};
use super::request::{Limits, TokenRequest};
use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::jose::{self, Expect, Expiry, TokenType};
use crate::protocol::claims::{AccessTokenClaims, Origin};
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::grant::details::Confirmation;
use crate::protocol::grant::token_exchange::{
    self as rules, Actor, ExchangeRequest, Presented, TokenKind, Wanted,
};
use crate::protocol::jwt_claims;
use crate::protocol::scope::Scopes;
use crate::protocol::sender_constraint;
use crate::protocol::token::TokenResponse;
use crate::protocol::types::{GrantId, UserId};
use crate::protocol::user::User;
use crate::service::failure::{EndpointError, Failure};
use crate::service::trusted_issuers::{self, AssertionError};
use crate::service::{access_token, subject};
use crate::store::grants::{self, Grant};
use crate::store::users;

/// RFC 8693 section 2.2.2 gives every unacceptable token this code.
fn refused(detail: impl Into<String>) -> EndpointError {
    OAuthError::invalid_request("The subject or actor token cannot be used here.")
        .because(detail)
        .into()
}

/// Whom the subject token speaks for, and what it allows.
struct Subject {
    /// The person and the grant it all began with; `None` for a client's own token.
    person: Option<(User, Grant)>,
    /// The name of the client when it is a client's own token.
    client_name: String,
    scopes: Scopes,
    expires_at: UnixTime,
    act: Option<Value>,
    may_act: Option<Value>,
    origins: Vec<Origin>,
}

pub(super) async fn exchange(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let wanted = ExchangeRequest::read(request.params())?;
    let client = request.client();
    let subject = subject_of(app, request, &wanted.subject).await?;
    let (actor, actor_until) = match &wanted.actor {
        Some(presented) => actor_of(app, request, presented).await?,
        None => (client_itself(app, client), subject.expires_at),
    };
    if subject.may_act.as_ref().is_some_and(|claim| !rules::may_act(claim, &actor)) {
        return Err(refused("may_act names somebody else"));
    }
    let act = rules::act(&actor, subject.act.as_ref(), app.config.tokens.exchange_depth)?;
    let scopes = rules::common_scopes(client, &subject.scopes)?;
    let limits = Limits {
        scopes: &scopes,
        resources: &[],
        audience: &wanted.audience,
        authorization_details: &[],
    };
    let person = subject.person.as_ref().map(|(user, grant)| (user, grant));
    let basis = request.basis(person, &limits)?;
    let mut seed = AccessTokenSeed::new(client, app.now());
    if wanted.wanted == Wanted::Jwt {
        seed.opaque = None;
    }
    let mut claims = issue::access_token_claims(app, &basis, &seed)?;
    if person.is_none() {
        claims.sub.clone_from(&subject.client_name);
    }
    claims.exp = claims.exp.min(subject.expires_at).min(actor_until);
    claims.act = Some(act);
    if subject.origins.is_empty()
        && let Some((_, grant)) = person
    {
        // The word of a trusted issuer for a person: a grant of its own, so that it ends with them.
        lineage::commit(app, (grant, None), Ground::Trust, request).await?;
    } else {
        claims.grant = GrantId::new(seed.jti.clone());
    }
    claims.origins = subject.origins;
    // What the person's consent to details was about stays behind; `cnf` is this client's own key.
    claims.authorization_details = Vec::new();
    let token = issue::mint(app, client, (&claims, seed.opaque.as_deref())).await?;
    tracing::info!(client_id = %client.id, sub = claims.sub, actor = actor.sub, "token exchanged");
    let issued_token_type = Some(wanted.wanted.as_str());
    Ok(TokenResponse { issued_token_type, ..issue::answer(&basis, token) })
}

/// Without an actor token the client acts for itself.
fn client_itself(app: &App, client: &Client) -> Actor {
    let id = client.id.to_string();
    Actor { sub: id.clone(), client_id: Some(id), iss: app.issuer().to_owned() }
}

async fn subject_of(
    app: &App,
    request: &TokenRequest<'_>,
    presented: &Presented,
) -> Result<Subject, EndpointError> {
    match presented.kind {
        TokenKind::AccessToken => {
            let claims = own_access_token(app, request, &presented.token).await?;
            of_access_token(app, &claims).await
        }
        TokenKind::IdToken => match own_id_token(app, request.client(), &presented.token) {
            Some(claims) => of_id_token(app, request.client(), &claims).await,
            None => of_trusted_issuer(app, request, &presented.token).await,
        },
        TokenKind::Jwt => of_trusted_issuer(app, request, &presented.token).await,
    }
}

/// An access token of ours that counts and that this client was given or is the audience of.
async fn own_access_token(
    app: &App,
    request: &TokenRequest<'_>,
    text: &str,
) -> Result<std::sync::Arc<AccessTokenClaims>, EndpointError> {
    let client = request.client();
    let claims = access_token::inspect(app, text)
        .await?
        .ok_or_else(|| refused("the access token is unknown, expired or revoked"))?;
    if claims.client_id != client.id && !client.is_addressed_by(&claims.aud) {
        return Err(refused("the access token is for somebody else"));
    }
    prove_possession(request, claims.cnf.as_ref())?;
    Ok(claims)
}

/// Whether the request proves to hold the key a token is bound to. A bound token that somebody
/// merely passes on is of no use here either.
fn prove_possession(
    request: &TokenRequest<'_>,
    bound_to: Option<&Confirmation>,
) -> Result<(), EndpointError> {
    sender_constraint::check_grant(bound_to, request.held())
        .map_err(|_| refused("the token is bound to a key that the request does not prove"))
}

async fn of_access_token(app: &App, claims: &AccessTokenClaims) -> Result<Subject, EndpointError> {
    let origin = Origin {
        grant: claims.grant.clone(),
        client: claims.client_id.clone(),
        version: claims.client_version,
    };
    let origins: Vec<_> = claims.origins.iter().cloned().chain([origin]).collect();
    let person = match (claims.user_id(), claims.user_version, origins.first()) {
        (Some(user), Some(version), Some(first)) => {
            let grant = grants::by_id(&app.store.db, &first.grant).await?;
            Some((living_user(app, &user, Some(version)).await?, living(grant)?))
        }
        _ => None,
    };
    Ok(Subject {
        person,
        client_name: claims.sub.clone(),
        scopes: claims.scopes(),
        expires_at: claims.exp,
        act: claims.act.clone(),
        may_act: None,
        origins,
    })
}

/// An ID token of ours for this client.
fn own_id_token(app: &App, client: &Client, text: &str) -> Option<Map<String, Value>> {
    let expect = Expect {
        typ: TokenType::IdToken,
        issuer: app.issuer(),
        audience: Some(client.id.as_str()),
        now: app.now(),
        expiry: Expiry::Enforced,
    };
    jose::verify(&app.keyring.load(), text, &expect).ok()
}

/// An ID token of ours is worth what the grant behind it is worth, and only to its own client.
async fn of_id_token(
    app: &App,
    client: &Client,
    claims: &Map<String, Value>,
) -> Result<Subject, EndpointError> {
    let now = app.now();
    let bad = |_| refused("a claim of the ID token is malformed");
    let sub = jwt_claims::text(claims, "sub").map_err(bad)?.ok_or_else(|| refused("no sub"))?;
    let sid = jwt_claims::text(claims, "sid").map_err(bad)?;
    let auth_time = jwt_claims::time(claims, "auth_time").map_err(bad)?;
    let expires_at = jwt_claims::time(claims, "exp").map_err(bad)?;
    let (Some(auth_time), Some(expires_at)) = (auth_time, expires_at) else {
        return Err(refused("a claim of the ID token is missing"));
    };
    let user = living_user(app, &subject::person(app, sub), None).await?;
    let session = sid.map(|sid| subject::session(app, sid));
    let sign_in = (session.as_ref(), auth_time);
    let db = &app.store.db;
    let grant = living(grants::of_sign_in(db, (&user.id, &client.id), sign_in, now).await?)?;
    let origin = Origin {
        grant: grant.id.clone(),
        client: client.id.clone(),
        version: client.token_version,
    };
    Ok(Subject {
        client_name: client.id.to_string(),
        scopes: grant.scopes.clone(),
        person: Some((user, grant)),
        expires_at,
        act: None,
        may_act: None,
        origins: vec![origin],
    })
}

/// What a trusted issuer says. It is no assertion that grants something by itself, so it is good
/// for as long as it lives.
async fn of_trusted_issuer(
    app: &App,
    request: &TokenRequest<'_>,
    text: &str,
) -> Result<Subject, EndpointError> {
    let client = request.client();
    let assertion = match trusted_issuers::accept(app, client, text).await {
        Ok(assertion) => assertion,
        Err(AssertionError::Refused(detail)) => return Err(refused(detail)),
        Err(AssertionError::Failure(failure)) => return Err(failure.into()),
    };
    let (scopes, expires_at) = (assertion.scopes.clone(), assertion.expires_at);
    let (act, may_act) = (assertion.act.clone(), assertion.may_act.clone());
    let person = match &assertion.person {
        Some(user) => {
            let grant = lineage::of_assertion(app, client, (user, &assertion));
            Some((user.clone(), grant))
        }
        None => None,
    };
    let client_name = client.id.to_string();
    Ok(Subject { person, client_name, scopes, expires_at, act, may_act, origins: Vec::new() })
}

async fn living_user(app: &App, id: &UserId, version: Option<i64>) -> Result<User, EndpointError> {
    let alive = |user: &User| {
        user.disabled_at.is_none() && version.is_none_or(|version| user.token_version == version)
    };
    users::by_id(&app.store.db, id)
        .await?
        .filter(alive)
        .ok_or_else(|| refused("the person is disabled, gone, or signed out everywhere"))
}

fn living(grant: Option<Grant>) -> Result<Grant, EndpointError> {
    grant
        .filter(|grant| grant.revoked_at.is_none())
        .ok_or_else(|| refused("the grant behind the token is gone or revoked"))
}

/// Who an actor token speaks for, and until when.
async fn actor_of(
    app: &App,
    request: &TokenRequest<'_>,
    presented: &Presented,
) -> Result<(Actor, UnixTime), EndpointError> {
    let (found, client_id) = match presented.kind {
        TokenKind::AccessToken => {
            let claims = own_access_token(app, request, &presented.token).await?;
            let client_id = claims.client_id.to_string();
            (of_access_token(app, &claims).await?, Some(client_id))
        }
        TokenKind::IdToken | TokenKind::Jwt => (subject_of(app, request, presented).await?, None),
    };
    if found.act.is_some() {
        return Err(refused("somebody acts for the actor"));
    }
    let sub = match &found.person {
        Some((user, _)) => named_for(app, request.client(), &user.id)?,
        None => found.client_name,
    };
    Ok((Actor { sub, client_id, iss: app.issuer().to_owned() }, found.expires_at))
}

/// The name by which this client knows the person.
fn named_for(app: &App, client: &Client, user: &UserId) -> Result<String, Failure> {
    subject::sub(app, client, user)
}
