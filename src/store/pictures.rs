//! Logos: of the installation and of apps. Few, small, and read by their fingerprint when a browser asks
//! for one it does not have.

use sqlx_macros::FromRow;

use super::db::{Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::branding::LogoKind;
use crate::protocol::types::ClientId;

/// Whose picture it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Brand(LogoKind),
    Client(ClientId),
}

impl Owner {
    fn key(&self) -> String {
        match self {
            Self::Brand(kind) => kind.as_str().to_owned(),
            Self::Client(id) => format!("client:{id}"),
        }
    }

    fn client(&self) -> Option<&str> {
        match self {
            Self::Brand(_) => None,
            Self::Client(id) => Some(id.as_str()),
        }
    }
}

/// A picture to be kept.
#[derive(Debug, Clone)]
pub struct StoredPicture {
    pub fingerprint: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// PNG as base64url.
    pub png: String,
    pub created_at: UnixTime,
}

/// What pages have to know of a logo of the installation.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct BrandPicture {
    /// `logo` or `logo-dark`.
    pub owner: String,
    pub fingerprint: String,
    pub width: i64,
    pub height: i64,
}

/// The logos of the installation: two at most.
pub async fn of_brand<'a>(sql: impl Sql<'a>) -> Result<Vec<BrandPicture>, StoreError> {
    sql.into()
        .query(
            "select owner, fingerprint, width, height from pictures where client_id is null \
             order by owner limit 10",
        )
        .all()
        .await
}

/// The PNG with this fingerprint, as base64url.
pub async fn png<'a>(sql: impl Sql<'a>, fingerprint: &str) -> Result<Option<String>, StoreError> {
    let found = sql
        .into()
        .query("select png from pictures where fingerprint = $1 limit 1")
        .bind(fingerprint)
        .optional::<(String,)>()
        .await?;
    Ok(found.map(|(png,)| png))
}

/// The fingerprint of somebody's picture.
pub async fn fingerprint<'a>(
    sql: impl Sql<'a>,
    owner: &Owner,
) -> Result<Option<String>, StoreError> {
    let found = sql
        .into()
        .query("select fingerprint from pictures where owner = $1")
        .bind(owner.key())
        .optional::<(String,)>()
        .await?;
    Ok(found.map(|(fingerprint,)| fingerprint))
}

/// Keeps a picture in place of any other of the same owner.
/// `source` is the address it was fetched from, if nobody supplied it.
pub async fn put(
    tx: &mut Tx,
    owner: &Owner,
    (picture, source): (&StoredPicture, Option<&str>),
) -> Result<(), StoreError> {
    tx.query(
        "insert into pictures (owner, client_id, fingerprint, width, height, png, source, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) \
         on conflict (owner) do update set fingerprint = excluded.fingerprint, \
         width = excluded.width, height = excluded.height, png = excluded.png, source = excluded.source, \
         created_at = excluded.created_at",
    )
    .bind(owner.key())
    .bind(owner.client())
    .bind(&picture.fingerprint)
    .bind(picture.width)
    .bind(picture.height)
    .bind(&picture.png)
    .bind(source)
    .bind(picture.created_at)
    .execute()
    .await
    .map(drop)
}

/// Removes the picture of an app if it was fetched from an address that the app named.
pub async fn delete_fetched(tx: &mut Tx, client: &ClientId) -> Result<(), StoreError> {
    tx.query("delete from pictures where client_id = $1 and source is not null")
        .bind(client)
        .execute()
        .await
        .map(drop)
}

/// Removes somebody's picture; `false` if there was none.
pub async fn delete(tx: &mut Tx, owner: &Owner) -> Result<bool, StoreError> {
    let deleted =
        tx.query("delete from pictures where owner = $1").bind(owner.key()).execute().await?;
    Ok(deleted == 1)
}
