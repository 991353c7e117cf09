//! Front-Channel Logout 1.0: which pages of apps the sign-out page loads.

use crate::protocol::client::Client;
use crate::protocol::types::SessionId;

/// A page of an app that the browser loads when its session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// `frontchannel_logout_uri` with `iss` and `sid` (section 2).
    pub src: String,
    /// Scheme, host and port of `src`, for the policy of the page that loads it.
    pub origin: String,
}

impl Frame {
    /// The page of this client, if it has one. `iss` and `sid` are always added: a client that did
    /// not ask for them loses nothing by it (section 2).
    #[must_use]
    pub fn of_client(client: &Client, issuer: &str, session: &SessionId) -> Option<Self> {
        let mut url = url::Url::parse(client.metadata.frontchannel_logout_uri.as_ref()?).ok()?;
        let origin = plain_origin(&url)?;
        url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", session.as_str());
        Some(Self { src: url.into(), origin })
    }
}

/// Scheme, host and port of a web address, if they may stand in a policy: nothing in them ends a
/// directive or stands for more than one place.
#[must_use]
pub fn plain_origin(url: &url::Url) -> Option<String> {
    let origin = url.origin();
    let text = origin.ascii_serialization();
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '_' | '[' | ']');
    (origin.is_tuple() && text.chars().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn frame(uri: &str) -> Option<Frame> {
        let mut client = client();
        client.metadata.frontchannel_logout_uri = Some(uri.to_owned());
        Frame::of_client(&client, "https://op.test/sso", &SessionId::new("s-1"))
    }

    #[test]
    fn issuer_and_session_are_added_to_what_the_uri_has() {
        let found = frame("https://rp.test:8443/out?a=1").unwrap();
        assert_eq!(
            found.src,
            "https://rp.test:8443/out?a=1&iss=https%3A%2F%2Fop.test%2Fsso&sid=s-1"
        );
        assert_eq!(found.origin, "https://rp.test:8443");
        assert_eq!(frame("https://rp.test/out").unwrap().origin, "https://rp.test");
    }

    #[test]
    fn a_client_without_a_uri_or_without_an_origin_has_no_frame() {
        assert_eq!(Frame::of_client(&client(), "https://op.test", &SessionId::new("s")), None);
        assert_eq!(frame("com.example.app:/out"), None);
    }

    #[test]
    fn a_host_that_would_cut_the_policy_of_the_page_has_no_frame() {
        for odd in ["https://a;x/out", "https://a,b/out", "https://%2a/out", "https://a'b/out"] {
            assert_eq!(frame(odd), None, "{odd}");
        }
    }
}
