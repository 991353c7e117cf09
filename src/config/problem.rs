//! What is wrong with a configuration, and where every value came from.

use std::path::PathBuf;

use serde::Serialize;

/// Where a value came from; later variants win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    Default,
    /// An administrator, while servers run.
    Database,
    File(PathBuf),
    /// A file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(PathBuf),
    /// The name of an environment variable.
    Environment(String),
    /// The name of a command-line flag, dashes included.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Database => f.write_str("database"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(path) => write!(f, "credential {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One mistake, as one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The setting, such as `server.listen`; empty when a whole file is at fault.
    pub key: String,
    /// Where the value came from.
    pub origin: String,
    /// What is wrong and what to set. Never holds a secret.
    pub text: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, origin, text } = self;
        if key.is_empty() {
            write!(f, "{origin}: {text}")
        } else {
            write!(f, "{key} ({origin}): {text}")
        }
    }
}

/// Every mistake found, in the order found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problems {
    pub(super) fn add(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let problem =
            Problem { key: key.to_owned(), origin: origin.to_string(), text: text.into() };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Whether the value of `key` is already known to be wrong, so that rules about it can wait.
    pub(super) fn concern(&self, key: &str) -> bool {
        self.0.iter().any(|problem| problem.key == key)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes, in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
