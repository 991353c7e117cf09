//! Providers elsewhere at which people of ours have an account.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::db::columns::{Json, stored_by_name};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::upstream::{UpstreamKind, UpstreamProvider, UpstreamSettings};

stored_by_name!(UpstreamKind);

#[derive(FromRow)]
struct ProviderRow {
    id: String,
    slug: String,
    kind: UpstreamKind,
    issuer: String,
    display_name: String,
    client_id: String,
    client_secret: String,
    settings: Json<UpstreamSettings>,
    created_at: UnixTime,
    disabled_at: Option<UnixTime>,
}

impl From<ProviderRow> for UpstreamProvider {
    fn from(row: ProviderRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            kind: row.kind,
            issuer: row.issuer,
            display_name: row.display_name,
            client_id: row.client_id,
            client_secret: row.client_secret,
            settings: row.settings.0,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// Adds a provider. `Conflict` when the short name is taken.
pub async fn insert<'a>(sql: impl Sql<'a>, provider: &UpstreamProvider) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into upstream_providers (id, slug, kind, issuer, display_name, client_id, \
             client_secret, settings, created_at, disabled_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&provider.id)
        .bind(&provider.slug)
        .bind(provider.kind)
        .bind(&provider.issuer)
        .bind(&provider.display_name)
        .bind(&provider.client_id)
        .bind(&provider.client_secret)
        .bind(Json(&provider.settings))
        .bind(provider.created_at)
        .bind(provider.disabled_at)
        .execute()
        .await
        .map(drop)
}

/// The provider with this id or short name. An id is longer than any short name.
pub async fn find<'a>(
    sql: impl Sql<'a>,
    text: &str,
) -> Result<Option<UpstreamProvider>, StoreError> {
    let row = sql
        .into()
        .query(
            "select id, slug, kind, issuer, display_name, client_id, client_secret, settings, \
             created_at, disabled_at from upstream_providers where id = $1 or slug = $1",
        )
        .bind(text)
        .optional::<ProviderRow>()
        .await?;
    Ok(row.map(UpstreamProvider::from))
}

/// The provider with this id or short name, held as it is until the caller's transaction is over.
pub async fn hold<'a>(
    sql: impl Sql<'a>,
    text: &str,
) -> Result<Option<UpstreamProvider>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let row = sql
        .into()
        .query(
            "update upstream_providers set slug = slug where id = $1 or slug = $1 \
             returning id, slug, kind, issuer, display_name, client_id, client_secret, settings, \
             created_at, disabled_at",
        )
        .bind(text)
        .optional::<ProviderRow>()
        .await?;
    Ok(row.map(UpstreamProvider::from))
}

/// Every provider, by short name. There are a handful.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<UpstreamProvider>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select id, slug, kind, issuer, display_name, client_id, client_secret, settings, \
             created_at, disabled_at from upstream_providers order by slug limit 1000",
        )
        .all::<ProviderRow>()
        .await?;
    Ok(rows.into_iter().map(UpstreamProvider::from).collect())
}

/// Writes what may change of the provider with this id; `false` if there is none.
pub async fn update<'a>(
    sql: impl Sql<'a>,
    provider: &UpstreamProvider,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update upstream_providers set display_name = $2, client_id = $3, client_secret = $4, \
             settings = $5 where id = $1",
        )
        .bind(&provider.id)
        .bind(&provider.display_name)
        .bind(&provider.client_id)
        .bind(&provider.client_secret)
        .bind(Json(&provider.settings))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Switches the provider with this id off (`Some`) or on again (`None`); `false` if there is none.
pub async fn set_disabled<'a>(
    sql: impl Sql<'a>,
    id: &str,
    disabled_at: Option<UnixTime>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update upstream_providers set disabled_at = $2 where id = $1")
        .bind(id)
        .bind(disabled_at)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes the provider with this id; `false` if there was none.
pub async fn delete<'a>(sql: impl Sql<'a>, id: &str) -> Result<bool, StoreError> {
    let deleted =
        sql.into().query("delete from upstream_providers where id = $1").bind(id).execute().await?;
    Ok(deleted == 1)
}
