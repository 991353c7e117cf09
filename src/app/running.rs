//! The settings of this moment: what the database says of those that may change while servers run, laid
//! over the configuration. Readers take a snapshot and wait for nobody.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::look::Look;
use crate::config::{Config, Problems, Stored, Values};
use crate::store::pictures::BrandPicture;
use crate::store::settings::StoredSetting;

/// One state of the settings. Dereferences to the configuration in effect.
#[derive(Debug)]
pub struct Settings {
    config: Config,
    /// What the database holds, whether or not it is in effect.
    pub stored: BTreeMap<String, StoredSetting>,
    /// Stored values that are not in effect, and why.
    pub problems: Problems,
    pub look: Look,
}

impl Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// What snapshots are made of.
struct Parts {
    /// Without what the database says.
    base: Config,
    stored: Vec<StoredSetting>,
    pictures: Vec<BrandPicture>,
    /// The number of the catalogue that was read before `stored` and `pictures` were.
    as_of: i64,
}

/// Holds the settings of this moment.
pub struct Running {
    parts: Mutex<Parts>,
    now: ArcSwap<Settings>,
}

impl Running {
    /// Starts from the configuration alone.
    #[must_use]
    pub fn new(base: Config) -> Self {
        let parts = Parts { base, stored: Vec::new(), pictures: Vec::new(), as_of: 0 };
        Self { now: ArcSwap::from_pointee(parts.settings()), parts: Mutex::new(parts) }
    }

    /// The settings of this moment.
    #[must_use]
    pub fn now(&self) -> Arc<Settings> {
        self.now.load_full()
    }

    /// The configuration without what the database says.
    #[must_use]
    pub fn base(&self) -> Config {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).base.clone()
    }

    /// Takes over what the database says, read after this number of the catalogue was. What somebody read
    /// later stays.
    pub fn learn(&self, (stored, pictures): (Vec<StoredSetting>, Vec<BrandPicture>), as_of: i64) {
        self.change(|parts| {
            let is_news =
                as_of >= parts.as_of && (parts.stored != stored || parts.pictures != pictures);
            parts.as_of = parts.as_of.max(as_of);
            if is_news {
                parts.stored = stored;
                parts.pictures = pictures;
            }
            is_news
        });
    }

    /// Takes over what a running server takes over of a configuration that was read again.
    pub fn take_over(&self, config: &Config) {
        self.change(|parts| {
            parts.base.take_over(config);
            true
        });
    }

    fn change(&self, change: impl FnOnce(&mut Parts) -> bool) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if !change(&mut parts) {
            return;
        }
        let settings = parts.settings();
        for problem in settings.problems.iter() {
            tracing::warn!(%problem, "a stored setting is not used");
        }
        self.now.store(Arc::new(settings));
    }
}

impl Parts {
    fn settings(&self) -> Settings {
        let values: Values =
            self.stored.iter().map(|row| (row.key.clone(), row.value.clone())).collect();
        let Stored { config, problems } = self.base.with_stored(&values);
        let stored = self.stored.iter().map(|row| (row.key.clone(), row.clone())).collect();
        Settings { look: Look::of(&config, &self.pictures), config, stored, problems }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::UnixTime;

    fn stored(key: &str, value: serde_json::Value) -> StoredSetting {
        StoredSetting {
            key: key.to_owned(),
            value,
            version: 1,
            changed_at: UnixTime(0),
            changed_by: "system".to_owned(),
        }
    }

    #[test]
    fn what_was_read_before_does_not_replace_what_was_read_after() {
        let running = Running::new(Config::default());
        running.learn((vec![stored("product_name", json!("Later"))], Vec::new()), 7);
        running.learn((vec![stored("product_name", json!("Earlier"))], Vec::new()), 6);
        assert_eq!(running.now().product_name, "Later");
        running.learn((Vec::new(), Vec::new()), 8);
        assert_eq!(running.now().product_name, "Doorward");
    }

    #[test]
    fn a_configuration_that_is_read_again_wins_over_the_database() {
        let running = Running::new(Config::default());
        running.learn((vec![stored("risk.burst_failures", json!(50))], Vec::new()), 1);
        assert_eq!(running.now().risk.burst_failures, 50);
        let sources = crate::config::Sources::none().set("risk.burst_failures", "20", "--burst");
        running.take_over(&Config::load(&sources).unwrap());
        assert_eq!(running.now().risk.burst_failures, 20);
        running.take_over(&Config::default());
        assert_eq!(running.now().risk.burst_failures, 50);
    }
}
