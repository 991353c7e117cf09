//! The JOSE algorithms in use, by their registered names (RFC 7518, RFC 8037). `none` and the HMAC
//! family are not among them, so they cannot be chosen by anybody.

use serde::{Deserialize, Serialize};

/// Declares a closed set of registered names.
macro_rules! algorithms {
    ($(#[$outer:meta])* $name:ident, $count:literal { $($(#[$inner:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$outer])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize,
            Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$inner])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every member, in the order discovery lists them.
            pub const ALL: [Self; $count] = [$(Self::$variant),+];

            /// The registered name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The member with this registered name, compared exactly.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|member| member.as_str() == name)
            }
        }
    };
}

algorithms! {
    /// Signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1), ours and our clients'.
    SigningAlg, 5 {
        /// RSASSA-PKCS1-v1_5 with SHA-256: what every client understands, hence the default.
        #[default]
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
    }
}

impl SigningAlg {
    /// Whether the FAPI 2.0 Security Profile (section 5.4) allows it.
    #[must_use]
    pub fn is_fapi(self) -> bool {
        matches!(self, Self::Ps256 | Self::Es256 | Self::EdDsa)
    }
}

algorithms! {
    /// How the key of an encrypted token is wrapped (RFC 7518 section 4.1).
    KeyEncryptionAlg, 2 {
        #[default]
        RsaOaep256 = "RSA-OAEP-256",
        EcdhEs = "ECDH-ES",
    }
}

algorithms! {
    /// How the content of an encrypted token is protected (RFC 7518 section 5.1).
    ContentEncryptionAlg, 3 {
        /// What the specifications assume when a client names only the other half.
        #[default]
        A128CbcHs256 = "A128CBC-HS256",
        A128Gcm = "A128GCM",
        A256Gcm = "A256GCM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_exactly_and_none_is_no_algorithm() {
        for alg in SigningAlg::ALL {
            assert_eq!(SigningAlg::from_name(alg.as_str()), Some(alg));
            assert_eq!(serde_json::to_value(alg).unwrap(), alg.as_str());
        }
        for bad in ["none", "None", "HS256", "rs256", "RS512", ""] {
            assert_eq!(SigningAlg::from_name(bad), None, "{bad}");
        }
    }
}
