//! How pages look, made once for each state of the settings, since every page asks for it.

use crate::config::Config;
use crate::crypto::encoding::fingerprint;
use crate::protocol::branding::{Accent, Colour, Link};

/// Characters of the fingerprint that the name of a style sheet carries: versions of this program are told
/// apart.
const FINGERPRINT: usize = 12;

/// An installation's own look.
#[derive(Debug, Default)]
pub struct Look {
    /// The name of the style sheet of its colour.
    pub stylesheet: Option<String>,
    pub links: Vec<Link>,
}

impl Look {
    pub(super) fn of(config: &Config) -> Self {
        let accent = Colour::parse(&config.branding.accent).map(Accent::of);
        let stylesheet = accent.map(|accent| sheet_name(accent, &accent.stylesheet()));
        Self { stylesheet, links: config.branding.parsed_links().collect() }
    }
}

/// What the style sheet of a colour is called: the colour, and a fingerprint of its text.
#[must_use]
pub fn sheet_name(accent: Accent, text: &str) -> String {
    let colour = accent.chosen().to_string();
    let mark: String = fingerprint(text).chars().take(FINGERPRINT).collect();
    format!("accent.{}.{mark}.css", colour.trim_start_matches('#'))
}
