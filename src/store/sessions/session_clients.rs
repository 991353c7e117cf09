//! Which clients a session signed in to, for telling them when it ends (OpenID Connect Back-Channel
//! Logout 1.0 section 2.3, Front-Channel Logout 1.0 section 3).

use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::store::db::Sql;
use crate::store::error::StoreError;

/// How many sessions one statement asks about: a page of 25 takes two trips.
const ASKED_AT_ONCE: usize = 13;

/// Remembers, as long as the session's row lives, that it signed in to this client. Run it in the
/// transaction that holds the session.
pub async fn remember<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
    client: &ClientId,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into session_clients (session_id, client_id) values ($1, $2) \
             on conflict (session_id, client_id) do nothing",
        )
        .bind(session)
        .bind(client)
        .execute()
        .await
        .map(drop)
}

/// The sessions of a person that are alive and in which they have signed in to this client.
pub async fn living_sessions<'a>(
    sql: impl Sql<'a>,
    (user, client): (&UserId, &ClientId),
    now: UnixTime,
) -> Result<Vec<SessionId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select s.id from sessions s \
             where s.user_id = $1 and s.revoked_at is null and s.expires_at > $3 \
             and (exists (select 1 from session_clients c \
                          where c.session_id = s.id and c.client_id = $2) \
                  or exists (select 1 from grants g \
                             where g.session_id = s.id and g.client_id = $2)) order by s.id",
        )
        .bind(user)
        .bind(client)
        .bind(now)
        .all::<(SessionId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The next `limit` sessions after this id in which somebody has signed in to this client, and whose they
/// are, in the order of their ids. Those that had ended before `since` or are past their absolute limit
/// are left out. Begins after an empty id.
pub async fn sessions_of_client<'a>(
    sql: impl Sql<'a>,
    (client, after): (&ClientId, &str),
    (since, now): (UnixTime, UnixTime),
    limit: i64,
) -> Result<Vec<(SessionId, UserId)>, StoreError> {
    sql.into()
        .query(
            "select s.id, s.user_id from sessions s \
             where s.id > $2 and (s.revoked_at is null or s.revoked_at >= $3) \
             and s.expires_at > $4 and s.id in \
             (select session_id from session_clients where client_id = $1 \
              union select session_id from grants where client_id = $1 and session_id is not null) \
             order by s.id limit $5",
        )
        .bind(client)
        .bind(after)
        .bind(since)
        .bind(now)
        .bind(limit)
        .all()
        .await
}

/// What was signed in to through these sessions and has not been taken back since, in no order.
pub async fn of_sessions<'a>(
    sql: impl Sql<'a>,
    sessions: &[SessionId],
) -> Result<Vec<(SessionId, ClientId)>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::new();
    for asked in sessions.chunks(ASKED_AT_ONCE) {
        let mut statement = sql.query(
            "select distinct session_id, client_id from grants where revoked_at is null \
             and session_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        );
        // A short chunk is filled up by asking about its last session again.
        let last = asked.iter().rev().take(1).cycle();
        for id in asked.iter().chain(last).take(ASKED_AT_ONCE) {
            statement = statement.bind(id);
        }
        found.append(&mut statement.all().await?);
    }
    Ok(found)
}

/// Every client this session signed in to, whatever became of the grants since: those remembered
/// here, and those that have a grant, since a client is only remembered once it wants to be told.
pub async fn of_session<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
) -> Result<Vec<ClientId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select client_id from session_clients where session_id = $1 \
             union select client_id from grants where session_id = $1 order by client_id",
        )
        .bind(session)
        .all::<(ClientId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
