//! `[password]`: what a password must be and what hashing one costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Passwords: their length, and the cost of argon2id. A changed cost reaches a stored hash at the
/// person's next sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// Characters a new password needs at least.
    #[schemars(range(min = 8, max = 64))]
    pub min_length: usize,
    /// Memory of one hash, in KiB. `memory_kib` times `iterations` must be at least 35840.
    #[schemars(range(min = 7168, max = 1_048_576))]
    pub memory_kib: u32,
    /// Passes over that memory.
    #[schemars(range(min = 1, max = 20))]
    pub iterations: u32,
    /// Lanes of one hash.
    #[schemars(range(min = 1, max = 16))]
    pub parallelism: u32,
    /// Hashes computed at the same time; 0 means one for each processor core.
    #[schemars(range(min = 0, max = 256))]
    pub threads: usize,
    /// Sign-ins that may wait for a hash; further ones are told to try again in a moment.
    #[schemars(range(min = 1, max = 10_000))]
    pub queue: usize,
}

impl PasswordSettings {
    /// The weakest memory × passes among the argon2id settings OWASP recommends (7 MiB × 5).
    pub(super) const LEAST_WORK: u64 = 35_840;

    /// Hashes computed at the same time, counted.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        }
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            min_length: 12,
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            threads: 0,
            queue: 128,
        }
    }
}
