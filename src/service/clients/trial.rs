//! Connecting an app for the first time: whether anybody has signed in to it, and if not, what went
//! wrong last. What an app gets wrong anybody can send without end, so the audit log has only some of it
//! (`authorize::refusals`): here the last of it is kept, for a day, in the fast store.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::authorize::reply::NoReply;
use crate::protocol::client::{Client, ClientOrigin, redirect_uri};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::failure::Failure;
use crate::store::audit::{self, AuditFilter, Outcome};
use crate::store::ephemeral::stumbles;

/// How many of the newest events of an app are looked at.
const LOOKED_AT: i64 = 50;
/// The longest text from outside that is kept.
const MOST_CHARS: usize = 500;

/// Where an app was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    Authorization,
    Token,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// `redirect_uri` was missing or sent twice; why, in words.
    NoRedirectUri(String),
    /// An address that is not registered, and in what alone it differs from one that is, if that is all.
    OtherRedirectUri { received: String, hint: String },
    /// Any other error: the code of the specification, what the app was told, and what it was not.
    Refused { endpoint: Endpoint, code: String, description: String, detail: String },
}

/// Something that went wrong, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stumble {
    pub at: UnixTime,
    pub trouble: Trouble,
}

/// How far connecting an app has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// When somebody last got tokens for it, as far as its newest events tell.
    pub signed_in: Option<UnixTime>,
    /// What went wrong since.
    pub stumble: Option<Stumble>,
    /// It has sent PKCE at each of its last sign-ins, and is not required to.
    pub could_require_pkce: bool,
}

/// Looks how far an app has come.
///
/// # Errors
/// [`Failure`] when a store does not answer.
pub async fn of(app: &App, client: &Client) -> Result<Trial, Failure> {
    let filter = AuditFilter {
        client_id: Some(client.id.to_string()),
        limit: LOOKED_AT,
        ..AuditFilter::default()
    };
    let mut events = audit::list(&app.store.db, &filter).await?;
    events.retain(|event| event.kind == "grant.created" && event.outcome == Outcome::Success);
    // What was before belongs to an earlier app with this id.
    events.retain(|event| event.at >= client.created_at);
    let signed_in = events.first().map(|event| event.at);
    let stumble = stumbles::get::<Stumble>(&app.ephemeral, &client.id).await?;
    let sent =
        |event: &audit::AuditEvent| event.detail.get("pkce").and_then(serde_json::Value::as_bool);
    // Sign-ins of another kind say nothing about it.
    let mut said = events.iter().filter_map(sent).peekable();
    let sends_pkce = said.peek().is_some() && said.all(|sent| sent);
    Ok(Trial {
        stumble: stumble.filter(|stumble| {
            stumble.at >= client.created_at && signed_in.is_none_or(|at| at < stumble.at)
        }),
        signed_in,
        could_require_pkce: sends_pkce && !client.requires_pkce(),
    })
}

/// Whether adding this address may be proposed: anybody can send an administrator's app any address,
/// so it is only one at a host that the app has already.
#[must_use]
pub fn may_be_added(client: &Client, uri: &str) -> bool {
    let host = |uri: &str| url::Url::parse(uri).ok()?.host_str().map(str::to_owned);
    let Some(asked) = host(uri) else { return false };
    let metadata = &client.metadata;
    redirect_uri::validate(uri, metadata.kind).is_ok()
        && client.origin == ClientOrigin::Manual
        && metadata
            .redirect_uris
            .iter()
            .chain(&metadata.client_uri)
            .any(|own| host(own).is_some_and(|own| own == asked))
}

/// Notes that there was nowhere to answer to.
pub(in crate::service) async fn note_no_reply(app: &App, client: &Client, error: &NoReply) {
    let trouble = match error {
        NoReply::Missing | NoReply::Repeated => Trouble::NoRedirectUri(error.to_string()),
        NoReply::NotRegistered { received, hint } => {
            Trouble::OtherRedirectUri { received: cut(received), hint: (*hint).to_owned() }
        }
    };
    note(app, client, trouble).await;
}

/// Notes an error, if it is one that connecting the app right would prevent.
pub(in crate::service) async fn note_refusal(
    app: &App,
    client: &Client,
    (endpoint, error): (Endpoint, &OAuthError),
) {
    if is_ordinary(error.code) {
        return;
    }
    let trouble = Trouble::Refused {
        endpoint,
        code: error.code.as_str().to_owned(),
        description: error.description.to_owned(),
        detail: cut(&error.detail),
    };
    note(app, client, trouble).await;
}

/// What happens to apps that work: a silent question answered with no, a device that waits, and what
/// is our own fault.
pub(in crate::service) fn is_ordinary(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::LoginRequired
            | ErrorCode::ConsentRequired
            | ErrorCode::InteractionRequired
            | ErrorCode::AccountSelectionRequired
            | ErrorCode::AuthorizationPending
            | ErrorCode::SlowDown
            | ErrorCode::UseDpopNonce
            | ErrorCode::ServerError
            | ErrorCode::TemporarilyUnavailable
    )
}

async fn note(app: &App, client: &Client, trouble: Trouble) {
    // Anybody can invent documents, and nobody connects those apps by hand.
    if client.origin == ClientOrigin::Document {
        return;
    }
    let stumble = Stumble { at: app.now(), trouble };
    if let Err(error) = stumbles::put(&app.ephemeral, &client.id, &stumble).await {
        tracing::debug!(%error, "what an app got wrong could not be kept");
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    #[test]
    fn an_address_is_proposed_only_at_a_host_that_the_app_has() {
        let mut app = client();
        app.metadata.client_uri = Some("https://wiki.test/".into());
        for good in ["https://rp.test/cb/", "https://rp.test:8443/cb", "https://wiki.test/x"] {
            assert!(may_be_added(&app, good), "{good}");
        }
        for bad in [
            "https://evil.test/cb",
            "https://rp.test.evil.test/cb",
            "https://evil.test/?https://rp.test/cb",
            "https://rp.test@evil.test/cb",
            "http://rp.test/cb",
            "javascript:alert(1)",
            "https://rp.test/cb#x",
            "",
        ] {
            assert!(!may_be_added(&app, bad), "{bad}");
        }
        app.origin = ClientOrigin::Document;
        assert!(!may_be_added(&app, "https://rp.test/cb/"), "its document says what it has");
    }

    #[test]
    fn what_happens_to_apps_that_work_is_no_trouble() {
        assert!(
            is_ordinary(ErrorCode::LoginRequired) && is_ordinary(ErrorCode::AuthorizationPending)
        );
        assert!(!is_ordinary(ErrorCode::InvalidGrant) && !is_ordinary(ErrorCode::AccessDenied));
    }
}
