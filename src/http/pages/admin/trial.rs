//! Connecting an app for the first time: whether it works yet, and if not, why.

use askama::Template;

use super::{Console, Section, path_below};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{Link, When};

/// `GET /admin/clients/{id}/first-sign-in`.
#[derive(Debug, Template)]
#[template(path = "admin/trial.html")]
pub struct TrialPage {
    pub chrome: Chrome,
    pub console: Console,
    /// The client's id.
    pub id: String,
    /// The client's name.
    pub name: String,
    pub trial: TrialView,
}

/// How far connecting an app has come.
#[derive(Debug, Clone)]
pub struct TrialView {
    /// The path of the client's page; what is offered here is below it.
    pub path: String,
    pub state: TrialState,
    /// When somebody last signed in to it.
    pub signed_in: Option<When>,
    /// What went wrong since.
    pub stumble: Option<StumbleView>,
    /// The address it sent may be added to those registered.
    pub may_add_uri: bool,
    /// It sends PKCE and need not.
    pub could_require_pkce: bool,
    /// Where a sign-in is tried: at the app, which begins it by itself.
    pub start: Option<Link>,
    /// What to do where the app cannot be asked to begin one.
    pub by_hand: Option<ByHand>,
    /// It is the app with which a sign-in is tried here.
    pub is_own: bool,
}

/// How a sign-in begins at an app that cannot be asked to begin it.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// In whole sentences.
    pub text: String,
    /// Its form here can say where it is asked.
    pub could_be_asked: bool,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialState {
    Waiting,
    Works,
    /// The last thing that happened was an error.
    Fails,
}

/// What went wrong last.
#[derive(Debug, Clone)]
pub struct StumbleView {
    pub at: When,
    /// In whole sentences, with what the app has sent.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// The code of the specification; empty where it has none.
    pub code: String,
}

impl TrialState {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for the first sign-in",
            Self::Works => "It works",
            Self::Fails => "The last try failed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Waiting => "",
            Self::Works => "good",
            Self::Fails => "bad",
        }
    }
}

impl TrialPage {
    /// The path of the client's page.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.id)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            trial: TrialView::sample(),
        }
    }

    /// Somebody has signed in.
    #[must_use]
    pub fn sample_done() -> Self {
        let trial = TrialView {
            state: TrialState::Works,
            stumble: None,
            may_add_uri: false,
            could_require_pkce: true,
            start: None,
            by_hand: Some(ByHand {
                text: words("Open the app at its own address and sign in there."),
                could_be_asked: true,
            }),
            ..TrialView::sample()
        };
        Self { trial, ..Self::sample() }
    }
}

impl TrialView {
    pub(super) fn sample_waiting() -> Self {
        Self {
            path: "/admin/clients/orchard-wiki".to_owned(),
            state: TrialState::Waiting,
            signed_in: None,
            stumble: None,
            may_add_uri: false,
            could_require_pkce: false,
            start: Some(Link {
                text: "Test sign-in".to_owned(),
                href: "https://wiki.orchard.example/login?iss=https%3A%2F%2Fid.example.com"
                    .to_owned(),
            }),
            by_hand: None,
            is_own: false,
        }
    }

    pub(super) fn sample() -> Self {
        Self {
            state: TrialState::Fails,
            signed_in: Some(When::sample(90_000)),
            stumble: Some(StumbleView {
                at: When::sample(60),
                text: words(
                    "It asked to send people back to http://wiki.orchard.example/callback, which is \
                     not registered.",
                ),
                advice: words("Make the two the same, character for character."),
                code: String::new(),
            }),
            may_add_uri: true,
            ..Self::sample_waiting()
        }
    }
}
