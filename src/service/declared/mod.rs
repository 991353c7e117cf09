//! People, groups, organisations, apps, webhooks, trusted issuers and upstream providers as a file declares them:
//! written from what is there, compared with it, and carried out through the same use cases as single commands.
//!
//! | module | job |
//! |---|---|
//! | `carry_out` | the changes in their order |
//! | `endpoints` | webhooks and trusted issuers: their export and plan |
//! | `export` | the file for what is there |
//! | `groups` | groups and who looks after them: their export, plan and changes |
//! | `named` | whom and what the entries of a file name |
//! | `organisations` | organisations: their export, plan and changes, and who comes into one or leaves it |
//! | `people` | people: what has to change for them to be as a file says |
//! | `plan` | what has to change for a file to be true |
//! | `roles` | the roles of an app: their export, plan and changes |
//! | `several` | changes of many people in one transaction |
//! | `state` | what a file may say |
//! | `upstream` | upstream providers: their export, plan and changes |

mod carry_out;
mod endpoints;
mod export;
mod groups;
mod named;
mod organisations;
mod people;
mod plan;
mod roles;
mod several;
mod state;
mod upstream;

use crate::service::clients::ClientError;
use crate::service::failure::Failure;
use crate::service::organisations::OrganisationError;
use crate::service::people::PeopleError;
use crate::service::people::groups::GroupError;
use crate::service::trusted_issuers::IssuerError;
use crate::service::upstream::UpstreamError;
use crate::service::webhooks::WebhookError;

pub use carry_out::{News, carry_out};
pub use export::export;
pub use plan::{Action, Change, Pruning, Secrets, plan};
pub use state::{
    ClientState, GroupState, IssuerState, OrganisationState, RoleState, State, UpstreamState,
    UserState, WebhookState,
};

/// Why a file cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    /// An entry that cannot be as it says.
    #[error("{entry}: {problem}")]
    Entry { entry: String, problem: String },
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl DeclaredError {
    fn entry(entry: &str, problem: impl std::fmt::Display) -> Self {
        Self::Entry { entry: entry.to_owned(), problem: problem.to_string() }
    }

    fn of_people(entry: &str, error: PeopleError) -> Self {
        match error {
            PeopleError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_groups(entry: &str, error: GroupError) -> Self {
        match error {
            GroupError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_organisations(entry: &str, error: OrganisationError) -> Self {
        match error {
            OrganisationError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_webhooks(entry: &str, error: WebhookError) -> Self {
        match error {
            WebhookError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_issuers(entry: &str, error: IssuerError) -> Self {
        match error {
            IssuerError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_upstream(entry: &str, error: UpstreamError) -> Self {
        match error {
            UpstreamError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }

    fn of_clients(entry: &str, error: ClientError) -> Self {
        match error {
            ClientError::Failure(failure) => failure.into(),
            other => Self::entry(entry, other),
        }
    }
}

impl From<crate::store::StoreError> for DeclaredError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Failure(error.into())
    }
}
