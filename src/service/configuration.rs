//! What this server runs with: its program, every setting in effect with where it comes from, and how what
//! it depends on is doing. Nothing is changed by looking, and no secret is ever part of it.

use std::time::Duration;

use serde_json::Value;

use crate::app::{App, REVISION, VERSION};
use crate::config::{Origin, Problem, Shown, is_runtime};
use crate::service::doctor::{self, Finding};

/// How long a part may take to answer: somebody waits for the page.
const PATIENCE: Duration = Duration::from_secs(5);

/// The value of a setting, as far as it is anybody's to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// It is not set and there is no default.
    Nothing,
    Value(Value),
    /// It is set, and what to is not told, not even in part.
    Secret,
}

/// A setting in effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// Its name, as in the reference page.
    pub key: String,
    pub held: Held,
    pub origin: Origin,
    /// Whether it may change while servers run.
    pub is_live: bool,
}

impl From<Shown> for Effective {
    fn from(shown: Shown) -> Self {
        // What a secret is by default is no secret: a file in the data directory.
        let held = match shown.value {
            Value::Null => Held::Nothing,
            _ if shown.is_secret && shown.origin != Origin::Default => Held::Secret,
            value => Held::Value(value),
        };
        Self { is_live: is_runtime(&shown.key), key: shown.key, held, origin: shown.origin }
    }
}

/// What a server runs with.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub version: &'static str,
    /// The revision of the source it was built from; `unknown` if nobody said.
    pub revision: &'static str,
    /// Every setting, by its name.
    pub settings: Vec<Effective>,
    /// What is stored in the database and is not in effect, and why.
    pub unused: Vec<Problem>,
    /// Why this is not for production, one line each.
    pub cautions: Vec<String>,
    /// How what it depends on is doing.
    pub parts: Vec<Finding>,
}

/// Looks at this server.
pub async fn look(app: &App) -> Configuration {
    let settings = app.settings();
    Configuration {
        version: VERSION,
        revision: REVISION,
        settings: settings.show().into_iter().map(Effective::from).collect(),
        unused: settings.problems.iter().cloned().collect(),
        cautions: settings.cautions(),
        parts: doctor::examine_parts(app, PATIENCE).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn effective(config: &Config, key: &str) -> Effective {
        let mut all = config.show().into_iter().map(Effective::from);
        all.find(|setting| setting.key == key).unwrap()
    }

    #[test]
    fn of_a_secret_no_part_is_told() {
        let sources = Sources::none()
            .set("redis.url", "redis://who:hunter22@cache.example/1", "--redis")
            .variable("DOORWARD_MAIL__PASSWORD", "hunter22");
        let config = Config::load(&sources).unwrap();
        for key in ["redis.url", "mail.password"] {
            assert_eq!(effective(&config, key).held, Held::Secret, "{key}");
        }
        let all: Vec<_> = config.show().into_iter().map(Effective::from).collect();
        let text = format!("{all:?}");
        assert!(!text.contains("hunter22") && !text.contains("cache.example"), "{text}");
    }

    #[test]
    fn what_nobody_set_is_its_default_or_nothing() {
        let config = Config::default();
        assert_eq!(effective(&config, "mail.password").held, Held::Nothing);
        assert_eq!(effective(&config, "session.idle").held, Held::Value(3600.into()));
        let database = effective(&config, "database.url");
        assert_eq!(database.held, Held::Value("sqlite:./data/doorward.db".into()));
        assert!(effective(&config, "session.idle").is_live && !database.is_live);
    }
}
