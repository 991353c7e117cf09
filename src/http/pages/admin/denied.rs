//! Something in the console that the role of the administrator does not allow.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::protocol::user::AdminRole;

/// Says what would allow it, and leads back: browsers do not tell the page somebody comes from
/// (`Referrer-Policy: no-referrer`), so that is to the section in whose path the address lies.
#[derive(Debug, Template)]
#[template(path = "admin/denied.html")]
pub struct Denied {
    pub chrome: Chrome,
    pub console: Console,
    /// Why not, in sentences.
    pub reason: String,
    /// The roles with which it can be done, strongest first; none where it is not known.
    pub roles: Vec<AdminRole>,
    /// For whoever is asked why.
    pub request_id: String,
}

impl Denied {
    /// The roles in words.
    fn roles(&self) -> String {
        let names: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        names.join(" or ")
    }

    /// Whether the section is a place to go back to, beside the first page.
    fn leads_to_section(&self) -> bool {
        self.console.section != Section::Overview && self.console.may(self.console.section.reads())
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            reason: words("Your role in the console does not allow this."),
            roles: vec![AdminRole::Owner, AdminRole::Operator],
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
        }
    }
}
