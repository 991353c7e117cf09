//! A token for a token (RFC 8693): checking whom the subject token speaks for and who wants to act,
//! and making a token that never reaches further than both.
//!
//! The new token has a lineage of its own, so that its client can revoke it alone, and remembers the
//! lineages it came from: whatever ends one of those ends it at once.

use serde_json::{Map, Value};

use super::issue::{self, AccessTokenSeed};
use super::lineage;
use super::request::{Limits, TokenRequest};
use super::witness;
use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::jose::{self, Expect, Expiry, TokenType};
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::jose::jwt_claims;
use crate::protocol::scope::Scopes;
use crate::protocol::token::claims::{AccessTokenClaims, ActingPerson, ActorOrigin, Origin};
use crate::protocol::token::grant::details::Confirmation;
use crate::protocol::token::grant::token_exchange::{
    self as rules, Actor, Chain, ExchangeRequest, Presented, TokenKind,
};
use crate::protocol::token::{TokenResponse, sender_constraint};
use crate::protocol::types::{ClientId, GrantId, UserId};
use crate::protocol::user::User;
use crate::service::audit;
use crate::service::clients::access::{self, Door};
use crate::service::failure::{EndpointError, Failure};
use crate::service::token::{access_token, subject};
use crate::service::trusted_issuers::{self, Assertion, AssertionError};
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
    /// What the new token may be for at most; empty for whatever its client is registered for.
    resources: Vec<String>,
    expires_at: UnixTime,
    act: Option<Chain>,
    may_act: Option<Value>,
    origins: Vec<Origin>,
    actors: Vec<ActorOrigin>,
    /// What a trusted issuer said, which may be good once.
    assertion: Option<Assertion>,
}

/// Who acts, until when, and what that ends with.
struct Acting {
    actor: Actor,
    until: Option<UnixTime>,
    origin: Option<ActorOrigin>,
    /// Who it is to administrators.
    known_as: audit::Actor,
    assertion: Option<Assertion>,
}

pub(super) async fn exchange(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let wanted = ExchangeRequest::read(request.params())?;
    let client = request.client();
    rules::check_format(client, wanted.wanted)?;
    let subject = subject_of(app, request, &wanted.subject).await?;
    if let Some((user, _)) = &subject.person
        && !access::admits_read(app, client, user).await?
    {
        let who = (&client.id, &user.id);
        access::note_refusal(app, who, (Door::Exchange, request.caller())).await?;
        return Err(refused("the person may not use the app"));
    }
    let acting = match &wanted.actor {
        Some(presented) => actor_of(app, request, presented).await?,
        None => client_itself(app, client),
    };
    if subject.may_act.as_ref().is_some_and(|claim| !rules::may_act(claim, &acting.actor)) {
        return Err(refused("may_act names somebody else"));
    }
    let act = rules::act(&acting.actor, subject.act.as_ref(), app.config.tokens.exchange_depth)?;
    let scopes = rules::common_scopes(client, &subject.scopes)?;
    let limits = Limits {
        scopes: &scopes,
        resources: &subject.resources,
        audience: &wanted.audience,
        authorization_details: &[],
    };
    let person = subject.person.as_ref().map(|(user, grant)| (user, grant));
    let basis = request.basis(person, &limits)?;
    let seed = AccessTokenSeed::new(client, app.now());
    let mut claims = issue::access_token_claims(app, &basis, &seed)?;
    narrow(&mut claims, &subject, &acting);
    if claims.exp <= app.now() {
        return Err(refused("the subject or actor token has expired"));
    }
    claims.act = Some(act);
    // The gate: everything that can be refused is behind us.
    for assertion in subject.assertion.iter().chain(&acting.assertion) {
        trusted_issuers::spend(app, assertion).await?.map_err(refused)?;
    }
    let about = person.map(|(user, _)| user);
    let event = witness::given(app, "token.exchanged", (request, &claims), about)
        .detail("actor", acting.known_as.to_string());
    if subject.origins.is_empty()
        && let Some((_, grant)) = person
    {
        if !lineage::commit_on_trust(app, request, (grant, event)).await? {
            return Err(refused("the person or the client is gone, or the app is not for them"));
        }
    } else {
        claims.grant = GrantId::new(seed.jti.clone());
        audit::write(app, event).await?;
    }
    claims.origins = subject.origins;
    claims.actors.extend(subject.actors.into_iter().chain(acting.origin));
    let token = issue::mint(app, client, (&claims, seed.opaque.as_deref())).await?;
    let actor = acting.actor.sub;
    tracing::info!(client_id = %client.id, sub = claims.sub, actor, "token exchanged");
    let issued_token_type = Some(wanted.wanted.as_str());
    Ok(TokenResponse { issued_token_type, ..issue::answer(&basis, token) })
}

/// Takes from the claims what the subject and actor tokens do not give.
fn narrow(claims: &mut AccessTokenClaims, subject: &Subject, acting: &Acting) {
    if subject.person.is_none() {
        claims.sub.clone_from(&subject.client_name);
    }
    claims.exp = claims.exp.min(subject.expires_at).min(acting.until.unwrap_or(claims.exp));
    // What the person agreed to by name, claims and details, was for another client and stays
    // behind; `cnf` is this client's own key.
    claims.authorization_details = Vec::new();
    claims.more_userinfo = false;
}

/// Without an actor token the client acts for itself.
fn client_itself(app: &App, client: &Client) -> Acting {
    let id = client.id.to_string();
    let actor = Actor { sub: id.clone(), client_id: Some(id), iss: app.issuer().to_owned() };
    let known_as = audit::Actor::Client(client.id.clone());
    Acting { actor, until: None, origin: None, known_as, assertion: None }
}

async fn subject_of(
    app: &App,
    request: &TokenRequest<'_>,
    presented: &Presented,
) -> Result<Subject, EndpointError> {
    match presented.kind {
        TokenKind::AccessToken => {
            let claims = own_access_token(app, request, &presented.token).await?;
            of_access_token(app, request.client(), &claims).await
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
    if claims.client_id != client.id && !client.is_addressed_by(&claims.aud, claims.iat) {
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

async fn of_access_token(
    app: &App,
    client: &Client,
    claims: &AccessTokenClaims,
) -> Result<Subject, EndpointError> {
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
    // Who was handed a token may have one for whatever it is registered for. A token of its own says
    // what was agreed on (RFC 8707 section 2.2).
    let own = claims.client_id == client.id;
    Ok(Subject {
        person,
        client_name: claims.sub.clone(),
        scopes: claims.scopes(),
        resources: if own { claims.aud.to_vec() } else { Vec::new() },
        expires_at: claims.exp,
        act: claims.act.clone().map(|claim| Chain { claim, vouched_by: None }),
        may_act: None,
        origins,
        actors: claims.actors.clone(),
        assertion: None,
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

/// An ID token of ours is worth what its client holds of the person by the same sign-in now, and only to that
/// client. It does not name the grant it came with, so of several the newest counts.
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
        resources: grant.details.resources.clone(),
        person: Some((user, grant)),
        expires_at,
        act: None,
        may_act: None,
        origins: vec![origin],
        actors: Vec::new(),
        assertion: None,
    })
}

/// What a trusted issuer says. It counts as often as its assertions do elsewhere.
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
    let vouched_by = Some(assertion.issuer.clone());
    let act = assertion.act.clone().map(|claim| Chain { claim, vouched_by });
    let person = match &assertion.person {
        Some(user) => {
            let grant = lineage::of_assertion(app, client, (user, &assertion));
            Some((user.clone(), grant))
        }
        None => None,
    };
    Ok(Subject {
        person,
        client_name: client.id.to_string(),
        scopes: assertion.scopes.clone(),
        resources: Vec::new(),
        expires_at: assertion.expires_at,
        act,
        may_act: assertion.may_act.clone(),
        origins: Vec::new(),
        actors: Vec::new(),
        assertion: Some(assertion),
    })
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

/// Who an actor token speaks for.
async fn actor_of(
    app: &App,
    request: &TokenRequest<'_>,
    presented: &Presented,
) -> Result<Acting, EndpointError> {
    let client = request.client();
    let (found, client_id) = match presented.kind {
        TokenKind::AccessToken => {
            let claims = own_access_token(app, request, &presented.token).await?;
            let client_id = claims.client_id.to_string();
            (of_access_token(app, client, &claims).await?, Some(client_id))
        }
        TokenKind::IdToken | TokenKind::Jwt => (subject_of(app, request, presented).await?, None),
    };
    if found.act.is_some() {
        return Err(refused("somebody acts for the actor"));
    }
    let person = match &found.person {
        Some((user, grant)) => Some(acting_person(app, client, (user, grant))?),
        None => None,
    };
    let known_as = match &found.person {
        Some((user, _)) => audit::Actor::User(user.id.clone()),
        None => audit::Actor::Client(ClientId::new(found.client_name.as_str())),
    };
    let sub = person.as_ref().map_or(found.client_name, |person| person.sub.clone());
    Ok(Acting {
        actor: Actor { sub, client_id, iss: app.issuer().to_owned() },
        until: Some(found.expires_at),
        origin: Some(ActorOrigin { origins: found.origins, person }),
        known_as,
        assertion: found.assertion,
    })
}

/// The person behind an actor token, by the names under which this client knows people and sessions.
fn acting_person(
    app: &App,
    client: &Client,
    (user, grant): (&User, &Grant),
) -> Result<ActingPerson, Failure> {
    // An offline grant outlives its session.
    let session = grant.session_id.as_ref().filter(|_| !grant.offline);
    Ok(ActingPerson {
        sub: subject::sub(app, client, &user.id)?,
        sid: session.map(|session| subject::sid(app, client, session)).transpose()?,
        version: user.token_version,
        behind: None,
    })
}
