//! Webhooks: endpoints of others that are told what happens here (Standard Webhooks 1.0.0). An endpoint
//! subscribes to kinds of audit events; the database itself puts a message for it into the outbox, in
//! the transaction of the event (`store::db::triggers`), and the outbox sends it.
//!
//! | module | job |
//! |---|---|
//! | `kinds` | what can be subscribed to |
//! | `message` | an event as a message, signed |
//! | `posting` | sending a message, what comes back, and what follows from it |
//! | `trial` | a test message, and sending one again |

pub mod kinds;
mod message;
mod posting;
mod trial;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::seal::Purpose;
use crate::crypto::secret::{self, Secret};
use crate::crypto::webhook::WebhookSecret;
use crate::protocol::plain_text::is_plain_name;
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::clients::Activity;
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::store::webhooks as store;
use crate::store::webhooks::deliveries::{self, Delivered};
use crate::store::{StoreError, Tx, audit};

pub use crate::store::webhooks::Webhook;
pub(crate) use posting::{KIND, give_up, send};
pub use trial::{Outcome, redeliver, test};

/// How long messages are signed with the secret before as well.
pub const OVERLAP: Seconds = 86_400;
/// The most endpoints: each event is compared with all of them.
const MOST: usize = 50;
/// The most subscriptions of one endpoint.
pub const MOST_EVENTS: usize = 100;
pub const LONGEST_NAME: usize = 64;

/// Why an endpoint could not be changed or sent to.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such webhook")]
    NotFound,
    #[error("there is a webhook of this name already")]
    Taken,
    #[error("{problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("your role does not allow this")]
    NotYours,
    /// It was switched off, or what it is about is not kept any more.
    #[error("{0}")]
    NotNow(&'static str),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for WebhookError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

impl From<Barred> for WebhookError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// What administrators say of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    pub name: String,
    pub url: String,
    /// See [`kinds::check`].
    pub events: Vec<String>,
}

/// Adds an endpoint. Its secret is in the answer and is never shown again.
///
/// # Errors
/// [`WebhookError`].
pub async fn create(
    app: &App,
    settings: WebhookSettings,
    actor: &Actor,
) -> Result<(Webhook, Secret), WebhookError> {
    let settings = check(app, settings)?;
    let now = app.now();
    let (text, sealed) = new_secret(app);
    let webhook = Webhook {
        id: secret::new_id(now),
        name: settings.name,
        url: settings.url,
        events: settings.events,
        secret: sealed,
        previous: None,
        failing_since: None,
        created_at: now,
        disabled_at: None,
    };
    let mut tx = begin(app, actor).await?;
    if store::all(&mut tx).await?.len() >= MOST {
        return Err(invalid(
            "name",
            format!("there are {MOST} webhooks already, which is the most"),
        ));
    }
    store::insert(&mut tx, &webhook).await?;
    let event = about("webhook.created", actor, (app, &webhook));
    audit::append(&mut tx, &event.detail("events", webhook.events.join(" ")).into_row()).await?;
    tx.commit().await?;
    Ok((webhook, text))
}

/// Changes name, address and subscriptions of an endpoint.
///
/// # Errors
/// [`WebhookError`].
pub async fn update(
    app: &App,
    id: &str,
    (settings, actor): (WebhookSettings, &Actor),
) -> Result<Webhook, WebhookError> {
    let change = (settings, actor);
    Box::pin(update_from(app, (id, None), change)).await?.ok_or(WebhookError::NotFound)
}

/// As [`update`], if what is said of the endpoint is in the moment of the change what the change was made
/// from; `None`, and nothing changes, when somebody else has changed it since.
///
/// # Errors
/// [`WebhookError`].
pub async fn update_if(
    app: &App,
    made_from: &Webhook,
    change: (WebhookSettings, &Actor),
) -> Result<Option<Webhook>, WebhookError> {
    Box::pin(update_from(app, (&made_from.id, Some(made_from)), change)).await
}

async fn update_from(
    app: &App,
    (id, made_from): (&str, Option<&Webhook>),
    (settings, actor): (WebhookSettings, &Actor),
) -> Result<Option<Webhook>, WebhookError> {
    let settings = check(app, settings)?;
    let mut tx = begin(app, actor).await?;
    if !store::hold(&mut tx, id).await? {
        return Err(WebhookError::NotFound);
    }
    let before = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    if made_from.is_some_and(|made_from| said(made_from) != said(&before)) {
        return Ok(None);
    }
    let WebhookSettings { name, url, events } = settings;
    let after = Webhook { name, url, events, ..before.clone() };
    if !store::update(&mut tx, &after).await? {
        return Err(WebhookError::NotFound);
    }
    let mut event = about("webhook.updated", actor, (app, &after));
    // The address may hold a secret: only that it changed is told, and where it leads.
    if before.url != after.url {
        event = event.detail("host_before", host_of(&before.url));
    }
    if before.events != after.events {
        event = event.detail("events_before", before.events.join(" "));
        event = event.detail("events", after.events.join(" "));
    }
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Some(after))
}

/// What a change is made from: not how its deliveries fare.
fn said(webhook: &Webhook) -> (&str, &str, &[String], Option<UnixTime>) {
    (&webhook.name, &webhook.url, &webhook.events, webhook.disabled_at)
}

/// Switches an endpoint off: nothing is sent to it, and what waits for it is dropped. Or on again: it
/// hears of what happens from now on.
///
/// # Errors
/// [`WebhookError`].
pub async fn set_activity(
    app: &App,
    id: &str,
    (activity, actor): (Activity, &Actor),
) -> Result<Webhook, WebhookError> {
    let mut tx = begin(app, actor).await?;
    let before = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    let now = app.now();
    let (changed, kind) = match activity {
        Activity::Disabled => (store::disable(&mut tx, id, now).await?, "webhook.disabled"),
        Activity::Enabled => (store::enable(&mut tx, id).await?, "webhook.enabled"),
    };
    if !changed {
        return Ok(before);
    }
    audit::append(&mut tx, &about(kind, actor, (app, &before)).into_row()).await?;
    let after = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    tx.commit().await?;
    Ok(after)
}

/// Gives an endpoint a new secret. For [`OVERLAP`] seconds messages carry a signature with the one before,
/// too, so that the receiver can change over in between.
///
/// # Errors
/// [`WebhookError`].
pub async fn rotate_secret(
    app: &App,
    id: &str,
    actor: &Actor,
) -> Result<(Webhook, Secret), WebhookError> {
    let (text, sealed) = new_secret(app);
    let mut tx = begin(app, actor).await?;
    if !store::rotate_secret(&mut tx, id, (&sealed, app.now().plus(OVERLAP))).await? {
        return Err(WebhookError::NotFound);
    }
    let webhook = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    let event = about("webhook.secret_rotated", actor, (app, &webhook));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok((webhook, text))
}

/// Removes an endpoint with its log; what waits for it is not sent.
///
/// # Errors
/// [`WebhookError`].
pub async fn delete(app: &App, id: &str, actor: &Actor) -> Result<Webhook, WebhookError> {
    delete_from(app, (id, None), actor).await?.ok_or(WebhookError::NotFound)
}

/// As [`delete`], if what is said of the endpoint is in the moment of the deletion what it is here; `None`, and
/// nothing changes, when somebody else has changed it since.
///
/// # Errors
/// [`WebhookError`].
pub async fn delete_if(
    app: &App,
    made_from: &Webhook,
    actor: &Actor,
) -> Result<Option<Webhook>, WebhookError> {
    delete_from(app, (&made_from.id, Some(made_from)), actor).await
}

async fn delete_from(
    app: &App,
    (id, made_from): (&str, Option<&Webhook>),
    actor: &Actor,
) -> Result<Option<Webhook>, WebhookError> {
    let mut tx = begin(app, actor).await?;
    if !store::hold(&mut tx, id).await? {
        return Err(WebhookError::NotFound);
    }
    let webhook = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    if made_from.is_some_and(|made_from| said(made_from) != said(&webhook)) {
        return Ok(None);
    }
    store::delete(&mut tx, id).await?;
    audit::append(&mut tx, &about("webhook.deleted", actor, (app, &webhook)).into_row()).await?;
    tx.commit().await?;
    Ok(Some(webhook))
}

/// Every endpoint, by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn all(app: &App) -> Result<Vec<Webhook>, Failure> {
    Ok(store::all(&app.store.db).await?)
}

/// The endpoint with this id or name.
///
/// # Errors
/// [`WebhookError::NotFound`] or a failure.
pub async fn get(app: &App, text: &str) -> Result<Webhook, WebhookError> {
    if let Some(webhook) = store::by_id(&app.store.db, text).await? {
        return Ok(webhook);
    }
    let named = store::all(&app.store.db).await?.into_iter().find(|webhook| webhook.name == text);
    named.ok_or(WebhookError::NotFound)
}

/// A page of what an endpoint was sent, newest first.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn log(
    app: &App,
    webhook: &Webhook,
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<Delivered>, Failure> {
    Ok(deliveries::list(&app.store.db, &webhook.id, (after, limit)).await?)
}

/// The host an endpoint is at. The rest of its address may be a secret.
#[must_use]
pub fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => String::new(),
    }
}

/// Begins a transaction of somebody who may look after webhooks.
async fn begin(app: &App, actor: &Actor) -> Result<Tx, WebhookError> {
    Ok(authority::begin(app, (actor, Right::WebhooksWrite)).await?)
}

fn about(kind: &'static str, actor: &Actor, (app, webhook): (&App, &Webhook)) -> Event {
    let event = Event::success(kind, actor, app.now());
    event.detail("webhook", webhook.name.as_str()).detail("host", host_of(&webhook.url))
}

fn new_secret(app: &App) -> (Secret, String) {
    let text = WebhookSecret::generate().to_text();
    let sealed = app.sealer.seal(Purpose::WebhookSecret, text.expose().as_bytes());
    (text, sealed)
}

fn invalid(field: &'static str, problem: impl Into<String>) -> WebhookError {
    WebhookError::Invalid { field, problem: problem.into() }
}

/// What can be said of the settings before anything is written; brings subscriptions into order.
pub(in crate::service) fn check(
    app: &App,
    settings: WebhookSettings,
) -> Result<WebhookSettings, WebhookError> {
    let WebhookSettings { name, url, mut events } = settings;
    if name.is_empty() || name.trim() != name || name.chars().count() > LONGEST_NAME {
        let problem = format!(
            "the name must have 1 to {LONGEST_NAME} characters, none of them a \
                               space at its ends"
        );
        return Err(invalid("name", problem));
    }
    if !is_plain_name(&name) {
        return Err(invalid("name", "the name has a character that cannot be seen"));
    }
    if let Err(problem) = app.outbound.vet(&url) {
        return Err(invalid("url", format!("the address {problem}")));
    }
    events.sort();
    events.dedup();
    if events.is_empty() || events.len() > MOST_EVENTS {
        let problem = format!("subscribe to at least one kind of event, and {MOST_EVENTS} at most");
        return Err(invalid("events", problem));
    }
    for pattern in &events {
        kinds::check(pattern).map_err(|problem| invalid("events", problem))?;
    }
    Ok(WebhookSettings { name, url, events })
}
