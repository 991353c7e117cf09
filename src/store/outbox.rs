//! The outbox: what other servers are still to be told, written in the transaction that makes it
//! true. A node that sends a delivery holds it for a while; when the node dies, another one sends.

use serde_json::Value;
use sqlx_macros::FromRow;

use super::db::{Sql, Statement};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::ClientId;
use crate::store::db::columns::Json;

/// One thing to be told to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Stays the same through every attempt, so that the receiver can tell a repetition.
    pub id: String,
    /// What it is, which decides how it is sent. Nodes leave kinds alone that they do not know.
    pub kind: String,
    /// The client it is for, if it is for one, or the webhook; it may be gone by the time of sending.
    pub client_id: Option<ClientId>,
    /// What the kind needs, as a JSON object.
    pub payload: Value,
    /// When to try; during an attempt, when another node may.
    pub due_at: UnixTime,
    /// How often it was tried, an attempt under way included.
    pub attempts: i64,
    pub created_at: UnixTime,
    /// An attempt that fails after this is the last one.
    pub expires_at: UnixTime,
}

#[derive(FromRow)]
struct DeliveryRow {
    id: String,
    kind: String,
    client_id: Option<ClientId>,
    payload: Json<Value>,
    due_at: UnixTime,
    attempts: i64,
    created_at: UnixTime,
    expires_at: UnixTime,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            client_id: row.client_id,
            payload: row.payload.0,
            due_at: row.due_at,
            attempts: row.attempts,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

macro_rules! insert_delivery {
    ($more:literal) => {
        concat!(
            "insert into outbox (id, kind, client_id, payload, due_at, attempts, created_at, \
             expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            $more
        )
    };
}

/// Adds a delivery.
pub async fn insert<'a>(sql: impl Sql<'a>, delivery: &Delivery) -> Result<(), StoreError> {
    bound(sql.into().query(insert_delivery!("")), delivery).execute().await.map(drop)
}

/// Like [`insert`] unless a delivery of this id waits already, which is `false`.
pub async fn insert_unless_there<'a>(
    sql: impl Sql<'a>,
    delivery: &Delivery,
) -> Result<bool, StoreError> {
    let mut sql = sql.into();
    let statement = sql.query(insert_delivery!(" on conflict do nothing"));
    Ok(bound(statement, delivery).execute().await? == 1)
}

fn bound<'a>(statement: Statement<'a>, delivery: &Delivery) -> Statement<'a> {
    statement
        .bind(&delivery.id)
        .bind(&delivery.kind)
        .bind(&delivery.client_id)
        .bind(Json(&delivery.payload))
        .bind(delivery.due_at)
        .bind(delivery.attempts)
        .bind(delivery.created_at)
        .bind(delivery.expires_at)
}

/// A page of what deliveries of this kind need, by their ids.
pub async fn payloads<'a>(
    sql: impl Sql<'a>,
    kind: &str,
    (after, limit): (&str, i64),
) -> Result<Vec<(String, Value)>, StoreError> {
    let rows = sql
        .into()
        .query("select id, payload from outbox where kind = $1 and id > $2 order by id limit $3")
        .bind(kind)
        .bind(after)
        .bind(limit)
        .all::<(String, Json<Value>)>()
        .await?;
    Ok(rows.into_iter().map(|(id, payload)| (id, payload.0)).collect())
}

/// Gives a delivery another form of what it needs; `false` if it is not there any more.
pub async fn set_payload<'a>(
    sql: impl Sql<'a>,
    id: &str,
    payload: &Value,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update outbox set payload = $2 where id = $1")
        .bind(id)
        .bind(Json(payload))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// A delivery that is due, and whom it is for.
pub type Candidate = (String, Option<ClientId>);

/// The deliveries of a kind that come next. A flood for one client must cost the others nothing, so what
/// waits is never looked at as a whole: `receivers` jumps along the index from client to client, `heads` has
/// the longest due of each, and `taken` walks on from those, one row of each client at a time. Of the heads
/// no more than the answer can hold are walked on from: with so many, it holds nothing else. What is for no
/// client is a receiver of its own.
const NEXT_DUE: &str = "select id, client_id from (\
     with recursive receivers (client_id) as (\
     select cast('' as text) union all \
     select (select o.client_id from outbox o where o.kind = $1 and o.client_id > r.client_id \
     order by o.client_id limit 1) from receivers r where r.client_id is not null), \
     heads (client_id, due_at, id) as (select r.client_id, \
     (select o.due_at from outbox o where o.kind = $1 and o.client_id = r.client_id \
     and o.due_at <= $2 order by o.due_at, o.id limit 1), \
     (select o.id from outbox o where o.kind = $1 and o.client_id = r.client_id \
     and o.due_at <= $2 order by o.due_at, o.id limit 1) \
     from receivers r where r.client_id > ''), \
     taken (client_id, due_at, id, place) as (\
     select h.client_id, h.due_at, h.id, cast(1 as bigint) from (select client_id, due_at, id \
     from heads where id is not null order by due_at, id limit $4) as h union all \
     select t.client_id, \
     (select o.due_at from outbox o where o.kind = $1 and o.client_id = t.client_id \
     and o.due_at <= $2 and (o.due_at, o.id) > (t.due_at, t.id) order by o.due_at, o.id limit 1), \
     (select o.id from outbox o where o.kind = $1 and o.client_id = t.client_id \
     and o.due_at <= $2 and (o.due_at, o.id) > (t.due_at, t.id) order by o.due_at, o.id limit 1), \
     t.place + 1 from taken t where t.id is not null and t.place < $3) \
     select client_id, due_at, id, place from taken where id is not null union all \
     select n.client_id, n.due_at, n.id, row_number() over (order by n.due_at, n.id) \
     from (select o.client_id, o.due_at, o.id from outbox o where o.kind = $1 \
     and o.client_id is null and o.due_at <= $2 order by o.due_at, o.id limit $3) as n\
     ) as waiting order by place, due_at, id limit $4";

/// At most `limit` deliveries of this kind that are due, and at most `share` for one client. Of every
/// client first the longest due, then the next: however much waits for one, the others come as soon as
/// if it were alone. They are only candidates: whoever wants to send one must [`claim`] it.
pub async fn due<'a>(
    sql: impl Sql<'a>,
    (kind, now): (&str, UnixTime),
    (share, limit): (i64, i64),
) -> Result<Vec<Candidate>, StoreError> {
    sql.into().query(NEXT_DUE).bind(kind).bind(now).bind(share).bind(limit).all::<Candidate>().await
}

/// Of each webhook the delivery that is longest due. There are few webhooks, so their own table says who is
/// waited for.
pub async fn due_for_webhooks<'a>(
    sql: impl Sql<'a>,
    (kind, now): (&str, UnixTime),
) -> Result<Vec<Candidate>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select (select o.id from outbox o where o.kind = $1 and o.client_id = w.id \
             and o.due_at <= $2 order by o.due_at, o.id limit 1), w.id from webhooks w order by w.id",
        )
        .bind(kind)
        .bind(now)
        .all::<(Option<String>, ClientId)>()
        .await?;
    Ok(rows.into_iter().filter_map(|(id, webhook)| Some((id?, Some(webhook)))).collect())
}

/// Takes a delivery that is due, in one atomic statement: of any number of callers exactly one gets
/// it, and nobody else until `held_until`. One row at a time, so that no two callers can wait for
/// each other.
pub async fn claim<'a>(
    sql: impl Sql<'a>,
    id: &str,
    now: UnixTime,
    held_until: UnixTime,
) -> Result<Option<Delivery>, StoreError> {
    let row = sql
        .into()
        .query(
            "update outbox set due_at = $3, attempts = attempts + 1 \
             where id = $1 and due_at <= $2 \
             returning id, kind, client_id, payload, due_at, attempts, created_at, expires_at",
        )
        .bind(id)
        .bind(now)
        .bind(held_until)
        .optional::<DeliveryRow>()
        .await?;
    Ok(row.map(Delivery::from))
}

/// Puts a claimed delivery back, to be tried again at `due_at`, and keeps why. `false` when it is held by
/// somebody else by now, who then decides.
pub async fn postpone<'a>(
    sql: impl Sql<'a>,
    claimed: &Delivery,
    (due_at, reason): (UnixTime, &str),
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update outbox set due_at = $3, last_error = $4 where id = $1 and attempts = $2")
        .bind(&claimed.id)
        .bind(claimed.attempts)
        .bind(due_at)
        .bind(reason.replace('\0', "\u{fffd}"))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Puts a claimed delivery back as if it had not been claimed, because it was not sent at all. `false`
/// when it is held by somebody else by now, who then decides.
pub async fn release<'a>(
    sql: impl Sql<'a>,
    claimed: &Delivery,
    due_at: UnixTime,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update outbox set due_at = $3, attempts = attempts - 1 where id = $1 and attempts = $2",
        )
        .bind(&claimed.id)
        .bind(claimed.attempts)
        .bind(due_at)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Notes in a claimed delivery how far its sender has come, who has until `expires_at` to come further.
/// `false` when it is held by somebody else by now, who goes on.
pub async fn progress<'a>(
    sql: impl Sql<'a>,
    claimed: &Delivery,
    (payload, expires_at): (&Value, UnixTime),
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update outbox set payload = $3, expires_at = $4 where id = $1 and attempts = $2")
        .bind(&claimed.id)
        .bind(claimed.attempts)
        .bind(Json(payload))
        .bind(expires_at)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes a claimed delivery: it has arrived, or is given up. `false` when it is held by somebody
/// else by now, who then decides.
pub async fn remove<'a>(sql: impl Sql<'a>, claimed: &Delivery) -> Result<bool, StoreError> {
    let removed = sql
        .into()
        .query("delete from outbox where id = $1 and attempts = $2")
        .bind(&claimed.id)
        .bind(claimed.attempts)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// How many deliveries of a kind wait, those under way included.
pub async fn count<'a>(sql: impl Sql<'a>, kind: &str) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query("select count(*) from outbox where kind = $1")
        .bind(kind)
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// How many deliveries of a kind wait for a client, those under way included. Counts to `most` and no
/// further.
pub async fn count_for<'a>(
    sql: impl Sql<'a>,
    (kind, client): (&str, &ClientId),
    most: i64,
) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query(
            "select count(*) from (select o.id from outbox o \
             where o.kind = $1 and o.client_id = $2 limit $3) as waiting",
        )
        .bind(kind)
        .bind(client)
        .bind(most)
        .one::<(i64,)>()
        .await?;
    Ok(count)
}
