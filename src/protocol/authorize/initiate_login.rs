//! Third-party-initiated login (OpenID Connect Core 1.0 section 4): the link by which a person who
//! is here starts a sign-in at an app.

use crate::protocol::client::{Client, SubjectType};
use crate::protocol::scope::Scopes;

/// The app's `initiate_login_uri` with `iss`, and what helps the app: who is signed in here, and
/// where it should take them afterwards. `None` for a client that has no such URI.
///
/// A client with pairwise subjects is not told the login name: two of them could compare it. Nor is one
/// that may not see it otherwise, which `scopes`, what it was allowed, tell.
#[must_use]
pub fn link(
    client: &Client,
    issuer: &str,
    (login_hint, scopes): (&str, &Scopes),
) -> Option<String> {
    let metadata = &client.metadata;
    let mut url = url::Url::parse(metadata.initiate_login_uri.as_ref()?).ok()?;
    url.query_pairs_mut().append_pair("iss", issuer);
    // `preferred_username` is a claim of `profile`; many login names are e-mail addresses.
    let sees_names = scopes.contains("profile") || scopes.contains("email");
    if metadata.subject_type == SubjectType::Public && sees_names {
        url.query_pairs_mut().append_pair("login_hint", login_hint);
    }
    if let Some(target) = &metadata.client_uri {
        url.query_pairs_mut().append_pair("target_link_uri", target);
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    #[test]
    fn the_link_names_the_issuer_the_person_and_the_place() {
        let mut client = client();
        let seen = Scopes::from_tokens(["openid", "profile"]);
        assert_eq!(link(&client, "https://op.test", ("alice", &seen)), None);
        client.metadata.initiate_login_uri = Some("https://rp.test/login?x=1".into());
        assert_eq!(
            link(&client, "https://op.test", ("a&b", &seen)).unwrap(),
            "https://rp.test/login?x=1&iss=https%3A%2F%2Fop.test&login_hint=a%26b"
        );
        let blind = Scopes::from_tokens(["openid"]);
        assert_eq!(
            link(&client, "https://op.test", ("alice", &blind)).unwrap(),
            "https://rp.test/login?x=1&iss=https%3A%2F%2Fop.test"
        );
        client.metadata.client_uri = Some("https://rp.test/home".into());
        client.metadata.subject_type = SubjectType::Pairwise;
        assert_eq!(
            link(&client, "https://op.test", ("alice", &seen)).unwrap(),
            "https://rp.test/login?x=1&iss=https%3A%2F%2Fop.test\
             &target_link_uri=https%3A%2F%2Frp.test%2Fhome"
        );
    }
}
