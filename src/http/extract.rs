//! What handlers take from a request.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};
use ipnet::IpNet;

use super::cookies::{self, Kind};
use super::site::Site;
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::session_data::conditions::Tags;
use crate::service::audit::Caller;
use crate::service::failure::Failure;
use crate::service::session::{self, LiveSession};
use crate::service::token::dpop::Entrance;

const DPOP: header::HeaderName = header::HeaderName::from_static("dpop");

/// How this request is called. Put there by the middleware.
#[derive(Debug, Clone)]
pub struct RequestId {
    /// In logs, answers and error pages.
    pub id: String,
    /// The trace it belongs to, if there is one; then a span of the log is around the whole request.
    pub trace_id: Option<String>,
}

/// The id of a request.
#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|known| known.id.clone()).unwrap_or_default()
}

/// What joins the log lines of everything that is done for the request, warnings and errors among them:
/// so the span is there at every level of the log.
#[must_use]
pub fn log_span(request: &HttpRequest) -> tracing::Span {
    let is_traced = |known: &RequestId| known.trace_id.is_some();
    if request.extensions().get::<RequestId>().is_some_and(is_traced) {
        return tracing::Span::none();
    }
    tracing::error_span!("request", request_id = request_id(request))
}

/// The same around the whole of a request that belongs to a trace. Others have no span of the log
/// around all of them: most write no line, and it would cost each a tenth of its time.
pub(super) fn traced_span(request_id: &str, trace_id: Option<&str>) -> tracing::Span {
    match trace_id {
        Some(trace_id) => tracing::error_span!("request", request_id, trace_id),
        None => tracing::Span::none(),
    }
}

/// Where the request came from.
#[must_use]
pub fn caller(site: &Site, request: &HttpRequest) -> Caller {
    let agent = header_text(request.headers(), &header::USER_AGENT);
    Caller {
        address: client_address(site, request).map(|address| address.to_string()),
        request_id: Some(request_id(request)),
        user_agent: agent.map(|text| text.chars().take(300).collect()),
        device: device(site, request),
    }
}

/// By what a browser is known, if it brings a cookie that looks like ours.
fn device(site: &Site, request: &HttpRequest) -> Option<String> {
    let value = cookies::read(site, request, Kind::Device)?;
    Secret::looks_like_one(&value).then(|| SecretHash::of(&value).as_str().to_owned())
}

/// Whether the connection is one of a reverse proxy that is believed about what is behind it.
#[must_use]
pub fn comes_from_trusted_proxy(site: &Site, request: &HttpRequest) -> bool {
    peer_address(request).is_some_and(|peer| is_trusted(&site.config.server.trusted_proxies, peer))
}

/// The address at the other end of the connection. A socket that takes both families (`[::]`) calls
/// somebody who came by IPv4 `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2); here that is `192.0.2.1`, as
/// everybody writes it.
#[must_use]
pub fn peer_address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip().to_canonical())
}

/// Whether an address is in one of these networks. One that is written in the IPv6 form of IPv4 holds
/// addresses of IPv4.
fn is_trusted(networks: &[IpNet], address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V4(v4) => Some(IpAddr::V6(v4.to_ipv6_mapped())),
        IpAddr::V6(_) => None,
    };
    networks.iter().any(|network| {
        network.contains(&address) || mapped.is_some_and(|mapped| network.contains(&mapped))
    })
}

/// The peer's address; behind a trusted proxy the last address that no trusted proxy has.
/// `X-Forwarded-For` from anybody else is ignored.
fn client_address(site: &Site, request: &HttpRequest) -> Option<IpAddr> {
    let peer = peer_address(request)?;
    let trusted = |address: IpAddr| is_trusted(&site.config.server.trusted_proxies, address);
    if !trusted(peer) {
        return Some(peer);
    }
    let name = header::HeaderName::from_static("x-forwarded-for");
    let lines: Vec<_> = request.headers().get_all(name).map(|line| line.to_str().ok()).collect();
    Some(behind(peer, &lines, trusted))
}

/// Who is behind a trusted peer, by the lines of `X-Forwarded-For`, each as far as it is text. Every
/// proxy adds whom it heard at the end, so reading goes backwards, and no further than a hop that
/// cannot be read: what is before it anybody may have written.
fn behind(peer: IpAddr, lines: &[Option<&str>], trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut last = peer;
    for line in lines.iter().rev() {
        let Some(line) = line else { return last };
        for text in line.rsplit(',') {
            match hop(text) {
                None => return last,
                Some(address) if !trusted(address) => return address,
                Some(address) => last = address,
            }
        }
    }
    peer
}

/// An address as proxies write it: alone, with a port, in brackets; one of IPv4 perhaps in its IPv6 form.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address| address.to_canonical())
}

/// A header as text, if it is text.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A conditional header holds something else than `*` or tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTags;

/// What a conditional header names; several lines are one list (RFC 9110 section 5.3). `None` where there is
/// no such header.
///
/// # Errors
/// [`NoTags`].
pub fn tags(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<Tags>, NoTags> {
    let lines: Option<Vec<&str>> = headers.get_all(name).map(|line| line.to_str().ok()).collect();
    match lines.as_deref() {
        Some([]) => Ok(None),
        lines => lines.and_then(|lines| Tags::parse(&lines.join(","))).map(Some).ok_or(NoTags),
    }
}

/// Every `DPoP` header as it was sent (RFC 9449 section 4.1).
#[must_use]
pub fn dpop(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all(DPOP);
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The proxies are 10.0.0.0/8, and one of them is the peer.
    fn found(lines: &[Option<&str>]) -> IpAddr {
        let trusted = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.octets()[0] == 10,
            IpAddr::V6(_) => false,
        };
        behind(ip("10.0.0.1"), lines, trusted)
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_counts_however_it_is_written() {
        for (line, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9:51034", "203.0.113.9"),
            ("198.51.100.1,203.0.113.9:51034 , 10.0.0.2:443", "203.0.113.9"),
            ("198.51.100.1, [2001:db8::1]", "2001:db8::1"),
            ("198.51.100.1, [2001:db8::1]:443", "2001:db8::1"),
            ("198.51.100.1, 2001:db8::1", "2001:db8::1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.1"),
            ("198.51.100.1, ::ffff:203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
            ("198.51.100.1, [::ffff:203.0.113.9]:443", "203.0.113.9"),
        ] {
            assert_eq!(found(&[Some(line)]), ip(expected), "{line}");
        }
        assert_eq!(found(&[]), ip("10.0.0.1"));
        assert_eq!(found(&[Some("198.51.100.1"), Some("203.0.113.9")]), ip("203.0.113.9"));
    }

    #[test]
    fn nothing_before_a_hop_that_cannot_be_read_is_believed() {
        for (line, expected) in [
            ("198.51.100.1, unknown", "10.0.0.1"),
            ("198.51.100.1, ", "10.0.0.1"),
            ("198.51.100.1, 203.0.113.9:x, 10.0.0.2", "10.0.0.2"),
            ("198.51.100.1, _hidden:1, 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(found(&[Some(line)]), ip(expected), "{line}");
        }
        assert_eq!(found(&[Some("198.51.100.1"), None]), ip("10.0.0.1"));
    }

    #[test]
    fn a_peer_of_ipv4_is_known_by_its_ipv4_address_on_every_socket() {
        for (peer, expected) in [
            ("[::ffff:192.0.2.1]:9", "192.0.2.1"),
            ("192.0.2.1:9", "192.0.2.1"),
            ("[2001:db8::1]:9", "2001:db8::1"),
            ("[::1]:9", "::1"),
        ] {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            assert_eq!(peer_address(&request.to_http_request()), Some(ip(expected)), "{peer}");
        }
    }

    #[test]
    fn a_network_of_ipv4_may_be_written_in_either_form() {
        let networks = ["192.0.2.0/24", "::ffff:10.0.0.0/104", "2001:db8::/32"];
        let networks = networks.map(|text| text.parse().unwrap());
        for (address, expected) in [
            ("192.0.2.7", true),
            ("10.9.9.9", true),
            ("11.0.0.1", false),
            ("198.51.100.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_trusted(&networks, ip(address)), expected, "{address}");
        }
    }
}
