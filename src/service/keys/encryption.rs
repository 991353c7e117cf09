//! The keys others encrypt with for Doorward, such as request objects: made at first start, replaced
//! on schedule or now.
//!
//! Unlike a signing key, a new one may be used the moment it is published; and one that is replaced
//! is no longer published, but goes on decrypting for those who fetched it before.
//!
//! ```text
//! active ──▶ retiring ──(as long as anybody may have it cached)──▶ removed
//! ```

use std::sync::Arc;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::jwe::own::{self, EncryptionKey};
use crate::crypto::keyring::KeyState;
use crate::protocol::rights::Right;
use crate::protocol::types::KeyEncryptionAlg;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::keys::{self, KeyChangeError};
use crate::service::people::authority;
use crate::service::revocation;
use crate::store::keys::encryption::{self, EncryptionKeyRow};
use crate::store::{StoreError, Tx, audit, sync};

/// How long a replaced key goes on decrypting. Clients may cache the JWKS for five minutes; some
/// keep it for a day whatever we say.
const RETIREMENT: Seconds = 24 * 3_600;

/// Every key, as stored.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App) -> Result<Vec<EncryptionKeyRow>, Failure> {
    Ok(encryption::all(&app.store.db).await?)
}

/// Makes what is missing: an active key for each algorithm. The caller reloads the keyring.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(in crate::service) async fn ensure(app: &App) -> Result<(), Failure> {
    let rows = encryption::all(&app.store.db).await?;
    let has_key = |alg| rows.iter().any(|row| row.alg == alg && is_active(row));
    let wanted = app.config.keys.encryption_algorithms.iter();
    let missing: Vec<_> = wanted.copied().filter(|alg| !has_key(*alg)).collect();
    let made = futures_util::future::try_join_all(missing.into_iter().map(|alg| make(app, alg)));
    for row in made.await? {
        let first = ("key.created", &row);
        match add(app.store.begin().await?, first, (&Actor::System, app.now())).await {
            // Another node started at the same moment and was faster; its key is as good.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes a key off the async threads: an RSA key takes a tenth of a second.
async fn make(app: &App, alg: KeyEncryptionAlg) -> Result<EncryptionKeyRow, Failure> {
    let sealer = Arc::clone(&app.sealer);
    let made = tokio::task::spawn_blocking(move || own::generate(alg, &sealer)).await;
    let key = made.map_err(|error| Failure::Internal(format!("key generation: {error}")))??;
    Ok(EncryptionKeyRow {
        kid: key.kid,
        alg,
        state: KeyState::Active.as_str().to_owned(),
        sealed_private: key.sealed_private,
        public_jwk: key.public_jwk,
        created_at: app.now(),
        remove_after: None,
    })
}

/// Puts a new key in the place of the active one.
async fn replace(
    mut tx: Tx,
    row: &EncryptionKeyRow,
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    let replaced = encryption::retire(&mut tx, row.alg, now.plus(RETIREMENT)).await?;
    let kind = if replaced == 0 { "key.created" } else { "key.rotated" };
    add(tx, (kind, row), (actor, now)).await
}

/// Adds a key that is active from now on. `Conflict` when its algorithm has such a key: the one that another node made
/// a moment ago stays.
async fn add(
    mut tx: Tx,
    (kind, row): (&'static str, &EncryptionKeyRow),
    (actor, now): (&Actor, UnixTime),
) -> Result<(), StoreError> {
    encryption::insert(&mut tx, row).await?;
    let event = Event::success(kind, actor, now)
        .detail("kid", row.kid.as_str())
        .detail("alg", row.alg.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await
}

fn is_active(row: &EncryptionKeyRow) -> bool {
    KeyState::from_name(&row.state) == Some(KeyState::Active)
}

/// The keys that are published, and those that only decrypt what was encrypted before.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(in crate::service) async fn stored(
    app: &App,
) -> Result<(Vec<EncryptionKey>, Vec<EncryptionKey>), Failure> {
    let rows = encryption::all(&app.store.db).await?;
    let (active, retiring): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_active);
    let sealed = |rows: Vec<EncryptionKeyRow>| rows.into_iter().map(sealed).collect();
    Ok((sealed(active), sealed(retiring)))
}

fn sealed(row: EncryptionKeyRow) -> EncryptionKey {
    let EncryptionKeyRow { kid, alg, sealed_private, public_jwk, .. } = row;
    EncryptionKey { kid, alg, sealed_private, public_jwk }
}

/// Replaces the active key of an algorithm, now. When another node does so at the same moment, one
/// of the two counts.
///
/// # Errors
/// [`KeyChangeError::NotYours`] or a failure.
pub async fn rotate(app: &App, alg: KeyEncryptionAlg, actor: &Actor) -> Result<(), KeyChangeError> {
    let row = make(app, alg).await?;
    let tx = authority::begin(app, (actor, Right::KeysRotate)).await?;
    match replace(tx, &row, (actor, app.now())).await {
        Ok(()) | Err(StoreError::Conflict) => Ok(keys::reload(app).await?),
        Err(error) => Err(error.into()),
    }
}

/// Removes a key at once: what is encrypted with it can be read no more.
///
/// # Errors
/// [`KeyChangeError::InUse`] for the active key, which must be rotated first.
pub async fn retire(app: &App, kid: &str, actor: &Actor) -> Result<(), KeyChangeError> {
    let rows = encryption::all(&app.store.db).await?;
    let row = rows.iter().find(|row| row.kid == kid).ok_or(KeyChangeError::NotFound)?;
    if is_active(row) {
        return Err(KeyChangeError::InUse);
    }
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::KeysRotate)).await?;
    encryption::delete(&mut tx, kid).await?;
    let event = Event::success("key.retired", actor, now).detail("kid", kid);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    let spread = revocation::spread_catalogue(app);
    keys::reload(app).await?;
    spread.outlive_copies().await;
    Ok(())
}

/// What is due on schedule: replace keys that are old enough, remove those nobody uses any more.
///
/// # Errors
/// [`Failure`].
pub(in crate::service) async fn tick(app: &App) -> Result<(), Failure> {
    let now = app.now();
    for row in encryption::all(&app.store.db).await? {
        if is_active(&row) {
            if now.since(row.created_at) >= app.config.keys.rotate_every {
                rotate(app, row.alg, &Actor::System).await?;
            }
        } else if row.remove_after.is_some_and(|at| at <= now) {
            match retire(app, &row.kid, &Actor::System).await {
                Ok(()) | Err(KeyChangeError::NotFound | KeyChangeError::InUse) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
