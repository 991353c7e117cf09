//! The revocation set: what is dead although tokens that name it have not expired.

use sqlx_macros::FromRow;

use super::db::batch::{Batch, batch};
use super::db::repeated::Repeated;
use super::db::{Db, Sql, Tx};
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
    /// Which revocation it was, by the counter of `store::sync`: one number for all that ended in one
    /// transaction. Numbers commit in their order.
    pub number: i64,
    pub revoked_at: UnixTime,
    /// When no token it could meet is alive any more.
    pub expires_at: UnixTime,
}

/// Adds revocations, or strengthens those that are there.
static RECORD: Repeated = Repeated::new(
    "insert into revocations (kind, subject, version, revoked_at, expires_at, number) values ",
    "(?, ?, ?, ?, ?, ?)",
    " on conflict (kind, subject) do update set \
     number = case when excluded.number > revocations.number \
               then excluded.number else revocations.number end, \
     version = case when excluded.version > revocations.version \
               then excluded.version else revocations.version end, \
     revoked_at = case when excluded.revoked_at > revocations.revoked_at \
               then excluded.revoked_at else revocations.revoked_at end, \
     expires_at = case when excluded.expires_at > revocations.expires_at \
               then excluded.expires_at else revocations.expires_at end",
);

/// Remembers revocations that were made together, hundreds with one statement: whoever revokes something
/// else waits meanwhile. A later one of the same subject only ever strengthens it.
pub async fn record<'a>(sql: impl Sql<'a>, made: &[Revocation]) -> Result<(), StoreError> {
    let mut sql = sql.into();
    // A statement may touch a row once, so each subject is named once, by its highest version.
    let mut made: Vec<_> = made.iter().collect();
    made.sort_by(|a, b| (a.kind, &a.subject, b.version).cmp(&(b.kind, &b.subject, a.version)));
    made.dedup_by(|later, first| (later.kind, &later.subject) == (first.kind, &first.subject));
    for (text, page) in RECORD.pages(&made) {
        let bound = page.iter().fold(sql.query(text), |statement, revocation| {
            statement
                .bind(revocation.kind)
                .bind(&revocation.subject)
                .bind(revocation.version)
                .bind(revocation.revoked_at)
                .bind(revocation.expires_at)
                .bind(revocation.number)
        });
        bound.execute().await?;
    }
    Ok(())
}

/// Remembers a revocation unless there is one of the same subject; `true` if it was new. Its number,
/// which is not looked at here, is set by [`set_number`].
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

/// Numbers what [`record_new`] has added, in the same transaction.
pub async fn set_number(
    tx: &mut Tx,
    (kind, subject): (RevocationKind, &str),
    number: i64,
) -> Result<(), StoreError> {
    tx.query("update revocations set number = $3 where kind = $1 and subject = $2")
        .bind(kind)
        .bind(subject)
        .bind(number)
        .execute()
        .await
        .map(drop)
}

/// The next `limit` entries of the whole set after this kind and subject, in their order; the first
/// ones after two empty texts.
pub async fn page<'a>(
    sql: impl Sql<'a>,
    (kind, subject): (&str, &str),
    limit: i64,
) -> Result<Vec<Revocation>, StoreError> {
    sql.into()
        .query(
            "select kind, subject, version, number, revoked_at, expires_at from revocations \
             where (kind, subject) > ($1, $2) order by kind, subject limit $3",
        )
        .bind(kind)
        .bind(subject)
        .bind(limit)
        .all()
        .await
}

/// What was revoked after this number, oldest first, at most `limit` entries.
pub async fn since<'a>(
    sql: impl Sql<'a>,
    number: i64,
    limit: i64,
) -> Result<Vec<Revocation>, StoreError> {
    sql.into()
        .query(
            "select kind, subject, version, number, revoked_at, expires_at from revocations \
             where number > $1 order by number limit $2",
        )
        .bind(number)
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
            "select kind, subject, version, number, revoked_at, expires_at from revocations \
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

const ENDED: Batch = batch!("delete from revocations", of "revocations",
    in "revocations where expires_at <= $1 order by expires_at limit $2");

/// Deletes at most `limit` entries that ended before this moment.
pub async fn purge(db: &Db, before: UnixTime, limit: i64) -> Result<u64, StoreError> {
    ENDED.on(db).bind(before).bind(limit).execute().await
}
