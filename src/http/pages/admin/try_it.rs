//! Trying a sign-in with Doorward as an app of itself.

use askama::Template;

use super::preview::{ClaimsView, ScopeChoice};
use super::upstream::{CheckRow, Verdict};
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/try`. Forms: `try-app` POST `…/app`; `try` POST `…/start` with `scope`, which comes once for
/// each, `again`, `max_age` and `acr`.
#[derive(Debug, Template)]
#[template(path = "admin/try_it.html")]
pub struct TryIt {
    pub chrome: Chrome,
    pub console: Console,
    pub app: AppState,
    /// Where answers come to, in full.
    pub callback: String,
    /// What the app may ask for beside `openid`.
    pub scopes: Vec<ScopeChoice>,
    /// Whether the person is to prove anew who they are.
    pub again: bool,
    /// As it was typed.
    pub max_age: String,
    /// The values that can be reached here.
    pub acrs: Vec<&'static str>,
    /// Fields: `max_age`.
    pub errors: Vec<FieldError>,
}

/// How the app stands that it is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppState {
    Missing,
    Ready,
    Disabled,
    OtherAddresses,
    Unusable,
}

impl TryIt {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let scope = |name: &str| ScopeChoice { name: words(name), chosen: name != "groups" };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            app: AppState::Ready,
            callback: words("https://id.example.com/admin/try/callback"),
            scopes: ["profile", "email", "groups", "offline_access"].map(scope).into(),
            again: true,
            max_age: String::new(),
            acrs: vec!["aal1"],
            errors: Vec::new(),
        }
    }

    /// After a number that is none.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Write a whole number of seconds, or nothing.");
        let errors = vec![FieldError { field: "max_age", text }];
        Self { max_age: words("an hour"), errors, ..Self::sample() }
    }

    /// Before anybody has made the app.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { app: AppState::Missing, ..Self::sample() }
    }

    /// Of an earlier issuer.
    #[must_use]
    pub fn sample_moved() -> Self {
        Self { app: AppState::OtherAddresses, ..Self::sample() }
    }
}

/// `GET /admin/try/result`. Forms: `try-refresh` POST `…/refresh`, `try-sign-out` POST `…/sign-out`.
#[derive(Debug, Template)]
#[template(path = "admin/try_it_result.html")]
pub struct TryItResult {
    pub chrome: Chrome,
    pub console: Console,
    pub outcome: OutcomeView,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum OutcomeView {
    /// Nothing is kept, or no longer.
    Nothing,
    Refused(RefusedView),
    Tokens(Box<TokensView>),
}

/// An error in place of tokens.
#[derive(Debug, Clone)]
pub struct RefusedView {
    /// The code of the specification.
    pub code: String,
    /// What was said with it; perhaps nothing.
    pub description: String,
    /// What happened, in words.
    pub happened: &'static str,
    /// What to do.
    pub advice: &'static str,
    pub at: When,
}

/// What the app has got.
#[derive(Debug, Clone)]
pub struct TokensView {
    pub checks: Vec<CheckRow>,
    /// What is in the tokens, and what is told of them.
    pub claims: Vec<ClaimsView>,
    /// What there is to say in a line each: a label and words.
    pub facts: Vec<(&'static str, String)>,
    pub received: When,
    pub has_refresh_token: bool,
    /// What the last refresh gave; empty before the first one.
    pub refreshed: &'static str,
    pub may_sign_out: bool,
}

impl TokensView {
    /// How many checks are not good.
    fn failures(&self) -> usize {
        self.checks.iter().filter(|check| check.verdict == Verdict::Failed).count()
    }
}

impl TryItResult {
    #[must_use]
    pub fn sample() -> Self {
        let check = |about, verdict, said: &str| CheckRow { about, verdict, said: words(said) };
        let view = |id, label, json: Option<&str>| ClaimsView {
            id,
            label,
            json: json.map(words),
            rows: json.map_or(0, |json| json.lines().count()),
        };
        let tokens = TokensView {
            checks: vec![
                check("signature", Verdict::Ok, "It is signed with a key that is published."),
                check("nonce", Verdict::Failed, "It is another one than was sent."),
            ],
            claims: vec![
                view("id-token-header", "ID token, header", Some("{\n  \"alg\": \"RS256\"\n}")),
                view("id-token", "ID token, claims", Some("{\n  \"sub\": \"5f0c1f0e\"\n}")),
                view("userinfo", "Userinfo", None),
            ],
            facts: vec![("Granted scope", words("openid profile"))],
            received: When::sample(30),
            has_refresh_token: true,
            refreshed: "The refresh token was used and replaced by another one.",
            may_sign_out: true,
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            outcome: OutcomeView::Tokens(Box::new(tokens)),
        }
    }

    /// After somebody has said no.
    #[must_use]
    pub fn sample_refused() -> Self {
        let refused = RefusedView {
            code: words("access_denied"),
            description: words("The person declined."),
            happened: "Somebody said no.",
            advice: "Try again and allow it.",
            at: When::sample(30),
        };
        Self { outcome: OutcomeView::Refused(refused), ..Self::sample() }
    }

    /// Before anything was tried.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { outcome: OutcomeView::Nothing, ..Self::sample() }
    }
}
