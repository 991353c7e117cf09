//! From sources to a [`Config`]: precedence, secrets from files, types and ranges. Every mistake
//! is collected, so that one start shows them all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::catalog::{
    Kind, Setting, is_section_name, secret_of_file_key, sections, settings, variable,
};
use super::problem::{Origin, Problems};
use super::secrets::{is_world_readable, without_last_newline};
use super::show::mask_url;
use super::sources::{Entry, Layer, Sources};
use super::{Config, validate};

pub(super) fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut problems = Problems::default();
    let mut chosen: BTreeMap<String, Entry> = BTreeMap::new();
    let mut secret_files = BTreeSet::new();
    for layer in sources.layers(&mut problems) {
        secret_files.extend(layer.iter().filter_map(file_with_secret));
        for entry in read_secret_files(layer, &mut problems) {
            if settings().contains_key(&entry.key) {
                chosen.insert(entry.key.clone(), entry);
            } else {
                problems.add(&entry.key, &entry.origin, unknown(&entry));
            }
        }
    }
    let mut tree = Map::new();
    let mut origins = BTreeMap::new();
    for (key, entry) in chosen {
        let Some(setting) = settings().get(&key) else { continue };
        match check(setting, entry.value) {
            Ok(value) => insert(&mut tree, &key, value),
            Err(text) => problems.add(&key, &entry.origin, text),
        }
        origins.insert(key, entry.origin);
    }
    if let Ok(mut config) = serde_json::from_value::<Config>(Value::Object(tree)) {
        config.origins = origins;
        config.secret_files = secret_files;
        config.bootstrap = sources.bootstrap();
        validate::validate(&config, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    } else {
        // Every value fitted alone, so this would be a mistake in this module.
        problems.add("", &Origin::Default, "the settings do not fit together");
        Err(problems)
    }
}

/// The file that this entry takes a secret from: the one it names, or the one it stands in itself.
fn file_with_secret(entry: &Entry) -> Option<PathBuf> {
    let text = entry.value.as_str().unwrap_or_default();
    if secret_of_file_key(&entry.key).is_some() {
        return Some(PathBuf::from(text));
    }
    // The URL of a database or of Redis may hold no password.
    let is_secret = settings().get(&entry.key).is_some_and(|setting| setting.secret)
        && !(matches!(entry.key.as_str(), "database.url" | "redis.url") && mask_url(text) == text);
    match &entry.origin {
        Origin::File(path) if is_secret => Some(path.clone()),
        _ => None,
    }
}

/// Replaces every `<secret>_file` by the content of the file.
fn read_secret_files(layer: Layer, problems: &mut Problems) -> Layer {
    let inline: Vec<String> = layer.iter().map(|entry| entry.key.clone()).collect();
    let mut resolved = Layer::new();
    for entry in layer {
        let Some(secret) = secret_of_file_key(&entry.key).map(ToOwned::to_owned) else {
            resolved.push(entry);
            continue;
        };
        if inline.contains(&secret) {
            let text = format!("{secret} is set as well. Keep one of the two");
            problems.add(&entry.key, &entry.origin, text);
            continue;
        }
        match read_secret_file(&secret, &entry) {
            Ok(value) => {
                let value = Value::String(value);
                resolved.push(Entry { key: secret, value, origin: entry.origin });
            }
            // Reported under the secret's own name, so that it does not also count as missing.
            Err(text) => problems.add(&secret, &entry.origin, text),
        }
    }
    resolved
}

/// The content of a secret's file, without the one newline that editors and `echo` add.
fn read_secret_file(secret: &str, entry: &Entry) -> Result<String, String> {
    let Some(path) = entry.value.as_str() else {
        return Err("it is not the path of a file".to_owned());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|fault| format!("the file {path} could not be read: {fault}"))?;
    let is_master = matches!(secret, "secrets.master_key" | "secrets.previous_master_key");
    if is_master && is_world_readable(Path::new(path)) {
        return Err(format!("everyone on this machine can read {path}. Run: chmod 600 {path}"));
    }
    let text = without_last_newline(&text);
    if text.is_empty() {
        return Err(format!("the file {path} is empty"));
    }
    Ok(text.to_owned())
}

/// What to say about a key that is no setting, with the setting that was probably meant.
fn unknown(entry: &Entry) -> String {
    if is_section_name(&entry.key) {
        return format!("it is a section. Write its settings below [{}]", entry.key);
    }
    let secrets = settings().values().filter(|s| s.secret).map(|s| format!("{}_file", s.key));
    let known = settings().keys().cloned().chain(secrets);
    let score = |key: &str| {
        strsim::jaro_winkler(&entry.key, key)
            .max(strsim::normalized_damerau_levenshtein(&entry.key, key))
    };
    let best = known.map(|key| (score(&key), key)).max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, key)) = best.filter(|(score, _)| *score >= 0.8) else {
        let names: Vec<String> = sections().into_keys().collect();
        return format!("there is no such setting. The sections are {}", names.join(", "));
    };
    let meant = if matches!(entry.origin, Origin::Environment(_)) { variable(&key) } else { key };
    format!("there is no such setting. Did you mean {meant}?")
}

/// Brings a value into the setting's type and checks its range. The error never repeats a secret.
pub(super) fn check(setting: &Setting, value: Value) -> Result<Value, String> {
    let value = match setting.kind {
        Kind::Integer => integer(setting, &value)?,
        Kind::Boolean => boolean(&value)?,
        Kind::List => list(value)?,
        Kind::Text => text(setting, value)?,
    };
    let mut alone = Map::new();
    insert(&mut alone, &setting.key, value.clone());
    match serde_json::from_value::<Config>(Value::Object(alone)) {
        Ok(_) => Ok(value),
        Err(_) if setting.secret => Err("it cannot be used".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

fn integer(setting: &Setting, value: &Value) -> Result<Value, String> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let range = match (setting.minimum, setting.maximum) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) => format!(" of at least {low}"),
        (None, Some(high)) => format!(" of at most {high}"),
        (None, None) => String::new(),
    };
    let Some(number) = number else {
        return Err(format!("{value} is not a whole number. Set one{range}"));
    };
    let low = setting.minimum.is_some_and(|minimum| number < minimum);
    let high = setting.maximum.is_some_and(|maximum| number > maximum);
    if low || high {
        let word = if low { "small" } else { "large" };
        return Err(format!("{number} is too {word}. Set a whole number{range}"));
    }
    Ok(json!(number))
}

fn boolean(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(truth) => Ok(Value::Bool(*truth)),
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err(format!("{value} is neither true nor false")),
    }
}

/// A list, or one text, which is how the environment writes lists: with commas, or as JSON where the
/// entries are tables.
fn list(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(_) => Ok(value),
        Value::String(text) if text.trim_start().starts_with("[{") => serde_json::from_str(&text)
            .map_err(|fault| format!("it is not a list in JSON: {fault}")),
        Value::String(text) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.collect::<Vec<_>>().into())
        }
        _ => Err(format!("{value} is not a list. Write it like [\"first\", \"second\"]")),
    }
}

fn text(setting: &Setting, value: Value) -> Result<Value, String> {
    let Value::String(text) = value else {
        return Err("it is not a text. Put it in quotes".to_owned());
    };
    if !setting.choices.is_empty() && !setting.choices.contains(&text) {
        return Err(format!("{text:?} is not one of {}", setting.choices.join(", ")));
    }
    Ok(Value::String(text))
}

fn insert(tree: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            tree.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = section {
                insert(inner, rest, value);
            }
        }
    }
}
