//! What a page tells people of the app they are on the way to.

use crate::http::branding;
use crate::http::pages::views::{AboutApp, Unreviewed};
use crate::protocol::client::{Client, ClientOrigin};

/// What is told of a client. Its logo is the one we keep: nothing is loaded from anywhere else.
#[must_use]
pub(super) fn about(client: &Client) -> AboutApp {
    let metadata = &client.metadata;
    AboutApp {
        logo: client.logo.as_deref().map(branding::picture_path),
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

fn host_of(uri: &str) -> String {
    let host = url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| uri.to_owned())
}
