//! The in-flight request of a person who is still signing in: sealed and carried by the page
//! itself. Nothing is stored for it, so a million anonymous requests leave no trace, every tab has
//! its own flow, and restarts lose none.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::seal::Purpose;
use crate::crypto::secret::SecretHash;
use crate::protocol::interaction::Progress;
use crate::service::failure::Failure;

/// How long a page stays usable.
pub const LIFETIME: Seconds = 600;

/// Where a sign-in leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Back to a client: the authorization request, encoded as it came. It is validated again at
    /// each step, so a client disabled meanwhile is noticed.
    Authorize { params: String },
    /// The person's own account page.
    Account,
    /// The administrators' console.
    Admin,
    /// The page that lets a device in, with the code that was typed or came with the link.
    Device { user_code: Option<String> },
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub target: Target,
    pub received_at: UnixTime,
    /// Hash of the browser-binding cookie: another browser cannot use this flow.
    pub browser: String,
    #[serde(default)]
    pub progress: Progress,
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
            browser: SecretHash::of(browser_cookie).as_str().to_owned(),
            progress: Progress::default(),
        }
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
