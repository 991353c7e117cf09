//! What a page tells people of the app they are on the way to, and what it may load for that.

use crate::http::pages::views::{AboutApp, Unreviewed};
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::logout::frontchannel::plain_origin;

/// What is told of a client.
#[must_use]
pub(super) fn about(client: &Client) -> AboutApp {
    let metadata = &client.metadata;
    AboutApp {
        logo: metadata.logo_uri.clone().filter(|uri| shows_logo(client, uri)),
        policy_uri: metadata.policy_uri.clone(),
        tos_uri: metadata.tos_uri.clone(),
        unreviewed: match client.origin {
            ClientOrigin::Manual => None,
            ClientOrigin::Dynamic => Some(Unreviewed::Registered),
            ClientOrigin::Document => {
                Some(Unreviewed::Document { host: host_of(client.id.as_str()) })
            }
        },
    }
}

/// A picture comes over https only. That of an app nobody has looked at comes from where its
/// document lives, so that it can at least not be somebody else's.
fn shows_logo(client: &Client, uri: &str) -> bool {
    let Some(origin) = origin_of(uri) else { return false };
    client.origin != ClientOrigin::Document
        || origin_of(client.id.as_str()).is_some_and(|own| own == origin)
}

fn host_of(uri: &str) -> String {
    let host = url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| uri.to_owned())
}

/// Scheme, host and port of an https address, for `img-src`. Nothing in it can end the directive.
#[must_use]
pub(super) fn origin_of(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok().filter(|url| url.scheme() == "https")?;
    plain_origin(&url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_an_https_picture_is_allowed() {
        assert_eq!(origin_of("https://rp.test/logo.png?x").as_deref(), Some("https://rp.test"));
        assert_eq!(origin_of("https://rp.test:8443/l").as_deref(), Some("https://rp.test:8443"));
        assert_eq!(origin_of("https://[2001:db8::1]/l").as_deref(), Some("https://[2001:db8::1]"));
        for bad in ["http://rp.test/l", "data:image/png,x", "javascript:1", "", "https://", "/l"] {
            assert_eq!(origin_of(bad), None, "{bad}");
        }
        for odd in ["https://rp.test;script-src*/l", "https://rp.test,x/l", "https://rp.test '*'/l"]
        {
            assert!(origin_of(odd).is_none_or(|o| !o.contains([';', ',', ' ', '\''])), "{odd}");
        }
    }
}
