//! `[branding]`: how pages look beside the name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::problem::Problems;
use crate::protocol::branding::{Colour, Link};
use crate::protocol::plain_text::is_deceptive;

/// The most links at the foot of a page.
const MOST_LINKS: usize = 5;
/// Characters of the line at the foot of a page.
const LONGEST_FOOTER: usize = 200;

/// How pages look beside the name: a colour, links and a line at their foot.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrandingSettings {
    /// The colour of buttons and links, as `#rrggbb`; empty for Doorward's own. It is made darker on light
    /// pages and lighter on dark ones where that is needed to read it (contrast 4.5 to 1).
    pub accent: String,
    /// Links at the foot of every page, five at most. Each is a label followed by an https address, as in
    /// `Help https://help.example.com`.
    pub links: Vec<String>,
    /// A line at the foot of every page, of at most 200 characters.
    pub footer: String,
}

impl BrandingSettings {
    /// The links that are in order.
    pub fn parsed_links(&self) -> impl Iterator<Item = Link> {
        self.links.iter().filter_map(|text| Link::parse(text))
    }
}

/// Rules of this section.
pub(super) fn validate(config: &Config, problems: &mut Problems) {
    let BrandingSettings { accent, links, footer } = &config.branding;
    let mut wrong = |key: &str, text: String| problems.add(key, config.origin(key), text);
    if !accent.is_empty() && Colour::parse(accent).is_none() {
        let text = format!("{accent:?} is no colour. Write # and six digits, for example #1c5f4e");
        wrong("branding.accent", text);
    }
    if links.len() > MOST_LINKS {
        let text = format!("there are {} links. Keep {MOST_LINKS} at most", links.len());
        wrong("branding.links", text);
    }
    if let Some(bad) = links.iter().find(|text| Link::parse(text).is_none()) {
        let text = format!(
            "{bad:?} is no link. Write a label of 1 to 40 characters and an https address, for \
             example Help https://help.example.com"
        );
        wrong("branding.links", text);
    }
    if footer.chars().count() > LONGEST_FOOTER || footer.chars().any(is_deceptive) {
        let text = format!("write one line of at most {LONGEST_FOOTER} ordinary characters");
        wrong("branding.footer", text);
    }
}
