//! `[server]`: where people and apps reach Doorward.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::Issuer;
use crate::clock::Seconds;

/// The main listener: sign-in pages, protocol endpoints and the console.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Addresses and ports to listen on. Without a setting: the port of the issuer on `127.0.0.1`
    /// and `[::1]` when the issuer is localhost, else port 8080 there, for a proxy on the same
    /// machine. In a container set `0.0.0.0:8080`.
    #[serde(deserialize_with = "addresses")]
    #[schemars(with = "Vec<String>", extend("x-default" = "`127.0.0.1:8080,[::1]:8080`"))]
    pub listen: Vec<SocketAddr>,
    /// Networks of the reverse proxies that are believed when they say where a request came from
    /// (`X-Forwarded-For`), such as `10.0.0.0/8`. The issuer never comes from a header.
    #[serde(deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate chain in PEM. With `tls_key_file` it makes the main listener speak https.
    #[schemars(with = "Option<String>")]
    pub tls_cert_file: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[schemars(with = "Option<String>")]
    pub tls_key_file: Option<PathBuf>,
    /// Ask whoever connects to the main listener for a certificate (RFC 8705), without insisting on
    /// one. Browsers may then ask people to choose a certificate; `mtls_listen` spares them that.
    pub ask_client_certificate: bool,
    /// Addresses and ports of a second https listener, with the same certificate, which asks for the
    /// certificates of apps.
    #[serde(deserialize_with = "addresses")]
    #[schemars(with = "Vec<String>")]
    pub mtls_listen: Vec<SocketAddr>,
    /// The address apps with certificates reach Doorward at, if it is another one than the issuer's,
    /// such as `https://mtls.id.example.com`. It is announced as `mtls_endpoint_aliases`.
    #[schemars(with = "Option<String>")]
    pub mtls_url: Option<Issuer>,
    /// The header in which trusted proxies pass on the certificate of an app, such as `Client-Cert`:
    /// as RFC 9440 writes it, as PEM escaped like a URL, or as base64. The proxy must remove the
    /// header from requests it receives.
    pub client_certificate_header: Option<String>,
    /// Certificates (PEM) of the authorities that vouch for the certificates of apps
    /// (`tls_client_auth`), those of intermediate ones included where only the header passes them on.
    #[schemars(with = "Option<String>")]
    pub client_ca_file: Option<PathBuf>,
    /// Threads that answer requests; 0 means one for each processor core.
    #[schemars(range(min = 0, max = 1024))]
    pub workers: usize,
    /// Seconds between "not ready" and closing the listener at shutdown, so that load balancers
    /// notice. Without a setting: 0 for a localhost issuer, else 5.
    #[schemars(range(min = 0, max = 300), extend("x-default" = "`0` on localhost, else `5`"))]
    pub shutdown_delay: Option<Seconds>,
    /// Seconds that requests under way may take to finish at shutdown.
    #[schemars(range(min = 0, max = 300))]
    pub shutdown_timeout: Seconds,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_cert_file: None,
            tls_key_file: None,
            ask_client_certificate: false,
            mtls_listen: Vec::new(),
            mtls_url: None,
            client_certificate_header: None,
            client_ca_file: None,
            workers: 0,
            shutdown_delay: None,
            shutdown_timeout: 30,
        }
    }
}

/// Reads one address with a port, and says how to write it if it is none.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not an address with a port. Write it like 127.0.0.1:8080 or [::]:8080")
    })
}

fn addresses<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts.iter().map(|text| address(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

fn networks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts.iter().map(|text| network(text)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = text.parse::<IpAddr>().map(IpNet::from);
    single.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        format!("{text:?} is not a network. Write it like 10.0.0.0/8, 192.0.2.7 or fd00::/8")
    })
}
