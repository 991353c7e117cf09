//! Where a client came from, which says how far it is trusted.

use serde::{Deserialize, Serialize};

/// Where a client came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// An administrator made it.
    #[default]
    Manual,
    /// It registered itself over the network (RFC 7591).
    Dynamic,
    /// Its `client_id` is the URL of a document that describes it
    /// (draft-ietf-oauth-client-id-metadata-document).
    Document,
}

impl ClientOrigin {
    pub const ALL: [Self; 3] = [Self::Manual, Self::Dynamic, Self::Document];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Dynamic => "dynamic",
            Self::Document => "document",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == name)
    }

    /// Whether somebody who answers for this server has looked at the client. People are always
    /// asked before any other one gets their data.
    #[must_use]
    pub fn is_reviewed(self) -> bool {
        self == Self::Manual
    }
}
