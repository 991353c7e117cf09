//! The roles of an app, as the REST API shows and takes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, without_defaults};
use crate::protocol::app_roles::LONGEST_NAME;
use crate::service::clients::roles::LONGEST_DESCRIPTION;
use crate::store::clients::roles::ClientRole;

/// What somebody may be in an app.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Role")]
pub(in crate::http::api) struct RoleView {
    /// As the app sees it in the `roles` claim; it stays the same.
    pub name: String,
    /// What it allows. The app does not see it.
    pub description: Option<String>,
    /// How many people have it by themselves.
    pub people: i64,
    /// How many groups give it to those in them.
    pub groups: i64,
    pub created_at: Moment,
}

impl From<ClientRole> for RoleView {
    fn from(role: ClientRole) -> Self {
        Self {
            name: role.name,
            description: role.description,
            people: role.people,
            groups: role.groups,
            created_at: role.created_at.into(),
        }
    }
}

/// A role being made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewRole {
    /// 1 to 40 letters without accents, digits or the characters `- _ . : /`.
    #[schemars(length(min = 1, max = LONGEST_NAME))]
    pub name: String,
    #[serde(default)]
    #[schemars(length(max = LONGEST_DESCRIPTION))]
    pub description: Option<String>,
}

/// What of a role can be changed: null takes the description away (RFC 7396).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(in crate::http::api) struct RoleChange {
    #[schemars(length(max = LONGEST_DESCRIPTION))]
    pub description: Option<String>,
}

/// Somebody who has a role by themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct RoleHolder {
    pub id: String,
    pub username: String,
}

/// A group that gives a role to those in it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct RoleGroup {
    pub name: String,
}
