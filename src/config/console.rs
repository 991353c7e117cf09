//! `[console]`: the web console.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether something is on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Shown,
    Hidden,
}

/// The web console.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleSettings {
    /// The list of first steps on the overview: `shown` until all are done, or `hidden`.
    pub get_started: Visibility,
}
