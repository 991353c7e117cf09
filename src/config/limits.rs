//! `[limits]`: how much of anything one caller gets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits against guessing and flooding. No limit locks an account for good.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Wrong passwords for one account before each further one has to wait, longer every time.
    #[schemars(range(min = 1, max = 100))]
    pub login_free_failures: u32,
    /// Wrong passwords for one account in one hour.
    #[schemars(range(min = 1, max = 10_000))]
    pub login_hourly_failures: u32,
    /// Wrong passwords from one address, or one IPv6 /64, before each further one has to wait.
    #[schemars(range(min = 1, max = 100_000))]
    pub address_free_failures: u32,
    /// Size of a request body, in bytes.
    #[schemars(range(min = 4096, max = 1_048_576))]
    pub body_bytes: usize,
    /// Size of a file of people that is sent with the console, in bytes.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub import_bytes: u64,
    /// What one app may keep beside one session, in bytes as it is stored; the same again for what is
    /// to survive the fast store, and for what a person shares among devices.
    #[schemars(range(min = 1024, max = 65_536))]
    pub session_data_bytes: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            login_free_failures: 5,
            login_hourly_failures: 100,
            address_free_failures: 50,
            body_bytes: 65_536,
            import_bytes: 268_435_456,
            session_data_bytes: 16_384,
        }
    }
}
