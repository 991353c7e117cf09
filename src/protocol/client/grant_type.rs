//! The grant types this provider implements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `grant_type` (RFC 6749 and the extensions of its section 4.5), the ones this provider implements.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
    /// Signing in on another device (RFC 8628).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// A token for another token (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// A token for the assertion of a trusted issuer (RFC 7523 section 2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

impl GrantType {
    /// Every grant type; discovery and client metadata follow from it.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }

    /// Whether only a client that proves who it is may use it. A public client's name is known to
    /// everybody, so what such a grant gives would be given to everybody. With an assertion of its
    /// own platform a client proves enough (RFC 7523 section 3.1).
    #[must_use]
    pub fn needs_confidential_client(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::TokenExchange)
    }

    /// Whether it gives tokens without anybody having allowed the client something here, so that a
    /// client in daily use may have neither a consent nor a grant.
    #[must_use]
    pub fn works_without_consent(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::TokenExchange | Self::JwtBearer)
    }

    /// Whether the token request may name scopes. With a code they were agreed on before (RFC 6749
    /// section 4.1.3), and what some clients send all the same is ignored.
    #[must_use]
    pub fn reads_scope(self) -> bool {
        !matches!(self, Self::AuthorizationCode | Self::DeviceCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_type_is_stored_under_the_name_it_has_in_requests() {
        for grant in GrantType::ALL {
            assert_eq!(serde_json::to_value(grant).unwrap(), grant.as_str());
            assert_eq!(GrantType::from_name(grant.as_str()), Some(grant));
        }
    }
}
