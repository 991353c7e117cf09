//! The list of settings, read from the JSON Schema of [`Config`]: the structs of the sections are
//! the only place where a setting is declared, and everything else (types, ranges, secrecy, the
//! reference page, the variables of the environment) follows from them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Config;

/// What one setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    /// Of texts.
    List,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name, with the section before it: `tokens.refresh_idle`.
    pub key: String,
    pub kind: Kind,
    /// Never shown, and also readable from a file named by `<key>_file`.
    pub secret: bool,
    /// What it means, in a sentence or a few.
    pub description: String,
    /// The default as the reference page shows it.
    pub default: String,
    /// The least a number may be.
    pub minimum: Option<i64>,
    /// The most a number may be.
    pub maximum: Option<i64>,
    /// The only values allowed, if they are few.
    pub choices: Vec<String>,
}

impl Setting {
    /// The environment variable of this setting.
    pub(super) fn variable(&self) -> String {
        variable(&self.key)
    }
}

/// The environment variable that sets `key`.
pub(super) fn variable(key: &str) -> String {
    format!("DOORWARD_{}", key.replace('.', "__").to_uppercase())
}

/// Every setting by its key.
pub(super) fn settings() -> &'static BTreeMap<String, Setting> {
    static SETTINGS: LazyLock<BTreeMap<String, Setting>> = LazyLock::new(|| {
        let mut found = BTreeMap::new();
        collect(&raw_schema(), "", &mut found);
        found
    });
    &SETTINGS
}

/// Every section with its description, in alphabetical order.
pub(super) fn sections() -> BTreeMap<String, String> {
    let schema = raw_schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    let sections = properties.into_iter().flatten().filter(|(_, about)| is_section(about));
    sections.map(|(name, about)| (name.clone(), text_of(about, "description"))).collect()
}

/// Whether `name` is a section and not a setting.
pub(super) fn is_section_name(name: &str) -> bool {
    settings().keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key of the secret that `key` (which ends in `_file`) holds the path for.
pub(super) fn secret_of_file_key(key: &str) -> Option<&str> {
    key.strip_suffix("_file").filter(|stem| settings().get(*stem).is_some_and(|s| s.secret))
}

/// The JSON Schema of the configuration file, for editors and other tools.
#[must_use]
pub fn schema() -> Value {
    let mut schema = raw_schema();
    add_file_variants(&mut schema);
    schema
}

fn raw_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

/// Secrets are also settable by a path; the loader resolves that, so the structs do not know it.
fn add_file_variants(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let mut files = Map::new();
    for (name, about) in properties.iter_mut() {
        if about.get("writeOnly") == Some(&Value::Bool(true)) {
            let description = format!("Path of a file that holds `{name}`, in its place.");
            files.insert(
                format!("{name}_file"),
                json!({ "type": "string", "description": description }),
            );
        }
        add_file_variants(about);
    }
    properties.extend(files);
}

fn collect(section: &Value, prefix: &str, found: &mut BTreeMap<String, Setting>) {
    for (name, about) in section.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if is_section(about) {
            collect(about, &key, found);
        } else {
            found.insert(key.clone(), setting(key, about));
        }
    }
}

fn is_section(about: &Value) -> bool {
    about.get("properties").is_some()
}

fn setting(key: String, about: &Value) -> Setting {
    Setting {
        key,
        kind: kind(about),
        secret: about.get("writeOnly") == Some(&Value::Bool(true)),
        description: text_of(about, "description"),
        default: default(about),
        minimum: about.get("minimum").and_then(Value::as_i64),
        maximum: about.get("maximum").and_then(Value::as_i64),
        choices: choices(about),
    }
}

fn kind(about: &Value) -> Kind {
    let types = about.get("type").cloned().unwrap_or_default();
    let names: Vec<&str> = match &types {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if names.contains(&"integer") {
        Kind::Integer
    } else if names.contains(&"boolean") {
        Kind::Boolean
    } else if names.contains(&"array") {
        Kind::List
    } else {
        Kind::Text
    }
}

fn choices(about: &Value) -> Vec<String> {
    let plain = about.get("enum").and_then(Value::as_array).into_iter().flatten();
    let described = about.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let described = described.flat_map(|variant| {
        let constant = variant.get("const").into_iter();
        constant.chain(variant.get("enum").and_then(Value::as_array).into_iter().flatten())
    });
    plain.chain(described).filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

fn default(about: &Value) -> String {
    if let Some(text) = about.get("x-default").and_then(Value::as_str) {
        return text.to_owned();
    }
    match about.get("default") {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::Array(items)) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("`{}`", items.join(","))
        }
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => format!("`{other}`"),
    }
}

fn text_of(about: &Value, field: &str) -> String {
    about.get(field).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_knows_types_ranges_choices_and_secrets() {
        let all = settings();
        assert_eq!(all["tokens.access_token_lifetime"].kind, Kind::Integer);
        assert_eq!(all["tokens.access_token_lifetime"].maximum, Some(3600));
        assert_eq!(all["server.listen"].kind, Kind::List);
        assert_eq!(all["server.shutdown_delay"].kind, Kind::Integer);
        assert_eq!(all["issuer"].kind, Kind::Text);
        assert_eq!(all["issuer"].default, "`http://localhost:8080`");
        assert_eq!(all["log.level"].choices, ["error", "warn", "info", "debug", "trace"]);
        assert_eq!(all["log.format"].choices.len(), 3);
        let secrets: Vec<_> = all.values().filter(|s| s.secret).map(|s| s.key.as_str()).collect();
        let known = [
            "database.url",
            "mail.password",
            "redis.url",
            "secrets.master_key",
            "secrets.previous_master_key",
        ];
        assert_eq!(secrets, known);
    }

    #[test]
    fn every_setting_is_described_and_has_a_variable() {
        for setting in settings().values() {
            assert!(setting.description.len() > 10, "{} has no description", setting.key);
            assert!(setting.variable().starts_with("DOORWARD_"));
        }
        assert_eq!(settings()["server.listen"].variable(), "DOORWARD_SERVER__LISTEN");
    }

    #[test]
    fn the_schema_refuses_unknown_keys_and_offers_files_for_secrets() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], Value::Bool(false));
        let secrets = &schema["properties"]["secrets"];
        assert_eq!(secrets["additionalProperties"], Value::Bool(false));
        assert!(secrets["properties"]["master_key_file"].is_object());
    }
}
