//! The choices a client's metadata makes, each a small closed set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;

/// Whether PKCE (RFC 7636) must be used. Public clients must always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PkcePolicy {
    #[default]
    Optional,
    Required,
}

/// Whether people are asked before the client gets their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    #[default]
    Ask,
    /// For the organisation's own apps.
    Skip,
}

/// The form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTokenFormat {
    /// RFC 9068.
    Jwt,
    /// A random string that only introspection and userinfo understand.
    Opaque,
}

/// Where a revoked access token of the client is dead at once. Endpoints of this server refuse it in
/// each case; what differs is what the services that take the tokens can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationChoice {
    /// A JWT that services check by its signature and never ask about. It lives ten minutes at most,
    /// and cannot be handed back by itself.
    Stateless,
    /// A JWT that services may ask about: whoever does learns at once that it is dead.
    #[default]
    #[serde(alias = "jwt")]
    Checked,
    /// A random string that means something only as long as this server says so.
    Opaque,
}

/// The longest life of an access token that nobody asks about, in seconds.
pub const STATELESS_LIFETIME: Seconds = 600;

impl RevocationChoice {
    pub const ALL: [Self; 3] = [Self::Stateless, Self::Checked, Self::Opaque];

    /// The name in metadata.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stateless => "stateless",
            Self::Checked => "checked",
            Self::Opaque => "opaque",
        }
    }

    /// The choice with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }

    /// What tokens look like under it.
    #[must_use]
    pub fn format(self) -> AccessTokenFormat {
        match self {
            Self::Stateless | Self::Checked => AccessTokenFormat::Jwt,
            Self::Opaque => AccessTokenFormat::Opaque,
        }
    }

    /// The choice after an administrator has said only what tokens look like.
    #[must_use]
    pub fn with_format(self, format: AccessTokenFormat) -> Self {
        match (format, self) {
            (AccessTokenFormat::Opaque, _) => Self::Opaque,
            (AccessTokenFormat::Jwt, Self::Opaque) => Self::Checked,
            (AccessTokenFormat::Jwt, other) => other,
        }
    }
}

/// Where the standard claims of the granted scopes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimsPlacement {
    /// Userinfo only, as OpenID Connect Core section 5.4 says for the code flow.
    #[default]
    Userinfo,
    /// Also the ID token, for apps that never call userinfo.
    IdTokenToo,
}

/// Which `sub` a client sees (OpenID Connect Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for every client.
    #[default]
    Public,
    /// Another one for every sector, so that two companies cannot compare notes.
    Pairwise,
}

/// A bundle of rules a client asks to be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProfile {
    /// OpenID Connect with the security best current practice (RFC 9700).
    #[default]
    Standard,
    /// FAPI 2.0 Security Profile.
    Fapi2Security,
    /// FAPI 2.0 Message Signing on top: signed requests and responses.
    Fapi2MessageSigning,
}

impl SecurityProfile {
    /// Whether the FAPI 2.0 Security Profile holds.
    #[must_use]
    pub fn is_fapi(self) -> bool {
        self != Self::Standard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_found_by_the_name_metadata_has_for_it() {
        for choice in RevocationChoice::ALL {
            assert_eq!(RevocationChoice::from_name(choice.as_str()), Some(choice));
            assert_eq!(serde_json::to_value(choice).unwrap(), choice.as_str());
        }
        assert_eq!(RevocationChoice::from_name("jwt"), None);
    }

    #[test]
    fn naming_only_the_form_changes_no_more_than_the_form() {
        use AccessTokenFormat::{Jwt, Opaque};
        use RevocationChoice as Choice;
        for (before, format, after) in [
            (Choice::Stateless, Jwt, Choice::Stateless),
            (Choice::Checked, Jwt, Choice::Checked),
            (Choice::Opaque, Jwt, Choice::Checked),
            (Choice::Stateless, Opaque, Choice::Opaque),
        ] {
            assert_eq!(before.with_format(format), after, "{before:?} {format:?}");
            assert_eq!(after.format(), format);
        }
    }
}
