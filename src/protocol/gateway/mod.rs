//! The gateway: whether a request to an app behind a reverse proxy may pass, and what the app is told
//! about who sent it. No standard describes this; what proxies agree on is called forward
//! authentication (Traefik, Caddy), `auth_request` (NGINX) or external authorization (Envoy).
//!
//! A proxy describes a request in headers. [`original`] reads that description and refuses whatever
//! can be read in two ways; [`path`] does the same for the path; [`rules`] finds the one rule that
//! speaks of it; [`identity`] writes down who it is for the app. Nothing here ever answers "allow"
//! because something was missing.

pub mod identity;
pub mod original;
pub mod path;
pub mod rules;

/// Why a described request is refused, whoever sent it. The text is for whoever looks
/// after the proxy; it never repeats what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the proxy did not send {0}")]
    Missing(&'static str),
    #[error("{0} was sent more than once, is a list, or is no plain text")]
    Unclear(&'static str),
    #[error("X-Original-URL and X-Forwarded-* describe different requests")]
    Disagreement,
    #[error("the address is no plain http or https address")]
    Address,
    #[error("the method is none")]
    Method,
    #[error("the app is not on this machine, so it needs https")]
    PlainHttp,
    /// What is wrong with the path.
    #[error("the path {0}")]
    Path(&'static str),
    /// As the app may read it, it stands under another rule than as it was sent.
    #[error("the path can be read in two ways that different rules speak of")]
    TwoReadings,
    /// Which of them is whose, nobody can tell.
    #[error(
        "the browser sends this gateway's cookie for more than one session, or more than four times; \
         delete the cookies of this site in the browser and sign in again"
    )]
    Cookies,
}
