//! What the REST API shows and takes, as types: answers are made of these, bodies are read into these, and
//! the OpenAPI document takes its schemas from these. No secret and no hash is in any of them but the
//! fresh ones that are shown once.

pub(super) mod organisations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::metadata_change::MetadataChange;
use crate::clock::UnixTime;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::rights::{Right, Standing};
use crate::protocol::user::{AdminRole, User};
use crate::service::session::sightings::Sighting;
use crate::service::settings::Shown;
use crate::store::audit::AuditEvent;
use crate::store::groups::Group;

/// A moment (RFC 3339), in UTC.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Moment(#[schemars(extend("format" = "date-time"))] String);

impl From<UnixTime> for Moment {
    fn from(at: UnixTime) -> Self {
        Self(at.rfc3339())
    }
}

/// A person.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(super) struct UserView {
    /// Stays the same for ever; the `sub` of tokens.
    pub id: String,
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    /// Whether the mailbox is known to be theirs.
    pub email_verified: bool,
    /// Names of their groups, as far as the caller sees them.
    pub groups: Vec<String>,
    /// What they may do in the console, if anything.
    pub role: Option<AdminRole>,
    pub disabled: bool,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl UserView {
    pub(super) fn of(user: &User, viewer: &Standing) -> Self {
        let mut groups = user.groups.clone();
        // Of what else they are in a group manager need not know.
        groups.retain(|group| viewer.covers(Right::GroupsRead, group));
        Self {
            id: user.id.to_string(),
            username: user.username.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            groups,
            role: user.role,
            disabled: user.disabled_at.is_some(),
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

/// A person being made. Without a password they choose one by a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    pub username: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
    /// Groups that are not there are made.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Only owners give out roles.
    #[serde(default)]
    pub role: Option<AdminRole>,
}

/// What of a person can be changed: members that are not there stay as they are, null empties them
/// (RFC 7396).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserChange {
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    pub groups: Option<Vec<String>>,
    pub role: Option<AdminRole>,
}

/// Which sign-ins end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SignOut {
    /// Also devices and apps that stay signed in without a session.
    pub connections: bool,
}

/// What has ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SignedOut {
    pub sessions: usize,
    pub connections: usize,
}

/// A link by which a person chooses a password, shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ResetLink {
    pub url: String,
    pub expires_at: Moment,
}

/// A group.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub(super) struct GroupView {
    pub name: String,
    pub description: Option<String>,
    /// How many people are in it; in lists counted up to 10001.
    pub members: i64,
    pub created_at: Moment,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            name: group.name,
            description: group.description,
            members: group.members,
            created_at: group.created_at.into(),
        }
    }
}

/// A group being made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// What of a group can be changed: members that are not there stay as they are; null takes the
/// description away (RFC 7396).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GroupChange {
    pub name: Option<String>,
    pub description: Option<String>,
}

/// Somebody who looks after a group.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Manager {
    pub id: String,
    pub username: String,
}

/// An app.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(super) struct ClientView {
    pub client_id: String,
    pub metadata: ClientMetadata,
    /// `manual`, `dynamic` or `document`: who brought it here.
    pub origin: String,
    pub disabled: bool,
    /// How many secrets it has that work.
    pub secrets: usize,
    /// The fingerprint of its logo, which is at `/branding/picture.{logo}.png`; null for an app that has none.
    pub logo: Option<String>,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl From<&Client> for ClientView {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.id.to_string(),
            metadata: client.metadata.clone(),
            origin: client.origin.as_str().to_owned(),
            disabled: client.disabled_at.is_some(),
            secrets: client.secret_hashes.len(),
            logo: client.logo.clone(),
            created_at: client.created_at.into(),
            updated_at: client.updated_at.into(),
        }
    }
}

/// An app being made. What `metadata` does not say is as usual for its `kind`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClient {
    /// Without it there is a random one.
    #[serde(default)]
    pub client_id: Option<String>,
    #[expect(dead_code, reason = "read to be checked; what is merged is the text itself")]
    pub metadata: MetadataChange,
}

/// What of an app can be changed: members of `metadata` that are not there stay as they are, null gives
/// back what is usual (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientChange {
    #[expect(dead_code, reason = "read to be checked; what is merged is the text itself")]
    pub metadata: MetadataChange,
}

/// An app and its new secret, which is shown this once; null for an app that has none.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ClientWithSecret {
    #[serde(flatten)]
    pub client: ClientView,
    pub client_secret: Option<String>,
}

/// Where a person is signed in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct SessionView {
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

/// A key that signs, or with which others encrypt for this server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(super) struct KeyView {
    pub kid: String,
    pub alg: String,
    /// `sig` or `enc` (RFC 7517 section 4.2).
    #[serde(rename = "use")]
    pub purpose: String,
    /// `next`, `active`, `retiring` or `retired`.
    pub state: String,
    pub created_at: Moment,
    /// When it goes by itself, once that is known.
    pub removed_at: Option<Moment>,
}

/// Which keys are replaced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// The algorithm, such as `RS256`.
    pub alg: String,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEvent")]
pub(super) struct AuditView {
    pub id: String,
    pub at: Moment,
    pub kind: String,
    /// `success` or `failure`.
    pub outcome: String,
    pub actor: Option<String>,
    pub user_id: Option<String>,
    pub client_id: Option<String>,
    pub session_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// More facts, by name.
    pub detail: serde_json::Value,
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
pub(super) struct SettingView {
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
pub(super) struct SettingValue {
    /// A text, a number or a list of texts, as the setting needs.
    pub value: Value,
}
