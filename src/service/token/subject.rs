//! The names under which a client knows people and sessions, and back: `sub` and `sid` in ID tokens,
//! access tokens, userinfo, introspection and logout tokens come from here, and so does reading them
//! in what clients send back.
//!
//! Names of pairwise clients are encrypted (see `crypto::alias`), so that reading them needs neither
//! the client nor a look-up. A `sid` gets the same treatment: the same one at two clients would show
//! that the same person is behind both.

use crate::app::App;
use crate::crypto::alias::AliasOf;
use crate::protocol::client::{Client, subject};
use crate::protocol::types::{SessionId, UserId};
use crate::service::failure::Failure;

/// The `sub` by which this client knows the person (OpenID Connect Core section 8).
///
/// # Errors
/// [`Failure::Internal`] when the cryptographic library fails.
pub fn sub(app: &App, client: &Client, user: &UserId) -> Result<String, Failure> {
    name(app, client, (AliasOf::Person, user.as_str()))
}

/// The `sid` by which this client knows the session.
///
/// # Errors
/// As [`sub`].
pub fn sid(app: &App, client: &Client, session: &SessionId) -> Result<SessionId, Failure> {
    name(app, client, (AliasOf::Session, session.as_str())).map(SessionId::new)
}

/// Whether these two clients know everybody by the same names.
#[must_use]
pub fn same_names(a: &Client, b: &Client) -> bool {
    subject::circle(a) == subject::circle(b)
}

fn name(app: &App, client: &Client, (of, id): (AliasOf, &str)) -> Result<String, Failure> {
    let Some(circle) = subject::circle(client) else { return Ok(id.to_owned()) };
    app.sealer
        .alias(of, &circle, id)
        .ok_or_else(|| Failure::Internal("a pairwise identifier could not be made".into()))
}

/// The person a `sub` of ours stands for. It has to come from a token whose signature is verified.
#[must_use]
pub fn person(app: &App, sub: &str) -> UserId {
    UserId::new(app.sealer.unalias(AliasOf::Person, sub).unwrap_or_else(|| sub.to_owned()))
}

/// The session a `sid` of ours stands for. It has to come from a token whose signature is verified.
#[must_use]
pub fn session(app: &App, sid: &str) -> SessionId {
    SessionId::new(app.sealer.unalias(AliasOf::Session, sid).unwrap_or_else(|| sid.to_owned()))
}
