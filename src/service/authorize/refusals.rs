//! Authorization requests that an app got wrong, for the administrator to whom somebody sends the request id of
//! an error page.
//!
//! Anybody can send such requests without end, so only some of them become events of the audit log: so many
//! an hour from one network to one app, to one app, and in all. Every one of them is a line in the log.

use serde_json::Value;

use super::AuthorizeError;
use crate::app::App;
use crate::crypto::encoding::fingerprint;
use crate::protocol::authorize::reply::{NoReply, Reply};
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::types::ClientId;
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::clients::{self, trial};
use crate::service::failure::Failure;
use crate::store::ephemeral::throttle;

/// How many of one app, from one network, are noted in an hour.
const OF_A_NETWORK: i64 = 20;
/// How many of one app; those that name no registered app are counted together, as one.
const OF_AN_APP: i64 = 100;
/// How many there are in all: more than that is no help to anybody.
const OF_ALL: i64 = 500;
/// The longest text from outside that is kept, in characters.
const MOST_CHARS: usize = 500;
/// Registered addresses that are noted beside the one that was asked for.
const MOST_ADDRESSES: usize = 5;

/// An answer for the client that says no.
#[derive(Debug)]
pub struct Refused {
    pub reply: Reply,
    pub client: ClientId,
    pub error: OAuthError,
}

/// What was wrong with a request.
struct Wrong {
    code: ErrorCode,
    reason: String,
    /// What only administrators are told.
    detail: String,
    /// The address that was asked for and is not registered.
    received: Option<String>,
}

impl Wrong {
    fn new(code: ErrorCode, reason: &impl ToString) -> Self {
        Self { code, reason: reason.to_string(), detail: String::new(), received: None }
    }

    fn of_error(error: &OAuthError) -> Self {
        Self { detail: error.detail.clone(), ..Self::new(error.code, &error.description) }
    }

    /// `None` where nobody's request was wrong.
    fn of_page(error: &AuthorizeError) -> Option<Self> {
        let invalid = ErrorCode::InvalidRequest;
        Some(match error {
            AuthorizeError::Failure(_) | AuthorizeError::NotAnApp => return None,
            AuthorizeError::UnknownClient
            | AuthorizeError::Document(_)
            | AuthorizeError::DisabledClient => Self::new(ErrorCode::InvalidClient, error),
            AuthorizeError::Unreadable(error) => Self::of_error(error),
            AuthorizeError::NoReply {
                error: NoReply::NotRegistered { received, hint }, ..
            } => {
                let reason = format!("redirect_uri is not registered for this app{hint}");
                Self { received: Some(received.clone()), ..Self::new(invalid, &reason) }
            }
            AuthorizeError::NoReply { error, .. } => Self::new(invalid, error),
            AuthorizeError::ClientIdMissing
            | AuthorizeError::Undeliverable(_)
            | AuthorizeError::TooManyParameters => Self::new(invalid, error),
        })
    }
}

/// Notes an error that is shown as a page. `client_id` is what the request has.
pub async fn note_page(
    app: &App,
    (client_id, error): (Option<&str>, &AuthorizeError),
    caller: &Caller,
) {
    if let Some(wrong) = Wrong::of_page(error) {
        note(app, (client_id, &wrong), caller).await;
    }
}

/// Notes an error that the app is told, if connecting the app right would prevent it.
pub async fn note_reply(app: &App, refused: &Refused, caller: &Caller) {
    let error = &refused.error;
    // Saying no is an event of its own.
    if !trial::is_ordinary(error.code) && error.code != ErrorCode::AccessDenied {
        note(app, (Some(refused.client.as_str()), &Wrong::of_error(error)), caller).await;
    }
}

/// The answer to the request is the same whether or not this can be kept.
async fn note(app: &App, what: (Option<&str>, &Wrong), caller: &Caller) {
    if let Err(error) = try_note(app, what, caller).await {
        tracing::warn!(%error, "a refused request is in the log and not in the audit log");
    }
}

async fn try_note(
    app: &App,
    (client_id, wrong): (Option<&str>, &Wrong),
    caller: &Caller,
) -> Result<(), Failure> {
    let client = match client_id {
        Some(id) => clients::find(app, &ClientId::new(id)).await?,
        None => None,
    };
    // Anybody can invent documents, so each of them is not an app of its own here.
    let client = client.filter(|client| client.origin != ClientOrigin::Document);
    let registered = registered(client.as_deref(), wrong);
    if let Some(received) = &wrong.received {
        tracing::info!(
            event = "authorization.refused",
            outcome = "failure",
            request_id = caller.request_id,
            client_id = client.as_ref().map(|client| client.id.as_str()),
            got = cut(received),
            registered = registered.join(" "),
            "authorization failed: redirect_uri mismatch"
        );
    }
    if !is_kept(app, client.as_deref(), caller).await? {
        return Ok(());
    }
    let event = Event::failure("authorization.refused", &Actor::Anonymous, app.now());
    let event = event.caller(caller).detail("error", wrong.code.as_str());
    let event = event.detail("reason", cut(&wrong.reason));
    let event = match (&client, client_id) {
        (Some(client), _) => event.client(&client.id),
        (None, Some(id)) => event.detail("client_id", cut(id)),
        (None, None) => event,
    };
    let event = match wrong.detail.as_str() {
        "" => event,
        detail => event.detail("detail", cut(detail)),
    };
    let event = match &wrong.received {
        Some(received) => event.detail("redirect_uri", cut(received)),
        None => event,
    };
    let registered: Vec<Value> = registered.into_iter().map(Value::from).collect();
    let event = if registered.is_empty() { event } else { event.detail("registered", registered) };
    audit::write(app, event).await
}

/// The first addresses that are registered, where another one was asked for.
fn registered(client: Option<&Client>, wrong: &Wrong) -> Vec<String> {
    let Some((client, _)) = client.zip(wrong.received.as_ref()) else { return Vec::new() };
    client.metadata.redirect_uris.iter().take(MOST_ADDRESSES).map(|uri| cut(uri)).collect()
}

/// Counts one more, the narrowest limit first: whoever floods one of them uses up none of the wider ones.
async fn is_kept(app: &App, client: Option<&Client>, caller: &Caller) -> Result<bool, Failure> {
    // No registered app's id has a space.
    let name = client.map_or("no app", |client| client.id.as_str());
    // Networks share a few counters, so that no number of them makes more.
    let network = fingerprint(&caller.network());
    let bucket = network.get(..2).unwrap_or_default();
    let limits = [
        (format!("refused-requests:{name}:{bucket}"), OF_A_NETWORK),
        (format!("refused-requests:{name}"), OF_AN_APP),
        ("refused-requests".to_owned(), OF_ALL),
    ];
    for (key, most) in limits {
        if app.ephemeral.increment(&key, throttle::WINDOW).await? > most {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}
