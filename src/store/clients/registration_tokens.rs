//! Initial access tokens (RFC 7591 section 1.2): permissions to register a client.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::store::db::Sql;
use crate::store::error::StoreError;

macro_rules! token_columns {
    () => {
        "id, hash, label, created_at, expires_at, max_uses, uses, revoked_at"
    };
}

/// A permission as it is stored: by the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RegistrationToken {
    pub id: String,
    pub hash: String,
    /// What the administrator wrote to remember whom it is for.
    pub label: String,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    pub max_uses: i64,
    pub uses: i64,
    pub revoked_at: Option<UnixTime>,
}

/// Whether a permission can still be used, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    Works,
    UsedUp,
    Expired,
    Revoked,
}

impl TokenState {
    pub const ALL: [Self; 4] = [Self::Works, Self::UsedUp, Self::Expired, Self::Revoked];

    /// The name, as programs are told it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::UsedUp => "used_up",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl RegistrationToken {
    /// What it is at `now`. Of several reasons not to work, what somebody did counts first.
    #[must_use]
    pub fn state(&self, now: UnixTime) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at <= now {
            TokenState::Expired
        } else if self.uses >= self.max_uses {
            TokenState::UsedUp
        } else {
            TokenState::Works
        }
    }

    /// Whether it may be used once more.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.state(now) == TokenState::Works
    }
}

/// Adds a permission.
pub async fn insert<'a>(sql: impl Sql<'a>, token: &RegistrationToken) -> Result<(), StoreError> {
    sql.into()
        .query(concat!(
            "insert into registration_tokens (",
            token_columns!(),
            ") values ($1, $2, $3, $4, $5, $6, $7, $8)"
        ))
        .bind(&token.id)
        .bind(&token.hash)
        .bind(&token.label)
        .bind(token.created_at)
        .bind(token.expires_at)
        .bind(token.max_uses)
        .bind(token.uses)
        .bind(token.revoked_at)
        .execute()
        .await
        .map(drop)
}

/// The permission with this id.
pub async fn by_id<'a>(
    sql: impl Sql<'a>,
    id: &str,
) -> Result<Option<RegistrationToken>, StoreError> {
    sql.into()
        .query(concat!("select ", token_columns!(), " from registration_tokens where id = $1"))
        .bind(id)
        .optional()
        .await
}

/// The permission with this hash; looking does not use it.
pub async fn by_hash<'a>(
    sql: impl Sql<'a>,
    hash: &str,
) -> Result<Option<RegistrationToken>, StoreError> {
    sql.into()
        .query(concat!("select ", token_columns!(), " from registration_tokens where hash = $1"))
        .bind(hash)
        .optional()
        .await
}

/// Uses it once in one atomic statement: of any number of callers no more get it than it has uses
/// left. Run it in the transaction that registers the client.
pub async fn spend<'a>(
    sql: impl Sql<'a>,
    hash: &str,
    now: UnixTime,
) -> Result<Option<RegistrationToken>, StoreError> {
    sql.into()
        .query(concat!(
            "update registration_tokens set uses = uses + 1 where hash = $1 \
             and revoked_at is null and expires_at > $2 and uses < max_uses returning ",
            token_columns!()
        ))
        .bind(hash)
        .bind(now)
        .optional()
        .await
}

/// A page of the permissions that have not expired long ago, newest first. Ids are made in the order of
/// time.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<RegistrationToken>, StoreError> {
    sql.into()
        .query(concat!(
            "select ",
            token_columns!(),
            " from registration_tokens where ($1 is null or id < $1) order by id desc limit $2"
        ))
        .bind(before)
        .bind(limit)
        .all()
        .await
}

/// Makes it useless and gives it as it is then; `None` if there is none that was not revoked before.
pub async fn revoke<'a>(
    sql: impl Sql<'a>,
    id: &str,
    now: UnixTime,
) -> Result<Option<RegistrationToken>, StoreError> {
    sql.into()
        .query(concat!(
            "update registration_tokens set revoked_at = $2 where id = $1 and revoked_at is null \
             returning ",
            token_columns!()
        ))
        .bind(id)
        .bind(now)
        .optional()
        .await
}
