//! What the use cases refuse, as problems.

use actix_web::http::StatusCode;

use super::{Fault, FieldFault};
use crate::pictures::PictureProblem;
use crate::protocol::token::trusted_issuer::IssuerProblem;
use crate::service::api::keys::ApiKeyError;
use crate::service::clients::ClientError;
use crate::service::clients::registration::permissions::PermissionError;
use crate::service::clients::roles::RoleError;
use crate::service::jobs::JobError;
use crate::service::keys::KeyChangeError;
use crate::service::mail::MailTestError;
use crate::service::organisations::OrganisationError;
use crate::service::people::PeopleError;
use crate::service::people::groups::GroupError;
use crate::service::people::links::LinkError;
use crate::service::pictures::PictureError;
use crate::service::settings::{SettingError, Wrong};
use crate::service::token::preview::PreviewError;
use crate::service::trusted_issuers::IssuerError;
use crate::service::upstream::{UpstreamError, UpstreamProblem};
use crate::service::webhooks::WebhookError;

const NOT_YOURS: &str = "Your role does not allow this, or not with this person.";

impl From<PeopleError> for Fault {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::NotFound => Self::not_found("person"),
            PeopleError::Taken => {
                Self::conflict("taken", "Somebody has this user name or e-mail address already.")
            }
            PeopleError::Invalid { field, problem } => Self::field(field, problem),
            PeopleError::Password(refusal) => Self::field("password", refusal.to_string()),
            PeopleError::LastOwner => Self::conflict(
                "last_owner",
                "This is the last owner. Make somebody else an owner first.",
            ),
            PeopleError::NotYours => Self::forbidden(NOT_YOURS),
            PeopleError::Failure(failure) => failure.into(),
        }
    }
}

impl From<GroupError> for Fault {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NotFound => Self::not_found("group"),
            GroupError::NoPerson => Self::not_found("person"),
            GroupError::Taken => Self::conflict("taken", "There is a group with this name."),
            GroupError::HasRole => Self::conflict(
                "has_role",
                "Whoever has a role in the console can do more already than look after a group.",
            ),
            GroupError::People(error) => error.into(),
            GroupError::Failure(failure) => failure.into(),
        }
    }
}

impl From<OrganisationError> for Fault {
    fn from(error: OrganisationError) -> Self {
        match error {
            OrganisationError::NotFound => Self::not_found("organisation"),
            OrganisationError::NoPerson => Self::not_found("person"),
            OrganisationError::Taken => {
                Self::conflict("taken", "There is an organisation with this name.")
            }
            OrganisationError::Changed => Self::changed(),
            OrganisationError::Full => Self::conflict(
                "too_many_organisations",
                "This person is in 50 organisations, which is the most. Take them out of one first.",
            ),
            OrganisationError::People(error) => error.into(),
            OrganisationError::Failure(failure) => failure.into(),
        }
    }
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::People(error) => error.into(),
            LinkError::Failure(failure) => failure.into(),
            LinkError::Spent | LinkError::AlreadySetUp => Self::not_found("link"),
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound => Self::not_found("client"),
            ClientError::Taken => Self::conflict("taken", "This client_id is taken."),
            ClientError::Invalid(problems) => Self::invalid(
                problems
                    .iter()
                    .map(|problem| FieldFault {
                        field: format!("metadata.{}", problem.field),
                        problem: problem.to_string(),
                    })
                    .collect(),
            ),
            ClientError::NoSecret => Self::conflict("no_secret", error.to_string()),
            ClientError::NotSelfRegistered => {
                Self::conflict("not_self_registered", error.to_string())
            }
            ClientError::TooManySecrets => Self::conflict("too_many_secrets", error.to_string()),
            ClientError::NotDescribed => Self::conflict("not_described", error.to_string()),
            ClientError::Document(_) => Self::conflict("document_unusable", error.to_string()),
            ClientError::LastSecret => Self::conflict("last_secret", error.to_string()),
            ClientError::WeakSecret => Self::field("client_secret", error.to_string()),
            ClientError::BadId => Self::field("client_id", error.to_string()),
            ClientError::NotYours => Self::forbidden(NOT_YOURS),
            ClientError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RoleError> for Fault {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NoApp => Self::not_found("client"),
            RoleError::NotFound => Self::not_found("role"),
            RoleError::NoPerson => Self::not_found("person"),
            RoleError::NoGroup => Self::not_found("group"),
            RoleError::Taken => Self::conflict("taken", "The app has a role with this name."),
            RoleError::TooMany => Self::conflict("too_many_roles", error.to_string()),
            RoleError::Invalid { field, problem } => Self::field(field, problem),
            RoleError::People(error) => error.into(),
            RoleError::Failure(failure) => failure.into(),
        }
    }
}

impl From<IssuerError> for Fault {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::NotFound => Self::not_found("issuer"),
            IssuerError::NotYours => Self::forbidden("Your role does not allow this."),
            IssuerError::Taken => Self::conflict("taken", error.to_string()),
            IssuerError::Invalid(problems) => Self::invalid(
                problems
                    .into_iter()
                    .map(|IssuerProblem { field, problem }| FieldFault {
                        field: field.to_owned(),
                        problem,
                    })
                    .collect(),
            ),
            IssuerError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UpstreamError> for Fault {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::NotFound => Self::not_found("upstream provider"),
            UpstreamError::NotYours => Self::forbidden("Your role does not allow this."),
            UpstreamError::Taken => Self::conflict("taken", error.to_string()),
            UpstreamError::Invalid(problems) => {
                let fault = |UpstreamProblem { field, problem }| FieldFault {
                    field: field.to_owned(),
                    problem,
                };
                Self::invalid(problems.into_iter().map(fault).collect())
            }
            UpstreamError::Failure(failure) => failure.into(),
        }
    }
}

impl From<WebhookError> for Fault {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::not_found("webhook"),
            WebhookError::Taken => Self::conflict("taken", error.to_string()),
            WebhookError::Invalid { field, problem } => Self::field(field, problem),
            WebhookError::NotYours => Self::forbidden("Your role does not allow this."),
            WebhookError::NotNow(reason) => Self::conflict("not_now", reason),
            WebhookError::Failure(failure) => failure.into(),
        }
    }
}

impl From<JobError> for Fault {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Gone => Self::not_found("job"),
            JobError::NotYours => Self::forbidden("Your role does not allow this."),
            JobError::Failure(failure) => failure.into(),
        }
    }
}

impl From<MailTestError> for Fault {
    fn from(error: MailTestError) -> Self {
        let text = error.to_string();
        match error {
            MailTestError::NoAddress | MailTestError::BadAddress => Self::field("to", text),
            MailTestError::TooMany { retry_after } => Self::TooMany { retry_after, detail: text },
            MailTestError::NotYours => Self::forbidden("Only owners send test letters."),
            MailTestError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ApiKeyError> for Fault {
    fn from(error: ApiKeyError) -> Self {
        let text = error.to_string();
        match error {
            ApiKeyError::NotFound => Self::not_found("API key that works"),
            ApiKeyError::BadName => Self::field("name", text),
            ApiKeyError::NoScope | ApiKeyError::UnknownScope(_) => Self::field("scopes", text),
            ApiKeyError::BadLifetime => Self::field("lifetime", text),
            ApiKeyError::NoAdministrator | ApiKeyError::TooMany => Self::field("user", text),
            ApiKeyError::People(error) => error.into(),
            ApiKeyError::Failure(failure) => failure.into(),
        }
    }
}

impl From<PermissionError> for Fault {
    fn from(error: PermissionError) -> Self {
        let text = error.to_string();
        match error {
            PermissionError::NotFound => Self::not_found("registration token"),
            PermissionError::BadLabel => Self::field("label", text),
            PermissionError::BadUses => Self::field("max_uses", text),
            PermissionError::BadDays => Self::field("days", text),
            PermissionError::NotYours => Self::forbidden("Your role does not allow this."),
            PermissionError::Failure(failure) => failure.into(),
        }
    }
}

impl From<PreviewError> for Fault {
    fn from(error: PreviewError) -> Self {
        let text = error.to_string();
        match error {
            PreviewError::NoPerson => Self::field("user", text),
            PreviewError::NoScope => Self::field("scope", text),
            PreviewError::Disabled => Self::conflict("disabled", text),
            PreviewError::Machine => Self::conflict("no_sign_in", text),
            PreviewError::Failure(failure) => failure.into(),
        }
    }
}

impl From<SettingError> for Fault {
    fn from(error: SettingError) -> Self {
        let text = error.to_string();
        match error {
            SettingError::NotFound(_) => Self::not_found("setting"),
            SettingError::Fixed { .. } => Self::conflict("fixed", text),
            SettingError::Changed { .. } => Self::changed(),
            SettingError::NotYours => Self::forbidden("Only owners change settings."),
            SettingError::Invalid(wrong) => {
                let fault = |wrong: Wrong| FieldFault { field: wrong.key, problem: wrong.problem };
                Self::invalid(wrong.into_iter().map(fault).collect())
            }
            SettingError::Failure(failure) => failure.into(),
        }
    }
}

impl From<KeyChangeError> for Fault {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::NotFound => Self::not_found("key"),
            KeyChangeError::InUse => {
                Self::conflict("in_use", "This key is in use. Rotate first, then retire it.")
            }
            KeyChangeError::NotYours => Self::forbidden(NOT_YOURS),
            KeyChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<PictureError> for Fault {
    fn from(error: PictureError) -> Self {
        let text = error.to_string();
        match error {
            PictureError::NoClient => Self::not_found("client"),
            PictureError::NotYours => Self::forbidden("Your role does not allow this."),
            PictureError::Unusable(PictureProblem::TooLong) => Self::too_large(&text),
            PictureError::Unusable(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable_picture", text)
            }
            PictureError::Failure(failure) => failure.into(),
        }
    }
}
