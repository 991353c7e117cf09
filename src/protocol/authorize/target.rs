//! What a token is good for: the `resource` parameter (RFC 8707 section 2) and the audience that
//! follows from it.

use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::protocol::token::claims::Audience;

/// More resources than any honest request names.
const MAX_RESOURCES: usize = 16;

/// `invalid_target` (RFC 8707 section 2): the client may not have a token for what it names.
#[must_use]
pub fn invalid_target(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidTarget, description)
}

/// Whether a text can be a resource identifier (RFC 8707 section 2): an absolute URI without a
/// fragment. It is compared as a string ever after.
#[must_use]
pub fn is_resource(text: &str) -> bool {
    url::Url::parse(text).is_ok() && !text.contains('#')
}

/// The resources a request names, each an absolute URI without a fragment.
///
/// # Errors
/// `invalid_target`.
pub fn resources(params: &Params) -> Result<Vec<String>, OAuthError> {
    let mut found: Vec<String> = Vec::new();
    for resource in params.all("resource") {
        if found.iter().any(|known| known == resource) {
            continue;
        }
        if found.len() == MAX_RESOURCES {
            return Err(invalid_target("The request names too many resources."));
        }
        if !is_resource(resource) {
            return Err(invalid_target("resource must be an absolute URI without a fragment."));
        }
        found.push(resource.to_owned());
    }
    Ok(found)
}

/// The audience of a token: what is wanted, as long as the client is registered for it and, where
/// resources were agreed on before (`granted`), it is one of those. Nothing wanted means everything
/// granted that it is still registered for, or else everything the client is registered for.
///
/// # Errors
/// `invalid_target`.
pub fn audience(
    client: &Client,
    granted: &[String],
    wanted: &[String],
) -> Result<Audience, OAuthError> {
    let registered = |target: &&String| {
        client.metadata.audience.contains(target) || *target == client.id.as_str()
    };
    for target in wanted {
        if !registered(&target) {
            return Err(invalid_target("This client may not have a token for this target.")
                .because(format!("not registered for {target:?}")));
        }
        if !granted.is_empty() && !granted.contains(target) {
            return Err(invalid_target("The target is not one of those that were agreed on.")
                .because(format!("not granted: {target:?}")));
        }
    }
    let chosen: Vec<String> = if wanted.is_empty() {
        granted.iter().filter(registered).cloned().collect()
    } else {
        wanted.to_vec()
    };
    if chosen.is_empty() && !granted.is_empty() {
        return Err(invalid_target(
            "This client may no longer have a token for what was agreed on.",
        ));
    }
    Ok(Audience::of_resources(chosen).unwrap_or_else(|| Audience::of_client(client)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn api_client() -> Client {
        let mut client = client();
        client.metadata.audience = texts(&["https://api.test", "https://files.test"]);
        client
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        let read = |query: &str| resources(&Params::parse(query.as_bytes()).unwrap());
        assert_eq!(
            read("resource=https://a.test&resource=urn:b&resource=https://a.test").unwrap(),
            ["https://a.test", "urn:b"]
        );
        for bad in ["resource=a.test", "resource=/x", "resource=https://a.test/%23x"] {
            assert_eq!(read(bad).unwrap_err().code.as_str(), "invalid_target", "{bad}");
        }
        let many: Vec<_> = (0..17).map(|n| format!("resource=urn:{n}")).collect();
        assert!(read(&many.join("&")).is_err());
    }

    #[test]
    fn a_client_gets_a_token_only_for_what_it_is_registered_for() {
        let client = api_client();
        let wanted = texts(&["https://files.test"]);
        assert_eq!(
            audience(&client, &[], &wanted).unwrap(),
            Audience::One("https://files.test".into())
        );
        assert!(audience(&client, &[], &texts(&["https://evil.test"])).is_err());
        assert!(audience(&client, &[], &texts(&["https://api.test", "https://x.test"])).is_err());
    }

    #[test]
    fn nothing_wanted_means_what_was_agreed_on_or_else_everything_registered() {
        let client = api_client();
        let agreed = texts(&["https://api.test"]);
        assert_eq!(
            audience(&client, &agreed, &[]).unwrap(),
            Audience::One("https://api.test".into())
        );
        assert_eq!(
            audience(&client, &[], &[]).unwrap(),
            Audience::Many(client.metadata.audience.clone())
        );
    }

    #[test]
    fn a_resource_that_was_taken_from_the_client_is_taken_from_its_grants() {
        let mut client = api_client();
        let agreed = client.metadata.audience.clone();
        client.metadata.audience = texts(&["https://files.test", "https://new.test"]);
        let left = audience(&client, &agreed, &[]).unwrap();
        assert_eq!(left, Audience::One("https://files.test".into()));
        client.metadata.audience = texts(&["https://new.test"]);
        assert_eq!(audience(&client, &agreed, &[]).unwrap_err().code.as_str(), "invalid_target");
        // Its own name is nothing that can be taken.
        let own = texts(&["conf-basic"]);
        assert_eq!(audience(&client, &own, &[]).unwrap(), Audience::One("conf-basic".into()));
    }

    #[test]
    fn what_was_not_agreed_on_cannot_be_had_later() {
        let (client, agreed) = (api_client(), texts(&["https://api.test"]));
        assert!(audience(&client, &agreed, &texts(&["https://files.test"])).is_err());
    }
}
