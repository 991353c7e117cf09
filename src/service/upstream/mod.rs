//! Providers elsewhere at which people of ours have an account: keeping the list of them, and asking one
//! whether all of it fits. Nobody signs in with one yet.
//!
//! | module | job |
//! |---|---|
//! | `preview` | what a person would look like, from sample claims |
//! | `trial` | asking a provider for its metadata and keys |

pub mod preview;
mod trial;

use crate::app::App;
use crate::crypto::seal::Purpose;
use crate::crypto::secret::{self, Secret};
use crate::protocol::rights::Right;
use crate::protocol::upstream::{check_secret, validate};
use crate::service::audit::{Actor, Event};
use crate::service::clients::Activity;
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::store::{StoreError, Tx, audit, upstream_providers as store};

pub use crate::protocol::upstream::{
    UpstreamKind, UpstreamProblem, UpstreamProvider, UpstreamSettings,
};
pub use trial::{test, verdict};

/// The most providers.
const MOST: usize = 50;

/// Why a provider could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("there is no such upstream provider")]
    NotFound,
    #[error("there is an upstream provider with this slug already")]
    Taken,
    #[error("{}", list(.0))]
    Invalid(Vec<UpstreamProblem>),
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

fn list(problems: &[UpstreamProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<Barred> for UpstreamError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for UpstreamError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

/// What is said of a new provider; see [`UpstreamProvider`].
#[derive(Debug, Clone)]
pub struct NewUpstream {
    pub slug: String,
    pub kind: UpstreamKind,
    pub issuer: String,
    pub display_name: String,
    pub client_id: String,
    pub settings: UpstreamSettings,
    /// What Doorward proves there that it is its client.
    pub secret: Secret,
}

/// What may change of one.
#[derive(Debug, Clone)]
pub struct UpstreamChange {
    pub display_name: String,
    pub client_id: String,
    pub settings: UpstreamSettings,
    /// A new one, if it gets one.
    pub secret: Option<Secret>,
}

impl UpstreamChange {
    /// A change that changes nothing.
    #[must_use]
    pub fn none(of: &UpstreamProvider) -> Self {
        Self {
            display_name: of.display_name.clone(),
            client_id: of.client_id.clone(),
            settings: of.settings.clone(),
            secret: None,
        }
    }

    /// The provider as it is after the change, still with the secret of before.
    fn made_to(&self, before: &UpstreamProvider) -> UpstreamProvider {
        UpstreamProvider {
            display_name: self.display_name.clone(),
            client_id: self.client_id.clone(),
            settings: self.settings.clone(),
            ..before.clone()
        }
    }
}

/// Adds a provider. Its secret is never shown again.
///
/// # Errors
/// [`UpstreamError`].
pub async fn create(
    app: &App,
    new: NewUpstream,
    actor: &Actor,
) -> Result<UpstreamProvider, UpstreamError> {
    let problems = problems(app, &new);
    if !problems.is_empty() {
        return Err(UpstreamError::Invalid(problems));
    }
    let provider =
        UpstreamProvider { client_secret: sealed(app, &new.secret), ..provider_of(app, &new) };
    let mut tx = begin(app, actor).await?;
    if store::all(&mut tx).await?.len() >= MOST {
        let problem = format!("there are {MOST} upstream providers already, which is the most");
        return Err(UpstreamError::Invalid(vec![UpstreamProblem { field: "slug", problem }]));
    }
    store::insert(&mut tx, &provider).await?;
    let event = about("upstream_provider.created", actor, (app, &provider));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(provider)
}

/// Without its secret.
fn provider_of(app: &App, new: &NewUpstream) -> UpstreamProvider {
    let now = app.now();
    UpstreamProvider {
        id: secret::new_id(now),
        slug: new.slug.clone(),
        kind: new.kind,
        issuer: new.issuer.clone(),
        display_name: new.display_name.clone(),
        client_id: new.client_id.clone(),
        client_secret: String::new(),
        settings: new.settings.clone(),
        created_at: now,
        disabled_at: None,
    }
}

/// What is wrong with a new provider.
pub(in crate::service) fn problems(app: &App, new: &NewUpstream) -> Vec<UpstreamProblem> {
    let mut problems = validate(&provider_of(app, new), app.issuer());
    if problems.iter().all(|problem| problem.field != "issuer")
        && let Err(problem) = app.outbound.vet(&new.issuer)
    {
        problems.push(UpstreamProblem { field: "issuer", problem: problem.to_string() });
    }
    problems.extend(check_secret(new.secret.expose()));
    problems
}

/// Changes a provider. Its short name, its kind and its issuer stay what they are: accounts there are
/// accounts of this issuer, and the secret goes to nobody else.
///
/// # Errors
/// [`UpstreamError`].
pub async fn update(
    app: &App,
    which: &str,
    (change, actor): (UpstreamChange, &Actor),
) -> Result<UpstreamProvider, UpstreamError> {
    let change = (change, actor);
    Box::pin(update_from(app, (which, None), change)).await?.ok_or(UpstreamError::NotFound)
}

/// As [`update`], if the provider is in the moment of the change what the change was made from; `None`, and
/// nothing changes, when somebody else has changed it since.
///
/// # Errors
/// [`UpstreamError`].
pub async fn update_if(
    app: &App,
    made_from: &UpstreamProvider,
    change: (UpstreamChange, &Actor),
) -> Result<Option<UpstreamProvider>, UpstreamError> {
    Box::pin(update_from(app, (&made_from.id, Some(made_from)), change)).await
}

async fn update_from(
    app: &App,
    (which, made_from): (&str, Option<&UpstreamProvider>),
    (change, actor): (UpstreamChange, &Actor),
) -> Result<Option<UpstreamProvider>, UpstreamError> {
    let mut tx = begin(app, actor).await?;
    let before = store::hold(&mut tx, which).await?.ok_or(UpstreamError::NotFound)?;
    if made_from.is_some_and(|made_from| *made_from != before) {
        return Ok(None);
    }
    let problems = change_problems(app, (&before, &change));
    if !problems.is_empty() {
        return Err(UpstreamError::Invalid(problems));
    }
    let new_secret = change.secret.as_ref().filter(|secret| !has_secret(app, &before, secret));
    let after = UpstreamProvider {
        client_secret: new_secret
            .map_or_else(|| before.client_secret.clone(), |secret| sealed(app, secret)),
        ..change.made_to(&before)
    };
    let changed = changed_members(&before, &after);
    if changed.is_empty() && new_secret.is_none() {
        return Ok(Some(before));
    }
    if !store::update(&mut tx, &after).await? {
        return Err(UpstreamError::NotFound);
    }
    if !changed.is_empty() {
        let event = about("upstream_provider.updated", actor, (app, &after));
        let event = event.detail("changed", changed.join(" "));
        audit::append(&mut tx, &event.into_row()).await?;
    }
    if new_secret.is_some() {
        let event = about("upstream_provider.secret_replaced", actor, (app, &after));
        audit::append(&mut tx, &event.into_row()).await?;
    }
    tx.commit().await?;
    Ok(Some(after))
}

/// What is wrong with a change. What stays is not looked at again: it may have been right in its time.
pub(in crate::service) fn change_problems(
    app: &App,
    (before, change): (&UpstreamProvider, &UpstreamChange),
) -> Vec<UpstreamProblem> {
    let mut problems = validate(&change.made_to(before), app.issuer());
    problems.retain(|problem| !matches!(problem.field, "slug" | "issuer"));
    problems.extend(change.secret.as_ref().and_then(|secret| check_secret(secret.expose())));
    problems
}

/// The names of what differs, as files and programs have them.
fn changed_members(before: &UpstreamProvider, after: &UpstreamProvider) -> Vec<&'static str> {
    let (old, new) = (&before.settings, &after.settings);
    let all = [
        ("display_name", before.display_name != after.display_name),
        ("client_id", before.client_id != after.client_id),
        (
            "token_endpoint_auth_method",
            old.token_endpoint_auth_method != new.token_endpoint_auth_method,
        ),
        ("scope", old.scope != new.scope),
        ("claims", old.claims != new.claims),
        ("trusts_email", old.trusts_email != new.trusts_email),
    ];
    all.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

/// Switches a provider off, or on again as it was.
///
/// # Errors
/// [`UpstreamError`].
pub async fn set_activity(
    app: &App,
    which: &str,
    (activity, actor): (Activity, &Actor),
) -> Result<UpstreamProvider, UpstreamError> {
    let mut tx = begin(app, actor).await?;
    let before = store::hold(&mut tx, which).await?.ok_or(UpstreamError::NotFound)?;
    let (disabled_at, kind) = match activity {
        // Since when stays what it was.
        Activity::Disabled => {
            (before.disabled_at.or(Some(app.now())), "upstream_provider.disabled")
        }
        Activity::Enabled => (None, "upstream_provider.enabled"),
    };
    if disabled_at == before.disabled_at {
        return Ok(before);
    }
    store::set_disabled(&mut tx, &before.id, disabled_at).await?;
    audit::append(&mut tx, &about(kind, actor, (app, &before)).into_row()).await?;
    tx.commit().await?;
    Ok(UpstreamProvider { disabled_at, ..before })
}

/// Removes a provider with its secret.
///
/// # Errors
/// [`UpstreamError`].
pub async fn delete(
    app: &App,
    which: &str,
    actor: &Actor,
) -> Result<UpstreamProvider, UpstreamError> {
    delete_from(app, (which, None), actor).await?.ok_or(UpstreamError::NotFound)
}

/// As [`delete`], if the provider is in the moment of the deletion what it is here; `None`, and nothing changes,
/// when somebody else has changed it since.
///
/// # Errors
/// [`UpstreamError`].
pub async fn delete_if(
    app: &App,
    made_from: &UpstreamProvider,
    actor: &Actor,
) -> Result<Option<UpstreamProvider>, UpstreamError> {
    delete_from(app, (&made_from.id, Some(made_from)), actor).await
}

async fn delete_from(
    app: &App,
    (which, made_from): (&str, Option<&UpstreamProvider>),
    actor: &Actor,
) -> Result<Option<UpstreamProvider>, UpstreamError> {
    let mut tx = begin(app, actor).await?;
    let provider = store::hold(&mut tx, which).await?.ok_or(UpstreamError::NotFound)?;
    if made_from.is_some_and(|made_from| *made_from != provider) {
        return Ok(None);
    }
    store::delete(&mut tx, &provider.id).await?;
    let event = about("upstream_provider.deleted", actor, (app, &provider));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Some(provider))
}

/// Every provider, by short name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn all(app: &App) -> Result<Vec<UpstreamProvider>, Failure> {
    Ok(store::all(&app.store.db).await?)
}

/// The provider with this id or short name.
///
/// # Errors
/// [`UpstreamError::NotFound`] or a failure.
pub async fn get(app: &App, which: &str) -> Result<UpstreamProvider, UpstreamError> {
    store::find(&app.store.db, which).await?.ok_or(UpstreamError::NotFound)
}

/// Whether this is the secret the provider has.
pub(in crate::service) fn has_secret(
    app: &App,
    provider: &UpstreamProvider,
    secret: &Secret,
) -> bool {
    let stored = app.sealer.open(Purpose::UpstreamSecret, &provider.client_secret);
    stored.is_some_and(|stored| stored == secret.expose().as_bytes())
}

fn sealed(app: &App, secret: &Secret) -> String {
    app.sealer.seal(Purpose::UpstreamSecret, secret.expose().as_bytes())
}

/// Begins a transaction of somebody who may look after upstream providers.
async fn begin(app: &App, actor: &Actor) -> Result<Tx, UpstreamError> {
    Ok(authority::begin(app, (actor, Right::UpstreamWrite)).await?)
}

fn about(kind: &'static str, actor: &Actor, (app, provider): (&App, &UpstreamProvider)) -> Event {
    let event = Event::success(kind, actor, app.now());
    event.detail("upstream", provider.slug.as_str()).detail("issuer", provider.issuer.as_str())
}
