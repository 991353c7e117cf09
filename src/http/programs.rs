//! What the interfaces for administrators' programs share, the REST API and SCIM: their methods, which program
//! calls, and what both answer when it may not, each in its own shape.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Route, web};

use super::extract;
use super::presented::{self, Sender};
use super::routes::reading;
use crate::clock::Seconds;
use crate::http::error;
use crate::http::site::Site;
use crate::protocol::api::ApiScope;
use crate::protocol::error::OAuthError;
use crate::protocol::rights::Right;
use crate::protocol::user::User;
use crate::service::api::access::{self, AccessError, ApiCaller};
use crate::service::failure::{EndpointError, Failure};
use crate::service::people::{PeopleError, allowed};

/// The methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Shows; never changes anything.
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// As `Allow` names it (RFC 9110 section 10.2.1).
    pub(super) fn allowed(self) -> &'static str {
        if self == Self::Get { "GET, HEAD" } else { self.as_str() }
    }

    /// The way in for it.
    pub(super) fn route(self) -> Route {
        match self {
            Self::Get => reading(),
            Self::Post => web::post(),
            Self::Put => web::put(),
            Self::Patch => web::patch(),
            Self::Delete => web::delete(),
        }
    }
}

/// The program by its credential, which is taken from the header alone.
pub(super) async fn admit(site: &Site, request: &HttpRequest) -> Result<ApiCaller, CallError> {
    let sent = presented::token(request).map_err(|twice| CallError::Endpoint(twice.into()))?;
    let sent = sent.ok_or(CallError::NoCredential)?;
    let sender = Sender::as_sent(site, request);
    let caller = extract::caller(site, request);
    Ok(access::admit(site, &sender.presented(sent), &caller).await?)
}

/// Whether a program may do this with this person: the role has to allow it, and the scopes.
pub(super) async fn may_change<F>(
    site: &Site,
    caller: &ApiCaller,
    right: Right,
    person: &User,
) -> Result<(), F>
where
    F: From<Failure> + From<PeopleError> + From<CallError>,
{
    let is_allowed = right == Right::PeopleRead
        || allowed::may_change(site, &caller.standing, right, person).await?;
    match (is_allowed, caller.missing_for(right, person)) {
        (false, _) => Err(PeopleError::NotYours.into()),
        (true, Some(scope)) => Err(CallError::Scope(scope).into()),
        (true, None) => Ok(()),
    }
}

/// Why a call fails whatever it is about.
#[derive(Debug)]
pub(super) enum CallError {
    /// The key or token does not have this scope (RFC 6750 section 3.1).
    Scope(ApiScope),
    /// Too many wrong credentials.
    Throttled(Seconds),
    /// The method is not one of these.
    Method(String),
    /// No key and no token at all.
    NoCredential,
    /// A key or token that is none, or a failure of ours.
    Endpoint(EndpointError),
}

impl From<AccessError> for CallError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Throttled(seconds) => Self::Throttled(seconds),
            AccessError::Endpoint(error) => Self::Endpoint(error),
        }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Endpoint(failure.into())
    }
}

impl CallError {
    /// Whether somebody tried what is not theirs to do.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Scope(_))
    }

    /// The answer, whose body is still to be made of the code and the detail.
    pub(super) fn answer(
        &self,
        request: &HttpRequest,
    ) -> (HttpResponse, &'static str, Cow<'static, str>) {
        match self {
            Self::Scope(scope) => {
                let scope = scope.as_str();
                let challenge = format!(
                    "Bearer realm=\"doorward\", error=\"insufficient_scope\", scope=\"{scope}\""
                );
                let response =
                    with_header(StatusCode::FORBIDDEN, header::WWW_AUTHENTICATE, &challenge);
                let detail = format!("The key or access token needs the scope {scope}.");
                (response, "insufficient_scope", detail.into())
            }
            Self::Throttled(seconds) => {
                let response = too_many_requests(*seconds);
                let detail = "Too many wrong keys or tokens came from this network. Wait, and use one \
                              that works.";
                (response, "too_many_requests", detail.into())
            }
            Self::Method(known) => {
                let response = with_header(StatusCode::METHOD_NOT_ALLOWED, header::ALLOW, known);
                (response, "method_not_allowed", format!("This address knows {known}.").into())
            }
            Self::NoCredential => {
                let detail = "Send a token in the Authorization header, after the word Bearer.";
                (error::no_bearer(), "invalid_token", detail.into())
            }
            Self::Endpoint(failed) => {
                let (code, detail) = said_of(failed);
                (error::bearer(request, failed), code, detail.into())
            }
        }
    }
}

fn said_of(failed: &EndpointError) -> (&'static str, &'static str) {
    match failed {
        EndpointError::OAuth(OAuthError { code, description, .. }) => (code.as_str(), *description),
        EndpointError::Failure(Failure::Unavailable(_)) => (
            "temporarily_unavailable",
            "The provider cannot answer at the moment; try again shortly.",
        ),
        EndpointError::Failure(Failure::Internal(_)) => {
            ("server_error", "Something went wrong inside the provider.")
        }
    }
}

/// A 429 without a body, which says when to come back (RFC 6585 section 4, RFC 9110 section 10.2.3).
pub(super) fn too_many_requests(retry_after: Seconds) -> HttpResponse {
    let wait = retry_after.max(1).to_string();
    with_header(StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, &wait)
}

fn with_header(status: StatusCode, name: HeaderName, value: &str) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
