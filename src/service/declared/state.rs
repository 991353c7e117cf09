//! What a file may say. Whatever it leaves out stays as it is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::client::{ClientKind, ClientMetadata};
use crate::protocol::token::trusted_issuer::IssuerSettings;
use crate::protocol::upstream::{UpstreamKind, UpstreamSettings};

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    pub groups: Vec<GroupState>,
    pub organisations: Vec<OrganisationState>,
    pub users: Vec<UserState>,
    pub clients: Vec<ClientState>,
    pub webhooks: Vec<WebhookState>,
    pub issuers: Vec<IssuerState>,
    pub upstream_providers: Vec<UpstreamState>,
}

impl State {
    /// Whether a file says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupState {
    pub name: String,
    /// What it is for; empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Usernames of all who look after it in the console: it is taken from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managers: Option<Vec<String>>,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationState {
    pub name: String,
    /// What apps and people see; like the name for a new one that leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// A person. The profile, the password and the right to use the console are not declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserState {
    pub username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All of them: others are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// All of them: others are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisations: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// The password of somebody who is made by this file; nobody's is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientState {
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// The secret it has, or gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The members of its metadata (`ClientMetadata`) that are unlike those of a new app of its `kind`; what
    /// is left out is as with a new one.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// All of them, with everybody who has them: others are deleted, and taken from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleState>>,
}

/// What people may be in an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleState {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Usernames of those who have it by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Names of the groups that give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// An endpoint that is told what happens. Its secret is not declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookState {
    pub name: String,
    pub url: String,
    /// Kinds of audit events, areas such as `user.*`, or `*`.
    pub events: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A trusted issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerState {
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// All of them: what is left out is as with a new one.
    pub settings: IssuerSettings,
}

/// A provider elsewhere at which people have an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamState {
    pub slug: String,
    #[serde(default)]
    pub kind: UpstreamKind,
    pub issuer: String,
    pub display_name: String,
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// The secret it has, or gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// All of them: what is left out is as with a new one.
    #[serde(default)]
    pub settings: UpstreamSettings,
}

impl ClientState {
    /// The metadata it stands for.
    ///
    /// # Errors
    /// What cannot be read of it.
    pub fn read_metadata(&self) -> Result<ClientMetadata, serde_json::Error> {
        let kind = self.metadata.get("kind").cloned();
        let kind = kind.map(serde_json::from_value::<ClientKind>).transpose()?.unwrap_or_default();
        let mut members = members(&ClientMetadata::for_kind(kind))?;
        members.extend(self.metadata.clone());
        serde_json::from_value(Value::Object(members))
    }

    /// The members of metadata that have to be written down.
    pub(super) fn told(metadata: &ClientMetadata) -> Result<Map<String, Value>, serde_json::Error> {
        let usual = members(&ClientMetadata::for_kind(metadata.kind))?;
        let mut told = members(metadata)?;
        told.retain(|name, value| name == "kind" || usual.get(name) != Some(value));
        Ok(told)
    }
}

pub(super) fn members(metadata: &ClientMetadata) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(metadata)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_an_app_stands_for_all_of_it() {
        for kind in [ClientKind::Web, ClientKind::Spa, ClientKind::Device, ClientKind::Machine] {
            let metadata = ClientMetadata {
                client_name: "Wiki".to_owned(),
                redirect_uris: vec!["https://wiki.example.com/callback".to_owned()],
                grant_types: Vec::new(),
                ..ClientMetadata::for_kind(kind)
            };
            let told = ClientState::told(&metadata).unwrap();
            assert!(told.len() <= 5, "{told:?}");
            let state = ClientState {
                client_id: "wiki".to_owned(),
                disabled: None,
                secret_file: None,
                metadata: told,
                roles: None,
            };
            assert_eq!(state.read_metadata().unwrap(), metadata);
        }
    }
}
