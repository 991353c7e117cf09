//! How clients authenticate.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// How the client authenticates at the token endpoint (`token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Basic or post, whichever the client sends: what most client libraries need.
    #[default]
    ClientSecret,
    /// Only the `Authorization: Basic` header.
    ClientSecretBasic,
    /// Only the form body.
    ClientSecretPost,
    /// An assertion signed with the client's own key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// A TLS certificate of a trusted authority (RFC 8705 section 2.1).
    TlsClientAuth,
    /// A TLS certificate that is among the client's own keys (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// A public client.
    None,
}

impl AuthMethod {
    pub const ALL: [Self; 7] = [
        Self::ClientSecret,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// Whether the client shares a secret with the provider.
    #[must_use]
    pub fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecret | Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether the client is known by its own keys, in `jwks` or at its `jwks_uri`.
    #[must_use]
    pub fn uses_own_keys(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SelfSignedTlsClientAuth)
    }

    /// Whether the client shows a TLS certificate (RFC 8705).
    #[must_use]
    pub fn uses_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

impl<'de> Deserialize<'de> for AuthMethod {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = String::deserialize(input)?;
        if name == "client_secret_jwt" {
            return Err(D::Error::custom(
                "client_secret_jwt is not offered, since it needs the secret in a readable form; \
                 use private_key_jwt",
            ));
        }
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::from_name(&name)
            .ok_or_else(|| D::Error::custom(format!("{name:?} is not one of {}", known())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_read_as_it_is_written_and_a_symmetric_assertion_is_refused_with_a_reason() {
        for method in AuthMethod::ALL {
            let written = serde_json::to_value(method).unwrap();
            assert_eq!(written, method.as_str());
            assert_eq!(serde_json::from_value::<AuthMethod>(written).unwrap(), method);
        }
        let refusal =
            |name: &str| serde_json::from_value::<AuthMethod>(name.into()).unwrap_err().to_string();
        assert!(refusal("client_secret_jwt").contains("use private_key_jwt"));
        assert!(refusal("password").contains("client_secret_basic"));
    }
}
