//! Webhooks: the list, one of them with the log of what it was sent, the form, and the secret that is
//! shown once.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section, State, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/webhooks`.
#[derive(Debug, Template)]
#[template(path = "admin/webhooks.html")]
pub struct WebhooksList {
    pub chrome: Chrome,
    pub console: Console,
    pub rows: Vec<WebhookRow>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    pub id: String,
    pub name: String,
    /// Where its address leads; the rest of it may be a secret.
    pub host: String,
    /// What it wants, one a line.
    pub events: String,
    pub state: State,
    /// Since when nothing has arrived there.
    pub failing_since: Option<When>,
    pub created: When,
}

/// What the form holds. The fields are named like the members; `events` is a text area with one value a
/// line.
#[derive(Debug, Clone, Default)]
pub struct WebhookForm {
    pub name: String,
    pub url: String,
    pub events: String,
}

/// One message as the log shows it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// What the button sends; empty for one that cannot be sent again.
    pub again: String,
    pub kind: String,
    pub message_id: String,
    pub state: DeliveryState,
    pub attempts: i64,
    /// The last answer: its status, how long it took, and what was wrong.
    pub answer: String,
    pub last: When,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    Arrived,
    Waiting,
    Failed,
    Dropped,
}

impl DeliveryState {
    fn label(self) -> &'static str {
        match self {
            Self::Arrived => "Arrived",
            Self::Waiting => "Waiting",
            Self::Failed => "Failed",
            Self::Dropped => "Dropped",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Arrived => "good",
            Self::Failed => "bad",
            Self::Waiting | Self::Dropped => "",
        }
    }
}

impl WebhookForm {
    fn sample() -> Self {
        Self {
            name: words("Staff chat"),
            url: words("https://chat.orchard.example/hooks/7d1"),
            events: words("user.*\nsign_in.refused"),
        }
    }
}

impl WebhookRow {
    fn sample(name: &str, state: State, failing: bool) -> Self {
        Self {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            name: words(name),
            host: words("chat.orchard.example"),
            events: words("user.*\nsign_in.refused"),
            state,
            failing_since: failing.then(|| When::sample(90_000)),
            created: When::sample(500_000),
        }
    }
}

impl WebhooksList {
    fn path_of(&self, row: &WebhookRow) -> String {
        path_below(&self.chrome.base, "/admin/webhooks/", &row.id)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Webhooks),
            rows: vec![
                WebhookRow::sample("Billing", State::Disabled, false),
                WebhookRow::sample("Staff chat", State::Active, true),
            ],
        }
    }

    /// Before the first webhook.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), ..Self::sample() }
    }
}

/// `GET /admin/webhooks/new`. Form `webhook-form`: POST `/admin/webhooks` with the fields of
/// [`WebhookForm`]. The answer is a [`WebhookSecret`].
#[derive(Debug, Template)]
#[template(path = "admin/webhook_new.html")]
pub struct WebhookCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: WebhookForm,
    /// Every kind of event there is.
    pub kinds: &'static [&'static str],
    /// Fields: the names of [`WebhookForm`].
    pub errors: Vec<FieldError>,
}

impl WebhookCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("There is no event “user.made”; did you mean user.created?");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Webhooks),
            form: WebhookForm::sample(),
            kinds: &["sign_in.refused", "user.created"],
            errors: vec![FieldError { field: "events", text }],
        }
    }
}

/// `GET /admin/webhooks/{id}`. Forms: `webhook-form` POST `…/edit` with the fields of [`WebhookForm`];
/// POST `…/test`, `…/enable`, and `…/redeliver` with `delivery`. Links to [`super::confirm::Confirm`]
/// pages: `GET …/rotate-secret`, `…/disable`, `…/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/webhook.html")]
pub struct WebhookDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub webhook: WebhookRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the form holds: the stored values, or what was typed when something was wrong.
    pub form: WebhookForm,
    pub kinds: &'static [&'static str],
    /// Fields: the names of [`WebhookForm`].
    pub errors: Vec<FieldError>,
    pub log: Vec<DeliveryRow>,
    pub paging: Paging,
}

impl WebhookDetail {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/webhooks/", &self.webhook.id)
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&[])
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |kind: &str, state, attempts, answer: &str| DeliveryRow {
            again: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c:019a6b3e"),
            kind: words(kind),
            message_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            state,
            attempts,
            answer: words(answer),
            last: When::sample(400),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Webhooks),
            webhook: WebhookRow::sample("Staff chat", State::Active, true),
            seen: seen_sample(),
            form: WebhookForm::sample(),
            kinds: &["sign_in.refused", "user.created"],
            errors: Vec::new(),
            log: vec![
                row("user.created", DeliveryState::Waiting, 4, "503 in 12 ms: try later"),
                row("sign_in.refused", DeliveryState::Arrived, 1, "204 in 31 ms"),
                row("user.deleted", DeliveryState::Failed, 90, "the endpoint did not answer"),
            ],
            paging: Paging::before(words("019a6b3e")),
        }
    }
}

/// The secret that signs the messages, shown once: the answer to POST `/admin/webhooks` and POST
/// `/admin/webhooks/{id}/rotate-secret`.
#[derive(Debug, Template)]
#[template(path = "admin/webhook_secret.html")]
pub struct WebhookSecret {
    pub chrome: Chrome,
    pub console: Console,
    pub id: String,
    pub name: String,
    pub secret: String,
    /// Until when the secret before signs, too; `None` for a new webhook.
    pub previous_until: Option<When>,
}

impl WebhookSecret {
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/webhooks/", &self.id)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Webhooks),
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            name: words("Staff chat"),
            secret: words("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="),
            previous_until: Some(When::sample(-86_400)),
        }
    }
}
