//! The work beside the requests: messages that wait to arrive, clean-up, rotation.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::When;
use crate::service::jobs::JobTopic;

/// `GET /admin/jobs?topic=&after=`. Forms: POST `/admin/jobs/{id}/retry`. Links to
/// [`super::confirm::Confirm`]: `GET /admin/jobs/{id}/discard`.
#[derive(Debug, Template)]
#[template(path = "admin/jobs.html")]
pub struct JobsList {
    pub chrome: Chrome,
    pub console: Console,
    /// Whether this is the first page.
    pub is_start: bool,
    /// Only messages about this are listed.
    pub topic: Option<JobTopic>,
    pub rows: Vec<JobRow>,
    pub paging: Paging,
    /// When this node last removed what had expired.
    pub cleaned: Option<When>,
    pub rotations: Vec<Rotation>,
}

/// A message that waits.
#[derive(Debug, Clone)]
pub struct JobRow {
    pub id: String,
    /// What it is, in words.
    pub what: String,
    /// The app it is for, if it is for one.
    pub client_id: Option<String>,
    pub attempts: i64,
    pub created: When,
    pub next_try: When,
    pub gives_up: When,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// When the signing key of an algorithm changes.
#[derive(Debug, Clone)]
pub struct Rotation {
    pub alg: String,
    pub due: When,
}

fn label(topic: JobTopic) -> &'static str {
    match topic {
        JobTopic::Letters => "Letters",
        JobTopic::Webhooks => "Webhooks",
        JobTopic::Logouts => "Sign-outs",
        JobTopic::Logos => "Logos",
    }
}

impl JobsList {
    fn pages(&self) -> PageLinks {
        self.paging.links(&[("topic", self.topic.map_or("", JobTopic::as_str))])
    }

    /// Where each topic is listed, with the words for it.
    fn topics(&self) -> Vec<(String, &'static str, bool)> {
        let all = (format!("{}/admin/jobs", self.chrome.base), "Everything", self.topic.is_none());
        let link = |topic: JobTopic| {
            let href = format!("{}/admin/jobs?topic={}", self.chrome.base, topic.as_str());
            (href, label(topic), self.topic == Some(topic))
        };
        std::iter::once(all).chain(JobTopic::ALL.map(link)).collect()
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |id: &str, attempts, error: Option<&str>| JobRow {
            id: id.to_owned(),
            what: words("News of a sign-out"),
            client_id: Some(words("orchard-wiki")),
            attempts,
            created: When::sample(7_200),
            next_try: When::sample(60),
            gives_up: When::sample(0),
            last_error: error.map(words),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Jobs),
            is_start: true,
            topic: None,
            rows: vec![row("019a-1", 5, Some("the server answered 500")), row("019a-2", 0, None)],
            paging: Paging::before("019a-2".to_owned()),
            cleaned: Some(When::sample(40)),
            rotations: vec![Rotation { alg: words("RS256"), due: When::sample(90_000) }],
        }
    }

    /// Nothing waits.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), paging: Paging::default(), cleaned: None, ..Self::sample() }
    }
}
