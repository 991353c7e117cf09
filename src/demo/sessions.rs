//! What a sample app remembers: sign-ins on their way, people signed in, sign-outs on their way.
//! All in this process and bounded, so a restart of the demo signs people out of the apps (though
//! not of Doorward: one click and no form brings them back).
//!
//! Two cookies hold random names. One names the browser and ties each `state` to it; the other
//! names the signed-in session and is new at every sign-in, so nobody can plant one beforehand.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::flow::{Attempt, Tokens};
use super::relying_party::random_state;
use crate::clock::UnixTime;

/// More sign-ins than anyone starts at a demo; beyond it the oldest are forgotten.
const MOST_ENTRIES: u64 = 1_000;
/// How long a person may take at the provider's pages.
const ATTEMPT_LIFETIME: Duration = Duration::from_mins(15);
const SESSION_IDLE: Duration = Duration::from_hours(8);

/// The memory of one sample app.
pub(super) struct Sessions {
    slug: String,
    attempts: Cache<String, Arc<Started>>,
    people: Cache<String, Arc<SignedIn>>,
    leaving: Cache<String, String>,
}

/// A sign-in on its way and the browser it was started in.
pub(super) struct Started {
    browser: String,
    pub attempt: Attempt,
}

/// A person signed in to this app.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    /// Carried by every form of this session.
    pub csrf: String,
    pub tokens: Tokens,
    pub userinfo: Value,
    pub userinfo_at: UnixTime,
    /// How the sign-in went, kept to explain it.
    pub story: Arc<Story>,
    /// How often the tokens were renewed.
    pub refreshes: u32,
    /// Shown once at the top of the next page.
    pub notice: Option<Notice>,
}

/// What happened between "Sign in" and the first page, for the explanation.
#[derive(Debug)]
pub(super) struct Story {
    /// The parameters of the authorization request, as sent.
    pub request: Vec<(String, String)>,
    pub endpoint: String,
    pub started_at: UnixTime,
    pub code: String,
    pub verifier: String,
    /// The `iss` the answer named.
    pub iss: Option<String>,
}

/// What just happened, for the person who made it happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Refreshed,
    AskedAgain,
    /// The access token had expired and was renewed without being asked.
    RenewedByItself,
    ProviderSilent,
}

impl Sessions {
    /// `slug` becomes part of the cookie names.
    pub(super) fn new(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            attempts: bounded().time_to_live(ATTEMPT_LIFETIME).build(),
            people: bounded().time_to_idle(SESSION_IDLE).build(),
            leaving: bounded().time_to_live(ATTEMPT_LIFETIME).build(),
        }
    }

    fn session_cookie(&self) -> String {
        format!("doorward_demo_{}", self.slug)
    }

    fn browser_cookie(&self) -> String {
        format!("doorward_demo_{}_browser", self.slug)
    }

    /// The browser's name if it has one.
    pub(super) fn browser(&self, request: &HttpRequest) -> Option<String> {
        request.cookie(&self.browser_cookie()).map(|cookie| cookie.value().to_owned())
    }

    /// A cookie that gives the browser a new name, and that name.
    pub(super) fn name_browser(&self) -> (String, Cookie<'static>) {
        let name = random_state().into_secret();
        (name.clone(), cookie(self.browser_cookie(), name))
    }

    /// Remembers a sign-in that starts in `browser`.
    pub(super) fn start(&self, browser: String, attempt: Attempt) {
        self.attempts.insert(attempt.state.clone(), Arc::new(Started { browser, attempt }));
    }

    /// Takes the sign-in that `state` names: once, and only in the browser it was started in. A
    /// stranger's try leaves it in place for its owner.
    pub(super) fn take_started(&self, state: &str, browser: &str) -> Option<Arc<Started>> {
        let started = self.attempts.get(state)?;
        if !same(&started.browser, browser) {
            return None;
        }
        self.attempts.remove(state)
    }

    /// Opens a session and gives the cookie that names it.
    pub(super) fn open(&self, person: SignedIn) -> Cookie<'static> {
        let name = random_state().into_secret();
        self.people.insert(name.clone(), Arc::new(person));
        cookie(self.session_cookie(), name)
    }

    /// The session this request belongs to, and its name.
    pub(super) fn current(&self, request: &HttpRequest) -> Option<(String, Arc<SignedIn>)> {
        let name = request.cookie(&self.session_cookie())?.value().to_owned();
        let person = self.people.get(&name)?;
        Some((name, person))
    }

    /// Replaces what is known of a session, unless it was closed meanwhile.
    pub(super) fn update(&self, name: &str, person: SignedIn) {
        self.people.entry_by_ref(name).and_compute_with(|open| match open {
            Some(_) => Op::Put(Arc::new(person)),
            None => Op::Nop,
        });
    }

    /// Closes a session.
    pub(super) fn close(&self, name: &str) {
        self.people.invalidate(name);
    }

    /// A cookie that removes the session's name from the browser.
    pub(super) fn farewell(&self) -> Cookie<'static> {
        let mut cookie = cookie(self.session_cookie(), String::new());
        cookie.make_removal();
        cookie
    }

    /// Remembers that `browser` was sent to the provider to sign out.
    pub(super) fn leave(&self, state: String, browser: String) {
        self.leaving.insert(state, browser);
    }

    /// Whether the browser came back from the sign-out that `state` names; once.
    pub(super) fn has_left(&self, state: &str, browser: &str) -> bool {
        self.leaving.get(state).is_some_and(|left| same(&left, browser))
            && self.leaving.remove(state).is_some()
    }
}

impl SignedIn {
    /// Whether a form came from a page of this session.
    pub(super) fn wrote(&self, csrf: &str) -> bool {
        same(&self.csrf, csrf)
    }
}

fn same(left: &str, right: &str) -> bool {
    bool::from(left.as_bytes().ct_eq(right.as_bytes()))
}

fn bounded<V: Clone + Send + Sync + 'static>()
-> moka::sync::CacheBuilder<String, V, Cache<String, V>> {
    Cache::builder().max_capacity(MOST_ENTRIES).eviction_policy(EvictionPolicy::lru())
}

/// A cookie for this app only. Without `Secure`, since the demo speaks plain HTTP on loopback.
fn cookie(name: String, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::flow::Prompt;
    use openidconnect::Nonce;

    fn attempt(state: &str) -> Attempt {
        Attempt {
            state: state.to_owned(),
            nonce: Nonce::new("n".to_owned()),
            verifier: "v".to_owned(),
            url: "http://localhost:8080/oauth2/authorize".parse().unwrap(),
            prompt: Prompt::Provider,
            started_at: UnixTime(0),
        }
    }

    #[test]
    fn a_state_works_once() {
        let sessions = Sessions::new("orchard");
        sessions.start("browser".to_owned(), attempt("s"));
        assert!(sessions.take_started("s", "browser").is_some());
        assert!(sessions.take_started("s", "browser").is_none());
    }

    #[test]
    fn a_state_from_another_browser_is_refused_and_not_spent() {
        let sessions = Sessions::new("orchard");
        sessions.start("browser".to_owned(), attempt("s"));
        assert!(sessions.take_started("s", "elsewhere").is_none());
        assert!(sessions.take_started("s", "browser").is_some());
    }

    #[test]
    fn a_sign_out_is_confirmed_once_and_only_in_its_browser() {
        let sessions = Sessions::new("orchard");
        sessions.leave("s".to_owned(), "browser".to_owned());
        assert!(!sessions.has_left("s", "elsewhere"));
        assert!(sessions.has_left("s", "browser"));
        assert!(!sessions.has_left("s", "browser"));
    }

    #[test]
    fn cookies_of_two_apps_on_one_host_have_different_names() {
        let cookies = ["orchard", "lighthouse"].map(|slug| Sessions::new(slug).name_browser().1);
        assert_ne!(cookies[0].name(), cookies[1].name());
        assert!(cookies.iter().all(|c| c.http_only() == Some(true)));
        assert!(cookies.iter().all(|c| c.same_site() == Some(SameSite::Lax)));
    }
}
