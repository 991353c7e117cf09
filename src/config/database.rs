//! `[database]`: where everything that must survive is kept.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The durable store: SQLite for one node, PostgreSQL for any number.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. The variable `DATABASE_URL` is
    /// read as well.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>", extend("x-default" = "`sqlite:<data_dir>/doorward.db`"))]
    #[schemars(extend("writeOnly" = true))]
    pub url: Option<SecretString>,
    /// Connections kept open at most by this node.
    #[schemars(range(min = 2, max = 1000))]
    pub max_connections: u32,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: None, max_connections: 10 }
    }
}

/// Which database a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    /// The kind a URL's scheme stands for; `None` for any other scheme.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }
}
