//! The configuration as people may see it: every value with its origin, secrets masked.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::catalog::{Setting, settings};
use super::{Config, Origin};

/// One setting in effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub key: String,
    /// The value in effect; a secret is masked, and an unset value is `null`.
    pub value: Value,
    pub origin: Origin,
    /// Whether what was set is nobody's to read, not even in part.
    pub is_secret: bool,
}

const MASK: &str = "***";

/// Every setting in effect, by key.
pub(super) fn show(config: &Config) -> Vec<Shown> {
    let tree = serde_json::to_value(config).unwrap_or_default();
    let entry = |setting: &Setting| Shown {
        key: setting.key.clone(),
        value: value(config, &tree, &setting.key),
        origin: config.origin(&setting.key).clone(),
        is_secret: setting.secret,
    };
    settings().values().map(entry).collect()
}

fn value(config: &Config, tree: &Value, key: &str) -> Value {
    let masked = |url: &SecretString| Value::String(mask_url(url.expose_secret()));
    match key {
        "database.url" => masked(&config.database_url()),
        "redis.url" => config.redis.url.as_ref().map(masked).unwrap_or_default(),
        "server.listen" => {
            config.listen().iter().map(ToString::to_string).collect::<Vec<_>>().into()
        }
        "server.shutdown_delay" => config.shutdown_delay().into(),
        "secrets.master_key" => hidden(config.secrets.master_key.as_ref()),
        "secrets.previous_master_key" => hidden(config.secrets.previous_master_key.as_ref()),
        "mail.password" => hidden(config.mail.password.as_ref()),
        _ => key.split('.').try_fold(tree, |at, name| at.get(name)).cloned().unwrap_or_default(),
    }
}

/// That a secret is set, and nothing more.
fn hidden(secret: Option<&SecretString>) -> Value {
    secret.map(|_| MASK.into()).unwrap_or_default()
}

/// A URL without its password. The last `@` ends the password, since people forget to encode one;
/// parameters that may carry a password lose their value too.
#[must_use]
pub fn mask_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // `sqlite:path`, or nothing that is known to be harmless
        return if url.starts_with("sqlite:") { url.to_owned() } else { MASK.to_owned() };
    };
    let (user, rest) = match rest.rsplit_once('@') {
        None => (String::new(), rest),
        Some((who, rest)) => match who.split_once(':') {
            Some((user, _)) => (format!("{user}:{MASK}@"), rest),
            None => (format!("{who}@"), rest),
        },
    };
    let Some((address, query)) = rest.split_once('?') else {
        return format!("{scheme}://{user}{rest}");
    };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if may_be_secret(name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    });
    let query = parameters.collect::<Vec<_>>().join("&");
    format!("{scheme}://{user}{address}?{query}")
}

fn may_be_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["pass", "secret", "token", "key"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://dw:s3cret@db/doorward", "postgres://dw:***@db/doorward"),
            ("postgres://dw:p@ss@db/doorward", "postgres://dw:***@db/doorward"),
            ("postgres://dw:p?s/s#@db/doorward", "postgres://dw:***@db/doorward"),
            ("postgres://dw@db/doorward", "postgres://dw@db/doorward"),
            ("redis://:s3cret@cache:6379/1", "redis://:***@cache:6379/1"),
            (
                "postgres://db/x?sslmode=require&password=s3cret",
                "postgres://db/x?sslmode=require&password=***",
            ),
            ("sqlite:data/doorward.db", "sqlite:data/doorward.db"),
            ("s3cret", "***"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }
}
