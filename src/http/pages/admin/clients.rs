//! Apps: the list, and one app with its settings.

use askama::Template;

use super::client_forms::{ClientForm, Endpoint};
use super::logos::PictureForm;
use super::paging::{PageLinks, Paging};
use super::sorting::{ColumnHead, Sort};
use super::trial::TrialView;
use super::{Console, Section, State, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/clients?q=&sort=&rows=&after=`.
#[derive(Debug, Template)]
#[template(path = "admin/clients.html")]
pub struct ClientsList {
    pub chrome: Chrome,
    pub console: Console,
    /// The start of a name or client id; empty for all.
    pub q: String,
    pub sort: Sort,
    pub rows: Vec<ClientRow>,
    pub paging: Paging,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct ClientRow {
    pub id: String,
    pub name: String,
    /// What kind of app, in words: see [`super::client_forms::kind_in_words`].
    pub kind: String,
    /// Who added it, in words.
    pub origin: &'static str,
    pub state: State,
    /// The hosts people are sent back to.
    pub hosts: String,
    pub created: When,
}

impl ClientsList {
    fn pages(&self) -> PageLinks {
        self.paging.links(&[("q", &self.q), ("sort", self.sort.as_str())])
    }

    fn by_name(&self) -> ColumnHead {
        self.sort.name_head("Client id", &[("q", &self.q), ("rows", self.paging.rows())])
    }

    fn by_time(&self) -> ColumnHead {
        self.sort.time_head("Added", &[("q", &self.q), ("rows", self.paging.rows())])
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |id: &str, name: &str, kind: &str, hosts: &str| ClientRow {
            id: words(id),
            name: words(name),
            kind: words(kind),
            origin: "An administrator",
            state: State::Active,
            hosts: words(hosts),
            created: When::sample(800_000),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            q: String::new(),
            sort: Sort::Name,
            rows: vec![
                row("orchard-wiki", "Orchard Wiki", "Web app", "wiki.orchard.example"),
                row("harbour-cli", "Harbour CLI", "Native app", "127.0.0.1"),
                row("nightly-report", "Nightly report", "Machine", ""),
            ],
            paging: Paging::default(),
        }
    }

    /// Before the first app.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), ..Self::sample() }
    }
}

/// `GET /admin/clients/{id}`. Forms: `client` POST `/admin/clients/{id}/edit` with the fields of
/// [`ClientForm`]; POST `…/enable`. Links to [`super::confirm::Confirm`] pages:
/// `GET …/rotate-secret`, `GET …/disable`, `GET …/revoke-registration`, `GET …/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/client.html")]
pub struct ClientDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub client: ClientView,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the form holds: the stored values, or what was typed when something was wrong.
    pub form: ClientForm,
    /// Fields: the names of [`ClientForm`].
    pub errors: Vec<FieldError>,
    pub endpoints: Vec<Endpoint>,
    /// `None` for an app that nobody signs in to.
    pub trial: Option<TrialView>,
    pub logo: PictureForm,
}

/// The stored facts about an app.
#[derive(Debug, Clone)]
pub struct ClientView {
    pub id: String,
    pub name: String,
    /// What kind of app, in words.
    pub kind: String,
    /// Who added it and how, in words.
    pub origin: String,
    /// What an app that registered itself may do with itself; `None` for any other.
    pub own_access: Option<OwnAccess>,
    /// Whose people may use it; `None` for everybody.
    pub allowed_groups: Option<Vec<AllowedGroup>>,
    pub settings: Settings,
    pub state: State,
    pub secret: SecretState,
    /// What tells its secrets apart, newest first.
    pub secrets: Vec<String>,
    pub created: When,
    pub updated: When,
    /// When its document was last read, if one describes it.
    pub document_read: Option<When>,
}

/// A group that an app lets in.
#[derive(Debug, Clone)]
pub struct AllowedGroup {
    pub name: String,
    /// It may have been deleted since.
    pub is_there: bool,
}

/// Where the settings of an app are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings {
    /// They can be changed here.
    Here,
    /// In the document that describes the app.
    InDocument,
}

/// Whether an app that registered itself can change and delete itself (RFC 7592).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnAccess {
    Kept,
    /// An administrator has taken its registration access token away.
    Ended,
}

/// Whether the app proves itself with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// It has one; it can be replaced, not read.
    Kept,
    /// A public client.
    NotUsed,
    /// It has a key or a certificate.
    OwnProof,
}

impl ClientDetail {
    /// The path of this page; its forms post below it.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.client.id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    /// Whether the app has a token with which it can change itself.
    fn can_change_itself(&self) -> bool {
        self.client.own_access == Some(OwnAccess::Kept)
    }

    /// An app described by a document of its own.
    #[must_use]
    pub fn sample_document() -> Self {
        let mut page = Self::sample();
        page.client.id = words("https://orchard.example/client.json");
        page.client.origin = words("Its document, at the address that is its client id");
        page.client.settings = Settings::InDocument;
        page.client.secret = SecretState::NotUsed;
        page.client.secrets = Vec::new();
        page.client.document_read = Some(When::sample(4_000));
        page
    }

    /// An app that registered itself.
    #[must_use]
    pub fn sample_self_registered() -> Self {
        let mut page = Self::sample();
        page.client.origin = words("Itself, from 192.0.2.7");
        page.client.own_access = Some(OwnAccess::Kept);
        page
    }

    /// The same, after an administrator has ended its registration access.
    #[must_use]
    pub fn sample_access_ended() -> Self {
        let mut page = Self::sample_self_registered();
        page.client.own_access = Some(OwnAccess::Ended);
        page
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            client: ClientView {
                id: words("orchard-wiki"),
                name: words("Orchard Wiki"),
                kind: words("Web app"),
                origin: words("An administrator"),
                own_access: None,
                allowed_groups: Some(vec![
                    AllowedGroup { name: words("wiki-readers"), is_there: true },
                    AllowedGroup { name: words("wiki-guests"), is_there: false },
                ]),
                settings: Settings::Here,
                state: State::Active,
                secret: SecretState::Kept,
                secrets: vec![words("mF3qk1zV"), words("xJ2hG6dS")],
                created: When::sample(800_000),
                updated: When::sample(90_000),
                document_read: None,
            },
            seen: seen_sample(),
            form: ClientForm::sample(),
            errors: Vec::new(),
            endpoints: Endpoint::samples(),
            trial: Some(TrialView::sample()),
            logo: PictureForm::sample_of_app(),
        }
    }
}
