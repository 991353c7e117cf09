//! What a configuration that was read again changes, and which of that a running server takes over.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::Config;
use super::catalog::settings;

/// Settings that a running server takes over, and sections that it takes over whole (with the dot).
const TAKEN_OVER: [&str; 6] = [
    "log.level",
    "risk.",
    "server.client_ca_file",
    "server.tls_cert_file",
    "server.tls_key_file",
    "session.geoip_file",
];
/// Of these another file is taken over, and not that there is one: listeners were opened, and apps were
/// told what is offered, by what was set at the start.
const STAYS_SET: [&str; 3] =
    ["server.client_ca_file", "server.tls_cert_file", "server.tls_key_file"];

/// The keys of settings that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that a running server takes over.
    pub live: Vec<String>,
    /// Those that wait for its next start.
    pub waiting: Vec<String>,
}

/// What is different in `after`.
pub(super) fn between(before: &Config, after: &Config) -> Changes {
    let (old, new) = (tree(before), tree(after));
    let mut changes = Changes::default();
    for key in settings().keys() {
        let (was, is) = (value((before, &old), key), value((after, &new), key));
        if was == is {
            continue;
        }
        let is_taken = TAKEN_OVER
            .iter()
            .any(|known| key == known || (known.ends_with('.') && key.starts_with(known)));
        let stays = !STAYS_SET.contains(&key.as_str()) || (!was.is_null() && !is.is_null());
        let list = if is_taken && stays { &mut changes.live } else { &mut changes.waiting };
        list.push(key.clone());
    }
    changes
}

fn tree(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// A value as it is, secrets included: to be compared, and never shown.
fn value((config, tree): (&Config, &Value), key: &str) -> Value {
    let exposed = |secret: Option<&SecretString>| {
        secret.map_or(Value::Null, |secret| Value::from(secret.expose_secret()))
    };
    match key {
        "database.url" => exposed(config.database.url.as_ref()),
        "redis.url" => exposed(config.redis.url.as_ref()),
        "secrets.master_key" => exposed(config.secrets.master_key.as_ref()),
        "secrets.previous_master_key" => exposed(config.secrets.previous_master_key.as_ref()),
        "mail.password" => exposed(config.mail.password.as_ref()),
        _ => key.split('.').try_fold(tree, |at, name| at.get(name)).cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let mut sources = Sources::none();
        for (key, value) in settings {
            sources = sources.set(key, *value, "a test");
        }
        Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn changes_are_taken_over_or_wait_for_a_start() {
        let before = config(&[]);
        assert_eq!(between(&before, &config(&[])), Changes::default());
        let after = config(&[
            ("log.level", "debug"),
            ("risk.new_device", "refuse"),
            ("product_name", "Example"),
            ("secrets.master_key", "n0OX+FmWFJg6l3vPDldqlcNfYrgRzyU5Izozpp1f4IA="),
        ]);
        let changes = between(&before, &after);
        assert_eq!(changes.live, ["log.level", "risk.new_device"]);
        assert_eq!(changes.waiting, ["product_name", "secrets.master_key"]);
    }

    #[test]
    fn every_setting_that_is_taken_over_exists() {
        for known in TAKEN_OVER.iter().chain(&STAYS_SET) {
            let is_one =
                |key: &String| key == known || known.ends_with('.') && key.starts_with(known);
            assert!(settings().keys().any(is_one), "{known}");
        }
    }
}
