//! How pages look, made once for each state of the settings, since every page asks for it.

use crate::config::Config;
use crate::crypto::encoding::fingerprint;
use crate::protocol::branding::{Accent, Colour, Link, LogoKind};
use crate::store::pictures::BrandPicture;

/// Characters of the fingerprint that the name of a style sheet carries: versions of this program are told
/// apart.
const FINGERPRINT: usize = 12;

/// An installation's own look.
#[derive(Debug, Default)]
pub struct Look {
    /// The name of the style sheet of its colour.
    pub stylesheet: Option<String>,
    pub links: Vec<Link>,
    pub logos: Logos,
}

/// The logos of an installation, as far as it has some.
#[derive(Debug, Clone, Default)]
pub struct Logos {
    pub light: Option<Logo>,
    pub dark: Option<Logo>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Logo {
    pub fingerprint: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
}

impl Logos {
    fn of(pictures: &[BrandPicture]) -> Self {
        let logo = |kind: LogoKind| {
            let found = pictures.iter().find(|picture| picture.owner == kind.as_str())?;
            let BrandPicture { fingerprint, width, height, .. } = found.clone();
            Some(Logo { fingerprint, width, height })
        };
        Self { light: logo(LogoKind::Light), dark: logo(LogoKind::Dark) }
    }
}

impl Look {
    pub(super) fn of(config: &Config, pictures: &[BrandPicture]) -> Self {
        let accent = Colour::parse(&config.branding.accent).map(Accent::of);
        let stylesheet = accent.map(|accent| sheet_name(accent, &accent.stylesheet()));
        let links = config.branding.parsed_links().collect();
        Self { stylesheet, links, logos: Logos::of(pictures) }
    }
}

/// What the style sheet of a colour is called: the colour, and a fingerprint of its text.
#[must_use]
pub fn sheet_name(accent: Accent, text: &str) -> String {
    let colour = accent.chosen().to_string();
    let mark: String = fingerprint(text).chars().take(FINGERPRINT).collect();
    format!("accent.{}.{mark}.css", colour.trim_start_matches('#'))
}
