//! The same statement for many keys, each by itself.
//!
//! A statement that changes many rows holds each until it is done and takes them in an order of the
//! database's own. Two such statements, or one and a transaction that holds several rows, may then wait
//! for each other. Whoever is in no hurry changes one row at a time and so never holds one while it
//! waits for another.

use futures_util::future::join_all;

use super::{Db, Record, Statement};
use crate::store::error::StoreError;

/// How many statements are under way at once on PostgreSQL: their commits become durable together.
const AT_ONCE: usize = 4;

/// Runs a statement once for each key, which `bind` binds, and gives the rows of all. It stops at the
/// first failure; what was done stays done.
pub(in crate::store) async fn one_by_one<K, R: Record>(
    db: &Db,
    sql: &'static str,
    keys: &[K],
    bind: impl for<'s> Fn(Statement<'s>, &K) -> Statement<'s>,
) -> Result<Vec<R>, StoreError> {
    let mut found = Vec::new();
    match db {
        Db::Postgres { .. } => {
            for some in keys.chunks(AT_ONCE) {
                // All of them to their end, so that no connection is left in the middle of one.
                let running = some.iter().map(|key| bind(db.query(sql), key).all());
                for rows in join_all(running).await {
                    found.extend(rows?);
                }
            }
        }
        // There is one writer, who waits for nobody, and one commit is cheaper than many.
        Db::Sqlite { .. } if keys.is_empty() => {}
        Db::Sqlite { .. } => {
            let mut tx = db.begin().await?;
            for key in keys {
                found.extend(bind(tx.query(sql), key).all().await?);
            }
            tx.commit().await?;
        }
    }
    Ok(found)
}

/// [`one_by_one`] for a statement that ends with `returning cast(1 as bigint)`; tells how many rows it
/// touched.
pub(in crate::store) async fn each<K>(
    db: &Db,
    sql: &'static str,
    keys: &[K],
    bind: impl for<'s> Fn(Statement<'s>, &K) -> Statement<'s>,
) -> Result<u64, StoreError> {
    let touched: Vec<(i64,)> = one_by_one(db, sql, keys, bind).await?;
    Ok(u64::try_from(touched.len()).unwrap_or(u64::MAX))
}
