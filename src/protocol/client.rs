//! A client and its metadata, with the names RFC 7591 section 2 gives them, and what makes
//! metadata valid. The rules of redirect URIs live in [`super::redirect_uri`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use super::types::{ClientId, SigningAlg};
use crate::clock::{Seconds, UnixTime};

/// A registered client: its metadata and what the provider keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    pub id: ClientId,
    pub metadata: ClientMetadata,
    /// SHA-256 of the live client secrets, newest first; empty for a public client.
    #[serde(skip)]
    pub secret_hashes: Vec<String>,
    /// When the client was disabled; `None` while it works.
    pub disabled_at: Option<UnixTime>,
    /// Raised to kill every token issued before; see `service::revocation`.
    pub token_version: i64,
    pub created_at: UnixTime,
    pub updated_at: UnixTime,
}

/// What kind of program the client is. It chooses defaults and the loopback rule of RFC 8252.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A web application with a server of its own: confidential.
    #[default]
    Web,
    /// A single-page application: public, in the browser.
    Spa,
    /// An app or command-line tool on a person's device: public.
    Native,
    /// A device without a browser: public.
    Device,
    /// A service without a person: confidential, client credentials only.
    Machine,
}

impl ClientKind {
    pub const ALL: [Self; 5] = [Self::Web, Self::Spa, Self::Native, Self::Device, Self::Machine];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
            Self::Device => "device",
            Self::Machine => "machine",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a client of this kind can keep a secret (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_confidential(self) -> bool {
        matches!(self, Self::Web | Self::Machine)
    }
}

/// How the client authenticates at the token endpoint (`token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Basic or post, whichever the client sends: what most client libraries need.
    #[default]
    ClientSecret,
    /// Only the `Authorization: Basic` header.
    ClientSecretBasic,
    /// Only the form body.
    ClientSecretPost,
    /// A public client.
    None,
}

impl AuthMethod {
    pub const ALL: [Self; 4] =
        [Self::ClientSecret, Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// `grant_type` (RFC 6749), the ones this provider implements.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

impl GrantType {
    /// Every grant type; discovery and client metadata follow from it.
    pub const ALL: [Self; 3] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

/// Whether PKCE (RFC 7636) must be used. Public clients must always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PkcePolicy {
    #[default]
    Optional,
    Required,
}

/// Whether people are asked before the client gets their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    #[default]
    Ask,
    /// For the organisation's own apps.
    Skip,
}

/// The form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// RFC 9068.
    #[default]
    Jwt,
    /// A random string that only introspection and userinfo understand; dies everywhere at once.
    Opaque,
}

/// Where the standard claims of the granted scopes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimsPlacement {
    /// Userinfo only, as OpenID Connect Core section 5.4 says for the code flow.
    #[default]
    Userinfo,
    /// Also the ID token, for apps that never call userinfo.
    IdTokenToo,
}

/// The metadata of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientMetadata {
    pub client_name: String,
    pub kind: ClientKind,
    pub token_endpoint_auth_method: AuthMethod,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    /// Every scope the client may ask for.
    pub scope: Scopes,
    pub grant_types: Vec<GrantType>,
    pub pkce: PkcePolicy,
    pub consent: ConsentPolicy,
    pub id_token_signed_response_alg: SigningAlg,
    pub access_token_format: AccessTokenFormat,
    /// The algorithm of JWT access tokens.
    pub access_token_alg: SigningAlg,
    pub claims_in: ClaimsPlacement,
    /// `aud` of access tokens beside the issuer's own userinfo; empty means the client itself.
    pub audience: Vec<String>,
    /// Lifetime of access tokens in seconds, 60 to 3600; `None` means the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// `default_max_age` of OpenID Connect Registration section 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Browser origins that may call token, userinfo and revocation (CORS).
    pub allowed_origins: Vec<String>,
    pub contacts: Vec<String>,
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            client_name: String::new(),
            kind: ClientKind::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecret,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            scope: Scopes::from_tokens(Scopes::STANDARD),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            pkce: PkcePolicy::Optional,
            consent: ConsentPolicy::Ask,
            id_token_signed_response_alg: SigningAlg::Rs256,
            access_token_format: AccessTokenFormat::Jwt,
            access_token_alg: SigningAlg::Rs256,
            claims_in: ClaimsPlacement::Userinfo,
            audience: Vec::new(),
            access_token_lifetime: None,
            default_max_age: None,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            initiate_login_uri: None,
            allowed_origins: Vec::new(),
            contacts: Vec::new(),
        }
    }
}

impl Client {
    /// Whether the client may use this grant type.
    #[must_use]
    pub fn allows(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Whether the client holds a secret (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether a `code_challenge` is a duty (RFC 9700 section 2.1.1).
    #[must_use]
    pub fn requires_pkce(&self) -> bool {
        !self.is_confidential() || self.metadata.pkce == PkcePolicy::Required
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A confidential web client for tests of other modules.
    pub(crate) fn client() -> Client {
        Client {
            id: ClientId::new("conf-basic"),
            metadata: ClientMetadata {
                client_name: "Conf".into(),
                redirect_uris: vec!["https://rp.test/cb".into()],
                ..ClientMetadata::default()
            },
            secret_hashes: vec!["hash".into()],
            disabled_at: None,
            token_version: 0,
            created_at: UnixTime(0),
            updated_at: UnixTime(0),
        }
    }

    #[test]
    fn public_clients_must_use_pkce() {
        let mut public = client();
        assert!(!public.requires_pkce());
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        assert!(public.requires_pkce());
    }
}
