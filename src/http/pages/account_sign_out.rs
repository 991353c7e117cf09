//! The question before a person signs out elsewhere, or everywhere.

use askama::Template;

use super::chrome::Chrome;
use super::filters;
use super::sample::words;

/// `GET /account/sign-out`. Form `sign-out-elsewhere`: POST to the same path with `csrf`, `reach` =
/// `elsewhere` or `everywhere`, and `connections` (a box) to end what stays signed in by itself.
#[derive(Debug, Template)]
#[template(path = "account_sign_out.html")]
pub struct AccountSignOut {
    pub chrome: Chrome,
    pub csrf: String,
    /// How many other sessions there are.
    pub others: usize,
    /// The names of devices and apps that stay signed in by themselves.
    pub connections: Vec<String>,
}

impl AccountSignOut {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            csrf: words("csrf-value"),
            others: 2,
            connections: vec![words("Orchard TV"), words("Harbour Mail")],
        }
    }

    /// Somebody who is signed in here and nowhere else.
    #[must_use]
    pub fn sample_alone() -> Self {
        Self { others: 0, connections: Vec::new(), ..Self::sample() }
    }
}
