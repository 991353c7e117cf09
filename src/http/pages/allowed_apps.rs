//! The section of the account page that lists what a person has allowed.

use super::When;
use super::consent::scope_sentence;
use super::sample::words;

/// One app that a person has allowed something. Form: POST `/account/allowed/end` with `csrf` and
/// `client_id`.
#[derive(Debug)]
pub struct AllowedApp {
    pub client_id: String,
    pub name: String,
    /// One sentence for each scope and claim.
    pub permissions: Vec<String>,
    /// When the person last said so.
    pub since: When,
}

impl AllowedApp {
    pub(super) fn samples() -> Vec<Self> {
        let app = |id: &str, name: &str, scopes: &[&str]| Self {
            client_id: words(id),
            name: words(name),
            permissions: scopes.iter().map(|scope| words(&scope_sentence(scope))).collect(),
            since: When::sample(190_000),
        };
        vec![
            app("wiki", "Orchard Wiki", &["openid", "profile"]),
            app("https://apps.example/tv.json", "Garden TV", &["openid", "offline_access"]),
        ]
    }
}
