//! Signing keys: made at first start, published ahead, rotated on schedule or now, kept for as
//! long as anything they signed may live.
//!
//! ```text
//! next ──(in JWKS a day ahead)──▶ active ──▶ retiring ──(longest token + JWKS cache)──▶ removed
//! ```

use std::sync::Arc;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use crate::protocol::types::SigningAlg;
use crate::service::audit::{Actor, Event};
use crate::service::encryption_keys;
use crate::service::failure::Failure;
use crate::store::keys::{self, KeyChange, KeyRow};
use crate::store::{StoreError, Tx, audit, sync};

/// How long a retiring key stays published: the longest access token (an hour) and the longest
/// time a client may cache the JWKS, with room for slow clocks.
const RETIREMENT: Seconds = 2 * 3_600;

/// Why a key could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    #[error("there is no key with this kid")]
    NotFound,
    #[error("this is the key in use; rotate first")]
    InUse,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for KeyChangeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
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
    let (signing, encryption) = tokio::join!(signing, Box::pin(encryption_keys::ensure(app)));
    signing?;
    encryption?;
    reload(app).await
}

async fn ensure_signing(app: &App) -> Result<(), Failure> {
    let rows = keys::all(&app.store.db).await?;
    let missing = missing(&app.config.keys.algorithms, &rows);
    if !missing.is_empty() {
        let made = generate(app, &missing).await?;
        match insert_all(app, &made, &Actor::System).await {
            // Another node started at the same moment and was faster; its keys are as good.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// All of them or none: the database lets only one key per algorithm and state in.
async fn insert_all(app: &App, made: &[KeyRow], actor: &Actor) -> Result<(), StoreError> {
    let mut tx = app.store.begin().await?;
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
        KeyState::Active | KeyState::Retiring => now,
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

/// Reads the keys again, after any node changed them.
///
/// # Errors
/// [`Failure`].
pub async fn reload(app: &App) -> Result<(), Failure> {
    let rows = keys::all(&app.store.db).await?;
    let expiries: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let state = KeyState::from_name(&row.state)?.as_str();
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
    let keyring = Keyring::load(stored.collect(), &app.sealer)?;
    let keyring = encryption_keys::load(app, keyring).await?;
    app.keyring.store(Arc::new(keyring));
    // A removed key's tokens must not live on in memory.
    app.verified.forget();
    Ok(())
}

/// Makes the next key of an algorithm the active one, now, and puts a new next key behind it. When
/// another node rotates at the same moment, one of the two rotations counts.
///
/// # Errors
/// [`Failure`].
pub async fn rotate(app: &App, alg: SigningAlg, actor: &Actor) -> Result<(), Failure> {
    let fresh = generate(app, &[(alg, KeyState::Next)]).await?;
    match rotate_in_tx(app, (alg, &fresh), actor).await {
        Ok(()) | Err(StoreError::Conflict) => reload(app).await,
        Err(error) => Err(error.into()),
    }
}

async fn rotate_in_tx(
    app: &App,
    (alg, fresh): (SigningAlg, &[KeyRow]),
    actor: &Actor,
) -> Result<(), StoreError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    promote(&mut tx, alg, now).await?;
    for row in fresh {
        insert(&mut tx, row, actor).await?;
    }
    let event = Event::success("key.rotated", actor, now).detail("alg", alg.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await
}

async fn promote(tx: &mut Tx, alg: SigningAlg, now: UnixTime) -> Result<(), StoreError> {
    let mut rows: Vec<_> = keys::all(&mut *tx).await?;
    rows.retain(|row| row.alg == alg);
    // The active key leaves first: there is never more than one.
    rows.sort_by_key(|row| KeyState::from_name(&row.state) != Some(KeyState::Active));
    for row in rows {
        match KeyState::from_name(&row.state) {
            Some(KeyState::Active) => {
                let change = KeyChange {
                    kid: row.kid,
                    from: row.state,
                    to: KeyState::Retiring.as_str().to_owned(),
                    activates_at: row.activates_at,
                    retires_at: Some(now),
                    remove_after: Some(now.plus(RETIREMENT)),
                };
                changed(keys::set_state(&mut *tx, &change).await?)?;
            }
            Some(KeyState::Next) => {
                let change = KeyChange {
                    kid: row.kid,
                    from: row.state,
                    to: KeyState::Active.as_str().to_owned(),
                    activates_at: now,
                    retires_at: None,
                    remove_after: None,
                };
                changed(keys::set_state(&mut *tx, &change).await?)?;
            }
            Some(KeyState::Retiring) | None => {}
        }
    }
    Ok(())
}

/// A key that is no longer in the state we read was changed by another node.
fn changed(was_ours: bool) -> Result<(), StoreError> {
    if was_ours { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Removes a key at once, for one that has leaked: everything it signed is dead from now on.
///
/// # Errors
/// [`KeyChangeError::InUse`] for the active key, which must be rotated first.
pub async fn retire(app: &App, kid: &str, actor: &Actor) -> Result<(), KeyChangeError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let rows = keys::all(&mut tx).await?;
    let row = rows.iter().find(|row| row.kid == kid).ok_or(KeyChangeError::NotFound)?;
    if KeyState::from_name(&row.state) == Some(KeyState::Active) {
        return Err(KeyChangeError::InUse);
    }
    keys::delete(&mut tx, kid).await?;
    let event = Event::success("key.retired", actor, now).detail("kid", kid);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    // A retired next key is replaced at once.
    Ok(ensure(app).await?)
}

/// What is due on schedule: rotate keys that are old enough, remove keys nobody needs any more.
///
/// # Errors
/// [`Failure`].
pub async fn tick(app: &App) -> Result<(), Failure> {
    let now = app.now();
    let rows = keys::all(&app.store.db).await?;
    for row in &rows {
        let state = KeyState::from_name(&row.state);
        let due = state == Some(KeyState::Active)
            && now.since(row.activates_at) >= app.config.keys.rotate_every;
        // A next key that clients have not had time to fetch waits a little longer.
        let published = rows.iter().any(|next| {
            next.alg == row.alg
                && KeyState::from_name(&next.state) == Some(KeyState::Next)
                && now.since(next.created_at) >= app.config.keys.publish_ahead
        });
        if due && published {
            rotate(app, row.alg, &Actor::System).await?;
        }
        if state == Some(KeyState::Retiring) && row.remove_after.is_some_and(|at| at <= now) {
            match retire(app, &row.kid, &Actor::System).await {
                Ok(()) | Err(KeyChangeError::NotFound | KeyChangeError::InUse) => {}
                Err(KeyChangeError::Failure(failure)) => return Err(failure),
            }
        }
    }
    encryption_keys::tick(app).await
}
