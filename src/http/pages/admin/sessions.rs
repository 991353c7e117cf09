//! Who is signed in, and where.

use askama::Template;
use url::form_urlencoded::byte_serialize;

use super::{Console, Section, next_page};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::SessionView;

/// `GET /admin/sessions?user=&after=`. Forms: POST `/admin/sessions/{id}/end`, which goes back to
/// the path in `back` (follow it only below `/admin`).
#[derive(Debug, Template)]
#[template(path = "admin/sessions.html")]
pub struct SessionsList {
    pub chrome: Chrome,
    pub console: Console,
    /// The username or e-mail address that was asked for; empty for everybody.
    pub user: String,
    pub rows: Vec<SessionView>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl SessionsList {
    /// Where the forms come back to: this list with the same filter.
    fn back(&self) -> String {
        let query = match self.user.as_str() {
            "" => String::new(),
            user => format!("?user={}", byte_serialize(user.as_bytes()).collect::<String>()),
        };
        format!("{}{}{query}", self.chrome.base, self.console.section.path())
    }

    fn next_page(&self) -> Option<String> {
        self.next.as_deref().map(|cursor| next_page(&[("user", &self.user)], cursor))
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Sessions),
            user: words("ada"),
            rows: SessionView::samples(),
            next: Some(words("019a6b3e")),
        }
    }
}
