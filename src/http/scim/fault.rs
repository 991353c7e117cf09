//! The ways in which a SCIM request fails, as RFC 7644 section 3.12 writes them.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::call::with_body;
use crate::clock::Seconds;
use crate::http::error;
use crate::http::programs::NotAdmitted;
use crate::protocol::api::ApiScope;
use crate::protocol::error::OAuthError;
use crate::protocol::scim::{ErrorType, Refusal, render};
use crate::service::api::access::AccessError;
use crate::service::failure::{EndpointError, Failure};
use crate::service::people::PeopleError;
use crate::service::people::groups::GroupError;

/// Why a request fails.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something to be mended by the caller.
    Refused { status: StatusCode, kind: Option<ErrorType>, detail: String },
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

impl Fault {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Refused { status, kind: None, detail: detail.into() }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}."))
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn syntax(detail: &str) -> Self {
        Refusal::new(ErrorType::InvalidSyntax, detail).into()
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Refusal::new(ErrorType::InvalidValue, detail).into()
    }

    /// Somebody else has changed it since.
    pub(super) fn changed() -> Self {
        let detail = "It is being changed by others. Read it again and repeat the change.";
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    fn taken(detail: &str) -> Self {
        let kind = Some(ErrorType::Uniqueness);
        Self::Refused { status: StatusCode::CONFLICT, kind, detail: detail.to_owned() }
    }

    /// Whether somebody tried what is not theirs to do.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status == StatusCode::FORBIDDEN,
            Self::Scope(_) => true,
            Self::Throttled(_) | Self::Method(_) | Self::NoCredential | Self::Endpoint(_) => false,
        }
    }

    /// As an answer.
    pub(super) fn response(&self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Refused { status, kind, detail } => {
                shown(HttpResponse::new(*status), *kind, detail)
            }
            Self::Scope(scope) => {
                let scope = scope.as_str();
                let challenge = format!(
                    "Bearer realm=\"doorward\", error=\"insufficient_scope\", scope=\"{scope}\""
                );
                let response = HttpResponse::new(StatusCode::FORBIDDEN);
                let response = with_header(response, header::WWW_AUTHENTICATE, &challenge);
                shown(response, None, &format!("The key or access token needs the scope {scope}."))
            }
            Self::Throttled(seconds) => {
                let response = HttpResponse::new(StatusCode::TOO_MANY_REQUESTS);
                let wait = seconds.max(&1).to_string();
                let response = with_header(response, header::RETRY_AFTER, &wait);
                let detail = "Too many wrong keys or tokens came from this network. Wait, and use one \
                              that works.";
                shown(response, None, detail)
            }
            Self::Method(known) => {
                let response = HttpResponse::new(StatusCode::METHOD_NOT_ALLOWED);
                let response = with_header(response, header::ALLOW, known);
                shown(response, None, &format!("This address knows {known}."))
            }
            Self::NoCredential => {
                let detail = "Send an API key or access token in the Authorization header.";
                shown(error::no_bearer(), None, detail)
            }
            Self::Endpoint(failed) => {
                let detail = match failed {
                    EndpointError::OAuth(OAuthError { description, .. }) => description,
                    EndpointError::Failure(Failure::Unavailable(_)) => {
                        "The provider cannot answer at the moment; try again shortly."
                    }
                    EndpointError::Failure(Failure::Internal(_)) => {
                        "Something went wrong inside the provider."
                    }
                };
                shown(error::bearer(request, failed), None, detail)
            }
        }
    }
}

fn shown(response: HttpResponse, kind: Option<ErrorType>, detail: &str) -> HttpResponse {
    let body = render::error(response.status().as_u16(), kind, detail);
    with_body(response, &body)
}

fn with_header(mut response: HttpResponse, name: HeaderName, value: &str) -> HttpResponse {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

impl From<Refusal> for Fault {
    fn from(Refusal { kind, detail }: Refusal) -> Self {
        Self::Refused { status: StatusCode::BAD_REQUEST, kind: Some(kind), detail }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Endpoint(failure.into())
    }
}

impl From<NotAdmitted> for Fault {
    fn from(error: NotAdmitted) -> Self {
        match error {
            NotAdmitted::NoCredential => Self::NoCredential,
            NotAdmitted::Access(AccessError::Throttled(seconds)) => Self::Throttled(seconds),
            NotAdmitted::Access(AccessError::Endpoint(error)) => Self::Endpoint(error),
        }
    }
}

/// What an attribute is called here that is called otherwise in the use cases.
fn attribute(field: &str) -> &str {
    match field {
        "username" => "userName",
        "email" => "emails.value",
        "name" => "displayName",
        "profile" => "name and locale",
        other => other,
    }
}

impl From<PeopleError> for Fault {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::NotFound => Self::not_found("person"),
            PeopleError::Taken => {
                Self::taken("Somebody has this user name or e-mail address already.")
            }
            PeopleError::Invalid { field, problem } => {
                Self::value(format!("{}: {problem}.", attribute(field)))
            }
            PeopleError::Password(refusal) => Self::value(format!("password: {refusal}")),
            PeopleError::LastOwner => Self::new(
                StatusCode::CONFLICT,
                "This is the last owner. Make somebody else an owner first.",
            ),
            PeopleError::NotYours => {
                Self::forbidden("Your role does not allow this, or not with this person.")
            }
            PeopleError::Failure(failure) => failure.into(),
        }
    }
}

impl From<GroupError> for Fault {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NotFound => Self::not_found("group"),
            GroupError::NoPerson => Self::value("members: somebody of them is not there any more."),
            GroupError::Taken => Self::taken("There is a group with this name."),
            GroupError::HasRole => Self::new(StatusCode::CONFLICT, error.to_string()),
            GroupError::People(error) => error.into(),
            GroupError::Failure(failure) => failure.into(),
        }
    }
}
