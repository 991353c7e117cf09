//! What an app is registered with, as far as what it is and where it is tell.

use super::app::App;
use super::render::{Values, render};
use crate::protocol::client::{ClaimsPlacement, ClientKind, ClientMetadata};
use crate::protocol::scope::Scopes;

/// What is being connected.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// One of the catalogue.
    App(&'a App),
    /// Something else, of this kind.
    Kind(ClientKind),
    /// A program that calls MCP servers for people (Model Context Protocol, Authorization). Where it is does
    /// not matter; the address is that of the server it calls.
    Agent,
}

impl What<'_> {
    #[must_use]
    pub fn kind(self) -> ClientKind {
        match self {
            Self::App(app) => app.kind,
            Self::Kind(kind) => kind,
            Self::Agent => ClientKind::Native,
        }
    }

    /// Whether its addresses follow from where it is.
    #[must_use]
    pub fn has_address(self) -> bool {
        match self {
            Self::App(_) | Self::Agent => true,
            Self::Kind(kind) => matches!(kind, ClientKind::Web | ClientKind::Spa),
        }
    }
}

/// The metadata to begin with. `app_url` is one that [`super::app_url::check`] has taken, or empty.
#[must_use]
pub fn metadata(what: What<'_>, app_url: &str) -> ClientMetadata {
    let blank = ClientMetadata::for_kind(what.kind());
    let client_uri = Some(app_url.to_owned()).filter(|url| !url.is_empty());
    match what {
        What::App(app) => of_app(app, ClientMetadata { client_uri, ..blank }),
        What::Agent => ClientMetadata {
            // Any port counts (RFC 8252 section 7.3); agents write the host in each of these ways.
            redirect_uris: ["127.0.0.1", "[::1]", "localhost"]
                .map(|host| format!("http://{host}/callback"))
                .into(),
            scope: Scopes::from_tokens(["openid", "profile", "email", "offline_access"]),
            audience: client_uri.into_iter().collect(),
            ..blank
        },
        What::Kind(kind) => {
            let below = |path: &str| client_uri.iter().map(|url| format!("{url}{path}")).collect();
            ClientMetadata {
                redirect_uris: match kind {
                    ClientKind::Web | ClientKind::Spa => below("/callback"),
                    // Any port counts (RFC 8252 section 7.3).
                    ClientKind::Native => vec!["http://127.0.0.1/callback".to_owned()],
                    ClientKind::Device | ClientKind::Machine => Vec::new(),
                },
                post_logout_redirect_uris: below("/"),
                allowed_origins: match kind {
                    ClientKind::Spa => client_uri.iter().filter_map(|url| origin(url)).collect(),
                    _ => Vec::new(),
                },
                client_uri,
                ..blank
            }
        }
    }
}

fn of_app(app: &App, blank: ClientMetadata) -> ClientMetadata {
    let values = Values {
        issuer: String::new(),
        client_id: String::new(),
        client_secret: None,
        app_url: blank.client_uri.clone().unwrap_or_else(|| app.example.clone()),
    };
    let rendered = render(app, &values);
    ClientMetadata {
        client_name: app.name.clone(),
        allowed_origins: match app.kind {
            ClientKind::Spa => origin(&values.app_url).into_iter().collect(),
            _ => Vec::new(),
        },
        redirect_uris: rendered.redirect_uris,
        post_logout_redirect_uris: rendered.post_logout_redirect_uris,
        backchannel_logout_uri: rendered.backchannel_logout_uri,
        scope: Scopes::from_tokens(app.scopes.iter().map(String::as_str)),
        claims_in: if app.claims_in_id_token {
            ClaimsPlacement::IdTokenToo
        } else {
            ClaimsPlacement::Userinfo
        },
        ..blank
    }
}

fn origin(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::{AuthMethod, GrantType, PkcePolicy, validation};

    #[test]
    fn what_is_derived_for_every_app_and_kind_is_valid_metadata() {
        let mut all: Vec<_> = crate::snippets::all().iter().map(What::App).collect();
        all.extend(ClientKind::ALL.map(What::Kind));
        all.push(What::Agent);
        for what in all {
            let mut metadata = metadata(what, "https://app.test/sub");
            if metadata.client_name.is_empty() {
                metadata.client_name = "An app".to_owned();
            }
            assert_eq!(validation::validate(&metadata), Ok(()), "{what:?}");
        }
    }

    #[test]
    fn addresses_follow_from_where_the_app_is() {
        let spa = metadata(What::Kind(ClientKind::Spa), "https://app.test:8443/sub");
        assert_eq!(spa.redirect_uris, ["https://app.test:8443/sub/callback"]);
        assert_eq!(spa.post_logout_redirect_uris, ["https://app.test:8443/sub/"]);
        assert_eq!(spa.allowed_origins, ["https://app.test:8443"]);
        let grafana = crate::snippets::find("grafana").unwrap();
        let grafana = metadata(What::App(grafana), "https://g.test");
        assert_eq!(grafana.redirect_uris, ["https://g.test/login/generic_oauth"]);
        assert!(grafana.scope.contains("groups"));
        let native = metadata(What::Kind(ClientKind::Native), "");
        assert_eq!(native.redirect_uris, ["http://127.0.0.1/callback"]);
        assert_eq!(native.client_uri, None);
        let agent = metadata(What::Agent, "https://mcp.test/mcp");
        assert_eq!(
            (agent.kind, &*agent.audience),
            (ClientKind::Native, &["https://mcp.test/mcp".to_owned()][..])
        );
        assert_eq!(agent.token_endpoint_auth_method, AuthMethod::None);
        assert_eq!((agent.pkce, agent.client_uri), (PkcePolicy::Required, None));
        assert!(agent.grant_types.contains(&GrantType::RefreshToken));
    }
}
