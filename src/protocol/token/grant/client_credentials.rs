//! The `client_credentials` grant (RFC 6749 section 4.4): a service acts for itself.

use crate::protocol::client::Client;
use crate::protocol::scope::Scopes;

/// The most a client may have for itself: scopes that speak about a person have no meaning here.
#[must_use]
pub fn own_scopes(client: &Client) -> Scopes {
    let scopes = client.metadata.scope.iter();
    Scopes::from_tokens(scopes.filter(|token| !Scopes::STANDARD.contains(token)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    #[test]
    fn only_the_client_s_own_scopes_are_given() {
        let mut client = client();
        client.metadata.scope = Scopes::parse("openid api:read api:write").unwrap();
        assert_eq!(own_scopes(&client).to_string(), "api:read api:write");
    }
}
