//! The page for what went wrong: what happened in plain words, the protocol's own words below, and
//! the way on.

use askama::Template;

use super::DemoApp;
use super::explain::Row;
use super::failure::Failure;
use super::pages::Page;

/// A page for what went wrong, and what to do about it.
#[derive(Template)]
#[template(path = "demo/problem.html")]
pub(super) struct ProblemPage<'a> {
    app: &'a DemoApp,
    title: &'static str,
    text: &'static str,
    /// The protocol's own words: `error`, `error_description`, what was checked.
    details: Vec<Row>,
    retry: Retry,
}

impl Page for ProblemPage<'_> {}

/// The way on from a problem.
enum Retry {
    SignIn,
    Home,
}

impl Retry {
    fn href(&self) -> &'static str {
        match self {
            Self::SignIn => "/login",
            Self::Home => "/",
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::SignIn => "Try again",
            Self::Home => "Back to the front page",
        }
    }
}

impl<'a> ProblemPage<'a> {
    /// The page for a failed step.
    pub(super) fn of(app: &'a DemoApp, failure: &Failure) -> Self {
        let (title, text) = match failure {
            Failure::Refused { error, .. } if error == "access_denied" => (
                "The sign-in was cancelled",
                "Doorward sent you back without signing you in, because someone chose to cancel.",
            ),
            Failure::Refused { .. } => (
                "Doorward refused the request",
                "Doorward sent you back with an error. Its own words are below.",
            ),
            Failure::Unreachable(_) => (
                "Doorward does not answer",
                "The app could not reach the provider. See whether doorward demo is still running, \
                 then try again.",
            ),
            Failure::Unexpected(_) => (
                "Doorward gave an answer this app does not understand",
                "The answer was not what the standard describes, so the app has used none of it.",
            ),
            Failure::NotVerified(_) => (
                "The answer did not pass the checks",
                "Something about it does not match what this app asked for, so the app has used \
                 none of it and nobody is signed in.",
            ),
            Failure::Stranger => (
                "This sign-in was not started in this browser",
                "The answer has no state this browser knows. It was already used, took too long, \
                 or came from somewhere else, so the app ignores it.",
            ),
            Failure::TokenDead => (
                "Doorward no longer accepts the access token",
                "The sign-in has ended. Sign in again to continue.",
            ),
        };
        Self { app, title, text, details: details(failure), retry: Retry::SignIn }
    }

    /// The outcome of a silent check for somebody the provider does not know.
    pub(super) fn not_known(app: &'a DemoApp) -> Self {
        Self {
            app,
            title: "You are not signed in at Doorward",
            text: "The app asked with prompt=none, so Doorward showed no page and answered at once: \
                   nobody is signed in in this browser.",
            details: vec![Row::new("error", "", "login_required")],
            retry: Retry::SignIn,
        }
    }

    /// A form whose token is not the session's.
    pub(super) fn old_form(app: &'a DemoApp) -> Self {
        Self {
            app,
            title: "This form is out of date",
            text: "You have signed in again since the page was opened. Go back to the front page \
                   and press the button there.",
            details: Vec::new(),
            retry: Retry::Home,
        }
    }

    /// An address this app does not have.
    pub(super) fn not_found(app: &'a DemoApp) -> Self {
        Self {
            app,
            title: "There is no such page",
            text: "The address is not one of this app's.",
            details: Vec::new(),
            retry: Retry::Home,
        }
    }
}

fn details(failure: &Failure) -> Vec<Row> {
    match failure {
        Failure::Refused { error, description } => {
            let mut rows = vec![Row::new("error", "", error.as_str())];
            if !description.is_empty() {
                rows.push(Row::new("error_description", "", description.as_str()));
            }
            rows
        }
        Failure::Unreachable(text) | Failure::Unexpected(text) | Failure::NotVerified(text) => {
            vec![Row::new("reason", "", text.as_str())]
        }
        Failure::Stranger | Failure::TokenDead => Vec::new(),
    }
}
