//! Signing keys: made at first start, published ahead, rotated on schedule or now, kept for as
//! long as anything they signed may live.
//!
//! ```text
//! next ──(in JWKS a day ahead)──▶ active ──▶ retiring ──(longest token + JWKS cache)──▶ retired
//! retired ──(as long as a session may have lasted, for `id_token_hint`)──▶ removed
//! ```

pub mod encryption;

use std::sync::{Arc, PoisonError};

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use crate::protocol::rights::Right;
use crate::protocol::types::SigningAlg;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::service::revocation;
use crate::store::keys::{self, KeyChange, KeyRow};
use crate::store::{StoreError, Tx, audit, sync};

/// How long a retiring key stays published: the longest access token (an hour) and the longest
/// time a client may cache the JWKS, with room for slow clocks.
const RETIREMENT: Seconds = 2 * 3_600;

/// How often a rotation is tried when the next key is taken away under its hands.
const MOST_TRIES: usize = 3;

/// Why a key could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    #[error("there is no key with this kid")]
    NotFound,
    #[error("this is the key in use; rotate first")]
    InUse,
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for KeyChangeError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for KeyChangeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What Doorward does by itself fails for no other reason.
impl From<KeyChangeError> for Failure {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Failure(failure) => failure,
            other => Self::Internal(other.to_string()),
        }
    }
}

/// Every key, as stored.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App) -> Result<Vec<KeyRow>, Failure> {
    Ok(keys::all(&app.store.db).await?)
}

/// Loads the keyring from SQL and makes what is missing: an active and a next signing key per
/// algorithm, and the keys others encrypt with.
///
/// # Errors
/// [`Failure`] when SQL does not answer or a key cannot be opened with this master key.
pub async fn ensure(app: &App) -> Result<(), Failure> {
    // Boxed: both hold every key under way, and few callers should carry that.
    let signing = Box::pin(ensure_signing(app));
    let (signing, encryption) = tokio::join!(signing, Box::pin(encryption::ensure(app)));
    signing?;
    encryption?;
    reload(app).await
}

async fn ensure_signing(app: &App) -> Result<(), Failure> {
    make_missing(app, &app.config.keys.algorithms, &Actor::System).await?;
    Ok(())
}

/// Makes the active and next keys that these algorithms lack; tells whether there were any.
async fn make_missing(
    app: &App,
    algs: &[SigningAlg],
    actor: &Actor,
) -> Result<bool, KeyChangeError> {
    let rows = keys::all(&app.store.db).await?;
    let missing = missing(algs, &rows);
    if missing.is_empty() {
        return Ok(false);
    }
    let made = generate(app, &missing).await?;
    let tx = authority::begin(app, (actor, Right::KeysRotate)).await?;
    match insert_all(tx, &made, actor).await {
        // Another node started at the same moment and was faster; its keys are as good.
        Ok(()) | Err(StoreError::Conflict) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// All of them or none: the database lets only one key per algorithm and state in.
async fn insert_all(mut tx: Tx, made: &[KeyRow], actor: &Actor) -> Result<(), StoreError> {
    for row in made {
        insert(&mut tx, row, actor).await?;
    }
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await
}

fn missing(algs: &[SigningAlg], rows: &[KeyRow]) -> Vec<(SigningAlg, KeyState)> {
    let wanted = algs.iter().flat_map(|alg| [(*alg, KeyState::Active), (*alg, KeyState::Next)]);
    wanted
        .filter(|(alg, state)| {
            !rows.iter().any(|row| row.alg == *alg && row.state == state.as_str())
        })
        .collect()
}

/// Makes keys off the async threads, several at once: an RSA key takes a tenth of a second.
async fn generate(app: &App, wanted: &[(SigningAlg, KeyState)]) -> Result<Vec<KeyRow>, Failure> {
    futures_util::future::try_join_all(wanted.iter().map(|wanted| make(app, *wanted))).await
}

async fn make(app: &App, (alg, state): (SigningAlg, KeyState)) -> Result<KeyRow, Failure> {
    let sealer = Arc::clone(&app.sealer);
    let made = tokio::task::spawn_blocking(move || keyring::generate(alg, &sealer)).await;
    let key = made.map_err(|error| Failure::Internal(format!("key generation: {error}")))??;
    let now = app.now();
    let activates_at = match state {
        KeyState::Next => now.plus(app.config.keys.rotate_every),
        KeyState::Active | KeyState::Retiring | KeyState::Retired => now,
    };
    Ok(KeyRow {
        kid: key.kid,
        alg,
        state: state.as_str().to_owned(),
        sealed_private: key.sealed_private,
        public_jwk: key.public_jwk,
        created_at: now,
        activates_at,
        retires_at: None,
        remove_after: None,
    })
}

async fn insert(tx: &mut Tx, row: &KeyRow, actor: &Actor) -> Result<(), StoreError> {
    keys::insert(&mut *tx, row).await?;
    let event = Event::success("key.created", actor, row.created_at)
        .detail("kid", row.kid.as_str())
        .detail("alg", row.alg.as_str());
    audit::append(&mut *tx, &event.into_row()).await
}

/// Reads the keys again, after any node may have changed them.
///
/// # Errors
/// [`Failure`].
pub async fn reload(app: &App) -> Result<(), Failure> {
    // Before the keys: what changes after this number may be missing from them, and has a higher one.
    let as_of = sync::read(&app.store.db).await?.catalog;
    app.watch.saw_catalog(as_of);
    let rows = keys::all(&app.store.db).await?;
    let expiries: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let state = KeyState::from_name(&row.state).filter(|state| *state != KeyState::Retired);
            let state = state?.as_str();
            let rotation = row.activates_at.plus(app.config.keys.rotate_every);
            Some((row.alg, state, row.remove_after.unwrap_or(rotation)))
        })
        .collect();
    app.metrics.signing_keys(&expiries);
    let stored = rows.into_iter().filter_map(|row| {
        let state = KeyState::from_name(&row.state)?;
        Some(StoredKey {
            kid: row.kid,
            alg: row.alg,
            state,
            sealed_private: row.sealed_private,
            public_jwk: row.public_jwk,
        })
    });
    let stored: Vec<_> = stored.collect();
    let (active, retiring) = encryption::stored(app).await?;
    // Most changes of the catalogue are of clients. What is open need not be opened again.
    if app.keyring.load().is_of(&stored, (&active, &retiring)) {
        return Ok(());
    }
    let keyring = Keyring::load(stored, &app.sealer)?;
    let keyring = keyring.with_encryption_keys((active, retiring), &app.sealer)?;
    let mut newest = app.keyring_as_of.lock().unwrap_or_else(PoisonError::into_inner);
    // Somebody who read later was quicker: these may be keys that were removed in between.
    if as_of >= *newest {
        *newest = as_of;
        app.keyring.store(Arc::new(keyring));
        // A removed key's tokens must not live on in memory.
        app.read_tokens.forget();
    }
    Ok(())
}

/// Makes the next key of an algorithm the active one, now, and puts a new next key behind it. When
/// another node rotates at the same moment, one of the two rotations counts.
///
/// # Errors
/// [`KeyChangeError::NotYours`] or a failure.
pub async fn rotate(app: &App, alg: SigningAlg, actor: &Actor) -> Result<(), KeyChangeError> {
    if let Some(kid) = active(app, alg).await? {
        return rotate_from(app, (alg, &kid), actor).await;
    }
    // Nothing to rotate from: an algorithm that was never used here, or was taken out of service.
    make_missing(app, &[alg], actor).await?;
    Ok(reload(app).await?)
}

/// The key that signs with this algorithm, as SQL says.
async fn active(app: &App, alg: SigningAlg) -> Result<Option<String>, StoreError> {
    let mut rows = keys::all(&app.store.db).await?.into_iter();
    let found = rows.find(|row| row.alg == alg && state(row) == Some(KeyState::Active));
    Ok(found.map(|row| row.kid))
}

/// Rotates, if the active key is still the one the decision was made on: making the key that follows
/// takes a while, in which another node may have rotated. The one it published a moment ago must not
/// begin to sign before clients have fetched it.
async fn rotate_from(
    app: &App,
    (alg, from): (SigningAlg, &str),
    actor: &Actor,
) -> Result<(), KeyChangeError> {
    for _ in 0..MOST_TRIES {
        // A next key that was removed a moment ago is missed: without one there is nothing to
        // rotate to.
        make_missing(app, &[alg], &Actor::System).await?;
        let fresh = generate(app, &[(alg, KeyState::Next)]).await?;
        let tx = authority::begin(app, (actor, Right::KeysRotate)).await?;
        match rotate_in_tx(tx, (alg, from, &fresh), (actor, app.now())).await {
            Ok(()) => break,
            Err(StoreError::Conflict) if active(app, alg).await?.as_deref() != Some(from) => break,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reload(app).await?)
}

async fn rotate_in_tx(
    mut tx: Tx,
    (alg, from, fresh): (SigningAlg, &str, &[KeyRow]),
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    promote(&mut tx, (alg, from), now).await?;
    for row in fresh {
        insert(&mut tx, row, actor).await?;
    }
    let event = Event::success("key.rotated", actor, now).detail("alg", alg.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await
}

/// Retires the key `from` and lets the next one sign, both or neither: an algorithm without an active
/// key would sign nothing. `Conflict` when another node was faster or there is no next key.
async fn promote(
    tx: &mut Tx,
    (alg, from): (SigningAlg, &str),
    now: UnixTime,
) -> Result<(), StoreError> {
    let rows = keys::all(&mut *tx).await?;
    let mut of_alg = rows.iter().filter(|row| row.alg == alg);
    let next = of_alg.find(|row| state(row) == Some(KeyState::Next)).ok_or(StoreError::Conflict)?;
    let old = rows.iter().find(|row| row.kid == from).ok_or(StoreError::Conflict)?;
    // The active key leaves first: there is never more than one.
    let retire = KeyChange {
        kid: old.kid.clone(),
        from: KeyState::Active.as_str().to_owned(),
        to: KeyState::Retiring.as_str().to_owned(),
        activates_at: old.activates_at,
        retires_at: Some(now),
        remove_after: Some(now.plus(RETIREMENT)),
    };
    changed(keys::set_state(&mut *tx, &retire).await?)?;
    let activate = KeyChange {
        kid: next.kid.clone(),
        from: KeyState::Next.as_str().to_owned(),
        to: KeyState::Active.as_str().to_owned(),
        activates_at: now,
        retires_at: None,
        remove_after: None,
    };
    changed(keys::set_state(&mut *tx, &activate).await?)
}

fn state(row: &KeyRow) -> Option<KeyState> {
    KeyState::from_name(&row.state)
}

/// A key that is no longer in the state we read was changed by another node.
fn changed(was_ours: bool) -> Result<(), StoreError> {
    if was_ours { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Removes a key at once, for one that has leaked: everything it signed is dead on every node when this
/// comes back.
///
/// # Errors
/// [`KeyChangeError::InUse`] for the active key, which must be rotated first.
pub async fn retire(app: &App, kid: &str, actor: &Actor) -> Result<(), KeyChangeError> {
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::KeysRotate)).await?;
    let rows = keys::all(&mut tx).await?;
    let row = rows.iter().find(|row| row.kid == kid).ok_or(KeyChangeError::NotFound)?;
    // Asked again where it is deleted: another node may have let it sign since it was read.
    if state(row) == Some(KeyState::Active) || !keys::delete(&mut tx, kid).await? {
        return Err(KeyChangeError::InUse);
    }
    let event = Event::success("key.retired", actor, now).detail("kid", kid);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    let spread = revocation::spread_catalogue(app);
    // A retired next key is replaced at once.
    ensure(app).await?;
    spread.outlive_copies().await;
    Ok(())
}

/// What is due on schedule: make keys that are missing, rotate those that are old enough, remove those
/// nobody needs any more. An algorithm that is no longer configured goes on: clients may still use it.
///
/// # Errors
/// [`Failure`].
pub async fn tick(app: &App) -> Result<(), Failure> {
    if make_missing(app, &app.config.keys.algorithms, &Actor::System).await? {
        reload(app).await?;
    }
    let now = app.now();
    let rows = keys::all(&app.store.db).await?;
    for row in &rows {
        if is_due(app, row, &rows) {
            rotate_from(app, (row.alg, &row.kid), &Actor::System).await?;
        }
        if row.remove_after.is_none_or(|at| at > now) {
            continue;
        }
        match state(row) {
            Some(KeyState::Retiring) => set_aside(app, row).await?,
            Some(KeyState::Retired) => match retire(app, &row.kid, &Actor::System).await {
                Ok(()) | Err(KeyChangeError::NotFound | KeyChangeError::InUse) => {}
                Err(error) => return Err(error.into()),
            },
            Some(KeyState::Active | KeyState::Next) | None => {}
        }
    }
    encryption::tick(app).await
}

/// Publishes a key no longer. An app may keep the ID token of a sign-in for as long as the session
/// lasts and send it back to sign the person out, or to ask for the same person again; the key is kept
/// so long for that alone (RP-Initiated Logout section 2, Core section 3.1.2.1).
async fn set_aside(app: &App, row: &KeyRow) -> Result<(), Failure> {
    let (now, settings) = (app.now(), app.settings());
    let sessions = &settings.session;
    let change = KeyChange {
        kid: row.kid.clone(),
        from: KeyState::Retiring.as_str().to_owned(),
        to: KeyState::Retired.as_str().to_owned(),
        activates_at: row.activates_at,
        retires_at: row.retires_at,
        remove_after: Some(now.plus(sessions.absolute.max(sessions.remember))),
    };
    let mut tx = app.store.begin().await?;
    // Another node may have been faster, or an administrator have removed it.
    if !keys::set_state(&mut tx, &change).await? {
        return Ok(());
    }
    let event = Event::success("key.set_aside", &Actor::System, now);
    audit::append(&mut tx, &event.detail("kid", row.kid.as_str()).into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    reload(app).await
}

/// Whether a key has signed for long enough, and the next one was published for long enough: one that
/// clients have not had time to fetch waits a little longer.
fn is_due(app: &App, row: &KeyRow, rows: &[KeyRow]) -> bool {
    let (now, settings) = (app.now(), &app.config.keys);
    let published = |next: &KeyRow| {
        next.alg == row.alg
            && state(next) == Some(KeyState::Next)
            && now.since(next.created_at) >= settings.publish_ahead
    };
    state(row) == Some(KeyState::Active)
        && now.since(row.activates_at) >= settings.rotate_every
        && rows.iter().any(published)
}
