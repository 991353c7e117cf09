//! Settings that may change while servers run: which they are, and how what the database says of them is
//! laid over what was read at start. Whatever a flag, the environment or a file fixes stays as it is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalog::{Setting, settings};
use super::load::check;
use super::problem::{Origin, Problems};
use super::{Config, validate};

/// The settings, in the order in which people see them. Each is read whenever it is needed; one that is
/// read at start only has no place here.
const RUNTIME: [&str; 43] = [
    "product_name",
    "branding.accent",
    "branding.footer",
    "branding.links",
    "sign_up.mode",
    "sign_up.email_domains",
    "sign_up.groups",
    "sign_up.reserved_usernames",
    "sign_up.per_hour",
    "registration.fetch_logos",
    "limits.login_free_failures",
    "limits.login_hourly_failures",
    "limits.address_free_failures",
    "authorization.pushed_requests_per_minute",
    "registration.open_per_hour",
    "registration.changes_per_hour",
    "registration.documents_per_minute",
    "password.min_length",
    "session.idle",
    "session.absolute",
    "session.remember",
    "session.admin_idle",
    "session.admin_absolute",
    "session.admin_step_up",
    "tokens.authorization_code_lifetime",
    "tokens.access_token_lifetime",
    "tokens.id_token_lifetime",
    "tokens.refresh_idle",
    "tokens.refresh_absolute",
    "tokens.offline_idle",
    "tokens.offline_absolute",
    "tokens.refresh_grace",
    "tokens.device_code_lifetime",
    "risk.new_device",
    "risk.new_network",
    "risk.impossible_travel",
    "risk.failure_burst",
    "risk.refresh_reuse",
    "risk.burst_failures",
    "risk.remember",
    "risk.link_lifetime",
    "audit.retention_days",
    "console.get_started",
];

/// Values by key.
pub type Values = BTreeMap<String, Value>;

/// What came of laying stored values over a configuration.
#[derive(Debug, Clone)]
pub struct Stored {
    pub config: Config,
    /// Stored values that are not used, and why.
    pub problems: Problems,
}

/// Whether this setting may change while servers run.
#[must_use]
pub fn is_runtime(key: &str) -> bool {
    RUNTIME.contains(&key)
}

/// The settings that may change while servers run, in the order in which people see them.
pub fn runtime_settings() -> impl Iterator<Item = &'static Setting> {
    RUNTIME.iter().filter_map(|key| settings().get(*key))
}

impl Config {
    /// Whether a flag, the environment or a file says what this setting is.
    #[must_use]
    pub fn fixes(&self, key: &str) -> bool {
        !matches!(self.origin(key), Origin::Default | Origin::Database)
    }

    /// A value of this setting in its own type, such as a number for the text `"600"`.
    ///
    /// # Errors
    /// What to write in its place, in words.
    pub fn typed(key: &str, value: Value) -> Result<Value, String> {
        let setting = settings().get(key).filter(|_| is_runtime(key));
        check(setting.ok_or("there is no such setting")?, value)
    }

    /// The value of a setting that may change; null for any other.
    #[must_use]
    pub fn value_of(&self, key: &str) -> Value {
        let section = match key.split_once('.') {
            None => return Value::from(self.product_name.as_str()),
            Some((section, _)) => section,
        };
        let tree = match section {
            "branding" => serde_json::to_value(&self.branding),
            "sign_up" => serde_json::to_value(&self.sign_up),
            "registration" => serde_json::to_value(&self.registration),
            "limits" => serde_json::to_value(&self.limits),
            "authorization" => serde_json::to_value(&self.authorization),
            "password" => serde_json::to_value(&self.password),
            "session" => serde_json::to_value(&self.session),
            "tokens" => serde_json::to_value(&self.tokens),
            "risk" => serde_json::to_value(&self.risk),
            "audit" => serde_json::to_value(&self.audit),
            "console" => serde_json::to_value(&self.console),
            _ => return Value::Null,
        };
        let name = key.split_once('.').map_or("", |(_, name)| name);
        tree.ok().and_then(|mut tree| tree.get_mut(name).map(Value::take)).unwrap_or_default()
    }

    /// This configuration with stored values where nothing fixes the setting. What cannot be used is left
    /// out; where values do not fit together, none of that section are used.
    #[must_use]
    pub fn with_stored(&self, values: &Values) -> Stored {
        let mut problems = Problems::default();
        let mut used: Values = BTreeMap::new();
        for (key, value) in values.iter().filter(|(key, _)| !self.fixes(key)) {
            match Self::typed(key, value.clone()) {
                Ok(value) => drop(used.insert(key.clone(), value)),
                Err(text) => problems.add(key, &Origin::Database, text),
            }
        }
        loop {
            let config = self.with_typed(&used);
            let mut faults = Problems::default();
            validate::validate_runtime(&config, &mut faults);
            let sections: Vec<_> = faults.iter().map(|fault| section(&fault.key)).collect();
            let before = used.len();
            used.retain(|key, _| !sections.contains(&section(key)));
            for fault in faults.iter() {
                problems.add(&fault.key, config.origin(&fault.key), fault.text.clone());
            }
            if used.len() == before {
                return Stored { config, problems };
            }
        }
    }

    fn with_typed(&self, values: &Values) -> Self {
        let mut config = self.clone();
        for (key, value) in values {
            if config.put(key, value.clone()).is_some() {
                config.origins.insert(key.clone(), Origin::Database);
            }
        }
        config
    }

    /// Takes a value over that fits its setting; `None` if it does not.
    fn put(&mut self, key: &str, value: Value) -> Option<()> {
        match key.split_once('.') {
            None => value.as_str()?.clone_into(&mut self.product_name),
            Some(("branding", name)) => replace(&mut self.branding, name, value)?,
            Some(("sign_up", name)) => replace(&mut self.sign_up, name, value)?,
            Some(("registration", name)) => replace(&mut self.registration, name, value)?,
            Some(("limits", name)) => replace(&mut self.limits, name, value)?,
            Some(("authorization", name)) => replace(&mut self.authorization, name, value)?,
            Some(("password", name)) => replace(&mut self.password, name, value)?,
            Some(("session", name)) => replace(&mut self.session, name, value)?,
            Some(("tokens", name)) => replace(&mut self.tokens, name, value)?,
            Some(("risk", name)) => replace(&mut self.risk, name, value)?,
            Some(("audit", name)) => replace(&mut self.audit, name, value)?,
            Some(("console", name)) => replace(&mut self.console, name, value)?,
            Some(_) => return None,
        }
        Some(())
    }

    /// Takes over from a configuration that was read again what a running server takes over, with where
    /// it came from.
    pub fn take_over(&mut self, other: &Self) {
        self.risk = other.risk.clone();
        self.origins.retain(|key, _| section(key) != "risk");
        let new = other.origins.iter().filter(|(key, _)| section(key) == "risk");
        self.origins.extend(new.map(|(key, origin)| (key.clone(), origin.clone())));
    }
}

fn section(key: &str) -> &str {
    key.split_once('.').map_or(key, |(section, _)| section)
}

/// Sets one member of a section.
fn replace<T: Serialize + DeserializeOwned>(
    section: &mut T,
    name: &str,
    value: Value,
) -> Option<()> {
    let mut tree = serde_json::to_value(&*section).ok()?;
    tree.as_object_mut()?.insert(name.to_owned(), value);
    *section = serde_json::from_value(tree).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Sources;
    use super::*;

    fn values(pairs: &[(&str, Value)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    #[test]
    fn every_one_of_them_is_a_setting_that_can_be_read_and_put() {
        let mut config = Config::default();
        for key in RUNTIME {
            let setting = settings().get(key).unwrap();
            assert!(!setting.secret, "{key}");
            let value = config.value_of(key);
            assert!(!value.is_null(), "{key}");
            assert_eq!(Config::typed(key, value.clone()), Ok(value.clone()), "{key}");
            assert_eq!(config.put(key, value), Some(()), "{key}");
        }
        assert_eq!(runtime_settings().count(), RUNTIME.len());
    }

    #[test]
    fn what_is_stored_counts_unless_something_fixes_it() {
        let sources = Sources::none().set("session.idle", "600", "--idle");
        let config = Config::load(&sources).unwrap();
        let stored = values(&[("session.idle", json!(900)), ("product_name", json!("Orchard"))]);
        let Stored { config, problems } = config.with_stored(&stored);
        assert!(problems.is_empty(), "{problems}");
        assert_eq!((config.session.idle, config.product_name.as_str()), (600, "Orchard"));
        assert!(config.fixes("session.idle") && !config.fixes("product_name"));
        assert_eq!(config.origin("product_name"), &Origin::Database);
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_named() {
        let stored = values(&[
            ("session.idle", json!("soon")),
            ("database.url", json!("sqlite:x")),
            ("tokens.refresh_absolute", json!(300)),
            ("tokens.id_token_lifetime", json!(120)),
            ("product_name", json!("Orchard")),
        ]);
        let Stored { config, problems } = Config::default().with_stored(&stored);
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["database.url", "session.idle", "tokens.refresh_idle"]);
        // A section that does not fit together is as if nothing of it were stored.
        assert_eq!(config.tokens.id_token_lifetime, 600);
        assert_eq!(config.product_name, "Orchard");
    }

    #[test]
    fn numbers_and_lists_may_be_written_as_text() {
        assert_eq!(Config::typed("session.idle", json!("600")), Ok(json!(600)));
        assert_eq!(Config::typed("branding.links", json!("a b,c")), Ok(json!(["a b", "c"])));
        assert!(Config::typed("session.idle", json!("59")).is_err());
        assert!(Config::typed("issuer", json!("https://x.example")).is_err());
    }
}
