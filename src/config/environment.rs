//! From environment variables to settings, and which variables are nobody's business.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bootstrap;
use super::catalog::{settings, variable};
use super::problem::Origin;
use super::secrets::without_last_newline;
use super::sources::{Entry, Layer};

const PREFIX: &str = "DOORWARD_";

/// Variables that other programs set too, and the setting each of them means.
const ALIASES: [(&str, &str); 4] = [
    ("DATABASE_URL", "database.url"),
    ("DATABASE_URL_FILE", "database.url_file"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_URL_FILE", "redis.url_file"),
];

/// Variables the command line reads itself.
const NOT_SETTINGS: [&str; 2] = ["DOORWARD_CONFIG", "DOORWARD_FORMAT"];

/// `$STATE_DIRECTORY` of systemd is the data directory unless a file or flag says otherwise. It
/// may hold several paths; the first is meant.
pub(super) fn state_directory(environment: &BTreeMap<String, String>) -> Layer {
    let path = environment.get("STATE_DIRECTORY").and_then(|paths| paths.split(':').next());
    let path = path.filter(|path| !path.is_empty());
    path.map(|path| entry("data_dir", path, "STATE_DIRECTORY")).into_iter().collect()
}

/// Well-known variables without Doorward's prefix. An empty variable is not set.
pub(super) fn aliases(environment: &BTreeMap<String, String>) -> Layer {
    let set = ALIASES.iter().filter_map(|(name, key)| {
        let value = environment.get(*name).filter(|value| !value.is_empty())?;
        Some(entry(key, value, name))
    });
    set.collect()
}

/// Doorward's own variables. An empty variable is not set: that is what `${VAR:-}` in a compose
/// file leaves behind.
pub(super) fn own(environment: &BTreeMap<String, String>) -> Layer {
    let ours = environment.iter().filter(|(name, value)| {
        name.starts_with(PREFIX)
            && !value.is_empty()
            && !NOT_SETTINGS.contains(&name.as_str())
            && !bootstrap::VARIABLES.contains(&name.as_str())
            && !is_service_link(name, value)
    });
    ours.map(|(name, value)| {
        let path = name.get(PREFIX.len()..).unwrap_or_default();
        entry(&path.to_lowercase().replace("__", "."), value, name)
    })
    .collect()
}

/// One newline at the end is dropped, as at the end of a secret's file: a Kubernetes secret made with
/// `--from-file` keeps it in the variable.
fn entry(key: &str, value: &str, name: &str) -> Entry {
    let value = without_last_newline(value);
    Entry {
        key: key.to_owned(),
        value: Value::String(value.to_owned()),
        origin: Origin::Environment(name.to_owned()),
    }
}

/// Whether Kubernetes made this variable for a Service whose name starts with `doorward`, such as
/// `DOORWARD_PORT=tcp://10.0.0.7:80` or `DOORWARD_REDIS_SERVICE_HOST`. Nobody wrote it, so it is
/// neither a setting nor a mistake.
fn is_service_link(name: &str, value: &str) -> bool {
    let own_setting = settings().keys().any(|key| variable(key) == name);
    if own_setting || name.contains("__") {
        return false;
    }
    let is_protocol = |text: &str| matches!(text, "TCP" | "UDP" | "SCTP");
    if name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") {
        return true;
    }
    if name.ends_with("_PORT") && value.contains("://") {
        return true;
    }
    // …_PORT_<number>_<protocol>, perhaps with _PROTO, _PORT or _ADDR behind it
    let Some((_, rest)) = name.split_once("_PORT_") else {
        return false;
    };
    let mut parts = rest.split('_');
    let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
    number && parts.next().is_some_and(is_protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(variables: &[(&str, &str)]) -> Vec<String> {
        let environment =
            variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        own(&environment).into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn double_underscores_separate_levels() {
        assert_eq!(
            keys(&[("DOORWARD_SERVER__TLS_CERT_FILE", "x"), ("DOORWARD_DATA_DIR", "y")]),
            ["data_dir", "server.tls_cert_file"]
        );
    }

    #[test]
    fn service_links_of_kubernetes_are_ignored() {
        let links = [
            ("DOORWARD_PORT", "tcp://10.0.0.7:80"),
            ("DOORWARD_SERVICE_HOST", "10.0.0.7"),
            ("DOORWARD_SERVICE_PORT", "80"),
            ("DOORWARD_SERVICE_PORT_HTTP", "80"),
            ("DOORWARD_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("DOORWARD_PORT_80_TCP_ADDR", "10.0.0.7"),
            ("DOORWARD_PORT_80_TCP_PORT", "80"),
            ("DOORWARD_PORT_80_TCP_PROTO", "tcp"),
            ("DOORWARD_REDIS_PORT_6379_TCP_ADDR", "10.0.0.8"),
            ("DOORWARD_REDIS_SERVICE_HOST", "10.0.0.8"),
        ];
        assert!(keys(&links).is_empty(), "{:?}", keys(&links));
    }

    #[test]
    fn a_port_someone_wrote_is_a_mistake_and_not_a_service_link() {
        assert_eq!(keys(&[("DOORWARD_PORT", "8080")]), ["port"]);
    }

    #[test]
    fn empty_variables_and_those_of_the_command_line_are_not_settings() {
        assert!(keys(&[("DOORWARD_ISSUER", ""), ("DOORWARD_CONFIG", "/etc/d.toml")]).is_empty());
    }
}
