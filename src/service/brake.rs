//! The brake on what strangers may ask for: so many in a window, counted in the ephemeral store that all
//! nodes share. Wrong passwords and codes have their own rules (`store::ephemeral::throttle`).

use crate::app::App;
use crate::clock::Seconds;
use crate::store::StoreError;

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
