//! What happens around every request: a request id, the common headers, metrics, one log line, and
//! a last net under panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use futures_util::FutureExt as _;
use tracing::{Instrument as _, Span};

use super::extract::{RequestId, comes_from_trusted_proxy, dpop, header_text};
use super::site::Site;
use super::{headers, unread};
use crate::crypto::secret;
use crate::telemetry::metrics::HttpRequest;
use crate::telemetry::{request_id, traces};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The middleware.
pub(super) async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(site) = request.app_data::<web::Data<Site>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let started = Instant::now();
    let inbound = header_text(request.headers(), &HEADER);
    let id = request_id::request_id(inbound, site.now(), secret::new_id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let parent = header_text(request.headers(), &TRACE_PARENT);
    // Others could tie what they do here to traces that are not theirs.
    let parent = parent.filter(|_| comes_from_trusted_proxy(&site, request.request()));
    let span = traces::request(request.method().as_str(), parent);
    let proofs = dpop(request.headers());
    let unread = unread::keep(&mut request);

    // The request moves on into the handler, so what fails without an answer becomes an error that
    // makes its own.
    let broken = |status| Broken { site: site.clone(), request_id: id.clone(), status };
    let mut response =
        match AssertUnwindSafe(next.call(request).instrument(span.clone())).catch_unwind().await {
            Ok(Ok(response)) => unread::until_answered(unread, response.map_into_boxed_body()),
            Ok(Err(error)) => return Err(broken(error.as_response_error().status_code()).into()),
            Err(_) => {
                tracing::error!(request_id = id, "a handler panicked; this is a defect");
                return Err(broken(StatusCode::INTERNAL_SERVER_ERROR).into());
            }
        };
    if headers::is_opened_by_apps(&site, response.request().path()) {
        headers::keep_opener(response.headers_mut());
    }
    headers::complete(&site, response.headers_mut());
    headers::offer_nonce(&site, &proofs, response.headers_mut());
    if site.is_draining() {
        // Whoever keeps this connection would otherwise send the next request into the closing of it.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    note(&site, &response, (&id, started), &span);
    if let Ok(value) = HeaderValue::from_maybe_shared(web::Bytes::from(id)) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// A request that ended without an answer of its own.
struct Broken {
    site: web::Data<Site>,
    request_id: String,
    status: StatusCode,
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broken").field("status", &self.status).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "request {} could not be answered", self.request_id)
    }
}

impl ResponseError for Broken {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status)
            .content_type("text/plain; charset=utf-8")
            .body(format!("{self}\n"));
        headers::complete(&self.site, response.headers_mut());
        response
    }
}

/// One metric and one log line, with the route's pattern and never the path, which may hold ids.
fn note(
    site: &Site,
    response: &ServiceResponse<BoxBody>,
    (id, started): (&str, Instant),
    span: &Span,
) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    site.metrics.http_request(&HttpRequest {
        method: request.method().as_str(),
        route: &route,
        status,
        duration: elapsed,
    });
    let method = request.method().as_str();
    let answer = traces::Answer { method, route: &route, status, request_id: id };
    let trace_id = traces::answered(span, &answer);
    tracing::debug!(
        request_id = id,
        trace_id,
        method,
        route,
        status,
        duration_ms = elapsed.as_millis(),
        "request"
    );
}
