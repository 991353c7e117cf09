//! Issuers whose tokens count here.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::token::trusted_issuer::{IssuerSettings, TrustedIssuer};
use crate::store::db::columns::Json;

#[derive(FromRow)]
struct IssuerRow {
    name: String,
    issuer: String,
    settings: Json<IssuerSettings>,
    created_at: UnixTime,
    disabled_at: Option<UnixTime>,
}

impl From<IssuerRow> for TrustedIssuer {
    fn from(row: IssuerRow) -> Self {
        Self {
            name: row.name,
            issuer: row.issuer,
            settings: row.settings.0,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// Adds an issuer. `Conflict` when the name or the issuer is taken.
pub async fn insert<'a>(sql: impl Sql<'a>, issuer: &TrustedIssuer) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into trusted_issuers (name, issuer, settings, created_at, disabled_at) \
             values ($1, $2, $3, $4, $5)",
        )
        .bind(&issuer.name)
        .bind(&issuer.issuer)
        .bind(Json(&issuer.settings))
        .bind(issuer.created_at)
        .bind(issuer.disabled_at)
        .execute()
        .await
        .map(drop)
}

/// The issuer with this `iss`.
pub async fn by_issuer<'a>(
    sql: impl Sql<'a>,
    issuer: &str,
) -> Result<Option<TrustedIssuer>, StoreError> {
    let row = sql
        .into()
        .query(
            "select name, issuer, settings, created_at, disabled_at from trusted_issuers \
             where issuer = $1",
        )
        .bind(issuer)
        .optional::<IssuerRow>()
        .await?;
    Ok(row.map(TrustedIssuer::from))
}

/// The issuer that administrators call this.
pub async fn by_name<'a>(
    sql: impl Sql<'a>,
    name: &str,
) -> Result<Option<TrustedIssuer>, StoreError> {
    let row = sql
        .into()
        .query(
            "select name, issuer, settings, created_at, disabled_at from trusted_issuers \
             where name = $1",
        )
        .bind(name)
        .optional::<IssuerRow>()
        .await?;
    Ok(row.map(TrustedIssuer::from))
}

/// The issuer of this name, held as it is until the caller's transaction is over.
pub async fn hold<'a>(sql: impl Sql<'a>, name: &str) -> Result<Option<TrustedIssuer>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let row = sql
        .into()
        .query(
            "update trusted_issuers set name = name where name = $1 \
             returning name, issuer, settings, created_at, disabled_at",
        )
        .bind(name)
        .optional::<IssuerRow>()
        .await?;
    Ok(row.map(TrustedIssuer::from))
}

/// Every issuer, by name. There are a handful.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<TrustedIssuer>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select name, issuer, settings, created_at, disabled_at from trusted_issuers \
             order by name limit 1000",
        )
        .all::<IssuerRow>()
        .await?;
    Ok(rows.into_iter().map(TrustedIssuer::from).collect())
}

/// Writes `iss` and settings of the issuer of this name; `false` if there is none. `Conflict` when
/// another one has this `iss`.
pub async fn update<'a>(sql: impl Sql<'a>, issuer: &TrustedIssuer) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update trusted_issuers set issuer = $2, settings = $3 where name = $1")
        .bind(&issuer.name)
        .bind(&issuer.issuer)
        .bind(Json(&issuer.settings))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Switches an issuer off (`Some`) or on again (`None`); `false` if there is none of this name.
pub async fn set_disabled<'a>(
    sql: impl Sql<'a>,
    name: &str,
    disabled_at: Option<UnixTime>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update trusted_issuers set disabled_at = $2 where name = $1")
        .bind(name)
        .bind(disabled_at)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes an issuer; `false` if there was none of this name.
pub async fn delete<'a>(sql: impl Sql<'a>, name: &str) -> Result<bool, StoreError> {
    let deleted = sql
        .into()
        .query("delete from trusted_issuers where name = $1")
        .bind(name)
        .execute()
        .await?;
    Ok(deleted == 1)
}
