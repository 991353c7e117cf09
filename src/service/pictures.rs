//! Logos of the installation and of apps: taken from administrators, written anew ([`crate::pictures`]),
//! kept in SQL, and served by every node. `fetched` are those that apps name themselves.

pub(crate) mod fetched;

use std::sync::Arc;

use crate::app::App;
use crate::crypto::encoding::{self, decode_base64url, encode_base64url};
use crate::pictures::{OF_AN_APP, OF_THE_BRAND, Picture, PictureProblem, remade};
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::service::settings;
use crate::store::pictures::{self as store, Owner, StoredPicture};
use crate::store::{StoreError, Tx, audit, clients, sync};

/// Why a picture was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("there is no client with this client_id")]
    NoClient,
    #[error(transparent)]
    Unusable(#[from] PictureProblem),
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for PictureError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Barred> for PictureError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// The PNG with this fingerprint.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn png(app: &App, fingerprint: &str) -> Result<Option<Arc<Vec<u8>>>, Failure> {
    if let Some(known) = app.pictures.remembers(fingerprint) {
        return Ok(Some(known));
    }
    let found = store::png(&app.store.db, fingerprint).await?;
    let Some(png) = found.and_then(|text| decode_base64url(&text)).map(Arc::new) else {
        return Ok(None);
    };
    app.pictures.remember(fingerprint, &png);
    Ok(Some(png))
}

/// The fingerprint of somebody's picture, if there is one.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn fingerprint(app: &App, owner: &Owner) -> Result<Option<String>, Failure> {
    Ok(store::fingerprint(&app.store.db, owner).await?)
}

/// Takes a picture in place of any other of this owner. The same picture once more changes nothing and
/// leaves no trace.
///
/// # Errors
/// [`PictureError`].
pub async fn set(
    app: &App,
    owner: &Owner,
    sent: Vec<u8>,
    actor: &Actor,
) -> Result<(), PictureError> {
    if let Owner::Client(id) = owner {
        // Before a core is occupied for it.
        clients::by_id(&app.store.db, id).await?.ok_or(PictureError::NoClient)?;
    }
    let picture = stored(app, &remake(app, owner, sent).await?);
    let mut tx = begin(app, owner, actor).await?;
    if store::fingerprint(&mut tx, owner).await?.as_ref() == Some(&picture.fingerprint) {
        return Ok(());
    }
    store::put(&mut tx, owner, (&picture, None)).await?;
    let event = event(app, owner, (Step::Set, actor));
    let event = event.detail("fingerprint", picture.fingerprint.as_str());
    finish(app, tx, (owner, event)).await
}

/// Removes somebody's picture. Where there is none, nothing changes and no trace is left.
///
/// # Errors
/// [`PictureError`].
pub async fn remove(app: &App, owner: &Owner, actor: &Actor) -> Result<(), PictureError> {
    let mut tx = begin(app, owner, actor).await?;
    if !store::delete(&mut tx, owner).await? {
        return Ok(());
    }
    finish(app, tx, (owner, event(app, owner, (Step::Removed, actor)))).await
}

/// Begins a transaction of somebody who may change this owner's picture, with the app held.
async fn begin(app: &App, owner: &Owner, actor: &Actor) -> Result<Tx, PictureError> {
    match owner {
        Owner::Brand(_) => Ok(authority::begin(app, (actor, Right::SettingsWrite)).await?),
        Owner::Client(id) => {
            let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
            clients::hold(&mut tx, id).await?.ok_or(PictureError::NoClient)?;
            Ok(tx)
        }
    }
}

/// Decodes and encodes on a thread of its own, one picture after the other.
async fn remake(app: &App, owner: &Owner, sent: Vec<u8>) -> Result<Picture, PictureError> {
    let room = match owner {
        Owner::Brand(_) => OF_THE_BRAND,
        Owner::Client(_) => OF_AN_APP,
    };
    let turn = Arc::clone(&app.pictures.turn).acquire_owned().await;
    let work = move || {
        // Given back when the work is done, even if nobody waits for it any more.
        let _turn = turn;
        remade(&sent, room)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(made) => Ok(made?),
        // A decoder that gives up in its own way: whatever was sent is no picture for us.
        Err(error) => {
            tracing::warn!(%error, "a picture could not be decoded");
            Err(PictureProblem::Damaged.into())
        }
    }
}

fn stored(app: &App, picture: &Picture) -> StoredPicture {
    let png = encode_base64url(&picture.png);
    StoredPicture {
        fingerprint: encoding::fingerprint(&png),
        width: i64::from(picture.width),
        height: i64::from(picture.height),
        png,
        created_at: app.now(),
    }
}

/// What became of a picture.
#[derive(Debug, Clone, Copy)]
enum Step {
    Set,
    Removed,
}

fn event(app: &App, owner: &Owner, (step, actor): (Step, &Actor)) -> Event {
    let kind = match (owner, step) {
        (Owner::Brand(_), Step::Set) => "branding.logo_set",
        (Owner::Brand(_), Step::Removed) => "branding.logo_removed",
        (Owner::Client(_), Step::Set) => "client.logo_set",
        (Owner::Client(_), Step::Removed) => "client.logo_removed",
    };
    let event = Event::success(kind, actor, app.now());
    match owner {
        Owner::Brand(kind) => event.detail("logo", kind.as_str()),
        Owner::Client(id) => event.client(id),
    }
}

async fn finish(
    app: &App,
    mut tx: Tx,
    (owner, event): (&Owner, Event),
) -> Result<(), PictureError> {
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    if matches!(owner, Owner::Brand(_))
        && let Err(error) = settings::reload(app).await
    {
        // Whoever made the change sees it at once. Elsewhere, and if this fails, it is noticed soon.
        tracing::warn!(%error, "a changed logo is noticed in a moment");
    }
    Ok(())
}
