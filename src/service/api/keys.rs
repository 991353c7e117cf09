//! API keys: an administrator's programs come with one in place of the administrator. A key never does
//! more than its owner may do in that moment, and nothing outside its scopes; it ends on a day, and with
//! its owner.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::{self, Secret};
use crate::protocol::api::{ApiScope, KEY_PREFIX};
use crate::protocol::plain_text::is_plain_name;
use crate::protocol::rights::Right;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{SessionId, UserId};
use crate::service::api::ending;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::Authority;
use crate::service::people::{self, PeopleError, console_access};
use crate::store::api::keys::{self, ApiKey};
use crate::store::{StoreError, audit, sessions, users};

/// The longest a key may work: a year.
pub const LONGEST_LIFE: Seconds = 366 * 86_400;

/// Keys of one person that work at the same time.
const MOST_KEYS: i64 = 50;

/// Longest name of a key, in characters.
const LONGEST_NAME: usize = 100;

/// Why a key could not be made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    #[error("there is no API key with this id that still works")]
    NotFound,
    #[error("a key needs a name of 1 to {LONGEST_NAME} ordinary characters")]
    BadName,
    #[error("name at least one scope")]
    NoScope,
    #[error("there is no scope {0:?}; see docs/api.md for those there are")]
    UnknownScope(String),
    #[error("a key works for one day to 366 days")]
    BadLifetime,
    #[error("only somebody who may use the console can have API keys")]
    NoAdministrator,
    #[error("nobody may have more than {MOST_KEYS} keys that work; revoke one first")]
    TooMany,
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ApiKeyError {
    fn from(error: StoreError) -> Self {
        match error {
            // The person was deleted this very moment.
            StoreError::Conflict => Self::People(PeopleError::NotFound),
            other => Self::Failure(other.into()),
        }
    }
}

/// A key being made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    /// Names of [`ApiScope`]s.
    pub scopes: Vec<String>,
    /// How long it works, in seconds.
    pub lifetime: Seconds,
    /// The session it is made in, if any: it ends with that one if its person says it was not theirs.
    pub made_in: Option<SessionId>,
}

/// Makes a key for an administrator. Its text is shown this once.
///
/// # Errors
/// [`ApiKeyError`].
pub async fn create(
    app: &App,
    owner: &UserId,
    new: NewKey,
    actor: &Actor,
) -> Result<(ApiKey, Secret), ApiKeyError> {
    let name = new.name.trim().to_owned();
    if name.chars().count() > LONGEST_NAME || !is_plain_name(&name) {
        return Err(ApiKeyError::BadName);
    }
    if !(86_400..=LONGEST_LIFE).contains(&new.lifetime) {
        return Err(ApiKeyError::BadLifetime);
    }
    let scopes = known_scopes(&new.scopes)?;
    let now = app.now();
    let secret = Secret::from_text(format!("{KEY_PREFIX}{}", Secret::generate().expose()));
    let key = ApiKey {
        id: secret::new_id(now),
        hash: secret.hash().as_str().to_owned(),
        user_id: owner.clone(),
        name,
        scopes,
        created_at: now,
        expires_at: now.plus(new.lifetime),
        last_used_at: None,
        revoked_at: None,
    };
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, Some(owner)).await?.require(Right::ApiKeysWrite)?;
    // Of two keys at once the second counts the first.
    users::hold(&mut tx, owner).await?;
    let person = users::by_id(&mut tx, owner).await?.ok_or(PeopleError::NotFound)?;
    if person.disabled_at.is_some()
        || console_access::standing_in(&mut tx, &person).await?.is_none()
    {
        return Err(ApiKeyError::NoAdministrator);
    }
    // Whoever ends what was made in the session waits until the key is there, or has ended the session.
    if let Some(session) = &new.made_in
        && !sessions::hold(&mut tx, session).await?
    {
        return Err(PeopleError::NotYours.into());
    }
    if keys::count_live(&mut tx, owner, now).await? >= MOST_KEYS {
        return Err(ApiKeyError::TooMany);
    }
    keys::insert(&mut tx, &key, new.made_in.as_ref()).await?;
    let event = Event::success("api_key.created", actor, now)
        .user(owner)
        .detail("key", key.id.as_str())
        .detail("name", key.name.as_str())
        .detail("scope", key.scopes.to_string())
        .detail("expires_at", key.expires_at.rfc3339());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok((key, secret))
}

fn known_scopes(names: &[String]) -> Result<Scopes, ApiKeyError> {
    if names.is_empty() {
        return Err(ApiKeyError::NoScope);
    }
    match names.iter().find(|name| ApiScope::from_name(name).is_none()) {
        Some(unknown) => Err(ApiKeyError::UnknownScope(unknown.clone())),
        None => Ok(Scopes::from_tokens(names.iter().map(String::as_str))),
    }
}

/// A page of keys, newest first, of one person or of all. Those that have expired are forgotten soon.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    (user, before): (Option<&UserId>, Option<&str>),
    limit: i64,
) -> Result<Vec<ApiKey>, Failure> {
    Ok(keys::list(&app.store.db, (user, before), limit).await?)
}

/// Ends a key. Whatever comes with it after this answer is refused.
///
/// # Errors
/// [`ApiKeyError::NotFound`] or a failure.
pub async fn revoke(
    app: &App,
    (id, owner): (&str, Option<&UserId>),
    actor: &Actor,
) -> Result<ApiKey, ApiKeyError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::ApiKeysWrite)?;
    let key = keys::by_id(&mut tx, id).await?.ok_or(ApiKeyError::NotFound)?;
    if owner.is_some_and(|owner| *owner != key.user_id) || !keys::revoke(&mut tx, id, now).await? {
        return Err(ApiKeyError::NotFound);
    }
    let event = ending::revoked((&key.user_id, id, &key.name), (actor, now));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(ApiKey { revoked_at: Some(now), ..key })
}

/// A key, whether it still works or not.
///
/// # Errors
/// [`ApiKeyError::NotFound`] or a failure.
pub async fn find(app: &App, id: &str) -> Result<ApiKey, ApiKeyError> {
    keys::by_id(&app.store.db, id).await?.ok_or(ApiKeyError::NotFound)
}

/// The person a key is made for, by id, user name or e-mail address.
///
/// # Errors
/// [`ApiKeyError`].
pub async fn owner(app: &App, text: &str) -> Result<UserId, ApiKeyError> {
    Ok(people::find(app, text).await?.id)
}
