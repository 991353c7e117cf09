//! How things stand, as the REST API shows it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Moment;
use crate::service::overview::{Concern, Overview};
use crate::store::keys::KeyRow;
use crate::telemetry::activity::Counts;

/// How things stand. What is counted in SQL is counted up to 10001.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Overview")]
pub(in crate::http::api) struct OverviewView {
    pub people: i64,
    pub apps: i64,
    /// Sessions that have not ended.
    pub active_sessions: i64,
    /// Sign-ins of the last 24 hours.
    pub sign_ins: i64,
    /// Sign-ins of the last 24 hours that were refused.
    pub failed_sign_ins: i64,
    /// Letters to people that wait to be sent, those that were tried in vain among them.
    pub queued_letters: i64,
    /// The present hour as far as it has come.
    pub hour: CountsView,
    /// The oldest first and the present one last.
    pub periods: Vec<PeriodView>,
    /// The signing keys in use.
    pub keys: Vec<KeyAgeView>,
    /// What needs somebody's attention.
    pub warnings: Vec<WarningView>,
}

impl From<Overview> for OverviewView {
    fn from(found: Overview) -> Self {
        let Overview { figures, queued_letters, hour, periods, keys, concerns } = found;
        let period = |period: crate::service::activity::Period| PeriodView {
            from: period.from.into(),
            counts: period.counts.into(),
        };
        Self {
            people: figures.people,
            apps: figures.apps,
            active_sessions: figures.live_sessions,
            sign_ins: figures.sign_ins,
            failed_sign_ins: figures.failed_sign_ins,
            queued_letters,
            hour: hour.into(),
            periods: periods.into_iter().map(period).collect(),
            keys: keys.into_iter().map(KeyAgeView::from).collect(),
            warnings: concerns.into_iter().map(WarningView::from).collect(),
        }
    }
}

/// What has happened in a period of time, on all servers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
pub(in crate::http::api) struct CountsView {
    pub sign_ins: i64,
    pub failed_sign_ins: i64,
    /// Access, refresh and ID tokens.
    pub tokens: i64,
    /// Answers to HTTP requests.
    pub requests: i64,
    /// Those that were the server's own fault (5xx).
    pub errors: i64,
    /// Answers within so many milliseconds.
    pub within_10: i64,
    pub within_50: i64,
    pub within_100: i64,
    pub within_500: i64,
    /// The smallest of these bounds within which 95 of 100 answers came; null if it took longer.
    pub p95_within: Option<i64>,
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        Self {
            sign_ins: counts.sign_ins,
            failed_sign_ins: counts.failed_sign_ins,
            tokens: counts.tokens,
            requests: counts.requests,
            errors: counts.errors,
            within_10: counts.within_10,
            within_50: counts.within_50,
            within_100: counts.within_100,
            within_500: counts.within_500,
            p95_within: counts.p95_within(),
        }
    }
}

/// A period of time.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Period")]
pub(in crate::http::api) struct PeriodView {
    pub from: Moment,
    #[serde(flatten)]
    pub counts: CountsView,
}

/// How old a signing key in use is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyAge")]
pub(in crate::http::api) struct KeyAgeView {
    pub kid: String,
    pub alg: String,
    pub active_since: Moment,
}

impl From<KeyRow> for KeyAgeView {
    fn from(key: KeyRow) -> Self {
        Self {
            kid: key.kid,
            alg: key.alg.as_str().to_owned(),
            active_since: key.activates_at.into(),
        }
    }
}

/// Something that needs attention.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Warning")]
pub(in crate::http::api) struct WarningView {
    /// `errors`, `failed_sign_ins`, `stuck_messages`, `waiting_letters`, `lost_letters`, `unsealed_audit`,
    /// `late_rotation`, `eviction` or `no_mail`.
    pub code: String,
    /// What is the matter, and what to do about it.
    pub text: String,
}

impl From<Concern> for WarningView {
    fn from(concern: Concern) -> Self {
        Self { code: concern.code().to_owned(), text: concern.text() }
    }
}
