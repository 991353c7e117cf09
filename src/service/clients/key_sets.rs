//! The public keys of clients: given by value in their metadata, or fetched from their `jwks_uri`
//! and kept for a while. Keys are fetched again when they are stale and when a token names a key
//! that is not among them, but never more often than the configuration allows; a fetch that fails
//! leaves the keys that are known in use.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::{App, KeySet, Slot};
use crate::clock::Seconds;
use crate::crypto::foreign::{ForeignKeys, Unverified};
use crate::crypto::jose::JoseError;
use crate::outbound::{Accept, Lane};
use crate::protocol::client::Client;

/// A larger document is no key set.
const MOST_BYTES: usize = 64 * 1024;

/// How long keys that cannot be fetched again are still used: a day's outage of an app's server
/// does not lock the app out, and a key that was taken back does not live for ever.
const LONGEST: Seconds = 86_400;

/// Why there are no keys, or none that fit. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("there is neither jwks nor jwks_uri")]
    Absent,
    #[error("jwks_uri: {0}")]
    Unavailable(String),
    #[error("jwks {0}")]
    Unusable(String),
    #[error(transparent)]
    Token(#[from] JoseError),
}

/// The claims of a token this client has signed.
///
/// # Errors
/// [`KeysError`].
pub(crate) async fn verify(
    app: &App,
    client: &Client,
    token: Unverified<'_>,
) -> Result<Map<String, Value>, KeysError> {
    verify_from(app, KeySource::of(client), token).await
}

/// Where somebody's keys are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeySource<'a> {
    pub jwks: Option<&'a Value>,
    pub jwks_uri: Option<&'a str>,
    /// Whose turn it takes to ask there.
    pub lane: Lane,
}

impl<'a> KeySource<'a> {
    fn of(client: &'a Client) -> Self {
        let metadata = &client.metadata;
        let lane = if client.origin.is_reviewed() { Lane::Owed } else { Lane::Asked };
        Self { jwks: metadata.jwks.as_ref(), jwks_uri: metadata.jwks_uri.as_deref(), lane }
    }
}

/// The claims of a token that somebody with these keys has signed.
///
/// # Errors
/// [`KeysError`].
pub(crate) async fn verify_from(
    app: &App,
    source: KeySource<'_>,
    token: Unverified<'_>,
) -> Result<Map<String, Value>, KeysError> {
    let set = key_set_from(app, source).await?;
    let refusal = match token.clone().verify(&set.keys) {
        Ok(claims) => return Ok(claims),
        Err(error) => error,
    };
    let new_key = matches!(refusal, JoseError::UnknownKey | JoseError::Signature);
    let Some(uri) = source.jwks_uri.filter(|_| new_key) else {
        return Err(refusal.into());
    };
    // The client may have a new key, under a new name or the old one.
    let newer = refresh(app, (source.lane, uri), Some(&set)).await?;
    if Arc::ptr_eq(&newer, &set) { Err(refusal.into()) } else { Ok(token.verify(&newer.keys)?) }
}

/// Whether the client's keys are such as `fits` looks for; they are fetched again if not, within the
/// same limits.
///
/// # Errors
/// [`KeysError`].
pub(crate) async fn find(
    app: &App,
    client: &Client,
    fits: impl Fn(&KeySet) -> bool,
) -> Result<bool, KeysError> {
    let set = key_set(app, client).await?;
    if fits(&set) {
        return Ok(true);
    }
    let source = KeySource::of(client);
    let Some(uri) = source.jwks_uri else { return Ok(false) };
    let newer = refresh(app, (source.lane, uri), Some(&set)).await?;
    Ok(!Arc::ptr_eq(&newer, &set) && fits(&newer))
}

/// The keys of this client as they are known now.
///
/// # Errors
/// [`KeysError`].
pub(crate) async fn key_set(app: &App, client: &Client) -> Result<Arc<KeySet>, KeysError> {
    key_set_from(app, KeySource::of(client)).await
}

async fn key_set_from(app: &App, source: KeySource<'_>) -> Result<Arc<KeySet>, KeysError> {
    let now = app.now();
    if let Some(document) = source.jwks {
        let set = app.key_sets.by_value(document, now);
        return set.map_err(|error| KeysError::Unusable(error.to_string()));
    }
    let uri = source.jwks_uri.ok_or(KeysError::Absent)?;
    match app.key_sets.slot(uri).current() {
        Some(set) if set.fresh_until > now => Ok(set),
        stale => refresh(app, (source.lane, uri), stale.as_ref()).await,
    }
}

/// The keys of this client, fetched again if what is looked for is not among those known.
///
/// # Errors
/// [`KeysError`].
pub(crate) async fn key_set_with(
    app: &App,
    client: &Client,
    has_it: impl Fn(&ForeignKeys) -> bool,
) -> Result<Arc<KeySet>, KeysError> {
    let set = key_set(app, client).await?;
    let source = KeySource::of(client);
    match source.jwks_uri {
        Some(uri) if !has_it(&set.keys) => refresh(app, (source.lane, uri), Some(&set)).await,
        _ => Ok(set),
    }
}

/// The keys at this address, newer than `seen` if that may be had.
async fn refresh(
    app: &App,
    (lane, uri): (Lane, &str),
    seen: Option<&Arc<KeySet>>,
) -> Result<Arc<KeySet>, KeysError> {
    let slot = app.key_sets.slot(uri);
    let mut last_attempt = slot.turn().await;
    let now = app.now();
    // Somebody else may have fetched them while this request waited for its turn.
    match slot.current() {
        Some(current) if seen.is_none_or(|seen| !Arc::ptr_eq(seen, &current)) => {
            return Ok(current);
        }
        _ => {}
    }
    let pause = app.config.outbound.jwks_min_interval;
    if last_attempt.is_some_and(|last| now < last.plus(pause)) {
        return still_good(app, &slot, "fetched a moment ago");
    }
    *last_attempt = Some(now);
    match fetch(app, (lane, uri)).await {
        Ok(set) => {
            let set = Arc::new(set);
            slot.set(Arc::clone(&set));
            Ok(set)
        }
        Err(detail) => {
            tracing::warn!(uri, detail, "the keys of a client could not be fetched");
            still_good(app, &slot, &detail)
        }
    }
}

/// The keys known before, unless they are too old to be trusted.
fn still_good(app: &App, slot: &Slot, detail: &str) -> Result<Arc<KeySet>, KeysError> {
    let known = slot.current().filter(|set| app.now() < set.read_at.plus(LONGEST));
    known.ok_or_else(|| KeysError::Unavailable(detail.to_owned()))
}

async fn fetch(app: &App, (lane, uri): (Lane, &str)) -> Result<KeySet, String> {
    let settings = &app.config.outbound;
    let fetched = app.outbound.get_in(lane, uri, Accept::JwkSet).await;
    let fetched = fetched.map_err(|error| format!("{error}: {}", error.detail))?;
    if fetched.status != 200 {
        return Err(format!("answered with status {}", fetched.status));
    }
    if fetched.body.len() > MOST_BYTES {
        return Err(format!("answered with more than {MOST_BYTES} bytes"));
    }
    let document: Value =
        serde_json::from_slice(&fetched.body).map_err(|_| "is not JSON".to_owned())?;
    let shortest = settings.jwks_min_interval.min(settings.jwks_max_age);
    let age = fetched.max_age.unwrap_or(settings.jwks_max_age);
    let now = app.now();
    let fresh_until = now.plus(age.clamp(shortest, settings.jwks_max_age));
    KeySet::new(&document, now, fresh_until).map_err(|error| error.to_string())
}
