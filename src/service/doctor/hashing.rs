//! What a password costs: long enough to be dear to whoever guesses, short enough for whoever signs in.

use std::time::{Duration, Instant};

use super::Finding;
use crate::app::App;
use crate::crypto::secret::Secret;

/// A sign-in should not take longer than this.
const TARGET: Duration = Duration::from_secs(1);

pub(super) async fn check(app: &App) -> Finding {
    let name = "password-hashing";
    let settings = &app.config.password;
    // The first one makes the memory.
    let mut took = Duration::MAX;
    for _ in 0..2 {
        let began = Instant::now();
        if let Err(error) = app.passwords.hash(Secret::generate().expose().to_owned()).await {
            return Finding::failure(name, error.to_string());
        }
        took = took.min(began.elapsed());
    }
    let at_once = settings.thread_count();
    let found = format!("{} ms a password, {at_once} at a time", took.as_millis());
    if took > TARGET {
        let text = format!(
            "{found}: people wait for that; lower password.memory_kib ({}) or password.iterations ({}), or \
             give this machine more",
            settings.memory_kib, settings.iterations
        );
        return Finding::warning(name, text);
    }
    Finding::fine(name, found)
}
