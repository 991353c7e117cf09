//! Answers to requests whose handler gave none: it panicked, or an error got past it. The client cannot
//! tell them from other failures of ours.

use actix_web::body::MessageBody as _;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{Error, HttpResponse, ResponseError, web};

use super::dress;
use crate::http::extract::header_text;
use crate::http::site::Site;
use crate::http::unread::{self, Shared};
use crate::http::{error, render};

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A browser in front of a person.
    Person,
    Program,
}

impl Reader {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match header_text(headers, &header::ACCEPT) {
            Some(accepted) if accepted.contains("text/html") => Self::Person,
            Some(_) | None => Self::Program,
        }
    }
}

/// Logs an error that got past every handler, and gives its status.
pub(super) fn by_error(error: &Error, request_id: &str) -> StatusCode {
    let status = error.as_response_error().status_code();
    if status.is_client_error() {
        tracing::info!(
            event = "request.refused",
            outcome = "failure",
            request_id,
            %error,
            "request refused without an answer"
        );
        return status;
    }
    tracing::error!(request_id, %error, "an error got past a handler; this is a defect");
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Logs a panic, and gives its status. What it said is on standard error already.
pub(super) fn by_panic(request_id: &str) -> StatusCode {
    tracing::error!(request_id, "a handler panicked; this is a defect");
    StatusCode::INTERNAL_SERVER_ERROR
}

/// A request that ended without an answer of its own.
pub(super) struct Broken {
    pub(super) site: web::Data<Site>,
    pub(super) request_id: String,
    pub(super) status: StatusCode,
    pub(super) reader: Reader,
    /// The `DPoP` headers it had.
    pub(super) proofs: Vec<String>,
    /// Its body, if that could have no end.
    pub(super) unread: Option<Shared>,
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
        let mut response = match self.reader {
            Reader::Person => render::broken(&self.site, &self.request_id, self.status),
            Reader::Program => error::broken(self.status),
        };
        dress(&self.site, (&self.request_id, &self.proofs), response.headers_mut());
        if self.site.is_draining() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response.map_body(|_, body| unread::kept_by(self.unread.clone(), body.boxed()))
    }
}
