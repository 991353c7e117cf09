//! How clients authenticate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
