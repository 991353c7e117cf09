//! The form that makes or changes an app, and the page that shows its secret once.

use askama::Template;

use super::client_parts::{LinksForm, LogoutForm};
use super::connect::SnippetView;
use super::trial::TrialView;
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};
use crate::protocol::client::{ClientKind, ClientOrigin};
use crate::protocol::scope::Scopes;
use crate::protocol::types::SigningAlg;

/// What the form holds. The fields are named like the members, also those of the two parts. What is true or
/// false is a box (`on`); the lists of URIs, contacts, claims and groups are text areas, one a line; `scope`
/// comes several times, each a scope or several separated by spaces: their union is meant.
#[derive(Debug, Clone, Default)]
pub struct ClientForm {
    pub name: String,
    /// `web`, `spa`, `native`, `device` or `machine`; chosen once, when making the app.
    pub kind: String,
    /// Where the app lives; people find it in their account page under this address.
    pub client_uri: String,
    /// Where it begins a sign-in when it is asked to (OpenID Connect Core 1.0 section 4).
    pub initiate_login_uri: String,
    pub redirect_uris: String,
    pub links: LinksForm,
    pub logout: LogoutForm,
    /// Origins of pages that ask from within a browser, one a line.
    pub allowed_origins: String,
    /// The URIs by which tokens name what the app protects.
    pub protected_resources: String,
    /// Claims of its own, one a line, as [`crate::protocol::claim_mapping::grammar`] writes them.
    pub claim_mappings: String,
    /// `everyone`, or `groups` for those in one of `allowed_groups`.
    pub access: String,
    /// Names of groups, one a line.
    pub allowed_groups: String,
    /// Every scope the app may ask for, separated by spaces.
    pub scope: String,
    pub skip_consent: bool,
    pub require_pkce: bool,
    pub claims_in_id_token: bool,
    /// `stateless`, `checked` or `opaque`.
    pub revocation: String,
    /// The name of an algorithm there are keys for.
    pub access_token_alg: String,
    /// Likewise.
    pub id_token_alg: String,
}

/// Who added an app, in words.
#[must_use]
pub fn origin_in_words(origin: ClientOrigin) -> &'static str {
    match origin {
        ClientOrigin::Manual => "An administrator",
        ClientOrigin::Dynamic => "Itself",
        ClientOrigin::Document => "Its document",
    }
}

/// A kind of app as people call it.
#[must_use]
pub fn kind_in_words(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Web => "Web app",
        ClientKind::Spa => "Single-page app",
        ClientKind::Native => "Native app",
        ClientKind::Device => "Device",
        ClientKind::Machine => "Machine",
    }
}

fn kind_explained(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Web => "Runs on a server and can keep a secret",
        ClientKind::Spa => "Runs in the browser only",
        ClientKind::Native => "On a phone, a desktop or the command line",
        ClientKind::Device => "Has no browser of its own, like a television",
        ClientKind::Machine => "A service that signs in as itself, without a person",
    }
}

impl ClientForm {
    pub(super) fn kinds() -> [(&'static str, &'static str, &'static str); 5] {
        ClientKind::ALL.map(|kind| (kind.as_str(), kind_in_words(kind), kind_explained(kind)))
    }

    pub(super) fn algs() -> [&'static str; 5] {
        SigningAlg::ALL.map(SigningAlg::as_str)
    }

    pub(super) fn standard_scopes() -> [&'static str; 8] {
        Scopes::STANDARD
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split_whitespace().any(|token| token == scope)
    }

    /// The scopes that have no box of their own.
    pub(super) fn other_scopes(&self) -> String {
        let own = self.scope.split_whitespace().filter(|token| !Scopes::STANDARD.contains(token));
        own.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn sample() -> Self {
        Self {
            name: words("Orchard Wiki"),
            kind: "web".to_owned(),
            client_uri: words("https://wiki.orchard.example/"),
            initiate_login_uri: words("https://wiki.orchard.example/login"),
            redirect_uris: words("https://wiki.orchard.example/callback"),
            links: LinksForm::sample(),
            logout: LogoutForm::sample(),
            allowed_origins: words("https://wiki.orchard.example"),
            protected_resources: words("https://wiki.orchard.example/api"),
            claim_mappings: words("plan@id_token,userinfo=value:gold"),
            access: "groups".to_owned(),
            allowed_groups: words("wiki-readers"),
            scope: words("openid profile email wiki:edit"),
            skip_consent: false,
            require_pkce: true,
            claims_in_id_token: false,
            revocation: "checked".to_owned(),
            access_token_alg: "RS256".to_owned(),
            id_token_alg: "RS256".to_owned(),
        }
    }
}

/// `GET /admin/clients/new`. Form `client`: POST `/admin/clients` with the fields of
/// [`ClientForm`]. The answer is a [`ClientSecret`].
#[derive(Debug, Template)]
#[template(path = "admin/client_new.html")]
pub struct ClientCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: ClientForm,
    /// The app of the catalogue that it is; empty for any other. Goes along with the form as `app`.
    pub app: String,
    /// Where it is, as it stands in what is derived from it. Goes along as `app_url`.
    pub app_url: String,
    /// Fields: the names of [`ClientForm`].
    pub errors: Vec<FieldError>,
}

impl ClientCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("Start each redirect URI with https://, or http://localhost for tests.");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            form: ClientForm::sample(),
            app: "grafana".to_owned(),
            app_url: words("https://wiki.orchard.example"),
            errors: vec![FieldError { field: "redirect_uris", text }],
        }
    }
}

/// What an app needs to know: the answer to POST `/admin/clients` and POST
/// `/admin/clients/{id}/rotate-secret`.
#[derive(Debug, Template)]
#[template(path = "admin/client_secret.html")]
pub struct ClientSecret {
    pub chrome: Chrome,
    pub console: Console,
    pub occasion: Occasion,
    pub client_id: String,
    pub name: String,
    /// Shown once; `None` for a public client.
    pub secret: Option<String>,
    pub endpoints: Vec<Endpoint>,
    /// Lines for the app's environment, ready to paste.
    pub snippet: String,
    /// What to paste into an app of the catalogue, in place of these lines.
    pub settings: Vec<SnippetView>,
    /// How far connecting it has come; `None` for an app that nobody signs in to.
    pub trial: Option<TrialView>,
}

/// What happened just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    Created,
    /// A new secret replaces the old one.
    Rotated,
    /// A new secret works beside the old one.
    Added,
}

/// An address the app needs.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Used as the field's id: letters and hyphens.
    pub id: &'static str,
    pub label: &'static str,
    pub value: String,
}

impl Endpoint {
    pub(super) fn samples() -> Vec<Self> {
        let endpoint = |id, label, path: &str| Self {
            id,
            label,
            value: words(&format!("https://id.orchard.example{path}")),
        };
        vec![
            endpoint("issuer", "Issuer", ""),
            endpoint("discovery", "Discovery document", "/.well-known/openid-configuration"),
            endpoint("authorize", "Authorization endpoint", "/oauth2/authorize"),
            endpoint("token", "Token endpoint", "/oauth2/token"),
            endpoint("userinfo", "User information endpoint", "/oauth2/userinfo"),
            endpoint("jwks", "Signing keys", "/.well-known/jwks.json"),
            endpoint("logout", "Sign-out endpoint", "/oauth2/logout"),
        ]
    }
}

impl ClientSecret {
    /// An app of the catalogue.
    #[must_use]
    pub fn sample_of_catalogue() -> Self {
        Self {
            settings: vec![SnippetView {
                place: "grafana.ini".to_owned(),
                text: words("[auth.generic_oauth]\nclient_id = orchard-wiki"),
                rows: 2,
            }],
            ..Self::sample()
        }
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            occasion: Occasion::Created,
            client_id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            secret: Some(words("mF3qk1zV9cT7yR5wB8nLxJ2hG6dS0aQpUeIoZtYvKrE")),
            endpoints: Endpoint::samples(),
            snippet: words(
                "OIDC_ISSUER=https://id.orchard.example\nOIDC_CLIENT_ID=orchard-wiki\n\
                 OIDC_CLIENT_SECRET=mF3qk1zV9cT7yR5wB8nLxJ2hG6dS0aQpUeIoZtYvKrE",
            ),
            settings: Vec::new(),
            trial: Some(TrialView::sample_waiting()),
        }
    }
}
