//! Rows that belong to a person or to an app, or to both: whoever ends or deletes either takes many of them at once.
//!
//! A statement that changes many rows takes them in an order of the database's own, and so does a deletion that
//! cascades: of a person and an app that end at the same moment each would wait for the other. On PostgreSQL
//! they are therefore held first, kind by kind and each kind by its key ("The order in which rows are held" in
//! `docs/architecture.md`). SQLite has one writer, who waits for nobody.

use super::Tx;
use super::error::StoreError;
use super::users::together;
use crate::protocol::types::{ClientId, UserId};

/// What an end changes, of a person.
const ENDED_OF_USER: [&str; 2] = [
    "select user_id from consents where user_id = $1 order by user_id, client_id for update",
    "select id from grants where user_id = $1 and revoked_at is null order by id for update",
];

/// The same of several people, whose ids are in one text.
const ENDED_OF_USERS: [&str; 2] = [
    "select user_id from consents where user_id = any(string_to_array($1, ' ')) \
        order by user_id, client_id for update",
    "select id from grants where user_id = any(string_to_array($1, ' ')) and revoked_at is null \
        order by id for update",
];

/// The same of an app.
const ENDED_OF_CLIENT: [&str; 2] = [
    "select user_id from consents where client_id = $1 order by user_id, client_id for update",
    "select id from grants where client_id = $1 and revoked_at is null order by id for update",
];

/// What goes with a person who is deleted.
const DELETED_OF_USER: [&str; 7] = [
    // Those that were ended go, too. In the order of `sessions::touch_many`, which is no idea of the database's.
    "select id from sessions where user_id = $1 order by id collate \"C\" for update",
    "select user_id from consents where user_id = $1 order by user_id, client_id for update",
    "select user_id from withdrawals where user_id = $1 order by user_id, client_id for update",
    "select id from grants where user_id = $1 order by id for update",
    "select id from session_data where user_id = $1 order by id for update",
    "select session_id from session_clients \
        where session_id in (select id from sessions where user_id = $1) \
        order by session_id, client_id for update",
    "select user_id from user_roles where user_id = $1 \
        order by user_id, client_id, role_name for update",
];

/// What goes with an app that is deleted.
const DELETED_OF_CLIENT: [&str; 6] = [
    "select user_id from consents where client_id = $1 order by user_id, client_id for update",
    "select user_id from withdrawals where client_id = $1 order by user_id, client_id for update",
    "select id from grants where client_id = $1 order by id for update",
    "select id from session_data where client_id = $1 order by id for update",
    "select session_id from session_clients where client_id = $1 \
        order by session_id, client_id for update",
    "select user_id from user_roles where client_id = $1 \
        order by user_id, client_id, role_name for update",
];

/// Holds what ends when everything of a person does. Hold the person and their sessions first.
pub async fn hold_ended_of_user(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    hold(tx, &ENDED_OF_USER, user.as_str()).await
}

/// As [`hold_ended_of_user`], of several people at once.
pub async fn hold_ended_of_users(tx: &mut Tx, users: &[&UserId]) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    hold(tx, &ENDED_OF_USERS, &together(users)).await
}

/// Holds what ends when everything of an app does, however much that is: the transaction is
/// [patient](Tx::be_patient) from here on. Hold the app first.
pub async fn hold_ended_of_client(tx: &mut Tx, client: &ClientId) -> Result<(), StoreError> {
    tx.be_patient().await?;
    hold(tx, &ENDED_OF_CLIENT, client.as_str()).await
}

/// Holds what goes with a person: their sessions and the rest. Hold the person first.
pub async fn hold_deleted_of_user(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    hold(tx, &DELETED_OF_USER, user.as_str()).await
}

/// Holds what goes with an app, as [`hold_ended_of_client`]. Hold the app first.
pub async fn hold_deleted_of_client(tx: &mut Tx, client: &ClientId) -> Result<(), StoreError> {
    tx.be_patient().await?;
    hold(tx, &DELETED_OF_CLIENT, client.as_str()).await
}

async fn hold(tx: &mut Tx, rows: &[&'static str], whose: &str) -> Result<(), StoreError> {
    if matches!(tx, Tx::Sqlite { .. }) {
        return Ok(());
    }
    for statement in rows {
        tx.query(statement).bind(whose).execute().await?;
    }
    Ok(())
}
