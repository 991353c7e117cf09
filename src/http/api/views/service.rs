//! Sessions, keys, messages that wait, test letters, API keys, the audit log and settings, as the REST API shows
//! and takes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Moment;
use crate::clock::UnixTime;
use crate::crypto::keyring::KeyState;
use crate::service::jobs::JobState;
use crate::service::mail::{TestResult, Tested};
use crate::service::outbox;
use crate::service::session::connections::{Bound, Connection};
use crate::service::session::sightings::Sighting;
use crate::service::settings::Shown;
use crate::store::api::keys::ApiKey;
use crate::store::audit::{AuditEvent, Outcome};
use crate::store::waiting::Waiting;

/// Where a person is signed in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(in crate::http::api) struct SessionView {
    pub id: String,
    pub user_id: String,
    pub username: String,
    pub device: String,
    pub address: String,
    pub place: String,
    pub acr: String,
    pub amr: Vec<String>,
    /// Names of the apps signed in to through it.
    pub apps: Vec<String>,
    pub auth_time: Moment,
    pub created_at: Moment,
    pub last_seen_at: Moment,
    pub expires_at: Moment,
}

impl From<Sighting> for SessionView {
    fn from(seen: Sighting) -> Self {
        let session = seen.session;
        Self {
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            username: seen.username,
            device: session.device,
            address: session.address,
            place: session.place,
            acr: session.acr,
            amr: session.amr,
            apps: seen.apps,
            auth_time: session.auth_time.into(),
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            expires_at: session.expires_at.into(),
        }
    }
}

/// An app or a device that gets new tokens without a sign-in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub(in crate::http::api) struct ConnectionView {
    pub id: String,
    pub client_id: String,
    /// What its app is called.
    pub client_name: String,
    /// How long it lasts: a `device` was let in with a code, what is `offline` outlives the sessions of the
    /// person, and what is of a `session` ends with it.
    #[schemars(extend("enum" = Bound::ALL.map(Bound::as_str)))]
    pub kind: String,
    /// Space-separated, as in OAuth.
    pub scope: String,
    pub created_at: Moment,
    pub last_used_at: Moment,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self {
            id: connection.grant.to_string(),
            client_id: connection.client.id.to_string(),
            client_name: connection.client.metadata.client_name.clone(),
            kind: connection.bound.as_str().to_owned(),
            scope: connection.scopes.to_string(),
            created_at: connection.since.into(),
            last_used_at: connection.last_used.into(),
        }
    }
}

/// A key that signs, or with which others encrypt for this server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(in crate::http::api) struct KeyView {
    pub kid: String,
    pub alg: String,
    /// What it is for (RFC 7517 section 4.2).
    #[serde(rename = "use")]
    pub purpose: KeyUse,
    #[schemars(extend("enum" = KeyState::ALL.map(KeyState::as_str)))]
    pub state: String,
    pub created_at: Moment,
    /// When it goes by itself, once that is known.
    pub removed_at: Option<Moment>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http::api) enum KeyUse {
    /// It signs.
    Sig,
    /// Others encrypt with it.
    Enc,
}

/// Which sessions are to end: those that fit all that is said, which has to be something.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1))]
pub(in crate::http::api) struct SessionsToEnd {
    /// A person: id, username or e-mail address.
    pub user: Option<String>,
    /// The app that somebody is signed in to through them.
    pub client_id: Option<String>,
    /// The IP address that they were begun from.
    pub address: Option<String>,
}

/// How many sessions have ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct SessionsEnded {
    pub sessions: usize,
    /// Whether some may be left: no more than 1,000 end at a time.
    pub more: bool,
}

/// Which keys are replaced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct Rotation {
    /// The algorithm, such as `RS256`.
    pub alg: String,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEvent")]
pub(in crate::http::api) struct AuditView {
    pub id: String,
    pub at: Moment,
    pub kind: String,
    #[schemars(extend("enum" = Outcome::ALL.map(Outcome::as_str)))]
    pub outcome: String,
    pub actor: Option<String>,
    pub user_id: Option<String>,
    pub client_id: Option<String>,
    pub session_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// More facts, by name.
    pub detail: Value,
}

impl From<AuditEvent> for AuditView {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id,
            at: event.at.into(),
            kind: event.kind,
            outcome: event.outcome.as_str().to_owned(),
            actor: event.actor,
            user_id: event.user_id,
            client_id: event.client_id,
            session_id: event.session_id,
            address: event.address,
            request_id: event.request_id,
            detail: event.detail,
        }
    }
}

/// A setting that may change while servers run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Setting")]
pub(in crate::http::api) struct SettingView {
    /// Its name, as in docs/configuration.md.
    pub key: String,
    /// In effect: a text, a number or a list of texts.
    pub value: Value,
    pub default: Value,
    /// Where the value comes from: `default`, `database`, or what fixes it.
    pub origin: String,
    /// Whether a flag, the environment or a file says what it is, so that it cannot be changed here.
    pub fixed: bool,
    pub description: String,
    /// The least a number may be.
    pub minimum: Option<i64>,
    /// The most a number may be.
    pub maximum: Option<i64>,
    /// The only values there are; empty where there are many.
    pub choices: Vec<String>,
    /// When it was last set here.
    pub changed_at: Option<Moment>,
    /// By whom, as the audit log names them.
    pub changed_by: Option<String>,
    /// Another one with every change; 0 while nothing is set here.
    pub version: i64,
    /// Why what is set here is not in effect.
    pub problem: Option<String>,
}

impl From<Shown> for SettingView {
    fn from(shown: Shown) -> Self {
        let setting = shown.setting;
        Self {
            key: setting.key.clone(),
            origin: shown.origin.to_string(),
            fixed: shown.is_fixed(),
            description: setting.description.clone(),
            minimum: setting.minimum,
            maximum: setting.maximum,
            choices: setting.choices.clone(),
            changed_at: shown.stored.as_ref().map(|stored| stored.changed_at.into()),
            changed_by: shown.stored.as_ref().map(|stored| stored.changed_by.clone()),
            version: shown.version(),
            value: shown.value,
            default: shown.default,
            problem: shown.problem,
        }
    }
}

/// The new value of a setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct SettingValue {
    /// A text, a number or a list of texts, as the setting needs.
    pub value: Value,
}

/// A message that waits to be sent. What it says is not shown: it may hold a link that opens an account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(in crate::http::api) struct JobView {
    pub id: String,
    /// What is sent: a letter (`mail`), news of a sign-out for an app (`backchannel_logout`, and
    /// `backchannel_farewell` where everything of it ends), news for a webhook, or, for `logo`, a request for the
    /// picture of an app, which is fetched.
    #[schemars(extend("enum" = outbox::KINDS))]
    pub kind: String,
    /// Whether it was tried; `stuck` from the third try on.
    #[schemars(extend("enum" = JobState::ALL.map(JobState::as_str)))]
    pub state: String,
    /// The app, or the webhook, it is for.
    pub client_id: Option<String>,
    pub attempts: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
    pub created_at: Moment,
    /// When it is tried next.
    pub due_at: Moment,
    /// When it is given up.
    pub expires_at: Moment,
}

impl From<Waiting> for JobView {
    fn from(job: Waiting) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: JobState::of(job.attempts).as_str().to_owned(),
            client_id: job.client_id.map(|id| id.to_string()),
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: job.created_at.into(),
            due_at: job.due_at.into(),
            expires_at: job.expires_at.into(),
        }
    }
}

/// A key of an administrator's program. What it is, nobody can say any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub(in crate::http::api) struct ApiKeyView {
    pub id: String,
    pub name: String,
    /// Whose key it is.
    pub user_id: String,
    pub username: Option<String>,
    pub scopes: Vec<String>,
    pub state: ApiKeyState,
    pub created_at: Moment,
    pub expires_at: Moment,
    /// Up to five minutes behind.
    pub last_used_at: Option<Moment>,
    pub revoked_at: Option<Moment>,
}

/// Whether an API key opens anything.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http::api) enum ApiKeyState {
    Works,
    Expired,
    Revoked,
}

impl ApiKeyView {
    /// As it is at `now`, with the name of its owner.
    pub(in crate::http::api) fn of(key: ApiKey, username: Option<String>, now: UnixTime) -> Self {
        let state = match key.revoked_at {
            Some(_) => ApiKeyState::Revoked,
            None if key.is_live(now) => ApiKeyState::Works,
            None => ApiKeyState::Expired,
        };
        Self {
            id: key.id,
            name: key.name,
            user_id: key.user_id.to_string(),
            username,
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            state,
            created_at: key.created_at.into(),
            expires_at: key.expires_at.into(),
            last_used_at: key.last_used_at.map(Moment::from),
            revoked_at: key.revoked_at.map(Moment::from),
        }
    }
}

/// A test letter that is wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::http::api) struct MailTestWish {
    /// An e-mail address; without one that of the owner of the key.
    pub to: Option<String>,
}

/// What came of a test letter.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct MailTest {
    pub to: String,
    /// `sent` when the mail server has taken it, `refused` when it will not, `failed` when it may later, and
    /// `not_set_up` when there is none.
    #[schemars(extend("enum" = TestResult::ALL.map(TestResult::as_str)))]
    pub result: &'static str,
    /// What happened, with the mail server's own words if it did not take the letter.
    pub said: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl From<Tested> for MailTest {
    fn from(tested: Tested) -> Self {
        let Tested { to, result, said, advice } = tested;
        Self { to, result: result.as_str(), said, advice }
    }
}
