//! What the REST API shows and takes, as types: answers are made of these, bodies are read into these, and
//! the OpenAPI document takes its schemas from these. No secret and no hash is in any of them but the
//! fresh ones that are shown once.
//!
//! | module | job |
//! |---|---|
//! | `apps` | apps and their secrets |
//! | `organisations` | organisations |
//! | `outside` | trusted issuers, webhooks |
//! | `overview` | how things stand |
//! | `roles` | the roles of apps |
//! | `service` | sessions, keys, messages that wait, test letters, API keys, the audit log, settings |
//! | `upstream` | upstream providers |
//! | here | people and groups |

pub(super) mod apps;
pub(super) mod configuration;
pub(super) mod organisations;
pub(super) mod outside;
pub(super) mod overview;
pub(super) mod roles;
pub(super) mod service;
pub(super) mod upstream;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::UnixTime;
use crate::protocol::rights::{Right, Standing};
use crate::protocol::user::{AdminRole, Profile, User};
use crate::service::people::groups::LONGEST_DESCRIPTION;
use crate::service::people::{LONGEST_EMAIL, LONGEST_GROUP, LONGEST_NAME, LONGEST_USERNAME};
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

/// For what a change is read into: a member that is not there stays as it is, so none has a default.
pub(super) fn without_defaults(schema: &mut Schema) {
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for member in members.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        member.remove("default");
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
    /// What else apps are told of them; only what is known.
    pub profile: Profile,
    /// Names of their groups, as far as the caller sees them.
    pub groups: Vec<String>,
    /// What they may do in the console, if anything.
    pub role: Option<AdminRole>,
    pub disabled: bool,
    /// When the account, which is disabled until then, is deleted for good; enabling it takes that back.
    pub delete_at: Option<Moment>,
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
            profile: user.profile.clone(),
            groups,
            role: user.role,
            disabled: user.disabled_at.is_some(),
            delete_at: user.delete_at.map(Into::into),
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

/// A person being made. Without a password they choose one by a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// Letters, digits or the characters `. - _ @ +`; kept in lower case.
    #[schemars(length(min = 1, max = LONGEST_USERNAME))]
    pub username: String,
    #[serde(default)]
    #[schemars(length(max = LONGEST_NAME))]
    pub name: Option<String>,
    /// Kept in lower case.
    #[serde(default)]
    #[schemars(length(max = LONGEST_EMAIL))]
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
    /// Texts of at most 1000 ordinary characters.
    #[serde(default)]
    pub profile: Profile,
    /// Groups that are not there are made.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Only a key of an owner gives out roles, with the scope `doorward.administrators:write`.
    #[serde(default)]
    pub role: Option<AdminRole>,
}

/// What of a person can be changed: members that are not there stay as they are, null empties them
/// (RFC 7396).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(super) struct UserChange {
    #[schemars(length(max = LONGEST_NAME))]
    pub name: Option<String>,
    #[schemars(length(max = LONGEST_EMAIL))]
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    /// Its members stay, too, unless they are there; null empties one, or all.
    pub profile: Option<Profile>,
    pub groups: Option<Vec<String>>,
    /// Only a key of an owner changes it, with the scope `doorward.administrators:write`.
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

/// An app that a person has allowed something.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AllowedApp {
    pub client_id: String,
    /// Space-separated, as in OAuth.
    pub scope: String,
    pub granted_at: Moment,
}

/// A link by which a person chooses a password, shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ResetLink {
    pub url: String,
    pub expires_at: Moment,
}

/// A password with which a person chooses another one, shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TemporaryPassword {
    pub temporary_password: String,
    pub expires_at: Moment,
}

/// When an account is deleted for good.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeletionTime {
    pub delete_at: Moment,
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
    #[schemars(length(min = 1, max = LONGEST_GROUP))]
    pub name: String,
    #[serde(default)]
    #[schemars(length(max = LONGEST_DESCRIPTION))]
    pub description: Option<String>,
}

/// What of a group can be changed: members that are not there stay as they are; null takes the
/// description away (RFC 7396).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(super) struct GroupChange {
    #[schemars(with = "String", length(min = 1, max = LONGEST_GROUP))]
    pub name: Option<String>,
    #[schemars(length(max = LONGEST_DESCRIPTION))]
    pub description: Option<String>,
}

/// Somebody who looks after a group.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Manager {
    pub id: String,
    pub username: String,
}
