//! `[outbound]`: requests Doorward makes to addresses that apps and administrators supply, such as
//! the keys of an app.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::clock::Seconds;

/// The guarded HTTP client.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Where addresses that apps supply may point although they are not on the public internet:
    /// a host name (`keys.corp.example`), a host or IP address with its port
    /// (`keys.corp.example:8443`, `10.0.0.7:443`), an IP address or a network (`10.1.0.0/16`).
    /// A port below 1024 other than 443 is used only where it is listed like this.
    #[serde(deserialize_with = "targets")]
    #[schemars(with = "Vec<String>")]
    pub allow_private: Vec<AllowedTarget>,
    /// Certificates (PEM) of authorities to trust in requests to other servers, beside those the
    /// system trusts.
    #[schemars(with = "Option<String>")]
    pub extra_ca_file: Option<PathBuf>,
    /// Seconds after which the keys of an app (`jwks_uri`) are fetched again at the latest.
    #[schemars(range(min = 10, max = 86_400))]
    pub jwks_max_age: Seconds,
    /// Seconds between two fetches of an app's keys at least, however often a token names a key
    /// that is not known.
    #[schemars(range(min = 1, max = 600))]
    pub jwks_min_interval: Seconds,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            allow_private: Vec::new(),
            extra_ca_file: None,
            jwks_max_age: 3600,
            jwks_min_interval: 10,
        }
    }
}

/// One entry of `outbound.allow_private`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AllowedTarget {
    /// Every address in here, however the URL names it.
    Network(IpNet),
    /// URLs that are written with this address and port.
    Address(SocketAddr),
    /// URLs with this host name, wherever it leads; with a port, on that port only.
    Host { name: String, port: Option<u16> },
}

impl TryFrom<String> for AllowedTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(network) = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse()) {
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        host_and_port(&text).ok_or_else(|| {
            format!(
                "{text:?} is not a host, address or network. Write it like keys.corp.example, \
                 keys.corp.example:8443, 10.0.0.7:8443 or 10.0.0.0/8"
            )
        })
    }
}

impl From<AllowedTarget> for String {
    fn from(target: AllowedTarget) -> Self {
        match target {
            AllowedTarget::Network(network) => network.to_string(),
            AllowedTarget::Address(address) => address.to_string(),
            AllowedTarget::Host { name, port: None } => name,
            AllowedTarget::Host { name, port: Some(port) } => format!("{name}:{port}"),
        }
    }
}

/// A host name as URLs are compared with it: lower case, punycode, no dot at the end.
fn host_and_port(text: &str) -> Option<AllowedTarget> {
    let (name, port) = match text.rsplit_once(':') {
        None => (text, None),
        Some((name, port)) => (name, Some(port.parse().ok().filter(|port| *port != 0)?)),
    };
    let url::Host::Domain(name) = url::Host::parse(name).ok()? else { return None };
    let name = name.trim_end_matches('.').to_owned();
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name.chars().all(letters)).then_some(AllowedTarget::Host { name, port })
}

fn targets<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<AllowedTarget>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts
        .into_iter()
        .map(AllowedTarget::try_from)
        .collect::<Result<_, _>>()
        .map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_what_it_is_and_shown_as_it_was_written() {
        for text in ["10.0.0.0/8", "10.0.0.7:8443", "[::1]:9443", "a.example", "a.example:8443"] {
            let target = AllowedTarget::try_from(text.to_owned()).expect(text);
            assert_eq!(String::from(target), text);
        }
        let single = AllowedTarget::try_from("::1".to_owned()).expect("an address");
        assert_eq!(single, AllowedTarget::Network("::1/128".parse().expect("a network")));
        let tidied = AllowedTarget::try_from("Keys.Example.".to_owned()).expect("a name");
        assert_eq!(String::from(tidied), "keys.example");
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "https://a.example",
            "a.example:0",
            "a.example:x",
            "*.example",
            "a b",
            "10.0.0.0/40",
        ] {
            assert!(AllowedTarget::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
