//! Small value types that every layer shares.

use serde::{Deserialize, Serialize};

pub use crate::protocol::jose::algorithms::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};

/// Declares a string newtype: an identifier that cannot be mixed up with another kind.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a value that is already known to be one.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value)
            }
        }
    };
}

identifier!(
    /// `client_id` of RFC 6749 section 2.2.
    ClientId
);
identifier!(
    /// The stable, opaque `sub` of a person (OpenID Connect Core section 2).
    UserId
);
identifier!(
    /// One consent-to-tokens lineage: everything issued from one authorization code.
    GrantId
);
identifier!(
    /// The public id of an SSO session; it is the `sid` claim (Front-Channel Logout section 3).
    /// The cookie holds a different, secret value.
    SessionId
);
identifier!(
    /// An organisation: the `org_id` claim.
    OrganisationId
);
identifier!(
    /// One family of rotating refresh tokens.
    FamilyId
);
