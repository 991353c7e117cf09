//! The languages of snippets, and how a value is written in each, so that it stays a value.

use std::fmt::Write as _;

use serde::Deserialize;

/// The language of a snippet. In all of them but INI and plain text a placeholder stands between
/// the quotes named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Double quotes, for `${…}` as well.
    Apache,
    /// Lines of `NAME='value'`: single quotes.
    Env,
    /// No quotes: what could end a value or begin another is percent-encoded.
    Ini,
    /// Double quotes.
    Javascript,
    /// Double quotes.
    Json,
    /// Double quotes.
    Python,
    /// Double quotes, in which `#{…}` means something.
    Ruby,
    /// Single quotes.
    Shell,
    /// What a person types into a form; also a file in a language that is not here, which then has no
    /// placeholder in it.
    Text,
    /// Double quotes.
    Toml,
    /// Double quotes.
    Yaml,
}

impl Language {
    pub const ALL: [Self; 11] = [
        Self::Apache,
        Self::Env,
        Self::Ini,
        Self::Javascript,
        Self::Json,
        Self::Python,
        Self::Ruby,
        Self::Shell,
        Self::Text,
        Self::Toml,
        Self::Yaml,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Env => "env",
            Self::Ini => "ini",
            Self::Javascript => "javascript",
            Self::Json => "json",
            Self::Python => "python",
            Self::Ruby => "ruby",
            Self::Shell => "shell",
            Self::Text => "text",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
        }
    }

    /// The quotes between which a placeholder stands.
    #[must_use]
    pub fn quote(self) -> Option<char> {
        match self {
            Self::Env | Self::Shell => Some('\''),
            Self::Ini | Self::Text => None,
            Self::Apache
            | Self::Javascript
            | Self::Json
            | Self::Python
            | Self::Ruby
            | Self::Toml
            | Self::Yaml => Some('"'),
        }
    }

    /// A value as it is written in this language between its quotes. Line ends and other control
    /// characters are left out: no value of ours has any.
    #[must_use]
    pub fn escape(self, value: &str) -> String {
        let mut written = String::with_capacity(value.len());
        let harmless = |c: &char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
        for c in value.chars().filter(harmless) {
            match (self, c) {
                (Self::Env | Self::Shell, '\'') => written.push_str("'\\''"),
                (Self::Ruby, '#')
                | (
                    Self::Javascript
                    | Self::Json
                    | Self::Python
                    | Self::Ruby
                    | Self::Toml
                    | Self::Yaml,
                    '"' | '\\',
                ) => {
                    written.push('\\');
                    written.push(c);
                }
                (Self::Apache | Self::Ini, c) if !is_plain(c) => percent_encode(&mut written, c),
                (_, c) => written.push(c),
            }
        }
        written
    }
}

/// What stands for itself without any quotes.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?&=%+,@[]".contains(c)
}

fn percent_encode(written: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a string cannot fail.
        let _ = write!(written, "%{byte:02X}");
    }
}
