//! The ways in which a SCIM request fails, as RFC 7644 section 3.12 writes them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::call::with_body;
use crate::http::programs::CallError;
use crate::protocol::scim::{ErrorType, Refusal, render};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::groups::GroupError;

/// Why a request fails.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something to be mended by the caller.
    Refused { status: StatusCode, kind: Option<ErrorType>, detail: String },
    /// What is the same for every interface of programs.
    Call(CallError),
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
            Self::Call(error) => error.is_refusal(),
        }
    }

    /// As an answer.
    pub(super) fn response(&self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Refused { status, kind, detail } => {
                shown(HttpResponse::new(*status), *kind, detail)
            }
            Self::Call(error) => {
                let (response, _, detail) = error.answer(request);
                shown(response, None, &detail)
            }
        }
    }
}

fn shown(response: HttpResponse, kind: Option<ErrorType>, detail: &str) -> HttpResponse {
    let body = render::error(response.status().as_u16(), kind, detail);
    with_body(response, &body)
}

impl From<Refusal> for Fault {
    fn from(Refusal { kind, detail }: Refusal) -> Self {
        Self::Refused { status: StatusCode::BAD_REQUEST, kind: Some(kind), detail }
    }
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

/// What an attribute is called here that is called otherwise in the use cases.
fn attribute(field: &str) -> &str {
    match field {
        "username" => "userName",
        "email" => "emails.value",
        "name" => "displayName",
        "profile.given_name" => "name.givenName",
        "profile.family_name" => "name.familyName",
        "profile.locale" => "locale",
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
