//! What handlers take from a request.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};

use super::cookies::{self, Kind};
use super::site::Site;
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::service::audit::Caller;
use crate::service::dpop::Entrance;
use crate::service::failure::Failure;
use crate::service::session::{self, LiveSession};

/// The id of this request: in logs, answers and error pages. Put there by the middleware.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The id of a request.
#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Where the request came from.
#[must_use]
pub fn caller(site: &Site, request: &HttpRequest) -> Caller {
    let agent = header_text(request.headers(), &header::USER_AGENT);
    Caller {
        address: client_address(site, request).map(|address| address.to_string()),
        request_id: Some(request_id(request)),
        user_agent: agent.map(|text| text.chars().take(300).collect()),
    }
}

/// Whether the connection is one of a reverse proxy that is believed about what is behind it.
#[must_use]
pub fn comes_from_trusted_proxy(site: &Site, request: &HttpRequest) -> bool {
    request.peer_addr().is_some_and(|peer| is_trusted(site, peer.ip()))
}

fn is_trusted(site: &Site, address: IpAddr) -> bool {
    site.config.server.trusted_proxies.iter().any(|network| network.contains(&address))
}

/// The peer's address; behind a trusted proxy the last address that no trusted proxy has.
/// `X-Forwarded-For` from anybody else is ignored.
fn client_address(site: &Site, request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let trusted = |address: IpAddr| is_trusted(site, address);
    if !trusted(peer) {
        return Some(peer);
    }
    let name = header::HeaderName::from_static("x-forwarded-for");
    let hops: Vec<IpAddr> = request
        .headers()
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|hop| hop.trim().parse().ok())
        .collect();
    hops.into_iter().rev().find(|hop| !trusted(*hop)).or(Some(peer))
}

/// A header as text, if it is text.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Every `DPoP` header as it was sent (RFC 9449 section 4.1).
#[must_use]
pub fn dpop(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all("DPoP");
    all.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
}

/// By which of its addresses a request reached us: known by the listener that took it.
#[must_use]
pub fn entrance(site: &Site, request: &HttpRequest) -> Entrance {
    let server = &site.config.server;
    if server.mtls_url.is_none() {
        return Entrance::Issuer;
    }
    if server.mtls_listen.is_empty() {
        return Entrance::Either;
    }
    if server.mtls_listen.contains(&request.app_config().local_addr()) {
        Entrance::Certificates
    } else {
        Entrance::Issuer
    }
}

/// The live SSO session of this browser.
///
/// # Errors
/// [`Failure`] when it cannot be known.
pub async fn current_session(
    site: &Site,
    request: &HttpRequest,
) -> Result<Option<LiveSession>, Failure> {
    match cookies::read(site, request, Kind::Session) {
        Some(cookie) => session::current(site, &cookie).await,
        None => Ok(None),
    }
}

/// Whether a body is a form: the only kind our pages and OAuth endpoints take. A compressed one is
/// none: inflating it could fill the memory from a few bytes.
#[must_use]
pub fn is_form(request: &HttpRequest) -> bool {
    !request.headers().contains_key(header::CONTENT_ENCODING)
        && request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The form body of a request.
///
/// # Errors
/// `invalid_request` when the body is of another type or has too many fields.
pub fn form(request: &HttpRequest, body: &[u8]) -> Result<Params, OAuthError> {
    if !is_form(request) {
        return Err(OAuthError::invalid_request(
            "The body must be application/x-www-form-urlencoded and not compressed.",
        ));
    }
    Params::parse(body)
}
