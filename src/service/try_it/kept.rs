//! What is kept of a sign-in that is tried: what the app has to remember until the answer comes, and the tokens
//! it got. All of it is sealed, since the fast store is not a place for secrets, and names whose it is.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::seal::Purpose;
use crate::crypto::secret::SecretHash;
use crate::protocol::types::{SessionId, UserId};
use crate::service::failure::Failure;
use crate::store::ephemeral::try_it as store;

/// Seconds that any of it is kept.
pub const LIFETIME: Seconds = 600;

/// Whose it is: a person in one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    pub user: UserId,
    /// Renewal does not change it.
    pub session: SessionId,
}

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub visitor: Visitor,
    pub nonce: String,
    /// The PKCE code verifier (RFC 7636 section 4.1).
    pub verifier: String,
}

/// What came of one.
#[derive(Serialize, Deserialize)]
pub(super) enum Ending {
    Tokens(Box<Tokens>),
    Refused(Refusal),
}

/// Tokens as the token endpoint gave them.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub access_token: String,
    pub token_type: String,
    pub refresh_token: Option<String>,
    pub id_token: Option<String>,
    pub scope: String,
    pub expires_in: Seconds,
    pub received_at: UnixTime,
    /// That of the sign-in.
    pub nonce: String,
    /// Whether the last refresh gave another refresh token; `None` before the first one.
    pub rotated: Option<bool>,
}

/// An error in place of tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// The code of the specification, as it was sent.
    pub code: String,
    /// What was said with it; perhaps nothing.
    pub description: String,
    pub at: UnixTime,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    visitor: Visitor,
    ending: Ending,
}

pub(super) async fn begin(app: &App, state: &str, attempt: &Attempt) -> Result<(), Failure> {
    let sealed = seal(app, attempt)?;
    let hash = SecretHash::of(state);
    Ok(store::begin(&app.ephemeral, hash.as_str(), (&sealed, LIFETIME)).await?)
}

/// Whose the sign-in is that has this state; it stays.
pub(super) async fn whose(app: &App, state: &str) -> Result<Option<Visitor>, Failure> {
    let found = store::attempt(&app.ephemeral, SecretHash::of(state).as_str()).await?;
    Ok(found.and_then(|sealed| open::<Attempt>(app, &sealed)).map(|attempt| attempt.visitor))
}

/// The sign-in that has this state, once.
pub(super) async fn take(app: &App, state: &str) -> Result<Option<Attempt>, Failure> {
    let found = store::take_attempt(&app.ephemeral, SecretHash::of(state).as_str()).await?;
    Ok(found.and_then(|sealed| open(app, &sealed)))
}

pub(super) async fn keep(app: &App, visitor: &Visitor, ending: Ending) -> Result<(), Failure> {
    let sealed = seal(app, &Kept { visitor: visitor.clone(), ending })?;
    Ok(store::keep(&app.ephemeral, &visitor.session, (&sealed, LIFETIME)).await?)
}

/// What came of the last one of this person in this session.
pub(super) async fn ending(app: &App, visitor: &Visitor) -> Result<Option<Ending>, Failure> {
    let found = store::kept(&app.ephemeral, &visitor.session).await?;
    let kept = found.and_then(|sealed| open::<Kept>(app, &sealed));
    Ok(kept.filter(|kept| kept.visitor == *visitor).map(|kept| kept.ending))
}

pub(super) async fn forget(app: &App, visitor: &Visitor) -> Result<(), Failure> {
    Ok(store::forget(&app.ephemeral, &visitor.session).await?)
}

fn seal(app: &App, value: &impl Serialize) -> Result<String, Failure> {
    Ok(app.sealer.seal(Purpose::TryIt, &serde_json::to_vec(value)?))
}

/// What another version has sealed and this one cannot read is nothing.
fn open<T: DeserializeOwned>(app: &App, sealed: &str) -> Option<T> {
    serde_json::from_slice(&app.sealer.open(Purpose::TryIt, sealed)?).ok()
}
