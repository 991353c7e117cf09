//! What happens around every request: a request id, the common headers, metrics, one log line, and
//! a last net under panics and errors that no handler has made an answer of ([`broken`]).

mod broken;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use futures_util::FutureExt as _;
use tracing::{Instrument as _, Span};

use super::extract::{RequestId, comes_from_trusted_proxy, dpop, header_text, traced_span};
use super::site::Site;
use super::{headers, unread};
use crate::crypto::secret;
use crate::telemetry::metrics::HttpRequest;
use crate::telemetry::{request_id, traces};
use broken::{Broken, Reader};

/// What stands for the route of a request that ended without an answer of its own. The request went down
/// with its handler, and its route with it; the log line before says what happened.
const UNANSWERED: &str = "unanswered";

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static(traces::TRACE_PARENT);

/// The middleware.
pub(super) async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(site) = request.app_data::<web::Data<Site>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let started = Instant::now();
    // Others could tie what they do here to requests and traces that are not theirs.
    let believed = comes_from_trusted_proxy(&site, request.request());
    let inbound = header_text(request.headers(), &HEADER).filter(|_| believed);
    let id = request_id::request_id(inbound, site.now(), secret::new_id);
    let parent = header_text(request.headers(), &TRACE_PARENT).filter(|_| believed);
    let method = request.method().clone();
    let span = traces::request(method.as_str(), parent);
    let trace_id = traces::trace_id(&span, parent);
    let lines = traced_span(&id, trace_id.as_deref());
    request.extensions_mut().insert(RequestId { id: id.clone(), trace_id: trace_id.clone() });
    let proofs = dpop(request.headers());
    let reader = Reader::of(request.headers());
    let unread = unread::keep(&mut request);

    // Called inside the net, too: a service may do its work before there is anything to wait for.
    let answering = async { next.call(request).await }.instrument(lines.clone());
    let answering = answering.instrument(span.clone());
    let response = match AssertUnwindSafe(answering).catch_unwind().await {
        Ok(Ok(response)) => {
            Ok(unread::until_answered(unread.clone(), response.map_into_boxed_body()))
        }
        Ok(Err(error)) => Err(lines.in_scope(|| broken::by_error(&error, &id))),
        Err(_) => Err(lines.in_scope(|| broken::by_panic(&id))),
    };
    let mut response = match response {
        Ok(response) => response,
        // The request has moved on into the handler, so the error makes the answer itself.
        Err(status) => {
            let answer = traces::Answer {
                method: method.as_str(),
                route: UNANSWERED,
                status: status.as_u16(),
                request_id: &id,
                trace_id: trace_id.as_deref(),
            };
            note(&site, &answer, started, &span);
            return Err(Broken { site, request_id: id, status, reader, proofs, unread }.into());
        }
    };
    if headers::is_opened_by_apps(&site, response.request().path()) {
        headers::keep_opener(response.headers_mut());
    }
    dress(&site, (&id, &proofs), response.headers_mut());
    if site.is_draining() {
        // Whoever keeps this connection would otherwise send the next request into the closing of it.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let route = response.request().match_pattern();
    let answer = traces::Answer {
        method: method.as_str(),
        route: route.as_deref().unwrap_or("unmatched"),
        status: response.status().as_u16(),
        request_id: &id,
        trace_id: trace_id.as_deref(),
    };
    note(&site, &answer, started, &span);
    Ok(response)
}

/// The headers that every answer has.
fn dress(site: &Site, (id, proofs): (&str, &[String]), headers: &mut HeaderMap) {
    headers::complete(site, headers);
    headers::offer_nonce(site, proofs, headers);
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HEADER, value);
    }
}

/// One metric and one log line, with the route's pattern and never the path, which may hold ids.
fn note(site: &Site, answer: &traces::Answer<'_>, started: Instant, span: &Span) {
    let elapsed = started.elapsed();
    let traces::Answer { method, route, status, request_id, trace_id } = *answer;
    site.metrics.http_request(&HttpRequest { method, route, status, duration: elapsed });
    traces::answered(span, answer);
    tracing::debug!(
        request_id,
        trace_id,
        method,
        route,
        status,
        duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "request"
    );
}
