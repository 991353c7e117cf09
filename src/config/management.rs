//! `[management]`: the listener for machines that watch Doorward.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics and health, apart from the main listener so that they need not be public.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ManagementSettings {
    /// Address and port of `/metrics`, `/livez` and `/readyz`; `off` disables it.
    #[schemars(with = "String")]
    pub listen: ManagementListen,
}

/// Where the management listener is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ManagementListen {
    /// There is none.
    Off,
    /// It listens here.
    At(SocketAddr),
}

impl ManagementListen {
    /// The address, if there is a listener.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl Default for ManagementListen {
    fn default() -> Self {
        Self::At(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)))
    }
}

impl TryFrom<String> for ManagementListen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        super::server::address(&text).map(Self::At).map_err(|fault| format!("{fault}, or \"off\""))
    }
}

impl From<ManagementListen> for String {
    fn from(listen: ManagementListen) -> Self {
        listen.address().map_or_else(|| "off".to_owned(), |address| address.to_string())
    }
}
