//! The answer to a proxy: 200 with who it is, 401 or a redirect to the sign-in, 403, or 503 when it
//! cannot be known. Only proxies in `server.trusted_proxies` get any other answer than 403: to them a
//! browser's own headers have already been overwritten.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::{ENVOY, START};
use crate::app::Seen;
use crate::http::cookies::{self, Kind};
use crate::http::error::{self, RETRY_AFTER};
use crate::http::extract::{self, header_text, request_id};
use crate::http::sign_in::not_found;
use crate::http::site::Site;
use crate::protocol::authorize::acr::Level;
use crate::protocol::gateway::Refusal;
use crate::protocol::gateway::original::{Original, Said, Told};
use crate::protocol::params::Params;
use crate::protocol::token::sender_constraint::Scheme;
use crate::service::failure::Failure;
use crate::service::gateway::{self, Proof, Verdict};

const BEARER: &str = "Bearer realm=\"doorward\"";
const BAD_TOKEN: &str = "Bearer realm=\"doorward\", error=\"invalid_token\", \
    error_description=\"The access token is not good for this app.\"";

/// The request is described in headers (NGINX, Caddy, Traefik, HAProxy).
pub(super) async fn by_headers(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let original = Original::from_headers(&told(request.headers()));
    let way = match request.query_string() {
        "redirect" => ToSignIn::Redirect,
        _ => ToSignIn::Header,
    };
    answer(site, request, (original, way)).await
}

/// The request itself, below our path (Envoy).
pub(super) async fn by_itself(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let whole = request.uri().path_and_query().map_or("", |target| target.as_str());
    let target = whole.strip_prefix(&site.path(ENVOY)).unwrap_or_default();
    let headers = request.headers();
    let original = Original::from_parts(
        (said(headers, "x-forwarded-proto"), "X-Forwarded-Proto"),
        (said(headers, "host"), "Host"),
        (request.method().as_str(), target),
    );
    answer(site, request, (original, ToSignIn::Redirect)).await
}

/// How the way to the sign-in is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToSignIn {
    /// By a redirect, where the proxy passes our answer on to the browser.
    Redirect,
    /// In a header beside 401, where the proxy makes an answer of its own.
    Header,
}

fn told(headers: &HeaderMap) -> Told<'_> {
    Told {
        original_url: said(headers, "x-original-url"),
        original_method: said(headers, "x-original-method"),
        forwarded_proto: said(headers, "x-forwarded-proto"),
        forwarded_host: said(headers, "x-forwarded-host"),
        forwarded_uri: said(headers, "x-forwarded-uri"),
        forwarded_method: said(headers, "x-forwarded-method"),
    }
}

fn said<'a>(headers: &'a HeaderMap, name: &'static str) -> Said<'a> {
    let mut values = headers.get_all(HeaderName::from_static(name));
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        (Some(value), None) => value.to_str().map_or(Said::Unclear, Said::Once),
        (Some(_), Some(_)) => Said::Unclear,
    }
}

async fn answer(
    site: web::Data<Site>,
    request: HttpRequest,
    (original, way): (Result<Original, Refusal>, ToSignIn),
) -> HttpResponse {
    if !site.config.gateway.enabled {
        return not_found(site, request).await;
    }
    if !extract::comes_from_trusted_proxy(&site, &request) {
        let peer = extract::peer_address(&request).map(|peer| peer.to_string());
        tracing::warn!(
            event = "gateway.refused",
            outcome = "failure",
            peer,
            "somebody who is no trusted proxy asks the gateway"
        );
        site.metrics.gateway_check("untrusted");
        return plain(HttpResponse::Forbidden(), "Only trusted proxies may ask here.\n");
    }
    let original = match original {
        Ok(original) => original,
        Err(refusal) => {
            site.metrics.gateway_check(Verdict::Refuse(refusal).name());
            return refuse(&request, refusal);
        }
    };
    let verdict = decide(&site, &request, &original).await;
    let name = verdict.as_ref().map_or("unavailable", Verdict::name);
    site.metrics.gateway_check(name);
    match verdict {
        Ok(Verdict::Public) => public(),
        Ok(Verdict::Allow(known)) => allow(&known),
        Ok(Verdict::SignIn(level)) => sign_in(&site, &request, (&original, level, way)),
        Ok(Verdict::BadToken) => unauthorized(BAD_TOKEN),
        Ok(Verdict::Deny) => {
            let host = &original.host;
            tracing::info!(
                event = "gateway.refused",
                outcome = "failure",
                request_id = request_id(&request),
                host,
                "the gateway's rules say no"
            );
            plain(HttpResponse::Forbidden(), "You may not open this page with your account.\n")
        }
        Ok(Verdict::Refuse(refusal)) => refuse(&request, refusal),
        Err(failure) => failed(&request, &failure),
    }
}

async fn decide(
    site: &Site,
    request: &HttpRequest,
    original: &Original,
) -> Result<Verdict, Failure> {
    let mut authorization = request.headers().get_all(header::AUTHORIZATION);
    let token = match (authorization.next(), authorization.next()) {
        (None, _) => None,
        (Some(value), None) => bearer(value),
        (Some(_), Some(_)) => return Ok(Verdict::BadToken),
    };
    // A token that is no good is an answer; the cookie does not make up for it.
    if let Some(token) = token {
        return gateway::check(site, original, Proof::Token(token)).await;
    }
    let cookies = cookies::read_all(site, request, Kind::Gateway);
    let proof = if cookies.is_empty() { Proof::Nothing } else { Proof::Cookies(&cookies) };
    gateway::check(site, original, proof).await
}

/// The token of a header of our schemes. Other schemes are between the browser and the app.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let value = value.to_str().ok()?;
    // Without a token it is a bad one: whoever names our scheme means us.
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Scheme::from_name(scheme).map(|_| token.trim())
}

fn refuse(request: &HttpRequest, refusal: Refusal) -> HttpResponse {
    tracing::warn!(
        event = "gateway.refused",
        outcome = "failure",
        request_id = request_id(request),
        %refusal,
        "the gateway refuses a request"
    );
    plain(HttpResponse::Forbidden(), &format!("This request cannot be checked: {refusal}.\n"))
}

fn allow(known: &Seen) -> HttpResponse {
    let headers = known.written.get_or_make(|| written(&known.headers));
    let Some(headers) = headers.and_then(Option::as_ref) else {
        return HttpResponse::InternalServerError().finish();
    };
    let mut response = HttpResponse::new(StatusCode::OK);
    let map = response.headers_mut();
    for (name, value) in headers {
        map.insert(name.clone(), value.clone());
    }
    response
}

/// Headers as they are sent; `None` if one of them cannot be: an app would take its absence for an
/// answer.
fn written(headers: &[(&'static str, String)]) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let written = headers.iter().map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
    });
    written.collect()
}

/// Nobody was asked, so the app is told of nobody, whatever the browser claims.
fn public() -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for name in gateway::blank_headers() {
        response.insert_header((name, ""));
    }
    response.finish()
}

/// Programs get 401; for people there is a place to sign in.
fn sign_in(
    site: &Site,
    request: &HttpRequest,
    (original, level, way): (&Original, Option<Level>, ToSignIn),
) -> HttpResponse {
    if !wants_page(request.headers()) {
        return unauthorized(BEARER);
    }
    let url = original.url();
    let mut query = Params::from_pairs([("rd", url.as_str())]);
    if let Some(level) = level {
        query = query.with("acr", level.as_str());
    }
    let place = format!("{}{START}?{}", site.issuer(), query.encode());
    let mut response = match way {
        ToSignIn::Redirect => HttpResponse::Found(),
        ToSignIn::Header => HttpResponse::Unauthorized(),
    };
    if way == ToSignIn::Header {
        response.insert_header((header::WWW_AUTHENTICATE, BEARER));
    }
    response.insert_header((header::LOCATION, place));
    plain(response, "Sign in first.\n")
}

/// Whether it is a browser that goes somewhere, not a script or another program.
fn wants_page(headers: &HeaderMap) -> bool {
    let text = |name: &'static str| header_text(headers, &HeaderName::from_static(name));
    let html = text("accept").is_some_and(|accept| accept.contains("text/html"));
    let navigates = text("sec-fetch-mode").is_none_or(|mode| mode.is_empty() || mode == "navigate");
    let script = text("x-requested-with").is_some_and(|by| by == "XMLHttpRequest");
    html && navigates && !script
}

fn unauthorized(challenge: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Unauthorized();
    response.insert_header((header::WWW_AUTHENTICATE, challenge));
    plain(response, "Sign in first, or send an access token for this app.\n")
}

fn failed(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    let status = error::report(&request_id(request), failure);
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
    }
    plain(response, "It cannot be checked at the moment who you are. Try again shortly.\n")
}

fn plain(mut response: HttpResponseBuilder, text: &str) -> HttpResponse {
    response.content_type("text/plain; charset=utf-8").body(text.to_owned())
}
