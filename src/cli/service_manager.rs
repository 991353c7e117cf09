//! What a service manager such as systemd is told (`sd_notify(3)`): that the server is ready, that it is
//! stopping and, if it wants to hear that, that it is alive. Without one nothing happens.

use sd_notify::NotifyState;

/// Everything is open and answers.
pub(super) fn ready() {
    tell(NotifyState::Ready);
}

/// No request is taken any more; those under way may finish.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Says twice in each span that the manager allows that this process is alive, for as long as the runtime
/// that takes connections and does the work beside the requests gets its turns. Never ends; call it from
/// that runtime.
pub(super) async fn keep_alive<T>() -> T {
    let Some(span) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut beat = tokio::time::interval(span / 2);
    loop {
        beat.tick().await;
        tell(NotifyState::Watchdog);
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
