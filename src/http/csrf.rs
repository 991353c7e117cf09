//! Cross-site request forgery: every form carries a MAC over this browser's binding cookie and, for
//! signed-in pages, the session; and browsers that say where a request comes from are believed.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

use super::site::Site;
use crate::app::App;
use crate::crypto::seal::Purpose;
use crate::protocol::types::SessionId;

/// The token for a form of this browser, and of this session if it acts for one.
#[must_use]
pub fn token(app: &App, browser: &str, session: Option<&SessionId>) -> String {
    app.sealer.mac(Purpose::Csrf, message(browser, session).as_bytes())
}

/// Whether a form came from a page of ours that this browser was shown.
#[must_use]
pub fn is_ours(app: &App, presented: &str, (browser, session): (&str, Option<&SessionId>)) -> bool {
    app.sealer.mac_matches(Purpose::Csrf, message(browser, session).as_bytes(), presented)
}

fn message(browser: &str, session: Option<&SessionId>) -> String {
    format!("{browser}|{}", session.map(SessionId::as_str).unwrap_or_default())
}

/// Whether the browser says that the request comes from this site. `Sec-Fetch-Site` is believed
/// first: under `Referrer-Policy: no-referrer` browsers send `Origin: null` even from our own pages.
#[must_use]
pub fn comes_from_here(site: &Site, request: &HttpRequest) -> bool {
    let text = |name: HeaderName| request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
    match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(fetch), _) => matches!(fetch, "same-origin" | "none"),
        (None, Some(origin)) => origin == site.origin,
        (None, None) => true,
    }
}
