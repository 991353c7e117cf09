//! Claim mappings: what an app is told in claims of its own, beside those that the specifications name.
//! An administrator says for each claim where it comes from and where it goes.
//!
//! | file | what it holds |
//! |---|---|
//! | [`grammar`] | a mapping as one line of text, for forms and commands |
//! | [`reserved`] | the names that no mapping may have |
//! | [`rules`] | what makes mappings valid, and how large their claims can be |

pub mod grammar;
mod reserved;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use reserved::is_reserved;
pub use rules::{Problem, check};

use crate::protocol::user::User;

/// Most mappings of one app.
pub const MOST_MAPPINGS: usize = 20;

/// Most bytes of a claim's name.
pub const LONGEST_NAME: usize = 64;

/// Most characters of a constant text.
pub const LONGEST_TEXT: usize = 200;

/// Most bytes of JSON that something from a profile takes in a token. What is longer is left out there,
/// and not cut: only userinfo has it.
pub const MOST_PROFILE_BYTES: usize = 128;

/// Most bytes of JSON that the mapped claims of one token can come to, whoever it is about.
pub const MOST_TOKEN_BYTES: usize = 2_048;

/// The largest whole number that every JSON parser reads as it is (RFC 8259 section 6).
pub const LARGEST_NUMBER: i64 = 9_007_199_254_740_991;

/// One claim for one app. Exactly one source: `profile`, `group` (whether the person is in it), `group`
/// with `value` (told to those who are in it), or `value` alone. Of several mappings with one name the
/// first that has something to tell is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// The claim's name: 1 to 64 ASCII letters, digits and `-_.:/`, the first a letter, and none that
    /// this server answers itself.
    pub claim: String,
    /// Where it is told.
    #[serde(rename = "in")]
    pub places: BTreeSet<Place>,
    /// Something from the person's profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileField>,
    /// The name of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The same for everybody, or for everybody in `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Constant>,
}

/// Where a mapped claim is told. Introspection tells what the access token has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    IdToken,
    AccessToken,
    Userinfo,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 3] = [Self::IdToken, Self::AccessToken, Self::Userinfo];

    /// The name in metadata and lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::AccessToken => "access_token",
            Self::Userinfo => "userinfo",
        }
    }

    /// The place with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }

    /// Whether what is told there travels, and so has to stay small.
    #[must_use]
    pub fn is_token(self) -> bool {
        self != Self::Userinfo
    }
}

/// What a mapping takes from a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileField {
    Username,
    Name,
    GivenName,
    FamilyName,
    MiddleName,
    Nickname,
    Profile,
    Picture,
    Website,
    Gender,
    Birthdate,
    Zoneinfo,
    Locale,
    /// Told once the mailbox is known to be theirs: an app may know people by their address, and has no
    /// `email_verified` beside this claim.
    Email,
    /// Likewise.
    PhoneNumber,
}

impl ProfileField {
    /// Every field.
    pub const ALL: [Self; 15] = [
        Self::Username,
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::MiddleName,
        Self::Nickname,
        Self::Profile,
        Self::Picture,
        Self::Website,
        Self::Gender,
        Self::Birthdate,
        Self::Zoneinfo,
        Self::Locale,
        Self::Email,
        Self::PhoneNumber,
    ];

    /// The name in metadata and lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::MiddleName => "middle_name",
            Self::Nickname => "nickname",
            Self::Profile => "profile",
            Self::Picture => "picture",
            Self::Website => "website",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Zoneinfo => "zoneinfo",
            Self::Locale => "locale",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
        }
    }

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    /// What the person's profile says there.
    fn of(self, user: &User) -> Option<&str> {
        let profile = &user.profile;
        let told = match self {
            Self::Username => Some(&user.username),
            Self::Name => user.name.as_ref(),
            Self::GivenName => profile.given_name.as_ref(),
            Self::FamilyName => profile.family_name.as_ref(),
            Self::MiddleName => profile.middle_name.as_ref(),
            Self::Nickname => profile.nickname.as_ref(),
            Self::Profile => profile.profile.as_ref(),
            Self::Picture => profile.picture.as_ref(),
            Self::Website => profile.website.as_ref(),
            Self::Gender => profile.gender.as_ref(),
            Self::Birthdate => profile.birthdate.as_ref(),
            Self::Zoneinfo => profile.zoneinfo.as_ref(),
            Self::Locale => profile.locale.as_ref(),
            Self::Email => user.email.as_ref().filter(|_| user.email_verified),
            Self::PhoneNumber => profile
                .phone_number
                .as_ref()
                .filter(|_| profile.phone_number_verified == Some(true)),
        };
        told.map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// A value that is the same for everybody: a text, a whole number, or true or false.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a value must be a text, a whole number, true or false")]
pub enum Constant {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl Constant {
    fn to_json(&self) -> Value {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

/// Where a mapped claim comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    Profile(ProfileField),
    /// Whether the person is in it.
    IsIn(&'a str),
    /// Told to those who are in the group.
    ForGroup(&'a str, &'a Constant),
    Constant(&'a Constant),
}

impl ClaimMapping {
    /// Where it comes from; `None` unless that is exactly one thing.
    #[must_use]
    pub fn source(&self) -> Option<Source<'_>> {
        match (self.profile, self.group.as_deref(), &self.value) {
            (Some(field), None, None) => Some(Source::Profile(field)),
            (None, Some(group), None) => Some(Source::IsIn(group)),
            (None, Some(group), Some(value)) => Some(Source::ForGroup(group, value)),
            (None, None, Some(value)) => Some(Source::Constant(value)),
            _ => None,
        }
    }

    fn value(&self, user: Option<&User>, place: Place) -> Option<Value> {
        let is_in = |user: &User, group: &str| user.groups.iter().any(|name| name == group);
        match self.source()? {
            Source::Profile(field) => {
                let value = json!(field.of(user?)?);
                let fits = !place.is_token() || value.to_string().len() <= MOST_PROFILE_BYTES;
                fits.then_some(value)
            }
            Source::IsIn(group) => Some(json!(is_in(user?, group))),
            Source::ForGroup(group, value) => is_in(user?, group).then(|| value.to_json()),
            Source::Constant(value) => Some(value.to_json()),
        }
    }
}

/// The claims these mappings give at a place; `user` is `None` where a client acts for itself, which
/// leaves what is the same for everybody.
#[must_use]
pub fn told(mappings: &[ClaimMapping], user: Option<&User>, place: Place) -> Map<String, Value> {
    let mut claims = Map::new();
    for mapping in mappings.iter().filter(|mapping| mapping.places.contains(&place)) {
        // A name may have got a meaning since the mapping was stored.
        if claims.contains_key(&mapping.claim) || is_reserved(&mapping.claim) {
            continue;
        }
        if let Some(value) = mapping.value(user, place) {
            claims.insert(mapping.claim.clone(), value);
        }
    }
    claims
}
