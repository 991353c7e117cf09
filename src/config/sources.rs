//! Where settings are read from: files, systemd credentials, the environment and flags, in rising
//! order of precedence. This file only reads; what the values must be is for `load` to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{FileFormat, Source as _, ValueKind};
use serde_json::Value;

use super::bootstrap::Bootstrap;
use super::catalog::{is_section_name, settings};
use super::environment;
use super::problem::{Origin, Problems};

/// One value from one place.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Everything one place says.
pub(super) type Layer = Vec<Entry>;

/// The places settings come from. Holds secrets, hence no `Debug`.
#[derive(Clone, Default)]
pub struct Sources {
    /// Files named on the command line, later ones winning.
    files: Vec<PathBuf>,
    /// Where a file is looked for when none is named; the first that exists is taken.
    search: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    flags: Vec<Entry>,
}

impl Clone for Entry {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), value: self.value.clone(), origin: self.origin.clone() }
    }
}

impl Sources {
    /// This process: its environment, `./doorward.toml` and `/etc/doorward/doorward.toml`.
    #[must_use]
    pub fn of_process() -> Self {
        let environment = std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        Self {
            search: vec!["doorward.toml".into(), "/etc/doorward/doorward.toml".into()],
            environment: environment.collect(),
            ..Self::default()
        }
    }

    /// No source at all: the defaults, and what is added to this value.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a file that must exist; it wins over files added before.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Adds or replaces an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Sets `key` above every other source. `flag` is the name of the flag, for messages.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>, flag: &str) -> Self {
        let value = Value::String(value.into());
        self.flags.push(Entry {
            key: key.to_owned(),
            value,
            origin: Origin::Flag(flag.to_owned()),
        });
        self
    }

    /// What the first start is told.
    pub(super) fn bootstrap(&self) -> Bootstrap {
        Bootstrap::of(&self.environment)
    }

    /// The layers, lowest precedence first.
    pub(super) fn layers(&self, problems: &mut Problems) -> Vec<Layer> {
        let mut layers = vec![environment::state_directory(&self.environment)];
        for path in self.chosen_files() {
            layers.push(read_file(&path, problems));
        }
        layers.push(self.credentials());
        layers.push(environment::aliases(&self.environment));
        layers.push(environment::own(&self.environment));
        layers.push(self.flags.clone());
        layers
    }

    fn chosen_files(&self) -> Vec<PathBuf> {
        if !self.files.is_empty() {
            return self.files.clone();
        }
        let named = self.environment.get("DOORWARD_CONFIG").filter(|path| !path.is_empty());
        let found = || self.search.iter().find(|path| path.exists()).cloned();
        named.map(PathBuf::from).or_else(found).into_iter().collect()
    }

    /// Secrets handed over by systemd's `LoadCredential=`: files named like the setting.
    fn credentials(&self) -> Layer {
        let directory = self.environment.get("CREDENTIALS_DIRECTORY").filter(|d| !d.is_empty());
        let secrets = settings().values().filter(|setting| setting.secret);
        let paths = secrets.filter_map(|setting| {
            let path = Path::new(directory?).join(&setting.key);
            path.is_file().then_some((setting, path))
        });
        paths
            .map(|(setting, path)| Entry {
                key: format!("{}_file", setting.key),
                value: Value::String(path.display().to_string()),
                origin: Origin::Credential(path),
            })
            .collect()
    }
}

fn read_file(path: &Path, problems: &mut Problems) -> Layer {
    let origin = Origin::File(path.to_owned());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(fault) => {
            problems.add("", &origin, format!("it could not be read: {fault}"));
            return Layer::new();
        }
    };
    match config::File::from_str(&text, FileFormat::Toml).collect() {
        Ok(table) => {
            let mut layer = Layer::new();
            flatten(table, "", &origin, &mut layer);
            layer
        }
        Err(fault) => {
            problems.add("", &origin, without_source(&fault));
            Layer::new()
        }
    }
}

fn flatten(
    table: config::Map<String, config::Value>,
    prefix: &str,
    origin: &Origin,
    layer: &mut Layer,
) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.kind {
            ValueKind::Table(inner) if !inner.is_empty() => flatten(inner, &key, origin, layer),
            ValueKind::Table(_) if is_section_name(&key) => {}
            _ => {
                let value = value.try_deserialize().unwrap_or_default();
                layer.push(Entry { key, value, origin: origin.clone() });
            }
        }
    }
}

/// A parse error without the excerpt of the file it carries: the line may hold a secret.
fn without_source(fault: &config::ConfigError) -> String {
    let config::ConfigError::FileParse { cause, .. } = fault else {
        return "it could not be understood as TOML".to_owned();
    };
    let text = cause.to_string();
    let is_excerpt = |line: &&str| {
        let line = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        line.trim_start().starts_with('|')
    };
    let kept: Vec<&str> = text.lines().filter(|line| !is_excerpt(line)).map(str::trim).collect();
    kept.join(" ").trim().to_owned()
}
