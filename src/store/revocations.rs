//! The revocation set: what is dead although tokens that name it have not expired.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::store::db::columns::stored_by_name;

/// How many subjects one trip of [`any`] asks about: a token names at most this many.
const ASKED_AT_ONCE: usize = 4;

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevocationKind {
    /// One grant and all its tokens.
    Grant,
    /// One session and the tokens bound to it.
    Session,
    /// One cookie value, by its hash: no copy of its session may answer.
    Cookie,
    /// The tokens of a user below a version.
    User,
    /// The tokens of a client below a version.
    Client,
    /// What fast copies say about a user: those that knew only revocations before this number.
    Facts,
}

impl RevocationKind {
    pub const ALL: [Self; 6] =
        [Self::Grant, Self::Session, Self::Cookie, Self::User, Self::Client, Self::Facts];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Session => "session",
            Self::Cookie => "cookie",
            Self::User => "user",
            Self::Client => "client",
            Self::Facts => "facts",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

stored_by_name!(RevocationKind);

/// One entry of the set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, FromRow)]
pub struct Revocation {
    pub kind: RevocationKind,
    /// The id of the grant, session, user or client.
    pub subject: String,
    /// For a user or client: tokens of a lower version are dead. 0 for a grant or session.
    pub version: i64,
    pub revoked_at: UnixTime,
    /// When no token it could meet is alive any more.
    pub expires_at: UnixTime,
}

/// Remembers a revocation. A later one of the same subject only ever strengthens it.
pub async fn record<'a>(sql: impl Sql<'a>, revocation: &Revocation) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into revocations (kind, subject, version, revoked_at, expires_at) \
             values ($1, $2, $3, $4, $5) on conflict (kind, subject) do update set \
             version = case when excluded.version > revocations.version \
                       then excluded.version else revocations.version end, \
             revoked_at = case when excluded.revoked_at > revocations.revoked_at \
                       then excluded.revoked_at else revocations.revoked_at end, \
             expires_at = case when excluded.expires_at > revocations.expires_at \
                       then excluded.expires_at else revocations.expires_at end",
        )
        .bind(revocation.kind)
        .bind(&revocation.subject)
        .bind(revocation.version)
        .bind(revocation.revoked_at)
        .bind(revocation.expires_at)
        .execute()
        .await
        .map(drop)
}

/// Remembers a revocation unless there is one of the same subject; `true` if it was new.
pub async fn record_new<'a>(
    sql: impl Sql<'a>,
    revocation: &Revocation,
) -> Result<bool, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into revocations (kind, subject, version, revoked_at, expires_at) \
             values ($1, $2, $3, $4, $5) on conflict (kind, subject) do nothing",
        )
        .bind(revocation.kind)
        .bind(&revocation.subject)
        .bind(revocation.version)
        .bind(revocation.revoked_at)
        .bind(revocation.expires_at)
        .execute()
        .await?;
    Ok(added == 1)
}

/// The set as it matters now, to rebuild the fast copy: at most `limit` entries, in the order of kind
/// and subject, that come after this one. An entry that is there from the first page to the last is on
/// one of them; one that comes meanwhile may be.
pub async fn active<'a>(
    sql: impl Sql<'a>,
    now: UnixTime,
    (after, limit): (Option<&Revocation>, i64),
) -> Result<Vec<Revocation>, StoreError> {
    sql.into()
        .query(
            "select kind, subject, version, revoked_at, expires_at from revocations \
             where (kind, subject) > ($2, $3) and expires_at > $1 \
             order by kind, subject limit $4",
        )
        .bind(now)
        .bind(after.map_or("", |last| last.kind.as_str()))
        .bind(after.map_or("", |last| last.subject.as_str()))
        .bind(limit)
        .all()
        .await
}

/// The entries about these subjects, in one trip for up to four of them.
pub async fn any<'a>(
    sql: impl Sql<'a>,
    subjects: &[(RevocationKind, &str)],
) -> Result<Vec<Revocation>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::new();
    for asked in subjects.chunks(ASKED_AT_ONCE) {
        let mut statement = sql.query(
            "select kind, subject, version, revoked_at, expires_at from revocations \
             where (kind = $1 and subject = $2) or (kind = $3 and subject = $4) \
             or (kind = $5 and subject = $6) or (kind = $7 and subject = $8)",
        );
        // A short chunk is filled up by asking about its last subject again.
        let last = asked.iter().rev().take(1).cycle();
        for (kind, subject) in asked.iter().chain(last).take(ASKED_AT_ONCE) {
            statement = statement.bind(*kind).bind(*subject);
        }
        found.append(&mut statement.all().await?);
    }
    Ok(found)
}

/// Deletes at most `limit` entries that ended before this moment.
pub async fn purge<'a>(sql: impl Sql<'a>, before: UnixTime, limit: i64) -> Result<u64, StoreError> {
    // The outer condition is repeated because an entry may be strengthened meanwhile.
    sql.into()
        .query(
            "delete from revocations where expires_at <= $1 and (kind, subject) in \
             (select kind, subject from revocations where expires_at <= $1 \
              order by expires_at limit $2)",
        )
        .bind(before)
        .bind(limit)
        .execute()
        .await
}
