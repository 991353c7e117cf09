//! The cookies: which there are and what protects them (security catalogue section 4.2).
//!
//! `session` is the active SSO session, `accounts` holds those of other people in this browser;
//! `browser` binds in-flight pages and CSRF tokens to this browser;
//! `state` lets scripts of this site see whether the sessions are others; it proves nothing;
//! `flash` carries one sealed message from a change in the console to the page shown next;
//! `device` lets a browser be recognised at the next sign-in; it proves nothing;
//! `gateway` is for the apps behind the gateway and means nothing to Doorward itself. It is the only
//! one that other hosts get, so it has another prefix and a domain.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header;

use super::site::{Site, Transport};
use crate::clock::Seconds;
use crate::crypto::secret::Secret;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Session,
    Accounts,
    Browser,
    State,
    Flash,
    Device,
    Gateway,
}

impl Kind {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Self::Session, Transport::Https) => "__Host-doorward_session",
            (Self::Session, Transport::LoopbackHttp) => "doorward_session",
            (Self::Accounts, Transport::Https) => "__Host-doorward_accounts",
            (Self::Accounts, Transport::LoopbackHttp) => "doorward_accounts",
            (Self::Browser, Transport::Https) => "__Host-doorward_browser",
            (Self::Browser, Transport::LoopbackHttp) => "doorward_browser",
            (Self::State, Transport::Https) => "__Host-doorward_state",
            (Self::State, Transport::LoopbackHttp) => "doorward_state",
            (Self::Flash, Transport::Https) => "__Host-doorward_flash",
            (Self::Flash, Transport::LoopbackHttp) => "doorward_flash",
            (Self::Device, Transport::Https) => "__Host-doorward_device",
            (Self::Device, Transport::LoopbackHttp) => "doorward_device",
            (Self::Gateway, Transport::Https) => "__Secure-doorward_gateway",
            (Self::Gateway, Transport::LoopbackHttp) => "doorward_gateway",
        }
    }

    /// The lengths a value of ours can have.
    fn lengths(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Session | Self::Browser => 32..=128,
            Self::Accounts | Self::State => 32..=1_024,
            Self::Flash => 32..=2_048,
            Self::Device | Self::Gateway => 43..=43,
        }
    }

    fn is_sane(self, value: &str) -> bool {
        self.lengths().contains(&value.len())
    }

    fn same_site(self, transport: Transport) -> SameSite {
        match self {
            // Read where an app has put our check-session page into its own. Browsers take `None`
            // over https only.
            Self::State if transport == Transport::Https => SameSite::None,
            // Lax, not Strict: people arrive at /authorize from other sites.
            Self::Session
            | Self::Accounts
            | Self::Browser
            | Self::State
            | Self::Device
            | Self::Gateway => SameSite::Lax,
            Self::Flash => SameSite::Strict,
        }
    }
}

/// The value of a cookie this browser sent; a repeated one counts as none, since somebody may have
/// planted the second.
#[must_use]
pub fn read(site: &Site, request: &HttpRequest, kind: Kind) -> Option<String> {
    let mut found = sent(site, request, kind).into_iter();
    let value = found.next();
    if found.next().is_some() { None } else { value.filter(|value| kind.is_sane(value)) }
}

/// Every value a browser sent under one name that can be one of ours, each once. For the cookie that other
/// hosts get: any of them can plant another one beside it, by a path or a domain of its own.
#[must_use]
pub fn read_all(site: &Site, request: &HttpRequest, kind: Kind) -> Vec<String> {
    let mut values = sent(site, request, kind);
    values.retain(|value| kind.is_sane(value));
    values.sort_unstable();
    values.dedup();
    values
}

/// One by one: other hosts of the domain can plant cookies without a name or with bytes that are no text, and
/// those must not take ours along.
fn sent(site: &Site, request: &HttpRequest, kind: Kind) -> Vec<String> {
    let name = kind.name(site.transport);
    let lines = request.headers().get_all(header::COOKIE);
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| std::str::from_utf8(pair).ok()).map(str::trim);
    let named = texts.filter(|text| text.starts_with(name));
    let cookies = named.filter_map(|text| Cookie::parse_encoded(text).ok());
    let ours = cookies.filter(|cookie| cookie.name() == name);
    ours.map(|cookie| cookie.value().to_owned()).collect()
}

/// A cookie to set. `max_age` in seconds; `None` lasts as long as the browser runs.
#[must_use]
pub fn write(
    site: &Site,
    kind: Kind,
    (value, max_age): (&str, Option<Seconds>),
) -> Cookie<'static> {
    let mut cookie = Cookie::build(kind.name(site.transport), value.to_owned())
        .path("/")
        .http_only(kind != Kind::State)
        .secure(site.transport == Transport::Https)
        .same_site(kind.same_site(site.transport))
        .finish();
    if let (Kind::Gateway, Some(domain)) = (kind, &site.config.gateway.cookie_domain) {
        cookie.set_domain(domain.clone());
    }
    if let Some(seconds) = max_age {
        cookie.set_max_age(Duration::seconds(seconds));
    }
    cookie
}

/// Tells the browser to forget a cookie.
#[must_use]
pub fn remove(site: &Site, kind: Kind) -> Cookie<'static> {
    write(site, kind, ("", Some(0)))
}

/// The value that binds pages to this browser, and the cookie to set if it is new.
pub struct BrowserBinding {
    pub value: String,
    pub fresh: Option<Cookie<'static>>,
}

impl BrowserBinding {
    /// The browser's binding; makes one on the first visit.
    #[must_use]
    pub fn of(site: &Site, request: &HttpRequest) -> Self {
        if let Some(value) = read(site, request, Kind::Browser) {
            return Self { value, fresh: None };
        }
        let value = Secret::generate().expose().to_owned();
        let fresh = Some(write(site, Kind::Browser, (&value, None)));
        Self { value, fresh }
    }
}
