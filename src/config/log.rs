//! `[log]`: what Doorward says about its work, on standard error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The least important messages that are still written.
    pub level: LogLevel,
    /// `text` for people, `json` for machines, `auto` for text on a terminal and JSON elsewhere.
    pub format: LogFormat,
    /// Fields that no line of the log holds, in either layout, for those who may not keep them:
    /// `actor`, `client_id`, `detail`, `got`, `host`, `issuer`, `peer`, `registered`, `request_id`,
    /// `sub`, `trace_id`, `uri`, `user_id` or `username`. The text of messages stays, and so do
    /// other fields.
    #[schemars(with = "Vec<String>")]
    pub exclude_fields: Vec<LogField>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A field that may be left out of the log: one that tells of people, apps or addresses, or that joins
/// lines to what somebody did. Without the others a line would say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LogField {
    Actor,
    ClientId,
    Detail,
    Got,
    Host,
    Issuer,
    Peer,
    Registered,
    RequestId,
    Sub,
    TraceId,
    Uri,
    UserId,
    Username,
}

impl LogField {
    pub const ALL: [Self; 14] = [
        Self::Actor,
        Self::ClientId,
        Self::Detail,
        Self::Got,
        Self::Host,
        Self::Issuer,
        Self::Peer,
        Self::Registered,
        Self::RequestId,
        Self::Sub,
        Self::TraceId,
        Self::Uri,
        Self::UserId,
        Self::Username,
    ];

    /// Its name in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::ClientId => "client_id",
            Self::Detail => "detail",
            Self::Got => "got",
            Self::Host => "host",
            Self::Issuer => "issuer",
            Self::Peer => "peer",
            Self::Registered => "registered",
            Self::RequestId => "request_id",
            Self::Sub => "sub",
            Self::TraceId => "trace_id",
            Self::Uri => "uri",
            Self::UserId => "user_id",
            Self::Username => "username",
        }
    }
}

impl TryFrom<String> for LogField {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::ALL.into_iter().find(|field| field.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("{name:?} is no field that can be left out of the log. These can: {known}")
        })
    }
}

impl From<LogField> for String {
    fn from(field: LogField) -> Self {
        field.as_str().to_owned()
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One line of text for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

impl LogFormat {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
