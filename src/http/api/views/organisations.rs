//! Organisations, as the REST API shows and takes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, without_defaults};
use crate::service::organisations::LONGEST_DISPLAY_NAME;
use crate::store::organisations::Organisation;

/// An organisation.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Organisation")]
pub(in crate::http::api) struct OrganisationView {
    /// Stays the same for ever; the `org_id` of tokens.
    pub id: String,
    /// Its handle.
    pub name: String,
    /// What apps and people see; the `org_name` of tokens.
    pub display_name: String,
    /// How many people are in it, counted up to 10001.
    pub members: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl From<Organisation> for OrganisationView {
    fn from(organisation: Organisation) -> Self {
        Self {
            id: organisation.id.to_string(),
            name: organisation.name,
            display_name: organisation.display_name,
            members: organisation.members,
            created_at: organisation.created_at.into(),
            updated_at: organisation.updated_at.into(),
        }
    }
}

/// An organisation being made. Without a display name it has one like its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewOrganisation {
    /// 1 to 60 letters a to z, digits and hyphens, with no hyphen at either end.
    pub name: String,
    #[serde(default)]
    #[schemars(length(max = LONGEST_DISPLAY_NAME))]
    pub display_name: Option<String>,
}

/// What of an organisation can be changed: members that are not there stay as they are; null makes the
/// display name like the name (RFC 7396).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(in crate::http::api) struct OrganisationChange {
    #[schemars(with = "String")]
    pub name: Option<String>,
    #[schemars(length(max = LONGEST_DISPLAY_NAME))]
    pub display_name: Option<String>,
}
