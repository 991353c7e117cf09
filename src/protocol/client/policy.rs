//! The choices a client's metadata makes, each a small closed set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Which `sub` a client sees (OpenID Connect Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for every client.
    #[default]
    Public,
    /// Another one for every sector, so that two companies cannot compare notes.
    Pairwise,
}

/// A bundle of rules a client asks to be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProfile {
    /// OpenID Connect with the security best current practice (RFC 9700).
    #[default]
    Standard,
    /// FAPI 2.0 Security Profile.
    Fapi2Security,
    /// FAPI 2.0 Message Signing on top: signed requests and responses.
    Fapi2MessageSigning,
}

impl SecurityProfile {
    /// Whether the FAPI 2.0 Security Profile holds.
    #[must_use]
    pub fn is_fapi(self) -> bool {
        self != Self::Standard
    }
}
