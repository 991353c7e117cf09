//! The brake on what strangers may ask for: so many in a window, counted in the ephemeral store that all
//! nodes share; and how long somebody has to wait who got too many passwords, names or codes wrong, which
//! have their own rules (`store::ephemeral::throttle`).

use crate::app::App;
use crate::clock::Seconds;
use crate::store::StoreError;
use crate::store::ephemeral::throttle;

/// How often something may happen.
pub(crate) struct Limit<'a> {
    /// What is counted, and for whom.
    pub key: &'a str,
    pub window: Seconds,
    pub most: i64,
    /// The name of the limit in the metrics.
    pub scope: &'static str,
}

/// Counts one more, and tells whether that was one too many.
///
/// # Errors
/// [`StoreError`] when nobody can say: nothing is let through then.
pub(crate) async fn is_passed(app: &App, limit: &Limit<'_>) -> Result<bool, StoreError> {
    let passed = app.ephemeral.increment(limit.key, limit.window).await? > limit.most;
    if passed {
        app.metrics.rate_limited(limit.scope);
    }
    Ok(passed)
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
