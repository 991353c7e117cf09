//! Upstream providers: the list, one of them with what a test and a preview show, the form, and the page
//! that takes another secret.

use askama::Template;

use super::{Console, Section, State, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/upstream`.
#[derive(Debug, Template)]
#[template(path = "admin/upstream_providers.html")]
pub struct UpstreamList {
    pub chrome: Chrome,
    pub console: Console,
    pub rows: Vec<UpstreamRow>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct UpstreamRow {
    pub id: String,
    pub slug: String,
    pub display_name: String,
    /// What it speaks.
    pub kind: &'static str,
    pub issuer: String,
    pub state: State,
    pub created: When,
}

/// What the form holds. The fields are named like the members; `trusts_email` is a box (`on`). The secret is
/// a field of its own, `client_secret`, which is never filled in.
#[derive(Debug, Clone, Default)]
pub struct UpstreamForm {
    /// Chosen once, when adding the provider.
    pub slug: String,
    /// Chosen once, when adding the provider.
    pub issuer: String,
    pub display_name: String,
    pub client_id: String,
    pub auth_method: String,
    pub scope: String,
    pub username_claim: String,
    pub name_claim: String,
    pub email_claim: String,
    pub groups_claim: String,
    pub trusts_email: bool,
}

/// What a test found about one thing.
#[derive(Debug, Clone)]
pub struct CheckRow {
    pub about: &'static str,
    pub verdict: Verdict,
    pub said: String,
}

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
}

impl Verdict {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "Warning",
            Self::Failed => "Failed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Ok => "good",
            Self::Warning => "",
            Self::Failed => "bad",
        }
    }
}

/// One thing that would be known of a person.
#[derive(Debug, Clone)]
pub struct PersonRow {
    pub about: &'static str,
    /// The claim it comes from; empty where none is read.
    pub claim: String,
    /// One a line.
    pub value: String,
    pub note: String,
}

impl UpstreamForm {
    /// The values of `auth_method` with what each means.
    fn methods() -> &'static [(&'static str, &'static str)] {
        &[
            ("client_secret_basic", "In a header. What most providers want."),
            ("client_secret_post", "In the form that is sent."),
        ]
    }

    fn sample() -> Self {
        Self {
            slug: words("school"),
            issuer: words("https://id.school.example"),
            display_name: words("Orchard School"),
            client_id: words("doorward"),
            auth_method: words("client_secret_basic"),
            scope: words("openid profile email"),
            username_claim: words("preferred_username"),
            name_claim: words("name"),
            email_claim: words("email"),
            groups_claim: words("groups"),
            trusts_email: true,
        }
    }
}

impl UpstreamRow {
    fn sample(slug: &str, display_name: &str, state: State) -> Self {
        Self {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            slug: words(slug),
            display_name: words(display_name),
            kind: "OpenID Connect",
            issuer: words("https://id.school.example"),
            state,
            created: When::sample(500_000),
        }
    }
}

impl UpstreamList {
    fn path_of(&self, row: &UpstreamRow) -> String {
        path_below(&self.chrome.base, "/admin/upstream/", &row.id)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Upstream),
            rows: vec![
                UpstreamRow::sample("partner", "Partner", State::Disabled),
                UpstreamRow::sample("school", "Orchard School", State::Active),
            ],
        }
    }

    /// Before the first provider.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), ..Self::sample() }
    }
}

/// `GET /admin/upstream/new`. Form `upstream-form`: POST `/admin/upstream` with the fields of
/// [`UpstreamForm`] and `client_secret`.
#[derive(Debug, Template)]
#[template(path = "admin/upstream_provider_new.html")]
pub struct UpstreamCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: UpstreamForm,
    /// Fields: the names of [`UpstreamForm`], and `client_secret`.
    pub errors: Vec<FieldError>,
}

impl UpstreamCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Upstream),
            form: UpstreamForm::sample(),
            errors: Vec::new(),
        }
    }

    /// After something that cannot be.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let error = |field, text: &str| FieldError { field, text: words(text) };
        let errors = vec![
            error("issuer", "The issuer must use https."),
            error("client_secret", "Type the secret once more."),
        ];
        Self { errors, ..Self::sample() }
    }
}

/// `GET /admin/upstream/{id}`. Forms: `upstream-form` POST `…/edit` with `seen` and the fields of [`UpstreamForm`]
/// but the slug and the issuer; `preview` POST `…/preview` with `claims`; POST `…/test`, `…/enable`. Links to
/// [`UpstreamSecret`], `GET …/set-secret`, and to [`super::confirm::Confirm`] pages: `GET …/disable`,
/// `…/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/upstream_provider.html")]
pub struct UpstreamDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub provider: UpstreamRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the form holds: the stored values, or what was typed when something was wrong.
    pub form: UpstreamForm,
    /// What the last test found; empty before one.
    pub checks: Vec<CheckRow>,
    /// Sample claims as they were typed.
    pub claims: String,
    /// What a person with them would look like; empty before anything was typed.
    pub person: Vec<PersonRow>,
    /// Fields: the names of [`UpstreamForm`], and `claims`.
    pub errors: Vec<FieldError>,
}

impl UpstreamDetail {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/upstream/", &self.provider.id)
    }

    /// How many checks are not good.
    fn failures(&self) -> usize {
        self.checks.iter().filter(|check| check.verdict == Verdict::Failed).count()
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Upstream),
            provider: UpstreamRow::sample("school", "Orchard School", State::Active),
            seen: seen_sample(),
            form: UpstreamForm::sample(),
            checks: Vec::new(),
            claims: String::new(),
            person: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// After a test.
    #[must_use]
    pub fn sample_tested() -> Self {
        let check = |about, verdict, said: &str| CheckRow { about, verdict, said: words(said) };
        let issuer = "It calls itself https://id.school.example/, and another one is written here.";
        let checks = vec![
            check("metadata", Verdict::Ok, "It was read from https://id.school.example."),
            check("issuer", Verdict::Failed, issuer),
            check("PKCE", Verdict::Warning, "It does not say that it offers S256."),
        ];
        Self { checks, ..Self::sample() }
    }

    /// With sample claims.
    #[must_use]
    pub fn sample_previewed() -> Self {
        let row = |about, claim: &str, value: &str, note: &str| PersonRow {
            about,
            claim: words(claim),
            value: words(value),
            note: words(note),
        };
        let person = vec![
            row("Username", "preferred_username", "ada", ""),
            row("E-mail address", "email", "ada@school.example", "It counts as verified."),
            row("Groups", "groups", "crew\nstaff", ""),
        ];
        Self { claims: words(r#"{ "sub": "1" }"#), person, ..Self::sample() }
    }

    /// After claims that cannot be read.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("The claims must be a JSON object in which no name stands twice.");
        let errors = vec![FieldError { field: "claims", text }];
        Self { claims: words("{"), errors, ..Self::sample() }
    }
}

/// `GET /admin/upstream/{id}/set-secret`. Form `secret`: POST the same address with `client_secret`.
#[derive(Debug, Template)]
#[template(path = "admin/upstream_provider_secret.html")]
pub struct UpstreamSecret {
    pub chrome: Chrome,
    pub console: Console,
    pub id: String,
    pub display_name: String,
    /// Field: `client_secret`.
    pub errors: Vec<FieldError>,
}

impl UpstreamSecret {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/upstream/", &self.id)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("The secret needs 1 to 512 ASCII characters.");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Upstream),
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            display_name: words("Orchard School"),
            errors: vec![FieldError { field: "client_secret", text }],
        }
    }
}
