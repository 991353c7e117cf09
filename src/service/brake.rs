//! The brake on what strangers may ask for: so many in a window, counted in the ephemeral store that all
//! nodes share; and how long somebody has to wait who got too many passwords, names or codes wrong, which
//! have their own rules (`store::ephemeral::throttle`).
//!
//! The moment a limit is first passed is an event in the audit log, one for each key and window; what
//! follows is counted in the metrics alone, so that nobody fills the log by asking.

use crate::app::App;
use crate::clock::Seconds;
use crate::service::audit::{Actor, Caller, Event};
use crate::store::ephemeral::throttle::{self, Penalty, ThrottleRule};
use crate::store::{StoreError, audit};

/// The most of a key that an event tells: it may hold what a client calls itself.
const LONGEST_KEY: usize = 200;

/// How often something may happen.
pub(crate) struct Limit<'a> {
    /// What is counted, and for whom.
    pub key: &'a str,
    pub window: Seconds,
    pub most: i64,
    /// The name of the limit in the metrics and the audit log.
    pub scope: &'static str,
}

/// Counts one more, and tells whether that was one too many.
///
/// # Errors
/// [`StoreError`] when nobody can say: nothing is let through then.
pub(crate) async fn is_passed(
    app: &App,
    limit: &Limit<'_>,
    caller: &Caller,
) -> Result<bool, StoreError> {
    let count = app.ephemeral.increment(limit.key, limit.window).await?;
    if count <= limit.most {
        return Ok(false);
    }
    app.metrics.rate_limited(limit.scope);
    // Whoever may do nothing at all passes the limit with the first.
    if count == limit.most.max(0).saturating_add(1) {
        record(app, (limit.scope, limit.key), limit.most, caller).await?;
    }
    Ok(true)
}

/// For how many seconds more whatever these keys guard is blocked by what was got wrong before (see
/// `store::ephemeral::throttle`); `None` when it may be tried. `scope` is the name in the metrics.
///
/// # Errors
/// [`StoreError`] when nobody can say: nothing may be tried then.
pub(crate) async fn wait(
    app: &App,
    keys: &[String],
    scope: &'static str,
) -> Result<Option<Seconds>, StoreError> {
    let until = throttle::blocked_until(&app.ephemeral, keys).await?;
    let now = app.now();
    let wait = until.filter(|until| *until > now).map(|until| until.since(now));
    if wait.is_some() {
        app.metrics.rate_limited(scope);
    }
    Ok(wait)
}

/// Counts something that was got wrong. `scope` is the name of the limit.
///
/// # Errors
/// [`StoreError`] when it was not counted, or the event not written.
pub(crate) async fn note_failure(
    app: &App,
    (scope, key, rule): (&'static str, &str, &ThrottleRule),
    caller: &Caller,
) -> Result<Penalty, StoreError> {
    let penalty = throttle::register_failure(&app.ephemeral, rule, key, app.now()).await?;
    if penalty.failures == rule.free.max(0).saturating_add(1) {
        record(app, (scope, key), rule.free, caller).await?;
    }
    Ok(penalty)
}

async fn record(
    app: &App,
    (scope, key): (&'static str, &str),
    most: i64,
    caller: &Caller,
) -> Result<(), StoreError> {
    let key: String = key.chars().take(LONGEST_KEY).collect();
    let event = Event::failure("limit.passed", &Actor::Anonymous, app.now()).caller(caller);
    let event = event.detail("limit", scope).detail("key", key).detail("most", most);
    audit::append(&app.store.db, &event.into_row()).await
}
