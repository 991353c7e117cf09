//! Settings that administrators changed while servers run. Whoever writes here holds `sync_state` by
//! [`super::sync::bump_catalog`], whose new count is the version.

use serde_json::Value;
use sqlx_macros::FromRow;

use super::db::{Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSetting {
    pub key: String,
    pub value: Value,
    /// Another one with every change.
    pub version: i64,
    pub changed_at: UnixTime,
    /// Who, as the audit log names them.
    pub changed_by: String,
}

#[derive(FromRow)]
struct SettingRow {
    key: String,
    value: String,
    version: i64,
    changed_at: UnixTime,
    changed_by: String,
}

/// Every stored value, by key. There are a few dozen at most.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<StoredSetting>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select key, value, version, changed_at, changed_by from settings order by key \
             limit 1000",
        )
        .all::<SettingRow>()
        .await?;
    let parsed = |row: SettingRow| StoredSetting {
        // What cannot be read is no value of any setting, and is told of as such.
        value: serde_json::from_str(&row.value).unwrap_or_default(),
        key: row.key,
        version: row.version,
        changed_at: row.changed_at,
        changed_by: row.changed_by,
    };
    Ok(rows.into_iter().map(parsed).collect())
}

/// Stores a value in place of any other.
pub async fn put(tx: &mut Tx, setting: &StoredSetting) -> Result<(), StoreError> {
    tx.query(
        "insert into settings (key, value, version, changed_at, changed_by) \
         values ($1, $2, $3, $4, $5) \
         on conflict (key) do update set value = excluded.value, version = excluded.version, \
         changed_at = excluded.changed_at, changed_by = excluded.changed_by",
    )
    .bind(&setting.key)
    .bind(setting.value.to_string())
    .bind(setting.version)
    .bind(setting.changed_at)
    .bind(&setting.changed_by)
    .execute()
    .await
    .map(drop)
}

/// Removes a value; `false` if there was none.
pub async fn delete(tx: &mut Tx, key: &str) -> Result<bool, StoreError> {
    let deleted = tx.query("delete from settings where key = $1").bind(key).execute().await?;
    Ok(deleted == 1)
}
