//! Whether the machine gives random bytes at once. One that has just been started, without hardware for it,
//! may let everybody wait.

use std::time::Duration;

use tokio::time::timeout;

use super::Finding;
use crate::crypto::secret::random_bytes;

/// A machine that has some gives them in microseconds.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn check() -> Finding {
    let name = "randomness";
    // Not on this thread, which the limit needs.
    let drawn = tokio::task::spawn_blocking(|| (random_bytes::<32>(), random_bytes::<32>()));
    match timeout(LIMIT, drawn).await {
        Ok(Ok((first, second))) if first != second && first != [0; 32] => {
            Finding::fine(name, "the system gives random bytes at once")
        }
        Ok(_) => {
            Finding::failure(name, "what the system calls random is not; do not run Doorward here")
        }
        Err(_) => Finding::failure(
            name,
            "the system has no random bytes yet; give the machine a hardware source (virtio-rng, rngd)",
        ),
    }
}
