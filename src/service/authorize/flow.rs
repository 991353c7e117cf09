//! The in-flight request of a person who is still signing in: sealed and carried by the page
//! itself. Nothing is stored for it, so a million anonymous requests leave no trace, every tab has
//! its own flow, and restarts lose none.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::encoding::fingerprint;
use crate::crypto::seal::Purpose;
use crate::crypto::secret::SecretHash;
use crate::protocol::authorize::Arrival;
use crate::protocol::interaction::Progress;
use crate::protocol::params::Params;
use crate::service::failure::Failure;
use crate::service::sign_in::temporary::Proof;

/// How long a page stays usable.
pub const LIFETIME: Seconds = 600;

/// How long after it began a request may be started over from a page of its own.
const AGAIN: Seconds = 3_600;

/// No page of a request can be answered later than this after it began.
pub const LONGEST: Seconds = AGAIN + LIFETIME;

/// Where a sign-in leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Back to a client: the authorization request, encoded as it came. It is validated again at
    /// each step, so a client disabled meanwhile is noticed.
    Authorize {
        params: String,
        /// How it came. What was pushed or signed does not come again in the clear.
        #[serde(default)]
        arrival: Arrival,
    },
    /// The person's own account page.
    Account,
    /// The page on which a person signs out elsewhere.
    SignOut,
    /// The administrators' console.
    Admin,
    /// A page of the console that asks for a sign-in of its own.
    AdminPage {
        /// Path and query below the issuer.
        page: String,
    },
    /// The page that lets a device in, with the code that was typed or came with the link.
    Device { user_code: Option<String> },
    /// Back to an app behind the gateway, with a cookie for it.
    Gateway {
        /// The address to go back to, already found to be one of an app's.
        back_to: String,
        /// The least assurance (`acr`) wanted there.
        acr: Option<String>,
    },
}

/// The longest path and query of a console page that a sign-in comes back to, in bytes.
const LONGEST_PAGE: usize = 1_000;

impl Target {
    /// The console, at a page of it. What is no path of the console is forgotten, and leads to its
    /// beginning.
    #[must_use]
    pub fn console(page: Option<&str>) -> Self {
        let is_page = |page: &&str| {
            let rest = page.strip_prefix("/admin/");
            page.len() <= LONGEST_PAGE
                && page.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
                && rest.is_some_and(|rest| !rest.is_empty())
                && !page.contains("//")
                && !page.contains("/..")
        };
        match page.filter(is_page) {
            Some(page) => Self::AdminPage { page: page.to_owned() },
            None => Self::Admin,
        }
    }

    /// Whether it opens the console.
    #[must_use]
    pub fn is_console(&self) -> bool {
        matches!(self, Self::Admin | Self::AdminPage { .. })
    }

    /// The same request, asking first which account it shall be. Whatever else the app insists on,
    /// such as a fresh sign-in, it still does.
    #[must_use]
    pub fn asking_for_account(self) -> Self {
        self.prompting(&["none", "select_account", "create"], Some("select_account"))
    }

    /// The same request, for somebody who wants to make an account first.
    #[must_use]
    pub fn asking_for_new_account(self) -> Self {
        self.prompting(&["none", "create"], Some("create"))
    }

    /// The same request, for somebody who has an account after all.
    #[must_use]
    pub fn asking_to_sign_in(self) -> Self {
        self.prompting(&["create"], None)
    }

    /// The same request without some values of `prompt` and with another one.
    fn prompting(self, without: &[&str], with: Option<&str>) -> Self {
        let Self::Authorize { params, arrival } = self else { return self };
        let params = Params::parse(params.as_bytes()).unwrap_or_default();
        let prompts = params.sole("prompt").unwrap_or_default().split(' ');
        let kept = prompts.filter(|value| !value.is_empty() && !without.contains(value));
        let prompt = kept.chain(with).collect::<Vec<_>>().join(" ");
        Self::Authorize { params: params.with("prompt", &prompt).encode(), arrival }
    }
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub target: Target,
    pub received_at: UnixTime,
    /// When its request first came, however often it was started over since.
    #[serde(default)]
    pub began_at: UnixTime,
    /// Hash of the browser-binding cookie: another browser cannot use this flow.
    pub browser: String,
    #[serde(default)]
    pub progress: Progress,
    /// What the consent page lists that carries this flow, as [`crate::service::authorize::consent`] writes it:
    /// the answer counts for that and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<String>,
    /// Whose temporary password was right on the page before: the page that carries this flow asks them for
    /// another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Box<Proof>>,
    /// Which page it came back from; `None` before there was one.
    #[serde(skip)]
    pub page: Option<String>,
}

/// Why a flow cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// Not made by us, or damaged.
    #[error("the flow cannot be opened")]
    Unreadable,
    /// Made for another browser, or this browser has lost its cookie.
    #[error("the flow belongs to another browser")]
    OtherBrowser(Box<Flow>),
    /// Left open too long; its request can start again.
    #[error("the flow has expired")]
    Expired(Box<Flow>),
}

impl Flow {
    /// A new flow of this browser.
    #[must_use]
    pub fn new(target: Target, browser_cookie: &str, now: UnixTime) -> Self {
        Self {
            target,
            received_at: now,
            began_at: now,
            browser: SecretHash::of(browser_cookie).as_str().to_owned(),
            progress: Progress::default(),
            listed: None,
            proof: None,
            page: None,
        }
    }

    /// The same request from the start in this browser, for a page that was left open too long or is
    /// to be answered by somebody else; `None` when it began too long ago.
    #[must_use]
    pub fn started_over(self, browser_cookie: &str, now: UnixTime) -> Option<Self> {
        let in_time = now.since(self.began_at) <= AGAIN;
        let over = Self { began_at: self.began_at, ..Self::new(self.target, browser_cookie, now) };
        in_time.then_some(over)
    }

    /// The same request on a page of its own that takes time to answer, with what was proven on the way
    /// there. No page is answered later than [`LONGEST`] after the request began.
    #[must_use]
    pub fn with_proof(self, proof: Box<Proof>, now: UnixTime) -> Self {
        let received_at = now.min(self.began_at.plus(AGAIN)).max(self.received_at);
        Self { received_at, proof: Some(proof), ..self }
    }

    /// The sealed form for a hidden field.
    ///
    /// # Errors
    /// [`Failure::Internal`], which would be a defect.
    pub fn seal(&self, app: &App) -> Result<String, Failure> {
        Ok(app.sealer.seal(Purpose::Flow, &serde_json::to_vec(self)?))
    }

    /// Opens a sealed flow that this browser sent back.
    ///
    /// # Errors
    /// [`FlowError`].
    pub fn open(app: &App, sealed: &str, browser_cookie: Option<&str>) -> Result<Self, FlowError> {
        let plain = app.sealer.open(Purpose::Flow, sealed).ok_or(FlowError::Unreadable)?;
        let flow: Self = serde_json::from_slice(&plain).map_err(|_| FlowError::Unreadable)?;
        let flow = Self { page: Some(fingerprint(sealed)), ..flow };
        let own = SecretHash::from_stored(flow.browser.clone());
        if !browser_cookie.is_some_and(|cookie| own.matches(cookie)) {
            return Err(FlowError::OtherBrowser(Box::new(flow)));
        }
        if app.now().since(flow.received_at) > LIFETIME {
            return Err(FlowError::Expired(Box::new(flow)));
        }
        Ok(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_the_account_takes_nothing_back_that_the_app_insists_on() {
        let prompt = |query: &str| {
            let params = query.to_owned();
            let target = Target::Authorize { params, arrival: Arrival::default() };
            let Target::Authorize { params, .. } = target.asking_for_account() else { panic!() };
            Params::parse(params.as_bytes()).unwrap().sole("prompt").unwrap().to_owned()
        };
        assert_eq!(prompt("state=x"), "select_account");
        assert_eq!(prompt("prompt=login+consent"), "login consent select_account");
        assert_eq!(prompt("prompt=select_account+login"), "login select_account");
        assert_eq!(Target::Account.asking_for_account(), Target::Account);
    }

    #[test]
    fn people_go_to_and_fro_between_signing_in_and_a_new_account() {
        let params = "prompt=login+select_account&state=x".to_owned();
        let asked = Target::Authorize { params, arrival: Arrival::default() };
        let new = asked.clone().asking_for_new_account();
        let Target::Authorize { params, .. } = &new else { panic!() };
        let prompt = Params::parse(params.as_bytes()).unwrap();
        assert_eq!(prompt.sole("prompt"), Some("login select_account create"));
        let Target::Authorize { params, .. } = new.asking_to_sign_in() else { panic!() };
        let back = Params::parse(params.as_bytes()).unwrap();
        assert_eq!(back.sole("prompt"), Some("login select_account"));
    }

    #[test]
    fn a_request_is_started_over_for_an_hour_and_not_renewed_by_it() {
        let flow = Flow::new(Target::Account, "a", UnixTime(0));
        let again = flow.started_over("b", UnixTime(3_600)).unwrap();
        assert_eq!((again.received_at, again.began_at), (UnixTime(3_600), UnixTime(0)));
        assert_eq!(again.started_over("b", UnixTime(3_601)), None);
    }
}
