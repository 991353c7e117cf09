//! A JWT on its way to one client: signed with the algorithm it registered, and encrypted to it if it
//! wants that, in this order (OpenID Connect Core section 10.2). ID tokens, signed userinfo and
//! introspection answers, and authorization responses all leave through here.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::app::{App, KeySet};
use crate::crypto::jose::{self, TokenType};
use crate::crypto::jwe::{self, Plaintext, Recipient};
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use crate::service::client_keys;
use crate::service::failure::{EndpointError, Failure};

/// What is put into the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    IdToken,
    Userinfo,
    Introspection,
    AuthorizationResponse,
}

type Encryption = (Option<KeyEncryptionAlg>, Option<ContentEncryptionAlg>);

impl Content {
    fn typ(self) -> TokenType {
        match self {
            Self::IdToken => TokenType::IdToken,
            Self::Userinfo => TokenType::Userinfo,
            Self::Introspection => TokenType::Introspection,
            Self::AuthorizationResponse => TokenType::AuthorizationResponse,
        }
    }

    /// What the client registered. Where a standard has a default for signing, this is it; userinfo
    /// alone may be encrypted without being signed.
    fn wishes(self, client: &Client) -> (Option<SigningAlg>, Encryption) {
        let m = &client.metadata;
        match self {
            Self::IdToken => (
                Some(m.id_token_signed_response_alg),
                (m.id_token_encrypted_response_alg, m.id_token_encrypted_response_enc),
            ),
            Self::Userinfo => (
                m.userinfo_signed_response_alg,
                (m.userinfo_encrypted_response_alg, m.userinfo_encrypted_response_enc),
            ),
            Self::Introspection => (
                Some(m.introspection_signed_response_alg.unwrap_or_default()),
                (m.introspection_encrypted_response_alg, m.introspection_encrypted_response_enc),
            ),
            Self::AuthorizationResponse => (
                Some(m.authorization_signed_response_alg.unwrap_or_default()),
                (m.authorization_encrypted_response_alg, m.authorization_encrypted_response_enc),
            ),
        }
    }
}

/// Everything that is needed to make the JWT, found before anything is used up for it.
pub struct Envelope {
    typ: TokenType,
    signing: Option<SigningAlg>,
    encryption: Option<(Arc<KeySet>, KeyEncryptionAlg, ContentEncryptionAlg)>,
}

impl Envelope {
    /// Prepares what this client registered for this content.
    ///
    /// # Errors
    /// `invalid_request` when the client wants encryption and has no key for it; a failure of ours.
    pub async fn prepare(
        app: &App,
        client: &Client,
        content: Content,
    ) -> Result<Self, EndpointError> {
        let (signing, (alg, enc)) = content.wishes(client);
        let encryption = match alg {
            None => None,
            // The specifications assume A128CBC-HS256 when only the other half is named.
            Some(alg) => {
                let keys = keys_for(app, client, alg).await?;
                Some((keys, alg, enc.unwrap_or_default()))
            }
        };
        Ok(Self { typ: content.typ(), signing, encryption })
    }

    /// Whether the client gets a JWT at all rather than plain JSON.
    pub fn is_wanted(&self) -> bool {
        self.signing.is_some() || self.encryption.is_some()
    }

    /// Signs, then encrypts.
    ///
    /// # Errors
    /// [`Failure`] when the library fails or there is no key of ours.
    pub fn close(&self, app: &App, claims: &impl Serialize) -> Result<String, Failure> {
        let signed = self.signing.map(|alg| sign(app, alg, (self.typ, claims))).transpose()?;
        let Some((to, enc)) = self.recipient() else {
            return signed.ok_or_else(|| Failure::Internal("neither signed nor encrypted".into()));
        };
        let encrypted = match &signed {
            Some(token) => jwe::encrypt(to, enc, Plaintext::SignedToken(token)),
            None => jwe::encrypt(to, enc, Plaintext::Claims(&serde_json::to_vec(claims)?)),
        };
        encrypted.map_err(|error| Failure::Internal(error.to_string()))
    }

    fn recipient(&self) -> Option<(&Recipient, ContentEncryptionAlg)> {
        let (keys, alg, enc) = self.encryption.as_ref()?;
        Some((keys.keys.recipient(*alg)?, *enc))
    }
}

/// The client's keys, if one of them can be encrypted to.
async fn keys_for(
    app: &App,
    client: &Client,
    alg: KeyEncryptionAlg,
) -> Result<Arc<KeySet>, EndpointError> {
    let set = client_keys::key_set(app, client).await.map_err(|error| no_key(error.to_string()))?;
    if set.keys.recipient(alg).is_none() {
        return Err(no_key(format!("none of them is for {}", alg.as_str())));
    }
    Ok(set)
}

fn no_key(detail: String) -> EndpointError {
    let text = "The client wants an encrypted answer, but has no key to encrypt to.";
    OAuthError::invalid_request(text).because(detail).into()
}

/// Signs with our active key for `alg`.
///
/// # Errors
/// [`Failure`] when there is none, or the library fails.
pub fn sign(
    app: &App,
    alg: SigningAlg,
    (typ, claims): (TokenType, &impl Serialize),
) -> Result<String, Failure> {
    let keyring = app.keyring.load();
    let key = keyring
        .active(alg)
        .ok_or_else(|| Failure::Internal(format!("no active {} key", alg.as_str())))?;
    Ok(jose::sign(key, typ, claims)?)
}

/// An answer for programs: JSON, or a JWT for those who registered or asked for one.
#[derive(Debug, Clone, PartialEq)]
pub enum Representation {
    Json(Value),
    Jwt(String),
}
