//! The pages for when something does not go as planned. Each says what happened and what to do.

use askama::Template;

use super::chrome::Chrome;
use super::filters;
use super::sample::words;
use super::views::{Link, When};
use crate::clock::Seconds;

/// An error that cannot be told to the app, or that is ours.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub chrome: Chrome,
    pub heading: String,
    pub what_happened: String,
    pub what_to_do: String,
    /// The error code, for support (`invalid_redirect_uri`).
    pub code: String,
    pub request_id: String,
    pub at: When,
    /// What only the app's administrator can use.
    pub for_app_admin: Option<AppAdminHint>,
    /// Where the person may go from here.
    pub way_out: Option<Link>,
}

/// Facts for the administrator of the app that sent the request.
#[derive(Debug, Clone)]
pub struct AppAdminHint {
    /// What to check, in one sentence.
    pub advice: String,
    pub client_id: Option<String>,
    /// The redirect URI as received.
    pub redirect_uri: Option<String>,
}

impl ErrorPage {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            heading: words("This sign-in link does not work"),
            what_happened: words(
                "The app asked for the answer to be sent to an address that is not registered for \
                 it. To keep your account safe, nothing was sent.",
            ),
            what_to_do: words(
                "Go back to the app and try again. If this page comes back, send \
                the details below to whoever looks after the app.",
            ),
            code: words("invalid_redirect_uri"),
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            at: When::sample(900_000),
            for_app_admin: Some(AppAdminHint {
                advice: words(
                    "Register this redirect URI for the app, or correct it in the app’s settings. \
                     They must be equal character for character.",
                ),
                client_id: Some(words("orchard-wiki")),
                redirect_uri: Some(words("http://wiki.orchard.example/callback/")),
            }),
            way_out: None,
        }
    }
}

/// The request this page belonged to is over: expired, answered already, or opened from a
/// bookmark.
#[derive(Debug, Template)]
#[template(path = "expired.html")]
pub struct Expired {
    pub chrome: Chrome,
    /// "Return to" this app, when it is known and has an address to start at.
    pub app: Option<Link>,
    /// Path of "Start again".
    pub start_again: String,
    pub request_id: String,
}

impl Expired {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            app: Some(Link::sample("Orchard Wiki", "https://wiki.orchard.example/")),
            start_again: words("/login"),
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
        }
    }
}

/// Too many tries. Send it with `Retry-After`.
#[derive(Debug, Template)]
#[template(path = "throttled.html")]
pub struct Throttled {
    pub chrome: Chrome,
    /// How long to wait.
    pub seconds: Seconds,
    /// Where to try again then, the same form as before.
    pub try_again: String,
    pub request_id: String,
}

impl Throttled {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            seconds: 280,
            try_again: words("/login?flow=sealed-request"),
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
        }
    }

    /// After the first few tries.
    #[must_use]
    pub fn sample_short() -> Self {
        Self { seconds: 8, ..Self::sample() }
    }

    /// The time to wait in words, rounded up: a person told "one minute" for two seconds would
    /// wait for nothing.
    fn wait(&self) -> String {
        match (self.seconds, (self.seconds + 59) / 60) {
            (..=1, _) => words("one second"),
            (seconds @ 2..=59, _) => format!("{seconds} seconds"),
            (_, 1) => words("one minute"),
            (_, minutes) => format!("{minutes} minutes"),
        }
    }
}

/// Signed in, but not allowed to see the page.
#[derive(Debug, Template)]
#[template(path = "forbidden.html")]
pub struct Forbidden {
    pub chrome: Chrome,
    /// Who is signed in.
    pub account: String,
    /// What the person would have to be, in one sentence.
    pub reason: String,
    pub request_id: String,
    /// Where somebody else may sign in instead.
    pub switch_href: String,
}

impl Forbidden {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            account: words("Ada Lovelace"),
            reason: words("This page is for people who look after Doorward."),
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            switch_href: words("/login?switch=1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_wait_is_said_in_seconds_and_a_longer_one_in_minutes_rounded_up() {
        for (seconds, text) in [
            (0, "one second"),
            (1, "one second"),
            (2, "2 seconds"),
            (59, "59 seconds"),
            (60, "one minute"),
            (61, "2 minutes"),
            (120, "2 minutes"),
            (3600, "60 minutes"),
        ] {
            assert_eq!(Throttled { seconds, ..Throttled::sample() }.wait(), text);
        }
    }
}
