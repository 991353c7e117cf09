//! Parts of the forms of an app: what people find of it, how it hears of sign-outs, what its sign-ins are
//! like, and with what is signed and encrypted. The fields are named like the members of the metadata.

use std::collections::BTreeMap;

use crate::http::pages::sample::words;
use crate::protocol::authorize::acr::Level;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};

/// Where people read about an app, and who answers for it.
#[derive(Debug, Clone, Default)]
pub struct LinksForm {
    pub policy_uri: String,
    pub tos_uri: String,
    /// One a line.
    pub contacts: String,
}

impl LinksForm {
    pub(super) fn sample() -> Self {
        Self {
            policy_uri: words("https://wiki.orchard.example/privacy"),
            tos_uri: words("https://wiki.orchard.example/terms"),
            contacts: words("wiki@orchard.example"),
        }
    }
}

/// How an app hears of sign-outs, and where people go after theirs.
#[derive(Debug, Clone, Default)]
pub struct LogoutForm {
    /// One a line.
    pub post_logout_redirect_uris: String,
    /// Where it hears that a session has ended (Back-Channel Logout section 2.2).
    pub backchannel_logout_uri: String,
    pub backchannel_logout_session_required: bool,
    /// What is loaded in the sign-out page (Front-Channel Logout section 2).
    pub frontchannel_logout_uri: String,
    pub frontchannel_logout_session_required: bool,
}

impl LogoutForm {
    pub(super) fn sample() -> Self {
        Self {
            post_logout_redirect_uris: words("https://wiki.orchard.example/"),
            backchannel_logout_uri: words("https://wiki.orchard.example/signed-out"),
            backchannel_logout_session_required: true,
            frontchannel_logout_uri: words("https://wiki.orchard.example/sign-out"),
            frontchannel_logout_session_required: false,
        }
    }
}

/// What holds for the sign-ins of an app where a request says nothing itself.
#[derive(Debug, Clone, Default)]
pub struct SignInForm {
    /// One a line.
    pub default_acr_values: String,
    pub require_auth_time: bool,
    /// One a line (RFC 9396 section 10).
    pub authorization_details_types: String,
}

impl SignInForm {
    /// What there is to say about `default_acr_values`.
    pub(super) fn levels() -> String {
        let known = Level::supported().join(", ");
        format!("One a line, the preferred one first. This server knows {known}. Empty means any.")
    }
}

/// Whose algorithms a field offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offered {
    /// Signatures by a key of this server.
    OurSignatures,
    /// Signatures by a key of the app.
    ItsSignatures,
    /// Encryption to a key of this server.
    ToUs,
    /// Encryption to a key of the app.
    ToIt,
    /// Encryption of what is inside.
    Content,
}

/// The choice of an algorithm.
#[derive(Debug, Clone, Copy)]
pub struct AlgField {
    /// Its name in the form and in the metadata.
    pub name: &'static str,
    pub label: &'static str,
    offered: Offered,
    /// What it means that nothing is chosen.
    none: &'static str,
}

/// What no choice means where a standard names an algorithm for it.
const BY_STANDARD: &str = "As the standard says";

/// With what is signed and encrypted for an app, and by it.
#[derive(Debug, Clone, Default)]
pub struct AlgsForm {
    /// What is chosen in each of [`AlgsForm::FIELDS`]; empty for nothing.
    chosen: BTreeMap<&'static str, String>,
    /// Where its request objects may be, one a line.
    pub request_uris: String,
}

impl AlgsForm {
    /// Every choice, in the order of the page.
    pub const FIELDS: [AlgField; 14] = [
        AlgField {
            name: "id_token_encrypted_response_alg",
            label: "ID tokens are encrypted with",
            offered: Offered::ToIt,
            none: "Not encrypted",
        },
        AlgField {
            name: "id_token_encrypted_response_enc",
            label: "What is in an encrypted ID token, with",
            offered: Offered::Content,
            none: BY_STANDARD,
        },
        AlgField {
            name: "userinfo_signed_response_alg",
            label: "User information is signed with",
            offered: Offered::OurSignatures,
            none: "Not signed",
        },
        AlgField {
            name: "userinfo_encrypted_response_alg",
            label: "User information is encrypted with",
            offered: Offered::ToIt,
            none: "Not encrypted",
        },
        AlgField {
            name: "userinfo_encrypted_response_enc",
            label: "What is in encrypted user information, with",
            offered: Offered::Content,
            none: BY_STANDARD,
        },
        AlgField {
            name: "introspection_signed_response_alg",
            label: "Answers about tokens (introspection) are signed with",
            offered: Offered::OurSignatures,
            none: "Not signed, unless they are encrypted",
        },
        AlgField {
            name: "introspection_encrypted_response_alg",
            label: "Answers about tokens are encrypted with",
            offered: Offered::ToIt,
            none: "Not encrypted",
        },
        AlgField {
            name: "introspection_encrypted_response_enc",
            label: "What is in encrypted answers about tokens, with",
            offered: Offered::Content,
            none: BY_STANDARD,
        },
        AlgField {
            name: "authorization_signed_response_alg",
            label: "Answers to sign-in requests (JARM) are signed with",
            offered: Offered::OurSignatures,
            none: BY_STANDARD,
        },
        AlgField {
            name: "authorization_encrypted_response_alg",
            label: "Answers to sign-in requests are encrypted with",
            offered: Offered::ToIt,
            none: "Not encrypted",
        },
        AlgField {
            name: "authorization_encrypted_response_enc",
            label: "What is in encrypted answers to sign-in requests, with",
            offered: Offered::Content,
            none: BY_STANDARD,
        },
        AlgField {
            name: "request_object_signing_alg",
            label: "The app signs its requests with",
            offered: Offered::ItsSignatures,
            none: "Any algorithm there is",
        },
        AlgField {
            name: "request_object_encryption_alg",
            label: "The app encrypts its requests with",
            offered: Offered::ToUs,
            none: "Any algorithm there is, or not at all",
        },
        AlgField {
            name: "request_object_encryption_enc",
            label: "What is in its encrypted requests, with",
            offered: Offered::Content,
            none: "Any algorithm there is",
        },
    ];

    /// The form with what `value` says of each field.
    pub fn read(value: impl Fn(&'static str) -> String, request_uris: String) -> Self {
        let chosen = Self::FIELDS.iter().map(|field| (field.name, value(field.name)));
        Self { chosen: chosen.collect(), request_uris }
    }

    /// What is chosen in the field of this name; empty for nothing.
    pub fn chosen(&self, name: &str) -> &str {
        self.chosen.get(name).map_or("", String::as_str)
    }

    /// Every field with what it offers: what is chosen already always.
    pub(super) fn choices(&self, offer: &AlgOffer) -> Vec<AlgChoice> {
        let choice = |field: &AlgField| AlgChoice {
            field: field.name,
            label: field.label,
            value: self.chosen(field.name).to_owned(),
            none: field.none,
            names: offer.names(field.offered, self.chosen(field.name)),
        };
        Self::FIELDS.iter().map(choice).collect()
    }
}

/// For what this server has keys.
#[derive(Debug, Clone)]
pub struct AlgOffer {
    /// With what it signs.
    pub signing: Vec<SigningAlg>,
    /// What it can decrypt.
    pub decryption: Vec<KeyEncryptionAlg>,
}

impl AlgOffer {
    /// Every algorithm that is known, `stored` also where there is no key for it any more.
    fn names(&self, offered: Offered, stored: &str) -> Vec<&'static str> {
        match offered {
            Offered::ItsSignatures => SigningAlg::ALL.map(SigningAlg::as_str).into(),
            Offered::ToIt => KeyEncryptionAlg::ALL.map(KeyEncryptionAlg::as_str).into(),
            Offered::Content => ContentEncryptionAlg::ALL.map(ContentEncryptionAlg::as_str).into(),
            Offered::OurSignatures => {
                let known = SigningAlg::ALL.map(|alg| (alg.as_str(), self.signing.contains(&alg)));
                usable(known, stored)
            }
            Offered::ToUs => {
                let has_key = |alg: KeyEncryptionAlg| self.decryption.contains(&alg);
                let known = KeyEncryptionAlg::ALL.map(|alg| (alg.as_str(), has_key(alg)));
                usable(known, stored)
            }
        }
    }

    pub(super) fn sample() -> Self {
        Self { signing: SigningAlg::ALL.into(), decryption: KeyEncryptionAlg::ALL.into() }
    }
}

/// Of names and whether there is a key for each: those with one, and what is `stored`.
fn usable(
    known: impl IntoIterator<Item = (&'static str, bool)>,
    stored: &str,
) -> Vec<&'static str> {
    let usable = known.into_iter().filter(|(name, has_key)| *has_key || *name == stored);
    usable.map(|(name, _)| name).collect()
}

/// One of the fields as the page shows it.
pub(super) struct AlgChoice {
    pub field: &'static str,
    pub label: &'static str,
    pub value: String,
    pub none: &'static str,
    pub names: Vec<&'static str>,
}

#[cfg(test)]
mod tests;
