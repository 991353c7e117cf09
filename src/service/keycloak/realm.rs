//! The part of an export that is read. Members it does not name are of no use here; Keycloak has many.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A realm, or one of the files with its people.
#[derive(Debug, Deserialize)]
pub struct Realm {
    /// Its name, which every export has.
    pub realm: String,
    #[serde(default)]
    pub(super) users: Vec<KeycloakUser>,
    #[serde(default)]
    groups: Vec<KeycloakGroup>,
    #[serde(default)]
    pub(super) clients: Vec<KeycloakClient>,
    roles: Option<Roles>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Roles {
    realm: Vec<KeycloakRole>,
    /// By the client's id.
    client: BTreeMap<String, Vec<KeycloakRole>>,
}

/// A role of the realm or of a client.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeycloakRole {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Other roles that come with it.
    pub(super) composites: Composites,
}

/// Names of roles of the realm, and of clients by their ids.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Composites {
    pub(super) realm: Vec<String>,
    pub(super) client: BTreeMap<String, Vec<String>>,
}

impl Realm {
    /// How many roles it has that are of no app: those that become groups, and those that are Keycloak's own
    /// and have no place here.
    #[must_use]
    pub fn role_counts(&self) -> (usize, usize) {
        let own = self.own_roles().count();
        (own, self.realm_roles().count().saturating_sub(own))
    }

    /// Roles of the realm that somebody has made.
    pub(super) fn own_roles(&self) -> impl Iterator<Item = &KeycloakRole> {
        self.realm_roles().filter(|role| !self.is_keycloaks(&role.name))
    }

    /// Whether every realm has this role, for what Keycloak itself does with it.
    pub(super) fn is_keycloaks(&self, role: &str) -> bool {
        let of_everybody = format!("default-roles-{}", self.realm.to_lowercase());
        matches!(role, "offline_access" | "uma_authorization") || role == of_everybody
    }

    pub(super) fn realm_roles(&self) -> impl Iterator<Item = &KeycloakRole> {
        self.roles.iter().flat_map(|roles| &roles.realm)
    }

    /// Of each client that is no part of Keycloak.
    pub(super) fn client_roles(&self) -> impl Iterator<Item = (&String, &Vec<KeycloakRole>)> {
        let all = self.roles.iter().flat_map(|roles| &roles.client);
        all.filter(|(client, roles)| !is_built_in(client) && !roles.is_empty())
    }

    /// Those that are in no other.
    pub(super) fn groups(&self) -> &[KeycloakGroup] {
        &self.groups
    }

    /// Groups by their paths, those inside another behind it.
    pub(super) fn group_names(&self) -> Vec<String> {
        let mut open: Vec<(String, &KeycloakGroup)> =
            self.groups.iter().rev().map(|group| (group.name.clone(), group)).collect();
        let mut names = Vec::new();
        while let Some((path, group)) = open.pop() {
            let inside = group.sub_groups.iter().rev();
            open.extend(inside.map(|inner| (format!("{path}/{}", inner.name), inner)));
            names.push(path);
        }
        names
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KeycloakGroup {
    pub(super) name: String,
    pub(super) sub_groups: Vec<Self>,
    pub(super) realm_roles: Vec<String>,
    /// Names of roles by the ids of their clients.
    pub(super) client_roles: BTreeMap<String, Vec<String>>,
}

/// A user.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KeycloakUser {
    pub(super) id: Option<String>,
    pub(super) username: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) enabled: Option<bool>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) attributes: BTreeMap<String, Vec<String>>,
    pub(super) credentials: Vec<Credential>,
    /// Paths, each with a slash in front.
    pub(super) groups: Vec<String>,
    pub(super) realm_roles: Vec<String>,
    /// Names of roles by the ids of their clients.
    pub(super) client_roles: BTreeMap<String, Vec<String>>,
    pub(super) service_account_client_id: Option<String>,
}

/// A credential: since Keycloak 8 two texts that are JSON themselves, before that members of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Credential {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) credential_data: Option<String>,
    pub(super) secret_data: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) hash_iterations: Option<u64>,
    pub(super) hashed_salted_value: Option<String>,
    pub(super) salt: Option<String>,
    /// A password as it is typed.
    pub(super) value: Option<String>,
}

/// What `credentialData` holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CredentialData {
    pub(super) hash_iterations: u64,
    pub(super) algorithm: String,
    pub(super) additional_parameters: BTreeMap<String, Vec<String>>,
}

/// What `secretData` holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SecretData {
    pub(super) value: String,
    pub(super) salt: String,
}

/// A client.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "that is how Keycloak writes it")]
pub(super) struct KeycloakClient {
    pub(super) client_id: String,
    pub(super) name: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) enabled: Option<bool>,
    pub(super) public_client: bool,
    pub(super) bearer_only: bool,
    pub(super) consent_required: bool,
    pub(super) standard_flow_enabled: Option<bool>,
    pub(super) service_accounts_enabled: bool,
    pub(super) client_authenticator_type: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) web_origins: Vec<String>,
    pub(super) attributes: BTreeMap<String, serde_json::Value>,
}

impl KeycloakClient {
    /// Whether every realm has it, for Keycloak's own pages.
    pub(super) fn is_built_in(&self) -> bool {
        is_built_in(&self.client_id)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

fn is_built_in(client_id: &str) -> bool {
    const OWN: [&str; 6] = [
        "account",
        "account-console",
        "admin-cli",
        "broker",
        "realm-management",
        "security-admin-console",
    ];
    OWN.contains(&client_id)
}
