//! What a sign-in finds of a person when it begins, and has to find again when it makes a session.

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::protocol::user::Footing;

/// Holds a person for a sign-in until the caller's transaction is over, and remembers that they have
/// signed in; `false` when they are gone or disabled, or their sessions were ended together since this
/// footing was read. Nothing is remembered then.
pub async fn begin<'a>(
    sql: impl Sql<'a>,
    (id, footing): (&UserId, Footing),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let held = sql
        .into()
        .query(
            "update users set signed_in_at = $4 where id = $1 and token_version = $2 \
             and sign_in_epoch = $3 and disabled_at is null",
        )
        .bind(id)
        .bind(footing.token_version)
        .bind(footing.sign_in_epoch)
        .bind(now)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Holds a person until the caller's transaction is over and tells what something that they prove now
/// stands on; `None` when they are gone or disabled.
pub async fn hold<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<Option<Footing>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = sql
        .into()
        .query(
            "update users set sign_in_epoch = sign_in_epoch where id = $1 and disabled_at is null \
             returning token_version, sign_in_epoch",
        )
        .bind(id)
        .optional::<(i64, i64)>()
        .await?;
    Ok(held.map(|(token_version, sign_in_epoch)| Footing { token_version, sign_in_epoch }))
}

/// From now on no sign-in that began before makes a session, and no device that was let in before gets
/// anything. Call it in the transaction that ends the person's sessions.
pub async fn raise_epoch<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<(), StoreError> {
    sql.into()
        .query("update users set sign_in_epoch = sign_in_epoch + 1 where id = $1")
        .bind(id)
        .execute()
        .await
        .map(drop)
}
