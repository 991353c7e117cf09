//! One-time links: whoever holds one may do one thing, once.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::{SessionId, UserId};
use crate::store::db::columns::stored_by_name;

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Making the first owner of a new server.
    Setup,
    /// Setting a new password.
    PasswordReset,
    /// Saying that a sign-in was somebody else's.
    NotMe,
}

impl LinkKind {
    pub const ALL: [Self; 3] = [Self::Setup, Self::PasswordReset, Self::NotMe];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::PasswordReset => "password_reset",
            Self::NotMe => "not_me",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

stored_by_name!(LinkKind);

/// A link as it is stored: by the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OneTimeLink {
    pub hash: String,
    pub kind: LinkKind,
    pub user_id: Option<UserId>,
    /// The session it is about, which may be gone.
    pub session_id: Option<SessionId>,
    /// On whose word it stands, as the audit log names them; `None` when on nobody's.
    pub made_by: Option<String>,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    pub used_at: Option<UnixTime>,
}

/// Adds a link.
pub async fn insert<'a>(sql: impl Sql<'a>, link: &OneTimeLink) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into one_time_links (hash, kind, user_id, created_at, expires_at, used_at, \
             session_id, made_by) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&link.hash)
        .bind(link.kind)
        .bind(&link.user_id)
        .bind(link.created_at)
        .bind(link.expires_at)
        .bind(link.used_at)
        .bind(&link.session_id)
        .bind(&link.made_by)
        .execute()
        .await
        .map(drop)
}

/// The link with this hash if it still works; looking does not spend it.
pub async fn live<'a>(
    sql: impl Sql<'a>,
    hash: &str,
    now: UnixTime,
) -> Result<Option<OneTimeLink>, StoreError> {
    sql.into()
        .query(
            "select hash, kind, user_id, session_id, made_by, created_at, expires_at, used_at \
             from one_time_links \
             where hash = $1 and used_at is null and expires_at > $2",
        )
        .bind(hash)
        .bind(now)
        .optional()
        .await
}

/// Spends the link in one atomic statement: of any number of callers exactly one gets it. Run it in
/// the transaction that does what the link allows.
pub async fn spend<'a>(
    sql: impl Sql<'a>,
    hash: &str,
    now: UnixTime,
) -> Result<Option<OneTimeLink>, StoreError> {
    sql.into()
        .query(
            "update one_time_links set used_at = $2 \
             where hash = $1 and used_at is null and expires_at > $2 \
             returning hash, kind, user_id, session_id, made_by, created_at, expires_at, used_at",
        )
        .bind(hash)
        .bind(now)
        .optional()
        .await
}

/// Makes every link of this kind useless: those of one user, or with `None` those of nobody in
/// particular. Returns how many worked until now.
pub async fn revoke_all<'a>(
    sql: impl Sql<'a>,
    kind: LinkKind,
    user: Option<&UserId>,
) -> Result<u64, StoreError> {
    sql.into()
        .query(
            "delete from one_time_links where kind = $1 and used_at is null \
             and (user_id = $2 or (user_id is null and $2 is null))",
        )
        .bind(kind)
        .bind(user)
        .execute()
        .await
}
