//! What people have signed in with and from, as hashes. Written in the transaction of a sign-in, read
//! by the next one.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::store::db::columns::stored_by_name;

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A browser.
    Device,
    /// Where it was.
    Network,
}

impl MarkKind {
    pub const ALL: [Self; 2] = [Self::Device, Self::Network];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Network => "network",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

stored_by_name!(MarkKind);

/// One thing a person has signed in with.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Mark {
    pub kind: MarkKind,
    /// A hash.
    pub mark: String,
}

/// Everything a person is known by that has not been forgotten.
pub async fn of_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<Mark>, StoreError> {
    sql.into()
        .query("select kind, mark from known_marks where user_id = $1 and expires_at > $2")
        .bind(user)
        .bind(now)
        .all()
        .await
}

/// Remembers a mark, or that it was seen again.
pub async fn remember<'a>(
    sql: impl Sql<'a>,
    (user, mark): (&UserId, &Mark),
    (now, expires_at): (UnixTime, UnixTime),
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into known_marks (user_id, kind, mark, seen_at, expires_at) \
             values ($1, $2, $3, $4, $5) on conflict (user_id, kind, mark) \
             do update set seen_at = excluded.seen_at, expires_at = excluded.expires_at",
        )
        .bind(user)
        .bind(mark.kind)
        .bind(&mark.mark)
        .bind(now)
        .bind(expires_at)
        .execute()
        .await
        .map(drop)
}

/// Keeps the `most` marks of a kind that were seen last and forgets the others.
pub async fn keep_newest<'a>(
    sql: impl Sql<'a>,
    (user, kind): (&UserId, MarkKind),
    most: i64,
) -> Result<u64, StoreError> {
    sql.into()
        .query(
            "delete from known_marks where user_id = $1 and kind = $2 and mark not in \
             (select mark from known_marks where user_id = $1 and kind = $2 \
             order by seen_at desc, mark limit $3)",
        )
        .bind(user)
        .bind(kind)
        .bind(most)
        .execute()
        .await
}

/// Forgets everything a person is known by.
pub async fn forget<'a>(sql: impl Sql<'a>, user: &UserId) -> Result<u64, StoreError> {
    sql.into().query("delete from known_marks where user_id = $1").bind(user).execute().await
}
