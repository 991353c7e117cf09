//! DPoP proofs seen within their window. A proof is worth nothing without the code, token or secret
//! it comes with, so losing this memory opens no door by itself; while it cannot be asked, no proof
//! is accepted.

use super::Ephemeral;
use crate::clock::Seconds;
use crate::store::error::StoreError;

/// Whether a proof is seen for the first time; of any number of parallel callers one hears `true`.
pub async fn first_use(
    ephemeral: &Ephemeral,
    proof_hash: &str,
    ttl: Seconds,
) -> Result<bool, StoreError> {
    ephemeral.put_new(&format!("dpop:{proof_hash}"), "1", ttl).await
}
