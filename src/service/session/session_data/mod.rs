//! Small values that apps keep beside a session, with their access tokens. An app sees its own values
//! and nobody else's: a place is a hash over the app, and the session or the person.
//!
//! A living token is the only way to a value, so whatever ends the tokens ends the values with them,
//! even where a copy of one is still in the fast store or comes back with an old snapshot: the id of
//! an ended session is never used again, and a person who was signed out of everything, or an app that
//! was disabled, has another token version from then on, which a document of before does not have. The
//! same does a count in SQL of how often a person has taken back what they allowed an app. It is read
//! *before* the token is looked at: who writes under it then wrote before it was raised.
//!
//! A change in SQL holds what its token descends from until it is committed, so that it comes before
//! the end of that, or not at all.

mod end;
mod place;

pub(crate) use end::{Leftovers, forget_app, forget_session, forget_user, make_room};

use std::sync::Arc;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::session_data::conditions::Conditions;
use crate::protocol::session_data::{
    Change, Document, Generation, Key, Outcome, Owner, Refusal, Storage, Stored, Wanted,
};
use crate::protocol::token::claims::AccessTokenClaims;
use crate::protocol::types::UserId;
use crate::service::failure::{EndpointError, Failure};
use crate::service::revocation::{self, Lineage, Standing};
use crate::service::token::access_token::{self, Presented};
use crate::store::sessions::{self, session_data};
use crate::store::{StoreError, Tx, consents, grants, users};
use place::{Place, fast_key};

/// Times a change in the fast store is tried against others before the answer is "try again".
const ATTEMPTS: usize = 256;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SessionDataError {
    #[error("refused: {0:?}")]
    Refused(Refusal),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl From<Refusal> for SessionDataError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for SessionDataError {
    fn from(failure: Failure) -> Self {
        Self::Endpoint(failure.into())
    }
}

impl From<StoreError> for SessionDataError {
    fn from(error: StoreError) -> Self {
        Self::Endpoint(error.into())
    }
}

/// An app that has shown a token with which it may use values of a person.
pub struct Keeper {
    token: Arc<AccessTokenClaims>,
    user_id: UserId,
    generation: Generation,
}

/// Looks at an access token.
///
/// # Errors
/// As [`access_token::accept`]; `insufficient_scope` when it is for another API or not of a person.
pub async fn admit(app: &App, presented: &Presented<'_>) -> Result<Keeper, EndpointError> {
    let withdrawals = withdrawals(app, presented).await?;
    let token = access_token::accept(app, presented).await?;
    if !token.is_for_provider(app.issuer()) {
        return Err(not_enough("The access token is for another API."));
    }
    let person = token.user_id().zip(token.user_version);
    let (user_id, user) =
        person.ok_or_else(|| not_enough("The access token is not of a person."))?;
    let generation = Generation { client: token.client_version, user, withdrawals };
    Ok(Keeper { token, user_id, generation })
}

/// How often the person of a token has taken back what they allowed its app; whether the token counts is
/// asked after that.
async fn withdrawals(app: &App, presented: &Presented<'_>) -> Result<i64, EndpointError> {
    let claims = access_token::genuine(app, presented.token).await?;
    let Some((user, claims)) = claims.and_then(|claims| Some((claims.user_id()?, claims))) else {
        return Ok(0);
    };
    Ok(consents::withdrawals(&app.store.db, &user, &claims.client_id).await?)
}

/// Reads a value.
///
/// # Errors
/// [`SessionDataError`].
pub async fn read(
    app: &App,
    (keeper, key): (&Keeper, &Key),
    conditions: &Conditions,
) -> Result<Stored, SessionDataError> {
    let place = keeper.place(key)?;
    let text = match key.storage {
        Storage::Durable => session_data::get(&app.store.db, &place.id, app.now()).await?,
        Storage::Fast => load_fast(app, &place).await?,
    };
    let document = keeper.document(text.as_deref())?;
    Ok(document.read(&key.name, conditions)?.clone())
}

/// Changes a value, whole or not at all.
///
/// # Errors
/// [`SessionDataError`]; nothing has changed then, unless the fast store has failed meanwhile.
pub async fn change(
    app: &App,
    (keeper, key): (&Keeper, &Key),
    (change, conditions): (&Change, &Conditions),
) -> Result<Outcome, SessionDataError> {
    let place = keeper.place(key)?;
    let _turn = app.turns.wait(&place.id).await.ok_or_else(crowded)?;
    let most_bytes = app.config.limits.session_data_bytes;
    let wanted = Wanted { name: &key.name, change, conditions, most_bytes };
    match key.storage {
        Storage::Durable => change_in_sql(app, (keeper, &place), &wanted).await,
        Storage::Fast => change_fast(app, (keeper, &place), &wanted).await,
    }
}

impl Keeper {
    /// Where the value of this key is.
    fn place(&self, key: &Key) -> Result<Place, EndpointError> {
        let whose = (&self.token.client_id, &self.user_id);
        match key.owner {
            Owner::User => Ok(Place::of_user(whose)),
            Owner::Session => match self.token.session_id() {
                Some(session) => Ok(Place::of_session(whose, session)),
                None => Err(not_enough("The access token is not of a session.")),
            },
        }
    }

    /// The document as it is kept, or a new one in place of none or one of an older generation.
    fn document(&self, text: Option<&str>) -> Result<Document, SessionDataError> {
        let Some(text) = text else { return Ok(Document::new(self.generation)) };
        let document: Document = serde_json::from_str(text).map_err(Failure::from)?;
        if document.generation.is_after(self.generation) {
            // Everything issued under the token's versions has ended this very moment.
            return Err(dead().into());
        }
        if self.generation.is_after(document.generation) {
            return Ok(Document::new(self.generation));
        }
        Ok(document)
    }
}

async fn load_fast(app: &App, place: &Place) -> Result<Option<String>, SessionDataError> {
    let key = fast_key(&place.id);
    Ok(match &place.session_id {
        Some(_) => app.ephemeral.get(&key).await?,
        None => app.ephemeral.get_extend(&key, shared_lifetime(app)).await?,
    })
}

/// Compares and swaps the whole document, until nobody else was faster.
async fn change_fast(
    app: &App,
    (keeper, place): (&Keeper, &Place),
    wanted: &Wanted<'_>,
) -> Result<Outcome, SessionDataError> {
    let key = fast_key(&place.id);
    for _ in 0..ATTEMPTS {
        let before = load_fast(app, place).await?;
        let mut document = keeper.document(before.as_deref())?;
        let outcome = document.change(wanted, secret::opaque_id())?;
        let text = serde_json::to_string(&document).map_err(Failure::from)?;
        let stored = if let Some(before) = before {
            app.ephemeral.replace(&key, &before, &text).await?
        } else {
            let end = end_of(app, place).await?;
            app.ephemeral.put_new(&key, &text, end.since(app.now())).await?
        };
        if stored {
            return Ok(outcome);
        }
    }
    Err(crowded().into())
}

fn crowded() -> Failure {
    Failure::Unavailable("too many changes of the same session data at once".into())
}

/// Until when a new document is kept.
async fn end_of(app: &App, place: &Place) -> Result<UnixTime, SessionDataError> {
    let now = app.now();
    let Some(id) = &place.session_id else { return Ok(now.plus(shared_lifetime(app))) };
    let session = sessions::by_id(&app.store.db, id).await?;
    let living = session.filter(|row| row.revoked_at.is_none() && row.expires_at > now);
    Ok(living.ok_or_else(dead)?.expires_at)
}

/// Changes a document while it is held: nobody else changes or ends it in between.
async fn change_in_sql(
    app: &App,
    (keeper, place): (&Keeper, &Place),
    wanted: &Wanted<'_>,
) -> Result<Outcome, SessionDataError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let end = hold(app, &mut tx, (keeper, place)).await?.ok_or_else(dead)?;
    let lineage = Lineage::of(&keeper.token, Some(&keeper.user_id));
    let held = lineage.is_plain() && grants::hold(&mut tx, lineage.grant).await?;
    let text = session_data::get(&mut tx, &place.id, now).await?;
    let mut document = keeper.document(text.as_deref())?;
    let outcome = document.change(wanted, secret::opaque_id())?;
    let text = serde_json::to_string(&document).map_err(Failure::from)?;
    match session_data::put(&mut tx, place, (&text, end)).await {
        // The app has just been deleted.
        Err(StoreError::Conflict) => return Err(dead().into()),
        other => other?,
    }
    // What was exchanged descends from more than one row can stand for.
    if !held && revocation::standing_at_commit(&mut tx, &lineage).await? == Standing::Revoked {
        return Err(dead().into());
    }
    tx.commit().await?;
    Ok(outcome)
}

/// Holds what a document belongs to until the end of the transaction, and tells until when it is
/// kept; `None` when that has ended.
async fn hold(
    app: &App,
    tx: &mut Tx,
    (keeper, place): (&Keeper, &Place),
) -> Result<Option<UnixTime>, StoreError> {
    let now = app.now();
    if let Some(session) = &place.session_id {
        return session_data::hold_session(tx, session, now).await;
    }
    let version = keeper.generation.user;
    let held = users::hold_at_version(tx, &place.user_id, version).await?;
    Ok(held.then(|| now.plus(shared_lifetime(app))))
}

fn dead() -> EndpointError {
    OAuthError::invalid_token("The access token is unknown, expired or revoked.").into()
}

fn not_enough(description: &'static str) -> EndpointError {
    OAuthError::new(ErrorCode::InsufficientScope, description).into()
}

/// How long values that a person shares among devices stay without being used.
fn shared_lifetime(app: &App) -> Seconds {
    let settings = app.settings();
    settings.session.remember.max(settings.session.absolute)
}
