//! Why a request to another server brought nothing.

use std::error::Error;

use super::guard::UrlProblem;
use super::resolver::Inside;

/// Why, in a constant text that may be shown to whoever supplied the URL. It does not tell a name
/// that leads inside from a server that is switched off: that would be a map of the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The URL is not one Doorward may ask; nothing was resolved or connected.
    #[error("{0}")]
    Refused(#[from] UrlProblem),
    #[error("could not be reached")]
    Unreachable,
    #[error("did not answer in time")]
    TimedOut,
    #[error("answered with more than is read of it")]
    TooLarge,
    #[error("answered in a compressed form, which was not asked for")]
    Compressed,
    #[error("broke off its answer")]
    BrokenOff,
    #[error("is asked too often at the moment")]
    Busy,
}

/// A failed request: what may be told, and what the log should say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct OutboundError {
    pub fault: Fault,
    /// For the log only.
    pub detail: String,
}

impl OutboundError {
    pub(super) fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into() }
    }

    /// A request that was not answered.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        let fault = if error.is_timeout() { Fault::TimedOut } else { Fault::Unreachable };
        Self::new(fault, detail_of(error))
    }

    /// An answer whose body did not arrive.
    pub(super) fn of_body(error: &reqwest::Error) -> Self {
        let fault = if error.is_timeout() { Fault::TimedOut } else { Fault::BrokenOff };
        Self::new(fault, detail_of(error))
    }
}

impl From<UrlProblem> for OutboundError {
    fn from(problem: UrlProblem) -> Self {
        Self::new(Fault::Refused(problem), String::new())
    }
}

/// The innermost cause, which is the one that says something; of our own refusals the whole text.
fn detail_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
        if cause.is::<Inside>() {
            break;
        }
    }
    cause.to_string()
}
