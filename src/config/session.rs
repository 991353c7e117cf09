//! `[session]`: how long a person stays signed in.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;

/// Lifetimes of the single-sign-on session, in seconds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// A session that is not used ends after this time.
    #[schemars(range(min = 60, max = 2_592_000))]
    pub idle: Seconds,
    /// A session ends after this time even when it is used.
    #[schemars(range(min = 60, max = 31_536_000))]
    pub absolute: Seconds,
    /// Both limits when the person chose "keep me signed in".
    #[schemars(range(min = 60, max = 31_536_000))]
    pub remember: Seconds,
    /// In the console: time without use before the password is asked again.
    #[schemars(range(min = 60, max = 86_400))]
    pub admin_idle: Seconds,
    /// In the console: time since sign-in before the password is asked again.
    #[schemars(range(min = 60, max = 86_400))]
    pub admin_absolute: Seconds,
    /// In the console: time since sign-in before secrets, keys, roles and backups ask for the password
    /// again. A form opened in time may be sent for as long again.
    #[schemars(range(min = 60, max = 86_400))]
    pub admin_step_up: Seconds,
    /// A database of places by address in the MaxMind format (`.mmdb`), of cities or of countries. With
    /// it the lists of sessions say where each began. Read at start.
    #[schemars(with = "Option<String>")]
    pub geoip_file: Option<PathBuf>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            idle: 3600,
            absolute: 43_200,
            remember: 2_592_000,
            admin_idle: 900,
            admin_absolute: 28_800,
            admin_step_up: 300,
            geoip_file: None,
        }
    }
}
