//! `[registration]`: apps that come by themselves.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;
use crate::protocol::client::{AuthMethod, GrantType};
use crate::protocol::scope::Scopes;

/// Who may register an app over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody: administrators add apps.
    #[default]
    Off,
    /// Whoever holds a token made with `doorward registration-token create`.
    Token,
    /// Anybody, a few times an hour from one network.
    Open,
}

/// Apps that register themselves, and apps described by a document of their own. People are always
/// asked before such an app gets their data.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationSettings {
    /// Who may register an app over the network: `off`, `token` (whoever holds a token made with
    /// `doorward registration-token create`) or `open` (anybody).
    pub mode: RegistrationMode,
    /// Grant types such an app may use; others it asks for are left out.
    pub grant_types: Vec<GrantType>,
    /// Ways in which such an app may prove who it is at the token endpoint.
    pub auth_methods: Vec<AuthMethod>,
    /// Scopes such an app may ask people for; others it asks for are left out.
    #[schemars(with = "Vec<String>")]
    pub scopes: Scopes,
    /// Types of authorization details (RFC 9396) such an app may ask people for, of those in
    /// `authorization.detail_types`; others it asks for are left out.
    pub detail_types: Vec<String>,
    /// Protected servers such an app may ask tokens for with `resource` (RFC 8707), as absolute URIs.
    pub resources: Vec<String>,
    /// Apps that registered themselves, at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_clients: u32,
    /// Registrations in one hour from one address, or one IPv6 /64, when the mode is `open`.
    #[schemars(range(min = 1, max = 100_000))]
    pub open_per_hour: u32,
    /// Changes in one hour that an app may make to its own registration. All apps of one address, or one
    /// IPv6 /64, may together make ten times as many.
    #[schemars(range(min = 1, max = 100_000))]
    pub changes_per_hour: u32,
    /// Seconds after which an app that registered itself and that nobody ever allowed anything is
    /// removed. An app that may act without anybody's consent stays.
    #[schemars(range(min = 3600, max = 31_536_000))]
    pub unused_lifetime: Seconds,
    /// JSON file with the issuers of software statements that are believed, as an object of issuer
    /// and JWK Set: `{"https://issuer.example": {"keys": [...]}}`.
    #[schemars(with = "Option<String>")]
    pub software_statement_keys_file: Option<PathBuf>,
    /// Whether an app may use the https URL of a document that describes it as its client id.
    pub metadata_documents: bool,
    /// Documents of apps that nobody uses yet, read in one minute for one address, or one IPv6 /64.
    #[schemars(range(min = 1, max = 100_000))]
    pub documents_per_minute: u32,
    /// Apps with such a document that are remembered, at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_documents: u32,
    /// Whether the pictures that apps name with `logo_uri` are fetched, once, and shown from here. If not,
    /// an app has no logo before an administrator supplies one. Pages never load one from elsewhere.
    pub fetch_logos: bool,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            auth_methods: vec![
                AuthMethod::None,
                AuthMethod::ClientSecretBasic,
                AuthMethod::ClientSecretPost,
                AuthMethod::PrivateKeyJwt,
            ],
            scopes: Scopes::from_tokens(Scopes::STANDARD),
            detail_types: Vec::new(),
            resources: Vec::new(),
            max_clients: 1_000,
            open_per_hour: 20,
            changes_per_hour: 20,
            unused_lifetime: 2_592_000,
            software_statement_keys_file: None,
            metadata_documents: false,
            documents_per_minute: 30,
            max_documents: 1_000,
            fetch_logos: false,
        }
    }
}
