//! Response headers that every answer carries (security catalogue section 4.1), and CORS.

use std::collections::BTreeSet;

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::site::{Site, Transport};
use crate::protocol::client::{Client, ClientKind};
use crate::protocol::discovery::path;
use crate::service::token::dpop;

/// Adds what is missing; a handler that set one of these knows better.
pub fn complete(site: &Site, headers: &mut HeaderMap) {
    let framing = Framing::of(headers);
    let mut add = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if framing == Framing::Refused {
        add(header::X_FRAME_OPTIONS, "DENY");
    }
    add(header::REFERRER_POLICY, "no-referrer");
    add(header::CACHE_CONTROL, "no-store");
    add(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    add(OPENER_POLICY, "same-origin");
    add(RESOURCE_POLICY, "same-origin");
    add(PERMISSIONS_POLICY, "camera=(), microphone=(), geolocation=()");
    if site.transport == Transport::Https {
        add(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Where a sign-in on the way to an app leads through.
const OPENED_BY_APPS: [&str; 3] = [path::AUTHORIZE, "/login", "/consent"];

/// Lets a window that an app has opened for a sign-in keep its tie to the app: browsers cut it for
/// good at the first answer that has a policy of its own, and then the app never hears of the end.
/// Framing is refused, and nothing on these pages can be read through the tie.
pub fn keep_opener(headers: &mut HeaderMap) {
    headers.insert(OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
}

/// Whether what is asked for is on the way of such a sign-in, so that its answer needs
/// [`keep_opener`].
#[must_use]
pub fn is_opened_by_apps(site: &Site, requested: &str) -> bool {
    let below = requested.strip_prefix(site.base.as_str()).unwrap_or(requested);
    let opened = |start: &str| {
        below.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    OPENED_BY_APPS.into_iter().any(opened)
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Whether other sites may put an answer into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// The check-session page, whose own policy says so.
    Welcome,
    Refused,
}

impl Framing {
    fn of(headers: &HeaderMap) -> Self {
        let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|v| v.to_str().ok());
        match policy {
            Some(policy) if policy.ends_with("frame-ancestors *") => Self::Welcome,
            _ => Self::Refused,
        }
    }
}

/// The name of the header that hands out nonces (RFC 9449 section 8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Tells the sender of a DPoP proof which nonce to use from now on, if it needs another.
pub fn offer_nonce(site: &Site, proofs: &[String], headers: &mut HeaderMap) {
    let nonce = dpop::nonce_to_offer(site, proofs);
    if let Some(Ok(nonce)) = nonce.map(|nonce| HeaderValue::from_str(&nonce)) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// Whether forms of a page may be sent elsewhere. Browsers check `form-action` along the whole
/// redirect chain, so pages of a sign-in, which ends at a client, must leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    /// Pages of a flow.
    Anywhere,
    /// Account and console pages.
    HereOnly,
}

/// The policy of a page whose links and scripts carry this nonce.
#[must_use]
pub fn page_policy(nonce: &str, forms: Forms) -> String {
    let tail = match forms {
        Forms::Anywhere => "",
        Forms::HereOnly => "; form-action 'self'",
    };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
         base-uri 'none'; object-src 'none'{tail}"
    )
}

/// [`page_policy`] for a page that also loads these sites in frames.
#[must_use]
pub fn framing_policy<'a>(nonce: &str, origins: impl Iterator<Item = &'a str>) -> String {
    let origins: BTreeSet<&str> = origins.collect();
    let mut policy = page_policy(nonce, Forms::Anywhere);
    if !origins.is_empty() {
        policy.push_str("; frame-src");
        for origin in origins {
            policy.push(' ');
            policy.push_str(origin);
        }
    }
    policy
}

/// Lets scripts of any origin read a public document.
pub fn allow_any_origin(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((RESOURCE_POLICY, "cross-origin"));
}

/// Lets scripts of the client's own origins read the answer. No credentials: cookies play no part
/// at these endpoints.
pub fn allow_client_origin(headers: &mut HeaderMap, origin: Option<&str>, client: &Client) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|origin| is_origin_of(client, origin)) else { return };
    let Ok(origin) = HeaderValue::from_str(origin) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}

fn is_origin_of(client: &Client, origin: &str) -> bool {
    let metadata = &client.metadata;
    metadata.allowed_origins.iter().any(|own| own == origin)
        || (metadata.kind == ClientKind::Spa
            && metadata.redirect_uris.iter().any(|uri| {
                url::Url::parse(uri).is_ok_and(|url| url.origin().ascii_serialization() == origin)
            }))
}
