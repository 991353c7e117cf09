//! A person's own page: their apps, and where they are signed in.

use askama::Template;

use super::allowed_apps::AllowedApp;
use super::chrome::{BrandLogo, Chrome};
use super::filters;
use super::organisations::OrganisationChoice;
use super::sample::words;
use super::views::{ConnectionView, Flash, Link, SessionView};

/// `GET /account`. Forms, each with `csrf`: POST `/account/sessions/{id}/end` for another
/// session, POST `/account/connections/{id}/end` for a device or app, POST `/account/organisations` for another organisation, POST `/logout` with `decision=logout` for this one.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountHome {
    pub chrome: Chrome,
    pub csrf: String,
    pub flash: Option<Flash>,
    /// Name, or username when there is none.
    pub name: String,
    pub username: String,
    pub email: Option<String>,
    /// Apps the person may open.
    pub apps: Vec<AppTile>,
    /// Those the person is in, by name.
    pub organisations: Vec<OrganisationChoice>,
    /// What the person has allowed, and may take back.
    pub allowed: Vec<AllowedApp>,
    /// This session first.
    pub sessions: Vec<SessionView>,
    /// What stays signed in by itself, the newest first.
    pub connections: Vec<ConnectionView>,
    pub console: ConsoleLink,
}

/// An app to be opened.
#[derive(Debug, Clone)]
pub struct AppTile {
    pub link: Link,
    /// The path of its logo below the issuer.
    pub logo: Option<String>,
}

/// Whether the person sees the way to the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleLink {
    Shown,
    Hidden,
}

impl AccountHome {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome {
                banner: Some(words("Demo: everything here is forgotten when it stops.")),
                logo: Some(BrandLogo::sample()),
                ..Chrome::sample()
            },
            csrf: words("csrf-value"),
            flash: None,
            name: words("Ada Lovelace"),
            username: words("ada"),
            email: Some(words("ada@orchard.example")),
            apps: vec![
                AppTile {
                    link: Link::sample("Orchard Wiki", "https://wiki.orchard.example/"),
                    logo: Some("/branding/picture.0123456789abcdef.png".to_owned()),
                },
                AppTile {
                    link: Link::sample("Harbour Mail", "https://mail.orchard.example/"),
                    logo: None,
                },
            ],
            organisations: OrganisationChoice::samples(),
            allowed: AllowedApp::samples(),
            sessions: SessionView::samples(),
            connections: ConnectionView::samples(),
            console: ConsoleLink::Shown,
        }
    }
}
