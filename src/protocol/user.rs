//! A person as the provider knows them, and the standard claims about them
//! (OpenID Connect Core section 5.1). The texts among them have their names in [`super::profile_texts`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::app_roles::AppRoles;
use super::types::UserId;
use crate::clock::UnixTime;

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The stable `sub`.
    pub id: UserId,
    /// What the person types to sign in; also `preferred_username`. Stored in lower case.
    pub username: String,
    /// Stored in lower case. Also accepted at sign-in, unless the person has only claimed it when they
    /// made their account.
    pub email: Option<String>,
    /// Whether the mailbox is known to be theirs.
    pub email_verified: bool,
    /// The `name` claim: the full name for display.
    pub name: Option<String>,
    /// What the directory that provisions this person calls them (SCIM); apps do not see it.
    #[serde(skip)]
    pub external_id: Option<String>,
    /// The remaining standard claims.
    pub profile: Profile,
    /// Names of the groups the person is in, sorted; the `groups` claim.
    pub groups: Vec<String>,
    /// What they may be in apps, by themselves or by their groups.
    #[serde(skip)]
    pub app_roles: AppRoles,
    /// The right to use the console, if any.
    pub role: Option<AdminRole>,
    /// When the account was disabled; `None` while it works.
    pub disabled_at: Option<UnixTime>,
    /// When the account, which is disabled until then, is deleted for good; `None` if nobody wants that.
    pub delete_at: Option<UnixTime>,
    /// Raised to kill every token issued before; see `service::revocation`.
    pub token_version: i64,
    /// When the account was made.
    pub created_at: UnixTime,
    /// When anything about the account last changed; the `updated_at` claim.
    pub updated_at: UnixTime,
}

impl User {
    /// Whether the account works.
    #[must_use]
    pub fn state(&self) -> AccountState {
        match (self.disabled_at, self.delete_at) {
            (_, Some(_)) => AccountState::ToBeDeleted,
            (Some(_), None) => AccountState::Disabled,
            (None, None) => AccountState::Active,
        }
    }
}

/// Whether an account works. Everybody's is in one of these states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountState {
    Active,
    /// Nobody can sign in until somebody enables it.
    Disabled,
    /// Disabled, and deleted for good some day.
    ToBeDeleted,
}

impl AccountState {
    pub const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::ToBeDeleted];

    /// The name that lists are narrowed by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::ToBeDeleted => "to_be_deleted",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What a proof of a person stands on, read when it began. It counts only while both are the same: the
/// version is raised when everything of theirs ends, the epoch also when their sessions end and tokens
/// stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footing {
    /// [`User::token_version`].
    pub token_version: i64,
    pub sign_in_epoch: i64,
}

/// The standard claims that are not members of a person themselves (OpenID Connect Core section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address of a page about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Address of a picture of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `2001-02-03`, `0000-02-03` without the year, or the year alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// A name of the time zone database, such as `Europe/Paris`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// A language tag, such as `en-GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// With the code of the country, such as `+44 20 7946 0000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number is known to be theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// The `address` claim (OpenID Connect Core section 5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// The whole of it as on a letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// Town or city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// What an administrator may do in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// Everything.
    Owner,
    /// Day-to-day work on people, apps and sessions.
    Operator,
    /// Reads everything, changes nothing.
    Auditor,
}

impl AdminRole {
    /// Every role, strongest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Operator, Self::Auditor];

    /// The name used by the command line, the console and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
