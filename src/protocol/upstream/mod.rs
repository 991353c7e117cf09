//! Providers elsewhere at which people of ours have an account: what administrators say of one, and what
//! can be told of it without asking anybody. So far they speak OpenID Connect.
//!
//! | module | job |
//! |---|---|
//! | `claims` | which of its claims become what of a person |
//! | `examination` | what its metadata says, held against what is said of it here |
//! | `problems` | what cannot be a provider |

pub mod claims;
pub mod examination;
mod problems;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::protocol::scope::Scopes;

pub use claims::ClaimNames;
pub use problems::{UpstreamProblem, check_secret, validate};

/// A provider elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamProvider {
    /// Stays the same for ever.
    pub id: String,
    /// Its short name, which stays: it will be in the address people come back to.
    pub slug: String,
    /// Stays the same.
    pub kind: UpstreamKind,
    /// `iss` of its ID tokens, compared byte for byte. It stays: accounts there are accounts of this issuer,
    /// and the secret is meant for nobody else.
    pub issuer: String,
    /// What people will see.
    pub display_name: String,
    /// What Doorward is there.
    pub client_id: String,
    /// Sealed.
    pub client_secret: String,
    pub settings: UpstreamSettings,
    pub created_at: UnixTime,
    /// Since when it is switched off.
    pub disabled_at: Option<UnixTime>,
}

/// What it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamKind {
    /// OpenID Connect Core with discovery.
    #[default]
    Oidc,
}

impl UpstreamKind {
    pub const ALL: [Self; 1] = [Self::Oidc];

    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How it is spoken to, and what its word is worth. What a file or a request leaves out is as here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    pub token_endpoint_auth_method: UpstreamAuth,
    /// What is asked for; `openid` is among it.
    pub scope: Scopes,
    pub claims: ClaimNames,
    /// Whether an e-mail address that it says is verified counts as verified here.
    pub trusts_email: bool,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            token_endpoint_auth_method: UpstreamAuth::default(),
            scope: Scopes::from_tokens(["openid", "profile", "email"]),
            claims: ClaimNames::default(),
            trusts_email: false,
        }
    }
}

/// How Doorward authenticates at its token endpoint (OpenID Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamAuth {
    /// In the header `Authorization: Basic`.
    #[default]
    ClientSecretBasic,
    /// In the form that is sent.
    ClientSecretPost,
}

impl UpstreamAuth {
    pub const ALL: [Self; 2] = [Self::ClientSecretBasic, Self::ClientSecretPost];

    /// Its registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// The address of a provider's metadata (OpenID Connect Discovery section 4): below its issuer, of which a
/// slash at the end does not count here and nowhere else.
#[must_use]
pub fn discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_and_written_as_they_are_stored() {
        for kind in UpstreamKind::ALL {
            assert_eq!(UpstreamKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for method in UpstreamAuth::ALL {
            assert_eq!(UpstreamAuth::from_name(method.as_str()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert_eq!(UpstreamAuth::from_name("none"), None);
    }

    #[test]
    fn the_metadata_of_an_issuer_is_below_it() {
        for (issuer, url) in [
            ("https://id.test", "https://id.test/.well-known/openid-configuration"),
            ("https://id.test/", "https://id.test/.well-known/openid-configuration"),
            (
                "https://id.test/realms/a",
                "https://id.test/realms/a/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(discovery_url(issuer), url);
        }
    }

    #[test]
    fn what_is_left_out_of_the_settings_is_as_usual_and_nothing_unknown_is_taken() {
        let usual: UpstreamSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(usual, UpstreamSettings::default());
        assert_eq!(
            (usual.scope.to_string().as_str(), usual.trusts_email),
            ("openid profile email", false)
        );
        assert!(serde_json::from_str::<UpstreamSettings>(r#"{"secret": "x"}"#).is_err());
        let some: UpstreamSettings =
            serde_json::from_str(r#"{"claims": {"email": "mail"}}"#).unwrap();
        assert_eq!((some.claims.email.as_str(), some.claims.name.as_str()), ("mail", "name"));
    }
}
