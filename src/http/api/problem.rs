//! Errors for programs: problem details (RFC 9457).

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::error;
use crate::http::extract::request_id;
use crate::protocol::error::OAuthError;
use crate::service::failure::EndpointError;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The body.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    request_id: String,
}

/// An answer with this status.
pub(super) fn answer(request: &HttpRequest, status: StatusCode, detail: &str) -> HttpResponse {
    with_body(HttpResponse::new(status), request, detail)
}

/// What went wrong with an access token, or inside: the challenge is that of every endpoint that takes
/// tokens (RFC 6750 section 3), the body a problem.
pub(super) fn bearer(request: &HttpRequest, error: &EndpointError) -> HttpResponse {
    let detail = match error {
        EndpointError::OAuth(OAuthError { description, .. }) => description,
        EndpointError::Failure(_) => "The provider cannot answer at the moment; try again shortly.",
    };
    with_body(error::bearer(request, error), request, detail)
}

/// A request without any token.
pub(super) fn no_bearer(request: &HttpRequest) -> HttpResponse {
    let detail = "Send the access token in the Authorization header.";
    with_body(error::no_bearer(), request, detail)
}

fn with_body(response: HttpResponse, request: &HttpRequest, detail: &str) -> HttpResponse {
    let status = response.status();
    let body = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
        request_id: request_id(request),
    };
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = response.set_body(BoxBody::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}
