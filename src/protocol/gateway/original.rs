//! The request as the proxy describes it, in one of three ways:
//!
//! - `X-Forwarded-Proto`, `-Host`, `-Uri` and `-Method` (Traefik, Caddy, HAProxy);
//! - `X-Original-URL` and `X-Original-Method` (NGINX);
//! - by being sent as it is, below a path of ours (Envoy).
//!
//! A description that is incomplete, doubled or contradicts itself is refused: whoever sent the second
//! header may have been the browser.

use super::Refusal;
use super::path::AppPath;

/// What one header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said<'a> {
    #[default]
    Nothing,
    Once(&'a str),
    /// There are two, or it is no text.
    Unclear,
}

impl<'a> Said<'a> {
    fn value(self, name: &'static str) -> Result<&'a str, Refusal> {
        match self {
            Self::Nothing | Self::Once("") => Err(Refusal::Missing(name)),
            Self::Once(text) => Ok(text),
            Self::Unclear => Err(Refusal::Unclear(name)),
        }
    }

    fn is_said(self) -> bool {
        !matches!(self, Self::Nothing | Self::Once(""))
    }
}

/// Everything a proxy may say in headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    pub original_url: Said<'a>,
    pub original_method: Said<'a>,
    pub forwarded_proto: Said<'a>,
    pub forwarded_host: Said<'a>,
    pub forwarded_uri: Said<'a>,
    pub forwarded_method: Said<'a>,
}

/// How the request reached the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The scheme of this name. Traefik calls the opening request of a web socket `ws` or `wss`.
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "https" | "wss" => Some(Self::Https),
            "http" | "ws" => Some(Self::Http),
            _ => None,
        }
    }

    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> &'static str {
        match self {
            Self::Http => ":80",
            Self::Https => ":443",
        }
    }
}

/// A request to an app, of which nothing is ambiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    pub scheme: Scheme,
    /// In lower case, with the port unless it is the scheme's own.
    pub host: String,
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    pub path: AppPath,
}

impl Original {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn from_headers(told: &Told<'_>) -> Result<Self, Refusal> {
        if told.original_url.is_said() {
            Self::from_original(told)
        } else {
            let target = told.forwarded_uri.value("X-Forwarded-Uri")?;
            Self::from_parts(
                (told.forwarded_proto, "X-Forwarded-Proto"),
                (told.forwarded_host, "X-Forwarded-Host"),
                (told.forwarded_method.value("X-Forwarded-Method")?, target),
            )
        }
    }

    /// Reads what is said of scheme and host, each with the name of the header it is said in, and a
    /// method and target that are plain to see.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn from_parts(
        (scheme, scheme_name): (Said<'_>, &'static str),
        (host, host_name): (Said<'_>, &'static str),
        (method, target): (&str, &str),
    ) -> Result<Self, Refusal> {
        let scheme = scheme.value(scheme_name)?;
        // A list would be the word of several proxies, of which the first may be the browser's.
        let scheme = Scheme::from_name(scheme).ok_or(Refusal::Unclear(scheme_name))?;
        let host = host.value(host_name)?;
        let host = canonical_host(host, scheme).ok_or(Refusal::Unclear(host_name))?;
        Self::new(scheme, host, (method, target))
    }

    /// Reads an absolute address.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn from_url(url: &str, method: &str) -> Result<Self, Refusal> {
        let (scheme, rest) = url.split_once("://").ok_or(Refusal::Address)?;
        let scheme = Scheme::from_name(scheme).ok_or(Refusal::Address)?;
        let slash = rest.find('/').ok_or(Refusal::Address)?;
        let (host, target) = rest.split_at(slash);
        let host = canonical_host(host, scheme).ok_or(Refusal::Address)?;
        Self::new(scheme, host, (method, target))
    }

    fn from_original(told: &Told<'_>) -> Result<Self, Refusal> {
        let url = told.original_url.value("X-Original-URL")?;
        let original = Self::from_url(url, told.original_method.value("X-Original-Method")?)?;
        original.agree_with(told)?;
        Ok(original)
    }

    fn new(scheme: Scheme, host: String, (method, target): (&str, &str)) -> Result<Self, Refusal> {
        let is_method = (1..=24).contains(&method.len())
            && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if !is_method {
            return Err(Refusal::Method);
        }
        if scheme == Scheme::Http && !is_this_machine(&host) {
            return Err(Refusal::PlainHttp);
        }
        let path = AppPath::of_target(target)?;
        let (method, target) = (method.to_owned(), target.to_owned());
        Ok(Self { scheme, host, method, target, path })
    }

    /// Whatever the other headers say beside `X-Original-URL` must be the same.
    fn agree_with(&self, told: &Told<'_>) -> Result<(), Refusal> {
        let same = |said: Said<'_>, is_same: &dyn Fn(&str) -> bool| match said {
            Said::Nothing | Said::Once("") => true,
            Said::Once(text) => is_same(text),
            Said::Unclear => false,
        };
        let all = same(told.forwarded_proto, &|text| Scheme::from_name(text) == Some(self.scheme))
            && same(told.forwarded_host, &|text| {
                canonical_host(text, self.scheme).as_ref() == Some(&self.host)
            })
            && same(told.forwarded_uri, &|text| text == self.target)
            && same(told.forwarded_method, &|text| text == self.method);
        if all { Ok(()) } else { Err(Refusal::Disagreement) }
    }

    /// The address in full.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.host, self.target)
    }
}

/// A host with its port as it is compared: in lower case, without the scheme's own port. `None` for
/// anything but letters, digits, hyphens and single dots, or an IPv6 address in brackets.
#[must_use]
pub fn canonical_host(text: &str, scheme: Scheme) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (name, port) = match text.rfind(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.parse::<u16>().is_ok();
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    let is_address = || {
        let inside = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inside.is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = || name.len() <= 253 && name.split('.').all(is_label);
    let canonical = if port == scheme.default_port() { name } else { &text };
    (is_address() || is_name()).then(|| canonical.to_owned())
}

/// The name of a host without its port.
#[must_use]
pub fn host_name(host: &str) -> &str {
    match host.rfind(']') {
        Some(end) => host.get(..=end).unwrap_or(host),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// Whether a host is this machine, where nobody listens in.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let name = host_name(host);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
