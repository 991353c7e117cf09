//! A JWT on its way to one client: signed with the algorithm it registered, and encrypted to it if it
//! wants that, in this order (OpenID Connect Core section 10.2). ID tokens, signed userinfo and
//! introspection answers, authorization responses and logout tokens all leave through here.

use serde::Serialize;

use crate::app::App;
use crate::crypto::foreign::ForeignKeys;
use crate::crypto::jose::{self, TokenType};
use crate::crypto::jwe::{Plaintext, Sender};
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use crate::service::clients::key_sets;
use crate::service::failure::{EndpointError, Failure};

/// What is put into the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    IdToken,
    Userinfo,
    Introspection,
    AuthorizationResponse,
    LogoutToken,
}

type Encryption = (Option<KeyEncryptionAlg>, Option<ContentEncryptionAlg>);

impl Content {
    fn typ(self) -> TokenType {
        match self {
            Self::IdToken => TokenType::IdToken,
            Self::Userinfo => TokenType::Userinfo,
            Self::Introspection => TokenType::Introspection,
            Self::AuthorizationResponse => TokenType::AuthorizationResponse,
            Self::LogoutToken => TokenType::LogoutToken,
        }
    }

    /// What the client registered. Where a standard has a default for signing, this is it; userinfo
    /// alone may be encrypted without being signed.
    fn wishes(self, client: &Client) -> (Option<SigningAlg>, Encryption) {
        let m = &client.metadata;
        match self {
            // Back-Channel Logout section 2.4: the same keys as for ID tokens.
            Self::IdToken | Self::LogoutToken => (
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
    encryption: Option<Sender>,
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
            Some(alg) => Some(sender(app, client, (alg, enc.unwrap_or_default())).await?),
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
    pub fn close(self, app: &App, claims: &impl Serialize) -> Result<String, Failure> {
        let signed = self.signing.map(|alg| sign(app, alg, (self.typ, claims))).transpose()?;
        let Some(sender) = self.encryption else {
            return signed.ok_or_else(|| Failure::Internal("neither signed nor encrypted".into()));
        };
        let encrypted = match &signed {
            Some(token) => sender.encrypt(Plaintext::SignedToken(token)),
            None => sender.encrypt(Plaintext::Claims(&serde_json::to_vec(claims)?)),
        };
        encrypted.map_err(|error| Failure::Internal(error.to_string()))
    }
}

/// Agrees on a key with the client's key, wherever the client keeps it.
async fn sender(
    app: &App,
    client: &Client,
    (alg, enc): (KeyEncryptionAlg, ContentEncryptionAlg),
) -> Result<Sender, EndpointError> {
    let has_it = |keys: &ForeignKeys| keys.recipient(alg).is_some();
    let set = key_sets::key_set_with(app, client, has_it).await;
    let set = set.map_err(|error| no_key(error.to_string()))?;
    let sender = set.keys.recipient(alg).and_then(|recipient| recipient.begin(enc));
    sender.ok_or_else(|| no_key(format!("none of them is for {}", alg.as_str())))
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
    /// A JSON document.
    Json(String),
    Jwt(String),
}

impl Representation {
    /// This, as JSON.
    ///
    /// # Errors
    /// [`Failure::Internal`] for what cannot be written as JSON.
    pub fn json(answer: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::Json(serde_json::to_string(answer)?))
    }
}
