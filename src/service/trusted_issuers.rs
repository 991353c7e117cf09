//! Issuers outside whose tokens count here: keeping the list of them, and believing what they sign
//! as far as their rules go. The assertions of RFC 7523 section 2.1 and the foreign subject tokens
//! of RFC 8693 are read here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::foreign::{EmbeddedKey, ForeignKeys, HeaderRules, Untyped, Unverified};
use crate::outbound::Lane;
use crate::protocol::client::Client;
use crate::protocol::discovery::path;
use crate::protocol::jose::jwt_claims;
use crate::protocol::members;
use crate::protocol::rights::Right;
use crate::protocol::scope::Scopes;
use crate::protocol::token::grant::client_credentials;
use crate::protocol::token::trusted_issuer::{
    self as rules, Circumstances, Identity, IssuerProblem, Reuse, TrustedIssuer, Vouched,
};
use crate::protocol::types::{ClientId, SigningAlg};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::clients::key_sets::{self, KeySource};
use crate::service::clients::{self, Activity};
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::service::sign_in::normalize_login;
use crate::service::token::single_use;
use crate::store::{
    StoreError, Tx, audit, clients as client_rows, trusted_issuers as store, users,
};

/// Why the list could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    #[error("there is no trusted issuer of this name")]
    NotFound,
    #[error("an issuer of this name, or with this iss, is trusted already")]
    Taken,
    #[error("{}", list(.0))]
    Invalid(Vec<IssuerProblem>),
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for IssuerError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

fn list(problems: &[IssuerProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<StoreError> for IssuerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

/// Starts to trust an issuer.
///
/// # Errors
/// [`IssuerError`].
pub async fn create(
    app: &App,
    issuer: TrustedIssuer,
    actor: &Actor,
) -> Result<TrustedIssuer, IssuerError> {
    check(app, &issuer).await?;
    let now = app.now();
    let issuer = TrustedIssuer { created_at: now, disabled_at: None, ..issuer };
    let mut tx = authority::begin(app, (actor, Right::IssuersWrite)).await?;
    hold_apps(&mut tx, &issuer).await?;
    store::insert(&mut tx, &issuer).await?;
    let event = Event::success("issuer.trusted", actor, now)
        .detail("name", issuer.name.as_str())
        .detail("issuer", issuer.issuer.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(issuer)
}

/// Changes what the issuer of this name is trusted with, for tokens that come from now on. Whether it
/// is switched off stays as it is.
///
/// # Errors
/// [`IssuerError`].
pub async fn update(
    app: &App,
    issuer: TrustedIssuer,
    actor: &Actor,
) -> Result<TrustedIssuer, IssuerError> {
    let before = get(app, &issuer.name).await?;
    update_from(app, (&before, false), issuer, actor).await?.ok_or(IssuerError::NotFound)
}

/// As [`update`], if the issuer is in the moment of the change what the change was made from; `None`,
/// and nothing changes, when somebody else has changed it since.
///
/// # Errors
/// [`IssuerError`].
pub async fn update_if(
    app: &App,
    made_from: &TrustedIssuer,
    issuer: TrustedIssuer,
    actor: &Actor,
) -> Result<Option<TrustedIssuer>, IssuerError> {
    update_from(app, (made_from, true), issuer, actor).await
}

async fn update_from(
    app: &App,
    (before, unchanged): (&TrustedIssuer, bool),
    issuer: TrustedIssuer,
    actor: &Actor,
) -> Result<Option<TrustedIssuer>, IssuerError> {
    check(app, &issuer).await?;
    let mut tx = authority::begin(app, (actor, Right::IssuersWrite)).await?;
    hold_apps(&mut tx, &issuer).await?;
    let now = store::hold(&mut tx, &before.name).await?.ok_or(IssuerError::NotFound)?;
    if unchanged && now != *before {
        return Ok(None);
    }
    let TrustedIssuer { created_at, disabled_at, .. } = now;
    let issuer = TrustedIssuer { created_at, disabled_at, ..issuer };
    if !store::update(&mut tx, &issuer).await? {
        return Err(IssuerError::NotFound);
    }
    let event = told((&now, &issuer), (actor, app.now()));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Some(issuer))
}

/// One event that names what has changed. Of keys that are given by value only that they are others is told.
fn told(
    (before, after): (&TrustedIssuer, &TrustedIssuer),
    (actor, now): (&Actor, UnixTime),
) -> Event {
    let all = |issuer: &TrustedIssuer| {
        let mut all = members::of(&issuer.settings);
        all.insert("issuer".to_owned(), issuer.issuer.as_str().into());
        all
    };
    Event::success("issuer.updated", actor, now)
        .detail("name", after.name.as_str())
        .detail("issuer_before", before.issuer.as_str())
        .detail("issuer", after.issuer.as_str())
        .change_of((&all(before), &all(after)), &["jwks", "issuer"])
}

/// Switches an issuer off: its tokens count no more, from now on. What was issued on its word lives
/// on until it expires. Or switches it on again, as it was.
///
/// # Errors
/// [`IssuerError`].
pub async fn set_activity(
    app: &App,
    name: &str,
    activity: Activity,
    actor: &Actor,
) -> Result<TrustedIssuer, IssuerError> {
    let issuer = get(app, name).await?;
    let now = app.now();
    let (disabled_at, kind) = match activity {
        // Since when stays what it was.
        Activity::Disabled => (issuer.disabled_at.or(Some(now)), "issuer.disabled"),
        Activity::Enabled => (None, "issuer.enabled"),
    };
    let mut tx = authority::begin(app, (actor, Right::IssuersWrite)).await?;
    if !store::set_disabled(&mut tx, name, disabled_at).await? {
        return Err(IssuerError::NotFound);
    }
    let event = Event::success(kind, actor, now).detail("name", name);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(TrustedIssuer { disabled_at, ..issuer })
}

/// What can be checked before anything is written.
async fn check(app: &App, issuer: &TrustedIssuer) -> Result<(), IssuerError> {
    let mut problems = problems(app, issuer);
    for rule in &issuer.settings.rules {
        if clients::find(app, &rule.client_id).await?.is_none() {
            problems.push(no_client(&rule.client_id));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(IssuerError::Invalid(problems)) }
}

fn no_client(id: &ClientId) -> IssuerProblem {
    IssuerProblem { field: "client_id", problem: format!("there is no client {id}") }
}

/// Holds the apps that the rules of an issuer are for, each by its id and before the issuer: whoever deletes one of them
/// waits and then finds the rule ([`forget_client`]), or was quicker, and the app is missed here.
async fn hold_apps(tx: &mut Tx, issuer: &TrustedIssuer) -> Result<(), IssuerError> {
    let apps: BTreeSet<_> = issuer.settings.rules.iter().map(|rule| &rule.client_id).collect();
    let mut gone = Vec::new();
    for id in apps {
        if client_rows::hold(&mut *tx, id).await?.is_none() {
            gone.push(no_client(id));
        }
    }
    if gone.is_empty() { Ok(()) } else { Err(IssuerError::Invalid(gone)) }
}

/// What is wrong with it, whatever apps there are.
pub(in crate::service) fn problems(app: &App, issuer: &TrustedIssuer) -> Vec<IssuerProblem> {
    let mut problems = rules::validate(issuer, app.issuer()).err().unwrap_or_default();
    problems.extend(key_problems(app, issuer));
    problems
}

fn key_problems(app: &App, issuer: &TrustedIssuer) -> Vec<IssuerProblem> {
    let mut problems = Vec::new();
    let mut add = |field, problem: String| problems.push(IssuerProblem { field, problem });
    if let Some(document) = &issuer.settings.jwks {
        match ForeignKeys::from_set(document) {
            Err(error) => add("jwks", error.to_string()),
            Ok(keys) if keys.is_empty() => add("jwks", "has no key for signatures".to_owned()),
            Ok(_) => {}
        }
    }
    if let Some(uri) = &issuer.settings.jwks_uri
        && let Err(problem) = app.outbound.vet(uri)
    {
        add("jwks_uri", problem.to_string());
    }
    problems
}

/// Every trusted issuer, by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn all(app: &App) -> Result<Vec<TrustedIssuer>, Failure> {
    Ok(store::all(&app.store.db).await?)
}

/// One of them.
///
/// # Errors
/// [`IssuerError::NotFound`] or a failure.
pub async fn get(app: &App, name: &str) -> Result<TrustedIssuer, IssuerError> {
    store::by_name(&app.store.db, name).await?.ok_or(IssuerError::NotFound)
}

/// Stops trusting an issuer. What was issued on its word lives on until it expires.
///
/// # Errors
/// [`IssuerError`].
pub async fn delete(app: &App, name: &str, actor: &Actor) -> Result<TrustedIssuer, IssuerError> {
    delete_from(app, (name, None), actor).await?.ok_or(IssuerError::NotFound)
}

/// As [`delete`], if the issuer is in the moment of the deletion what it is here; `None`, and nothing changes, when
/// somebody else has changed it since.
///
/// # Errors
/// [`IssuerError`].
pub async fn delete_if(
    app: &App,
    made_from: &TrustedIssuer,
    actor: &Actor,
) -> Result<Option<TrustedIssuer>, IssuerError> {
    delete_from(app, (&made_from.name, Some(made_from)), actor).await
}

async fn delete_from(
    app: &App,
    (name, made_from): (&str, Option<&TrustedIssuer>),
    actor: &Actor,
) -> Result<Option<TrustedIssuer>, IssuerError> {
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::IssuersWrite)).await?;
    let issuer = store::hold(&mut tx, name).await?.ok_or(IssuerError::NotFound)?;
    if made_from.is_some_and(|made_from| *made_from != issuer) {
        return Ok(None);
    }
    store::delete(&mut tx, name).await?;
    let event = Event::success("issuer.distrusted", actor, now)
        .detail("name", name)
        .detail("issuer", issuer.issuer.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Some(issuer))
}

/// Forgets what issuers may vouch for to an app that is being deleted, in the transaction that deletes it: whoever
/// makes another one with its id may not be who may say whom to trust. The names of the issuers are in the log.
///
/// # Errors
/// [`StoreError`].
pub(in crate::service) async fn forget_client(
    tx: &mut Tx,
    client: &ClientId,
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    for listed in store::all(&mut *tx).await? {
        if !listed.settings.rules.iter().any(|rule| rule.client_id == *client) {
            continue;
        }
        let Some(before) = store::hold(&mut *tx, &listed.name).await? else { continue };
        let mut issuer = before.clone();
        issuer.settings.rules.retain(|rule| rule.client_id != *client);
        store::update(&mut *tx, &issuer).await?;
        let event = told((&before, &issuer), (actor, now)).client(client);
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(())
}

/// A token of a trusted issuer that this client may use.
pub(crate) struct Assertion {
    /// `None` when it speaks for the client itself.
    pub person: Option<User>,
    /// The most it is good for.
    pub scopes: Scopes,
    pub issued_at: UnixTime,
    pub expires_at: UnixTime,
    pub act: Option<Value>,
    pub may_act: Option<Value>,
    /// Who says so.
    pub issuer: String,
    /// How often it is good.
    reuse: Reuse,
    /// What it is remembered by once it was used.
    jti: Option<String>,
}

/// Why a token of others is not accepted.
pub(crate) enum AssertionError {
    /// For the log.
    Refused(String),
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for AssertionError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

fn refused<T>(detail: &(impl ToString + ?Sized)) -> Result<T, AssertionError> {
    Err(AssertionError::Refused(detail.to_string()))
}

/// Reads a token that this client presents. Accepting it spends nothing; see [`spend`].
///
/// # Errors
/// [`AssertionError`].
pub(crate) async fn accept(
    app: &App,
    client: &Client,
    token: &str,
) -> Result<Assertion, AssertionError> {
    let header = HeaderRules {
        types: &["JWT"],
        untyped: Untyped::Accepted,
        algs: &SigningAlg::ALL,
        embedded_key: EmbeddedKey::Refused,
    };
    let unverified = match Unverified::read(token, &header) {
        Ok(unverified) => unverified,
        Err(error) => return refused(&error),
    };
    // Only a hint which issuer to load; its rules look at `iss` again.
    let named = match jwt_claims::text(&unverified.claims, "iss") {
        Ok(Some(named)) => named.to_owned(),
        Ok(None) => return refused("it names no issuer"),
        Err(error) => return refused(&error),
    };
    let Some(issuer) = store::by_issuer(&app.store.db, &named).await? else {
        return refused("its issuer is not trusted");
    };
    if issuer.disabled_at.is_some() {
        return refused("its issuer is switched off");
    }
    let settings = &issuer.settings;
    let source = KeySource {
        jwks: settings.jwks.as_ref(),
        jwks_uri: settings.jwks_uri.as_deref(),
        lane: Lane::Owed,
    };
    let claims = match key_sets::verify_from(app, source, unverified).await {
        Ok(claims) => claims,
        Err(error) => return refused(&error),
    };
    let around = Circumstances {
        client: &client.id,
        own: [app.issuer(), &format!("{}{}", app.issuer(), path::TOKEN)],
        now: app.now(),
    };
    let vouched = match rules::check(&issuer, &claims, &around) {
        Ok(vouched) => vouched,
        Err(refusal) => return refused(&refusal),
    };
    let person = person_of(app, &vouched, &claims).await?;
    let most = match &person {
        Some(_) => client.metadata.scope.clone(),
        None => client_credentials::own_scopes(client),
    };
    Ok(Assertion {
        person,
        scopes: rules::scopes_within(&issuer, &most),
        issued_at: vouched.issued_at.unwrap_or_else(|| app.now()),
        expires_at: vouched.expires_at,
        act: claims.get("act").cloned(),
        may_act: claims.get("may_act").cloned(),
        reuse: settings.reuse,
        jti: vouched.jti,
        issuer: issuer.issuer.clone(),
    })
}

/// The person an issuer vouches for, if its rule lets it vouch for people.
async fn person_of(
    app: &App,
    vouched: &Vouched<'_>,
    claims: &Map<String, Value>,
) -> Result<Option<User>, AssertionError> {
    let found = match vouched.rule.identity {
        Identity::Client => return Ok(None),
        Identity::Username => {
            let name = normalize_login(&vouched.subject);
            // A name with an @ could be somebody's address.
            let user = users::by_login(&app.store.db, &name).await?;
            user.filter(|user| user.username == name)
        }
        Identity::Email => {
            let verified = claims.get("email_verified") == Some(&Value::Bool(true));
            let Some(email) = claims.get("email").and_then(Value::as_str).filter(|_| verified)
            else {
                return refused("it has no verified e-mail address");
            };
            let email = normalize_login(email);
            let user = users::by_login(&app.store.db, &email).await?;
            // Linking by an address nobody has proved here would hand accounts over.
            user.filter(|user| user.email.as_ref() == Some(&email) && user.email_verified)
        }
    };
    match found.filter(|user| user.disabled_at.is_none()) {
        Some(user) => Ok(Some(user)),
        None => refused("it speaks for nobody here"),
    }
}

/// Uses an assertion up where it is good only once, whichever grant it is brought for. The inner
/// error says why it does not count, for the log: it was used before, or it has no `jti` by which a use
/// could be remembered.
///
/// # Errors
/// [`Failure`]; it may be used up then.
pub(crate) async fn spend(
    app: &App,
    assertion: &Assertion,
) -> Result<Result<(), &'static str>, Failure> {
    if assertion.reuse == Reuse::Allowed {
        return Ok(Ok(()));
    }
    let Some(jti) = &assertion.jti else {
        return Ok(Err("it has no jti, and its issuer's tokens are good once"));
    };
    let owner = (assertion.issuer.as_str(), jti.as_str());
    let first = single_use::spend(app, "assertion", owner, assertion.expires_at).await?;
    Ok(if first { Ok(()) } else { Err("it was used before") })
}
