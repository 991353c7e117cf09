//! The token endpoint's request and response (RFC 6749 sections 4.1.3, 4.1.4, 5.1, 6): the phases
//! every grant shares. The differences live in [`crate::protocol::token::grant`].

pub mod claims;
pub mod description;
pub mod dpop;
pub mod grant;
pub mod relying_party;
pub mod sender_constraint;
pub mod trusted_issuer;

use serde::Serialize;
use serde_json::Value;

use super::client::{Client, GrantType};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::scope::Scopes;
use crate::clock::Seconds;
use crate::protocol::authorize::target;

/// Which grant a request wants.
///
/// # Errors
/// `invalid_request` when `grant_type` is missing, `unsupported_grant_type` for a grant this
/// provider does not implement, `unauthorized_client` for one the client is not registered for or
/// that a public client cannot use.
pub fn grant_type(params: &Params, client: &Client) -> Result<GrantType, OAuthError> {
    let name = params
        .get("grant_type")?
        .ok_or_else(|| OAuthError::invalid_request("grant_type is missing."))?;
    let grant = GrantType::from_name(name).ok_or_else(|| {
        OAuthError::new(ErrorCode::UnsupportedGrantType, "This grant_type is not supported.")
            .because(format!("grant_type {name:?}"))
    })?;
    let unauthorized = |description| OAuthError::new(ErrorCode::UnauthorizedClient, description);
    if !client.allows(grant) {
        return Err(unauthorized("This client is not registered for this grant_type."));
    }
    // Registration refuses this, too; metadata may have been changed some other way.
    if grant.needs_confidential_client() && !client.is_confidential() {
        return Err(unauthorized("A public client cannot use this grant_type."));
    }
    Ok(grant)
}

/// What is left of the scopes a person once granted: an administrator may have taken some from the
/// client since.
///
/// # Errors
/// `invalid_scope` when none is left: a token for nothing would be of use to nobody.
pub fn still_allowed(client: &Client, granted: &Scopes) -> Result<Scopes, OAuthError> {
    let left = granted.intersection(&client.metadata.scope);
    if left.is_empty() && !granted.is_empty() {
        return Err(OAuthError::invalid_scope(
            "This client may no longer have any of the scopes that were granted.",
        ));
    }
    Ok(left)
}

/// What a request asks for beside its grant's own parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `scope`, where the grant reads it.
    pub scope: Option<Scopes>,
    /// `resource` (RFC 8707 section 2).
    pub resources: Vec<String>,
}

impl Asked {
    /// Reads it.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_scope`, `invalid_target`.
    pub fn read(params: &Params, grant: GrantType) -> Result<Self, OAuthError> {
        let scope = if grant.reads_scope() { params.get("scope")? } else { None };
        let scope = scope
            .map(|text| {
                Scopes::parse(text).filter(|scopes| !scopes.is_empty()).ok_or_else(|| {
                    OAuthError::invalid_scope(
                        "scope is empty, has a character that is not allowed, or too many values.",
                    )
                })
            })
            .transpose()?;
        Ok(Self { scope, resources: target::resources(params)? })
    }

    /// The scopes of the token: `most`, or fewer when fewer are asked for (RFC 6749 section 3.3).
    ///
    /// # Errors
    /// `invalid_scope` when more is asked for.
    pub fn scopes_within(&self, most: &Scopes) -> Result<Scopes, OAuthError> {
        match &self.scope {
            None => Ok(most.clone()),
            Some(fewer) if most.covers(fewer) => Ok(fewer.clone()),
            Some(_) => {
                Err(OAuthError::invalid_scope("scope asks for more than this client may have."))
            }
        }
    }
}

/// The successful answer (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    /// `Bearer` (RFC 6750), or `DPoP` for a token bound to a key (RFC 9449 section 5).
    pub token_type: &'static str,
    pub expires_in: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Space-separated, always told, so that a narrowed grant is never silent.
    pub scope: String,
    /// What the access token is good for beyond its scopes (RFC 9396 section 7).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// What a token exchange gave (RFC 8693 section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::super::client::AuthMethod;
    use super::super::client::tests::client;
    use super::*;

    fn asked(query: &str, grant: GrantType) -> Result<Asked, OAuthError> {
        Asked::read(&Params::parse(query.as_bytes()).unwrap(), grant)
    }

    #[test]
    fn a_grant_that_needs_a_secret_is_refused_to_a_public_client_however_it_got_it() {
        let mut public = client();
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        public.metadata.grant_types = GrantType::ALL.to_vec();
        for grant in GrantType::ALL {
            let params = Params::from_pairs([("grant_type", grant.as_str())]);
            let refused = grant_type(&params, &public).is_err();
            assert_eq!(refused, grant.needs_confidential_client(), "{}", grant.as_str());
        }
    }

    #[test]
    fn scope_may_narrow_but_never_widen() {
        let granted = Scopes::parse("openid email").unwrap();
        let ask =
            |q: &str| asked(q, GrantType::RefreshToken).and_then(|a| a.scopes_within(&granted));
        assert_eq!(ask("").unwrap(), granted);
        assert_eq!(ask("scope=openid").unwrap().to_string(), "openid");
        for more in ["scope=openid+profile", "scope=+", "scope=%22"] {
            assert_eq!(ask(more).unwrap_err().code.as_str(), "invalid_scope", "{more}");
        }
    }

    #[test]
    fn a_scope_that_was_taken_from_the_client_is_taken_from_its_grants() {
        let granted = Scopes::parse("openid api offline_access").unwrap();
        let mut narrowed = client();
        narrowed.metadata.scope = Scopes::parse("offline_access openid email").unwrap();
        let left = still_allowed(&narrowed, &granted).unwrap();
        assert_eq!(left.to_string(), "openid offline_access");
        narrowed.metadata.scope = Scopes::parse("email").unwrap();
        let refused = still_allowed(&narrowed, &granted).unwrap_err();
        assert_eq!(refused.code.as_str(), "invalid_scope");
        assert!(still_allowed(&narrowed, &Scopes::default()).is_ok());
    }

    #[test]
    fn scope_beside_a_code_is_ignored() {
        for grant in [GrantType::AuthorizationCode, GrantType::DeviceCode] {
            assert_eq!(asked("scope=%22", grant).unwrap(), Asked::default());
        }
    }
}
