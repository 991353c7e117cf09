//! How far imports of people have come. The row of a file moves in the transaction that adds its
//! people, so an import goes on exactly behind the last one that was added.

use serde::{Deserialize, Serialize};
use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;

/// How far an import has come, and what became of the lines so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub struct ImportProgress {
    /// The last line of the file that is dealt with; 0 before the first.
    pub line: i64,
    pub created: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
}

impl ImportProgress {
    /// Whether anybody was added or changed.
    #[must_use]
    pub fn is_something(&self) -> bool {
        self.created > 0 || self.updated > 0
    }
}

/// How far the file with this SHA-256 has come; `None` if nothing of it was imported, or all of it.
pub async fn progress<'a>(
    sql: impl Sql<'a>,
    digest: &str,
) -> Result<Option<ImportProgress>, StoreError> {
    sql.into()
        .query("select line, created, updated, skipped, rejected from imports where digest = $1")
        .bind(digest)
        .optional()
        .await
}

/// Keeps how far a file has come, from the line where it was before, for as long as somebody may come back to it.
/// `false`, and nothing is kept, when it is not there any more: somebody else imports the same file, or has begun anew.
/// Of any number of callers with the same `before` one gets `true`.
pub async fn save<'a>(
    sql: impl Sql<'a>,
    digest: &str,
    (before, progress): (i64, &ImportProgress),
    expires_at: UnixTime,
) -> Result<bool, StoreError> {
    let saved = sql
        .into()
        .query(
            "insert into imports (digest, line, created, updated, skipped, rejected, expires_at) \
             select $1, $2, $3, $4, $5, $6, $7 \
             where $8 = 0 or exists (select 1 from imports where digest = $1) \
             on conflict (digest) do update set \
             line = excluded.line, created = excluded.created, updated = excluded.updated, \
             skipped = excluded.skipped, rejected = excluded.rejected, \
             expires_at = excluded.expires_at where imports.line = $8",
        )
        .bind(digest)
        .bind(progress.line)
        .bind(progress.created)
        .bind(progress.updated)
        .bind(progress.skipped)
        .bind(progress.rejected)
        .bind(expires_at)
        .bind(before)
        .execute()
        .await?;
    Ok(saved == 1)
}

/// Forgets a file: it is through, or starts again.
pub async fn forget<'a>(sql: impl Sql<'a>, digest: &str) -> Result<(), StoreError> {
    sql.into().query("delete from imports where digest = $1").bind(digest).execute().await.map(drop)
}
