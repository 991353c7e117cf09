//! The `client_credentials` grant (RFC 6749 section 4.4): a service acts for itself.

use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;

/// The scopes of the token. Scopes that speak about a person have no meaning here.
///
/// # Errors
/// `unauthorized_client` for a public client, `invalid_scope` for a scope the client may not have.
pub fn scopes(client: &Client, params: &Params) -> Result<Scopes, OAuthError> {
    if !client.is_confidential() {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "A public client cannot use client_credentials.",
        ));
    }
    let own = Scopes::from_tokens(
        client.metadata.scope.iter().filter(|token| !Scopes::STANDARD.contains(token)),
    );
    let Some(requested) = params.get("scope")? else { return Ok(own) };
    let requested = Scopes::parse(requested)
        .ok_or_else(|| OAuthError::invalid_scope("scope has a character that is not allowed."))?;
    if own.covers(&requested) {
        return Ok(requested);
    }
    Err(OAuthError::invalid_scope("This client may not have one of the requested scopes."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::AuthMethod;
    use crate::protocol::client::tests::client;

    fn of(query: &str) -> Result<Scopes, OAuthError> {
        let mut client = client();
        client.metadata.scope = Scopes::parse("openid api:read api:write").unwrap();
        scopes(&client, &Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn only_the_client_s_own_scopes_are_given() {
        assert_eq!(of("").unwrap().to_string(), "api:read api:write");
        assert_eq!(of("scope=api:read").unwrap().to_string(), "api:read");
        assert!(of("scope=openid").is_err());
        assert!(of("scope=api:admin").is_err());
    }

    #[test]
    fn a_public_client_is_refused() {
        let mut public = client();
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        let error = scopes(&public, &Params::default()).unwrap_err();
        assert_eq!(error.code.as_str(), "unauthorized_client");
    }
}
