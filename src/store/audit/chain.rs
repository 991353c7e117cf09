//! The chain of the audit log: the order of the events, proven by hashes. What is hashed and signed is
//! the business of `service::audit::chain`; here it is kept so that it cannot fork: a batch is added
//! in one transaction that first moves the head, and the head moves for one of two nodes only.

use serde_json::Value;
use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::store::audit::{AuditEvent, Outcome, Seal, StoredEvent};
use crate::store::db::columns::Json;
use crate::store::db::repeated::Repeated;
use crate::store::db::{Db, Sql, Tx};
use crate::store::error::StoreError;

/// A signed place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Mark {
    pub seq: i64,
    /// The hash of the event there.
    pub hash: String,
    pub at: UnixTime,
    pub signature: String,
}

/// Which mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkName {
    /// The newest sealed event.
    Head,
    /// The newest event that retention removed: the chain goes on from here.
    Start,
}

impl MarkName {
    /// The name in the database and in what is signed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Start => "start",
        }
    }
}

/// One place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub event_id: String,
    pub seal: Seal,
    /// Under the last event of each batch.
    pub signature: Option<String>,
    /// `None` when the event is not there any more, or is no event.
    pub event: Option<AuditEvent>,
}

/// What waits to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Queue {
    pub waiting: i64,
    /// When the oldest of them happened.
    pub oldest: Option<UnixTime>,
    /// How many of them are not there any more.
    pub missing: i64,
}

/// An event and whether the chain or the queue has it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Known {
    pub id: String,
    pub sealed: Option<String>,
    pub queued: Option<String>,
}

/// The mark, if it was ever made.
pub async fn mark<'a>(sql: impl Sql<'a>, name: MarkName) -> Result<Option<Mark>, StoreError> {
    sql.into()
        .query("select seq, hash, at, signature from audit_marks where name = $1")
        .bind(name.as_str())
        .optional()
        .await
}

/// The oldest events that wait to be sealed.
pub async fn waiting(db: &Db, limit: i64) -> Result<Vec<AuditEvent>, StoreError> {
    let rows = db
        .query(
            "select e.id, e.at, e.kind, e.outcome, e.actor, e.user_id, e.client_id, e.session_id, \
             e.address, e.request_id, e.detail from audit_unsealed u \
             join audit_events e on e.id = u.event_id \
             where not exists (select 1 from audit_chain c where c.event_id = u.event_id) \
             order by u.event_id limit $1",
        )
        .bind(limit)
        .all::<StoredEvent>()
        .await?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
}

/// What waits, in figures.
pub async fn queue<'a>(sql: impl Sql<'a>) -> Result<Queue, StoreError> {
    sql.into()
        .query(
            "select cast(count(*) as bigint) as waiting, min(e.at) as oldest, \
             cast(count(*) - count(e.id) as bigint) as missing \
             from audit_unsealed u left join audit_events e on e.id = u.event_id",
        )
        .one()
        .await
}

/// Moves a mark from where it was seen to where it shall be. `false` if somebody else has moved it
/// meanwhile: then nothing else of this transaction may be committed.
pub async fn move_mark(
    tx: &mut Tx,
    name: MarkName,
    (from, to): (Option<&Mark>, &Mark),
) -> Result<bool, StoreError> {
    let statement = match from {
        None => tx
            .query(
                "insert into audit_marks (name, seq, hash, at, signature) \
                 values ($1, $2, $3, $4, $5) on conflict (name) do nothing",
            )
            .bind(name.as_str()),
        Some(from) => tx
            .query(
                "update audit_marks set seq = $4, hash = $5, at = $6, signature = $7 \
                 where name = $1 and seq = $2 and hash = $3",
            )
            .bind(name.as_str())
            .bind(from.seq)
            .bind(&from.hash),
    };
    let moved =
        statement.bind(to.seq).bind(&to.hash).bind(to.at).bind(&to.signature).execute().await?;
    Ok(moved == 1)
}

static EXTEND: Repeated = Repeated::new(
    "insert into audit_chain (seq, event_id, sealed_at, hash, signature) values ",
    "(?, ?, ?, ?, ?)",
    "",
)
.at_most(128);

/// Adds places to the chain, and takes what is sealed out of the queue.
pub async fn extend(tx: &mut Tx, links: &[Link]) -> Result<(), StoreError> {
    for (text, page) in EXTEND.pages(links) {
        let bound = page.iter().fold(tx.query(text), |statement, link| {
            statement
                .bind(link.seal.seq)
                .bind(&link.event_id)
                .bind(link.seal.sealed_at)
                .bind(&link.seal.hash)
                .bind(&link.signature)
        });
        bound.execute().await?;
    }
    dequeue(tx, i64::try_from(links.len()).unwrap_or(i64::MAX)).await
}

/// Takes at least `limit` sealed events, if there are as many, out of the queue.
pub async fn dequeue<'a>(sql: impl Sql<'a>, limit: i64) -> Result<(), StoreError> {
    sql.into()
        .query(
            "delete from audit_unsealed where event_id in (select u.event_id \
             from audit_unsealed u join audit_chain c on c.event_id = u.event_id \
             order by u.event_id limit $1)",
        )
        .bind(limit)
        .execute()
        .await
        .map(drop)
}

/// The places after `seq`, in their order.
pub async fn links<'a>(
    sql: impl Sql<'a>,
    (after, limit): (i64, i64),
) -> Result<Vec<Link>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select c.seq, c.event_id, c.sealed_at, c.hash, c.signature, e.at, e.kind, e.outcome, \
             e.actor, e.user_id, e.client_id, e.session_id, e.address, e.request_id, e.detail \
             from audit_chain c left join audit_events e on e.id = c.event_id \
             where c.seq > $1 order by c.seq limit $2",
        )
        .bind(after)
        .bind(limit)
        .all::<LinkRow>()
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The head's and the last place's number, as of one moment; 0 for none.
pub async fn ends<'a>(sql: impl Sql<'a>) -> Result<(i64, i64), StoreError> {
    sql.into()
        .query(
            "select cast(coalesce((select seq from audit_marks where name = 'head'), 0) as bigint), \
             cast(coalesce((select max(seq) from audit_chain), 0) as bigint)",
        )
        .one()
        .await
}

/// Events in the order of their ids, and who knows them.
pub async fn known<'a>(
    sql: impl Sql<'a>,
    (after, limit): (&str, i64),
) -> Result<Vec<Known>, StoreError> {
    sql.into()
        .query(
            "select e.id, c.event_id as sealed, u.event_id as queued from audit_events e \
             left join audit_chain c on c.event_id = e.id \
             left join audit_unsealed u on u.event_id = e.id \
             where e.id > $1 order by e.id limit $2",
        )
        .bind(after)
        .bind(limit)
        .all()
        .await
}

/// Removes the oldest events, up to and with the start mark, and their places; returns how many.
/// The mark was moved there before, in the same transaction.
pub async fn remove_up_to(tx: &mut Tx, seq: i64) -> Result<u64, StoreError> {
    let removed = tx
        .query(
            "delete from audit_events where id in \
             (select event_id from audit_chain where seq <= $1)",
        )
        .bind(seq)
        .execute()
        .await?;
    tx.query("delete from audit_chain where seq <= $1").bind(seq).execute().await?;
    Ok(removed)
}

#[derive(FromRow)]
struct LinkRow {
    seq: i64,
    event_id: String,
    sealed_at: UnixTime,
    hash: String,
    signature: Option<String>,
    at: Option<UnixTime>,
    kind: Option<String>,
    /// As text: a name that nobody ever wrote must not keep the rest from being read.
    outcome: Option<String>,
    actor: Option<String>,
    user_id: Option<String>,
    client_id: Option<String>,
    session_id: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    detail: Option<Json<Value>>,
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        let seal = Seal { seq: row.seq, hash: row.hash, sealed_at: row.sealed_at };
        let outcome = row.outcome.as_deref().and_then(Outcome::from_name);
        let there = row.at.zip(row.kind).zip(outcome).zip(row.detail);
        let event = there.map(|(((at, kind), outcome), detail)| AuditEvent {
            id: row.event_id.clone(),
            at,
            kind,
            outcome,
            actor: row.actor,
            user_id: row.user_id,
            client_id: row.client_id,
            session_id: row.session_id,
            address: row.address,
            request_id: row.request_id,
            detail: detail.0,
            seal: Some(seal.clone()),
        });
        Self { event_id: row.event_id, seal, signature: row.signature, event }
    }
}
