//! The ways to fail, as HTTP: OAuth JSON and bearer challenges. Pages for people are in `render::trouble`.
//! Failures of ours are logged here, once, with the request id; their text stays inside.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use super::extract::{header_text, request_id};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::token::dpop;
use crate::protocol::token::sender_constraint::Scheme;
use crate::protocol::types::ClientId;
use crate::service::failure::{EndpointError, Failure};

/// The header of a JSON document.
pub const JSON: (HeaderName, HeaderValue) =
    (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// Seconds after which trying again is worth it.
pub const RETRY_AFTER: &str = "2";

/// The body of an OAuth error (RFC 6749 section 5.2).
#[derive(Serialize)]
pub struct OAuthBody {
    error: &'static str,
    error_description: &'static str,
}

/// The body of a refusal.
#[must_use]
pub fn oauth_body(error: &OAuthError) -> OAuthBody {
    OAuthBody { error: error.code.as_str(), error_description: error.description }
}

/// Logs a failure and says which status it has.
pub fn report(request_id: &str, failure: &Failure) -> StatusCode {
    match failure {
        Failure::Unavailable(detail) => {
            tracing::warn!(request_id, detail, "a dependency does not answer");
            StatusCode::SERVICE_UNAVAILABLE
        }
        Failure::Internal(detail) => {
            tracing::error!(request_id, detail, "internal error");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// An error of an endpoint at which clients authenticate.
#[must_use]
pub fn oauth(request: &HttpRequest, error: &EndpointError) -> HttpResponse {
    match error {
        EndpointError::OAuth(refusal) => oauth_builder(request, refusal).json(oauth_body(refusal)),
        EndpointError::Failure(failure) => failed(request, failure),
    }
}

/// Status and headers of a refusal.
fn oauth_builder(request: &HttpRequest, refusal: &OAuthError) -> HttpResponseBuilder {
    tracing::info!(
        event = "request.refused",
        outcome = "failure",
        request_id = request_id(request),
        client_id = refusal.client_id.as_ref().map(ClientId::as_str),
        code = refusal.code.as_str(),
        description = refusal.description,
        detail = %refusal.detail,
        "request refused"
    );
    if refusal.code == ErrorCode::TemporarilyUnavailable {
        // Asked too often (RFC 9126 section 2.3). Counted are minutes.
        let mut response = HttpResponse::TooManyRequests();
        response.insert_header((header::RETRY_AFTER, "60"));
        return response;
    }
    if refusal.code != ErrorCode::InvalidClient {
        return HttpResponse::BadRequest();
    }
    let mut response = HttpResponse::Unauthorized();
    // RFC 6749 section 5.2: a challenge only in the scheme the client tried.
    if request.headers().contains_key(header::AUTHORIZATION) {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"doorward\""));
    }
    response
}

const SERVER_ERROR: OAuthBody = OAuthBody {
    error: "server_error",
    error_description: "Something went wrong inside the provider.",
};

/// A request whose handler gave no answer; logged by the caller.
#[must_use]
pub fn broken(status: StatusCode) -> HttpResponse {
    let body = if status.is_client_error() {
        OAuthBody { error: "invalid_request", error_description: "This request cannot be read." }
    } else {
        SERVER_ERROR
    };
    HttpResponse::build(status).json(body)
}

fn failed(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    let status = report(&request_id(request), failure);
    let body = if status == StatusCode::SERVICE_UNAVAILABLE {
        OAuthBody {
            error: "temporarily_unavailable",
            error_description: "The provider cannot answer at the moment; try again shortly.",
        }
    } else {
        SERVER_ERROR
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
    }
    response.json(body)
}

/// A request without any token: a bare challenge for each scheme (RFC 6750 section 3.1, RFC 9449
/// section 7.1).
#[must_use]
pub fn no_bearer() -> HttpResponse {
    HttpResponse::Unauthorized()
        .append_header((header::WWW_AUTHENTICATE, "Bearer realm=\"doorward\""))
        .append_header((header::WWW_AUTHENTICATE, dpop_challenge()))
        .json(OAuthBody {
            error: "invalid_token",
            error_description: "Send the access token in the Authorization header.",
        })
}

fn dpop_challenge() -> String {
    format!("DPoP realm=\"doorward\", algs=\"{}\"", dpop::algs())
}

/// An error of an endpoint that takes access tokens (RFC 6750 section 3, RFC 9449 section 7.1). The
/// error stands in the challenge of the scheme the client used.
#[must_use]
pub fn bearer(request: &HttpRequest, error: &EndpointError) -> HttpResponse {
    let refusal = match error {
        EndpointError::OAuth(refusal) => refusal,
        EndpointError::Failure(failure) => return failed(request, failure),
    };
    let status = match refusal.code {
        ErrorCode::InvalidToken | ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let with_error = |challenge: &str| {
        let (code, description) = (refusal.code.as_str(), refusal.description);
        format!("{challenge}, error=\"{code}\", error_description=\"{description}\"")
    };
    let mut response = HttpResponse::build(status);
    if scheme(request) == Some(Scheme::Dpop) {
        response.append_header((header::WWW_AUTHENTICATE, with_error(&dpop_challenge())));
    } else {
        let bearer = with_error("Bearer realm=\"doorward\"");
        response.append_header((header::WWW_AUTHENTICATE, bearer));
        response.append_header((header::WWW_AUTHENTICATE, dpop_challenge()));
    }
    response.json(oauth_body(refusal))
}

/// The scheme of the `Authorization` header.
fn scheme(request: &HttpRequest) -> Option<Scheme> {
    let header = header_text(request.headers(), &header::AUTHORIZATION)?;
    Scheme::from_name(header.split(' ').next()?)
}
