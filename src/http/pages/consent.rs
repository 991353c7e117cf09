//! What an app asks for, before it gets it.

use askama::Template;
use serde_json::Value;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{AboutApp, Switch, Unreviewed};
use crate::protocol::authorize::authorization_details::describe;

/// `GET /consent`. Form `consent`: POST `/consent` with `decision` = `allow` or `deny`, `flow`,
/// `csrf`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// What to know before looking at the list.
    pub notice: Option<String>,
    pub app_name: String,
    /// Where the answer goes: the host of the registered redirect URI, or a native app's scheme.
    pub redirect_host: String,
    /// Who is signed in: name or username.
    pub account: String,
    /// Where somebody else may sign in instead.
    pub switch: Switch,
    /// One sentence per scope, from [`scope_sentence`].
    pub permissions: Vec<String>,
    /// What it wants to do in detail.
    pub details: Vec<Detail>,
    pub about: AboutApp,
}

impl Consent {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            notice: None,
            app_name: words("Orchard Wiki"),
            redirect_host: words("wiki.orchard.example"),
            account: words("Ada Lovelace"),
            switch: Switch::Link(words("/login/again?flow=sealed-request&as=another")),
            permissions: ["openid", "profile", "email", "offline_access"]
                .map(|scope| words(&scope_sentence(scope)))
                .to_vec(),
            details: vec![Detail {
                kind: words("payment initiation"),
                lines: vec![words("creditorName: Orchard Seeds"), words("amount: 12.50 EUR")],
            }],
            about: AboutApp::sample(),
        }
    }

    /// For a request that is too long for an address.
    #[must_use]
    pub fn sample_long() -> Self {
        Self { switch: Switch::Button, ..Self::sample() }
    }

    /// For an app that nobody has looked at.
    #[must_use]
    pub fn sample_unreviewed() -> Self {
        Self { about: AboutApp::sample_unreviewed(), ..Self::sample() }
    }

    /// For an app that registered itself.
    #[must_use]
    pub fn sample_registered() -> Self {
        let unreviewed = Some(Unreviewed::Registered);
        let notice = Some(words("What this app asks for has changed."));
        Self { notice, about: AboutApp { unreviewed, ..AboutApp::sample() }, ..Self::sample() }
    }
}

/// One of the `authorization_details` (RFC 9396) in words.
#[derive(Debug)]
pub struct Detail {
    /// Its type.
    pub kind: String,
    /// Its members, one a line.
    pub lines: Vec<String>,
}

impl Detail {
    #[must_use]
    pub fn of(detail: &Value) -> Self {
        let (kind, lines) = describe(detail);
        Self { kind, lines }
    }
}

/// A claim that is asked for by name, as people understand it.
#[must_use]
pub fn claim_sentence(claim: &str) -> String {
    match claim {
        "name" => "See your name".to_owned(),
        "preferred_username" => "See your username".to_owned(),
        "picture" => "See your picture".to_owned(),
        "birthdate" => "See your date of birth".to_owned(),
        "zoneinfo" => "See your time zone".to_owned(),
        "updated_at" => "See when your profile last changed".to_owned(),
        "email" => "See your e-mail address".to_owned(),
        "email_verified" => "See whether your e-mail address is confirmed".to_owned(),
        "phone_number_verified" => "See whether your phone number is confirmed".to_owned(),
        "address" => "See your postal address".to_owned(),
        "groups" => "See which groups you are in".to_owned(),
        "locale" => "See your language".to_owned(),
        other => format!("See your {}", other.replace('_', " ")),
    }
}

/// A scope as people understand it. A scope of the app's own is named as it is.
#[must_use]
pub fn scope_sentence(scope: &str) -> String {
    match scope {
        "openid" => "Know that it is you who signs in".to_owned(),
        "profile" => "See your name, username and profile".to_owned(),
        "email" => "See your e-mail address".to_owned(),
        "phone" => "See your phone number".to_owned(),
        "address" => "See your postal address".to_owned(),
        "groups" => "See which groups you are in".to_owned(),
        "org" => "See for which organisation you are here".to_owned(),
        "offline_access" => "Keep this access while you are away".to_owned(),
        own => format!("Use its own permission “{own}”"),
    }
}

#[cfg(test)]
mod tests {
    use super::scope_sentence;
    use crate::protocol::scope::Scopes;

    #[test]
    fn every_standard_scope_has_a_sentence_of_its_own() {
        for scope in Scopes::STANDARD {
            assert!(!scope_sentence(scope).contains("permission"), "{scope}");
        }
        assert!(scope_sentence("wiki:edit").contains("wiki:edit"));
    }
}
