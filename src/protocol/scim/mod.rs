//! SCIM 2.0, by which a directory provisions people and groups (RFC 7643, RFC 7644): what is sent and
//! shown, as pure functions.
//!
//! | module | what it is about |
//! |---|---|
//! | `attributes` | members of a JSON object, whose names are the same in any case |
//! | `filter` | which resources a list is about |
//! | `patch` | the operations of a change, and the paths they name |
//! | `person` | what a directory says of a person, in full or as a change |
//! | `group` | the same for a group |
//! | `render` | people, groups, lists and errors as they are shown |
//! | `documents` | what the service provider can do, and its schemas |

pub mod attributes;
pub mod documents;
pub mod filter;
pub mod group;
pub mod patch;
pub mod person;
pub mod render;

/// The schema of a person (RFC 7643 section 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The schema of a group (RFC 7643 section 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The schema of a change (RFC 7644 section 3.5.2).
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The schema of a query in a body (RFC 7644 section 3.4.3).
pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Most resources on a page.
pub const MOST_RESULTS: i64 = 200;

/// Most people in a group who are shown with it, and who are taken in or out by one request.
pub const MOST_MEMBERS: i64 = 1_000;

/// What is wrong with a request, as RFC 7644 section 3.12 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    InvalidValue,
}

impl ErrorType {
    /// The value of `scimType`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::InvalidValue => "invalidValue",
        }
    }
}

/// Why a request is not understood, with words on what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub kind: ErrorType,
    pub detail: String,
}

impl Refusal {
    #[must_use]
    pub fn new(kind: ErrorType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    fn value(detail: impl Into<String>) -> Self {
        Self::new(ErrorType::InvalidValue, detail)
    }
}
