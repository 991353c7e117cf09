//! What a server runs with, as the REST API shows it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::config::Problem;
use crate::service::configuration::{Configuration, Effective, Held};
use crate::service::doctor::Finding;

/// What the server that answers runs with.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Configuration")]
pub(in crate::http::api) struct ConfigurationView {
    pub version: String,
    /// The revision of the source it was built from, or `unknown`.
    pub revision: String,
    /// Every setting, by its name.
    pub settings: Vec<EffectiveView>,
    /// What is stored in the database and is not in effect.
    pub unused: Vec<UnusedView>,
    /// Why this is not for production.
    pub cautions: Vec<String>,
    /// How what it depends on is doing.
    pub parts: Vec<PartView>,
}

impl From<Configuration> for ConfigurationView {
    fn from(found: Configuration) -> Self {
        Self {
            version: found.version.to_owned(),
            revision: found.revision.to_owned(),
            settings: found.settings.into_iter().map(EffectiveView::from).collect(),
            unused: found.unused.into_iter().map(UnusedView::from).collect(),
            cautions: found.cautions,
            parts: found.parts.into_iter().map(PartView::from).collect(),
        }
    }
}

/// A setting in effect.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EffectiveSetting")]
pub(in crate::http::api) struct EffectiveView {
    /// Its name, as in docs/configuration.md.
    pub key: String,
    /// A text, a number, a list of texts or a boolean; null for a secret, and for what is not set.
    pub value: Value,
    /// Whether it has a value.
    pub set: bool,
    /// Whether its value is kept back.
    pub secret: bool,
    /// Where the value comes from: `default`, `database`, or what fixes it.
    pub origin: String,
    /// Whether it may change while servers run.
    pub live: bool,
}

impl From<Effective> for EffectiveView {
    fn from(setting: Effective) -> Self {
        let (set, secret) = (setting.held != Held::Nothing, setting.held == Held::Secret);
        let value = match setting.held {
            Held::Value(value) => value,
            Held::Nothing | Held::Secret => Value::Null,
        };
        let origin = setting.origin.to_string();
        Self { key: setting.key, value, set, secret, origin, live: setting.is_live }
    }
}

/// A stored value that is not in effect.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnusedSetting")]
pub(in crate::http::api) struct UnusedView {
    pub key: String,
    /// What is wrong, and what to set.
    pub problem: String,
}

impl From<Problem> for UnusedView {
    fn from(problem: Problem) -> Self {
        Self { key: problem.key, problem: problem.text }
    }
}

/// How something that the server depends on is doing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Part")]
pub(in crate::http::api) struct PartView {
    /// Its name, as `doorward doctor` has it: `database`, `ephemeral`, `signing-keys`, `cache`,
    /// `redis-eviction` or `mail`.
    pub name: String,
    /// `ok`, `warning` or `failure`.
    pub state: String,
    /// What was found, or what is wrong and what to do; may be empty where all is well.
    pub text: String,
}

impl From<Finding> for PartView {
    fn from(finding: Finding) -> Self {
        Self {
            name: finding.name.to_owned(),
            state: finding.outcome.state().to_owned(),
            text: finding.outcome.text().to_owned(),
        }
    }
}
