//! What happened in each hour, on all nodes together.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::{Seconds, UnixTime};
use crate::telemetry::activity::Counts;

const HOUR: Seconds = 3_600;
/// Most hours that are read at once: four weeks.
const MOST_HOURS: i64 = 672;

#[derive(FromRow)]
struct HourRow {
    hour: i64,
    sign_ins: i64,
    failed_sign_ins: i64,
    tokens: i64,
    requests: i64,
    errors: i64,
    within_10: i64,
    within_50: i64,
    within_100: i64,
    within_500: i64,
}

/// The number of the hour in which a moment lies.
#[must_use]
pub fn hour_of(at: UnixTime) -> i64 {
    at.0.div_euclid(HOUR)
}

/// Adds what happened in the hour of `at`.
pub async fn add<'a>(sql: impl Sql<'a>, at: UnixTime, counts: &Counts) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into activity (hour, sign_ins, failed_sign_ins, tokens, requests, errors, \
             within_10, within_50, within_100, within_500) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             on conflict (hour) do update set sign_ins = activity.sign_ins + excluded.sign_ins, \
             failed_sign_ins = activity.failed_sign_ins + excluded.failed_sign_ins, \
             tokens = activity.tokens + excluded.tokens, \
             requests = activity.requests + excluded.requests, \
             errors = activity.errors + excluded.errors, \
             within_10 = activity.within_10 + excluded.within_10, \
             within_50 = activity.within_50 + excluded.within_50, \
             within_100 = activity.within_100 + excluded.within_100, \
             within_500 = activity.within_500 + excluded.within_500",
        )
        .bind(hour_of(at))
        .bind(counts.sign_ins)
        .bind(counts.failed_sign_ins)
        .bind(counts.tokens)
        .bind(counts.requests)
        .bind(counts.errors)
        .bind(counts.within_10)
        .bind(counts.within_50)
        .bind(counts.within_100)
        .bind(counts.within_500)
        .execute()
        .await
        .map(drop)
}

/// The hours from this one on in which anything happened, the oldest first; at most four weeks of them.
pub async fn since<'a>(sql: impl Sql<'a>, hour: i64) -> Result<Vec<(i64, Counts)>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select hour, sign_ins, failed_sign_ins, tokens, requests, errors, within_10, within_50, \
             within_100, within_500 from activity where hour >= $1 order by hour limit $2",
        )
        .bind(hour)
        .bind(MOST_HOURS)
        .all::<HourRow>()
        .await?;
    let counts = |row: HourRow| {
        let counts = Counts {
            sign_ins: row.sign_ins,
            failed_sign_ins: row.failed_sign_ins,
            tokens: row.tokens,
            requests: row.requests,
            errors: row.errors,
            within_10: row.within_10,
            within_50: row.within_50,
            within_100: row.within_100,
            within_500: row.within_500,
        };
        (row.hour, counts)
    };
    Ok(rows.into_iter().map(counts).collect())
}
