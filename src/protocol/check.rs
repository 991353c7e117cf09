//! What was looked at when something is tried out, each with what was found: of an upstream provider, of an ID
//! token that came back.

use schemars::JsonSchema;
use serde::Serialize;

/// How one thing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub about: &'static str,
    pub verdict: Verdict,
    /// What was found, and what to do if it is not good: whole sentences.
    pub said: String,
}

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// It may work.
    Warning,
    /// It cannot work.
    Failed,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Check {
    pub fn ok(about: &'static str, said: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Ok, said: said.into() }
    }

    pub fn warning(about: &'static str, said: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Warning, said: said.into() }
    }

    pub fn failed(about: &'static str, said: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Failed, said: said.into() }
    }
}
