//! Who is signed in, and where.

use askama::Template;
use url::form_urlencoded::Serializer;

use super::paging::{PageLinks, Paging};
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, SessionView, error_of};

/// `GET /admin/sessions?user=&client=&address=&after=`. Forms: POST `/admin/sessions/{id}/end`, which goes back to
/// the path in `back` (follow it only below `/admin`); GET `/admin/sessions/sign-out` with the filter.
#[derive(Debug, Template)]
#[template(path = "admin/sessions.html")]
pub struct SessionsList {
    pub chrome: Chrome,
    pub console: Console,
    /// What the page was asked for; empty strings ask for everything.
    pub filter: SessionQuery,
    /// Fields: `client`, `address`. Nothing is shown then.
    pub errors: Vec<FieldError>,
    pub rows: Vec<SessionView>,
    pub paging: Paging,
}

/// The filter form; each field has the name of its parameter.
#[derive(Debug, Clone, Default)]
pub struct SessionQuery {
    /// A username, an e-mail address or an id.
    pub user: String,
    /// A client id.
    pub client: String,
    /// An IP address.
    pub address: String,
}

impl SessionQuery {
    /// Every parameter with its value.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 3] {
        [("user", &self.user), ("client", &self.client), ("address", &self.address)]
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// Whether nothing but a person was asked for.
    fn is_of_person(&self) -> bool {
        !self.user.is_empty() && self.client.is_empty() && self.address.is_empty()
    }

    /// What follows a path; empty where nothing was asked for.
    fn query(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let given = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        format!("?{}", Serializer::new(String::new()).extend_pairs(given).finish())
    }
}

impl SessionsList {
    /// Where the forms come back to: this list with the same filter.
    fn back(&self) -> String {
        format!("{}{}{}", self.chrome.base, self.console.section.path(), self.filter.query())
    }

    /// The question before all of them end.
    fn sign_out(&self) -> String {
        let path = self.console.section.path();
        format!("{}{path}/sign-out{}", self.chrome.base, self.filter.query())
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&self.filter.fields())
    }

    fn error(&self, name: &str) -> Option<&str> {
        error_of(&self.errors, name)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Sessions),
            filter: SessionQuery { user: words("ada"), ..SessionQuery::default() },
            errors: Vec::new(),
            rows: SessionView::samples(),
            paging: Paging::before(words("019a6b3e")),
        }
    }

    /// A filter that cannot be read.
    #[must_use]
    pub fn sample_unclear() -> Self {
        let text = words("Enter an IP address, such as 192.0.2.7 or 2001:db8::7.");
        Self {
            filter: SessionQuery { address: words("office"), ..SessionQuery::default() },
            errors: vec![FieldError { field: "address", text }],
            rows: Vec::new(),
            paging: Paging::default(),
            ..Self::sample()
        }
    }
}
