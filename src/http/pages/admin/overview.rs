//! The first page of the console: how things stand, and what to do first.

use askama::Template;

use super::audit::AuditRow;
use super::chart::Chart;
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{Link, When};
use crate::service::overview::Span;

/// `GET /admin?span=`. Form `dismiss`: POST `/admin/get-started/dismiss`. What is in [`Overview::live`] keeps itself up to date.
#[derive(Debug, Template)]
#[template(path = "admin/overview.html")]
pub struct Overview {
    pub chrome: Chrome,
    pub console: Console,
    pub figures: Vec<Figure>,
    /// What needs somebody's attention.
    pub warnings: Vec<Warning>,
    pub span: Span,
    pub charts: Vec<Chart>,
    /// The active signing key of each algorithm.
    pub keys: Vec<KeyAge>,
    /// Empty once everything is done or put away.
    pub checklist: Vec<Step>,
    /// Whether whoever sees it can put it away.
    pub may_dismiss: bool,
    /// The newest few events.
    pub recent: Vec<AuditRow>,
}

/// Something that needs attention.
#[derive(Debug, Clone)]
pub struct Warning {
    /// In whole sentences.
    pub text: String,
    /// Where something can be done about it.
    pub link: Option<Link>,
}

/// The value of the parameter; empty for the usual one.
fn parameter(span: Span) -> &'static str {
    match span {
        Span::Day => "",
        Span::Week | Span::Month => span.as_str(),
    }
}

fn label(span: Span) -> &'static str {
    match span {
        Span::Day => "A day, by the hour",
        Span::Week => "A week, by six hours",
        Span::Month => "Four weeks, by the day",
    }
}

/// One number and where it leads.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What is counted: "People".
    pub label: String,
    /// The number as text (`10,000+`).
    pub value: String,
    /// Path with the issuer's path.
    pub href: String,
}

/// How old the active key of an algorithm is.
#[derive(Debug, Clone)]
pub struct KeyAge {
    pub alg: String,
    pub active_since: When,
}

/// One step of getting started.
#[derive(Debug, Clone)]
pub struct Step {
    pub progress: Progress,
    pub title: String,
    pub text: String,
    /// Where the step is done.
    pub link: Option<Link>,
}

/// Whether a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Done,
    Open,
}

impl Overview {
    /// Where the part of the page that keeps itself up to date comes from.
    fn live(&self) -> String {
        format!("{}/admin?span={}&live=1", self.chrome.base, parameter(self.span))
    }

    /// The addresses of the same page for each span.
    fn spans(&self) -> Vec<(String, &'static str, bool)> {
        let link = |span: Span| match parameter(span) {
            "" => format!("{}/admin", self.chrome.base),
            name => format!("{}/admin?span={name}", self.chrome.base),
        };
        Span::ALL.map(|span| (link(span), label(span), span == self.span)).into()
    }

    fn steps_done(&self) -> usize {
        self.checklist.iter().filter(|step| step.progress == Progress::Done).count()
    }

    #[must_use]
    pub fn sample() -> Self {
        let figure = |label: &str, value: &str, href: &str| Figure {
            label: words(label),
            value: words(value),
            href: words(href),
        };
        let warning = |text: &str, (link, href): (&str, &str)| Warning {
            text: words(text),
            link: Some(Link { text: words(link), href: words(href) }),
        };
        let key = |alg: &str| KeyAge { alg: words(alg), active_since: When::sample(260_000) };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Overview),
            figures: vec![
                figure("People", "128", "/admin/users"),
                figure("Apps", "9", "/admin/clients"),
                figure("Signed in now", "47", "/admin/sessions"),
                figure("Failed sign-ins today", "3", "/admin/audit?kind=sign_in.failed"),
                figure("Letters waiting", "2", "/admin/jobs?topic=letters"),
            ],
            warnings: vec![
                warning(
                    "3 messages have not arrived after several tries.",
                    ("Look at the jobs", "/admin/jobs"),
                ),
                warning(
                    "2 letters wait that the mail server has not taken yet.",
                    ("Look at the letters", "/admin/jobs?topic=letters"),
                ),
            ],
            span: Span::Day,
            charts: vec![Chart::sample()],
            keys: vec![key("RS256"), key("ES256"), key("EdDSA")],
            checklist: Step::samples(),
            may_dismiss: true,
            recent: AuditRow::samples(),
        }
    }
}

impl Step {
    fn samples() -> Vec<Self> {
        let step = |progress, title: &str, text: &str, link: Option<(&str, &str)>| Self {
            progress,
            title: words(title),
            text: words(text),
            link: link.map(|(text, href)| Link { text: words(text), href: words(href) }),
        };
        vec![
            step(Progress::Done, "Make the first administrator", "That is you.", None),
            step(
                Progress::Open,
                "Add an app",
                "Tell Doorward where people may go once they are signed in.",
                Some(("Add an app", "/admin/clients/new")),
            ),
            step(
                Progress::Open,
                "Invite somebody",
                "Make an account and hand over its link to choose a password.",
                Some(("Add a person", "/admin/users/new")),
            ),
        ]
    }
}
