//! What kind of program a client is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
