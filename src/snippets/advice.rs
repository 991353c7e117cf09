//! What a client lacks that an app needs: URIs that are not registered, and settings that will make
//! the first sign-in fail.

use super::app::App;
use super::app_url;
use super::render::Rendered;
use crate::protocol::client::redirect_uri;
use crate::protocol::client::{ClaimsPlacement, Client};

/// What a URI is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Redirect,
    PostLogout,
    BackChannel,
}

impl Purpose {
    /// The member of the metadata (OpenID Connect Registration section 2).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect_uri",
            Self::PostLogout => "post_logout_redirect_uri",
            Self::BackChannel => "backchannel_logout_uri",
        }
    }

    /// In words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Redirect => "Redirect URI",
            Self::PostLogout => "Address after sign-out",
            Self::BackChannel => "Address told of sign-outs",
        }
    }
}

/// A URI of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    pub purpose: Purpose,
    pub uri: String,
    /// Whether the client has it registered.
    pub registered: bool,
}

/// Every URI of the app, and whether the client has it.
#[must_use]
pub fn uris(rendered: &Rendered, client: &Client) -> Vec<Needed> {
    let metadata = &client.metadata;
    let redirect = rendered.redirect_uris.iter().map(|uri| {
        let mut known = metadata.redirect_uris.iter();
        let registered = known.any(|known| redirect_uri::matches(known, uri, metadata.kind));
        Needed { purpose: Purpose::Redirect, uri: uri.clone(), registered }
    });
    let post_logout = rendered.post_logout_redirect_uris.iter().map(|uri| Needed {
        purpose: Purpose::PostLogout,
        uri: uri.clone(),
        registered: metadata.post_logout_redirect_uris.contains(uri),
    });
    let back_channel = rendered.backchannel_logout_uri.iter().map(|uri| Needed {
        purpose: Purpose::BackChannel,
        uri: uri.clone(),
        registered: metadata.backchannel_logout_uri.as_ref() == Some(uri),
    });
    redirect.chain(post_logout).chain(back_channel).collect()
}

/// What else to change about the client, one sentence each.
#[must_use]
pub fn hints(app: &App, client: &Client) -> Vec<String> {
    let (metadata, mut hints) = (&client.metadata, Vec::new());
    if metadata.kind != app.kind {
        hints.push(format!(
            "{} is made for an app of the kind {}; this one is of the kind {}.",
            app.name,
            app.kind.as_str(),
            metadata.kind.as_str()
        ));
    }
    let scopes = app.scopes.iter().filter(|scope| !metadata.scope.contains(scope));
    let scopes: Vec<&str> = scopes.map(String::as_str).collect();
    if !scopes.is_empty() {
        hints.push(format!("This app may not ask for these scopes yet: {}.", scopes.join(", ")));
    }
    if app.claims_in_id_token && metadata.claims_in != ClaimsPlacement::IdTokenToo {
        hints.push(
            "It may look for names and groups in the ID token: put the person’s details there too."
                .to_owned(),
        );
    }
    hints
}

/// The address to begin with: what was asked for, or the client's own, or an example.
///
/// # Errors
/// Why the address that was asked for is not taken.
pub fn start_url(
    asked: Option<&str>,
    client: &Client,
    app: &App,
) -> Result<String, app_url::AppUrlError> {
    if let Some(asked) = asked {
        return app_url::check(asked);
    }
    let own = client.metadata.client_uri.as_deref();
    Ok(own.and_then(|uri| app_url::check(uri).ok()).unwrap_or_else(|| app.example.clone()))
}
