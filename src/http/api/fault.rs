//! The ways in which a call of the REST API fails, each with a status and a code that stays: problem
//! details (RFC 9457) with the members `code` and, where fields are to be mended, `errors`.

mod of_services;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Seconds;
use crate::http::extract::request_id;
use crate::http::programs::{self, CallError};
use crate::service::failure::Failure;

/// What the `type` of every problem begins with; its code follows.
const TYPE: &str = "urn:doorward:problem:";

/// What is wrong with a field.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct FieldFault {
    /// Its name as it was sent.
    pub field: String,
    pub problem: String,
}

/// The body of every error (RFC 9457 section 3).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Stays the same for the same kind of error; not an address.
    r#type: String,
    title: String,
    status: u16,
    /// What to do about it.
    detail: String,
    /// The last part of `type`.
    code: String,
    /// By which the request is found in the log.
    request_id: String,
    /// Fields to be mended.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    errors: Vec<FieldFault>,
}

/// Why a call fails.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something to be mended by the caller.
    Problem { status: StatusCode, code: &'static str, detail: String, errors: Vec<FieldFault> },
    /// Asked too often; the text says of what.
    TooMany { retry_after: Seconds, detail: String },
    /// What is the same for every interface of programs.
    Call(CallError),
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Problem { status, code, detail: detail.into(), errors: Vec::new() }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
    }

    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(super) fn too_large(detail: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// Fields that have to be mended.
    pub(super) fn invalid(errors: Vec<FieldFault>) -> Self {
        Self::Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "invalid",
            detail: "Mend the fields named in errors.".to_owned(),
            errors,
        }
    }

    pub(super) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::invalid(vec![FieldFault { field: field.into(), problem: problem.into() }])
    }

    /// Somebody else has changed it since.
    pub(super) fn changed() -> Self {
        let detail = "It is not what If-Match names any more. Read it again and repeat the change.";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    /// Whether somebody tried what is not theirs to do.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Problem { status, .. } => *status == StatusCode::FORBIDDEN,
            Self::TooMany { .. } => false,
            Self::Call(error) => error.is_refusal(),
        }
    }

    /// As an answer.
    pub(super) fn response(&self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Problem { status, code, detail, errors } => {
                with_body((HttpResponse::new(*status), request), (code, detail), errors)
            }
            Self::TooMany { retry_after, detail } => {
                let response = programs::too_many_requests(*retry_after);
                with_body((response, request), ("too_many_requests", detail), &[])
            }
            Self::Call(error) => {
                let (response, code, detail) = error.answer(request);
                with_body((response, request), (code, &detail), &[])
            }
        }
    }
}

fn with_body(
    (response, request): (HttpResponse, &HttpRequest),
    (code, detail): (&str, &str),
    errors: &[FieldFault],
) -> HttpResponse {
    let status = response.status();
    let body = Problem {
        r#type: format!("{TYPE}{code}"),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        code: code.to_owned(),
        request_id: request_id(request),
        errors: errors.to_vec(),
    };
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = response.set_body(BoxBody::new(body));
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Call(failure.into())
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
