//! How pages look: the colour of buttons and links, held against WCAG 2.2's contrast (success criterion
//! 1.4.3), the style sheet made of it, and links at the foot of pages.
//!
//! One colour serves light and dark pages. Where it cannot be read it is mixed with black or white until
//! it can, so that no choice makes a page unreadable and none is refused for that.

use url::Url;

use super::plain_text::is_disguised;

/// The least contrast of text (WCAG 2.2 section 1.4.3, level AA).
const LEAST: f64 = 4.5;
/// Steps from a colour to black or white.
const STEPS: u8 = 32;
/// How much further a button goes while the pointer is on it, in steps.
const DEEPER: u8 = 8;
/// Characters of a link's label.
const LONGEST_LABEL: usize = 40;

const BLACK: Colour = Colour([0, 0, 0]);
const WHITE: Colour = Colour([255, 255, 255]);
/// The darkest ground of light pages and the lightest of dark ones (`--wall` and `--surface` of
/// `static/base.css`): what can be read on these can be read on the others.
const LIGHT_GROUND: Colour = Colour([0xe9, 0xe5, 0xda]);
const DARK_GROUND: Colour = Colour([0x1b, 0x22, 0x1f]);

/// A colour of the sRGB space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// Reads `#rrggbb` and nothing else: whatever is read can stand in a style sheet.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Relative luminance, from 0 for black to 1 for white (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        let [red, green, blue] = linear;
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast ratio with another colour, from 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This colour, `step` of [`STEPS`] on the way to another.
    fn towards(self, other: Self, step: u8) -> Self {
        let (step, all) = (u16::from(step.min(STEPS)), u16::from(STEPS));
        let mix = |from: u8, to: u8| {
            let sum = u16::from(from) * (all - step) + u16::from(to) * step;
            u8::try_from(sum / all).unwrap_or(to)
        };
        let (Self([r1, g1, b1]), Self([r2, g2, b2])) = (self, other);
        Self([mix(r1, r2), mix(g1, g2), mix(b1, b2)])
    }

    /// As little changed as makes it readable on this ground, and the same a little further on.
    fn readable(self, (ground, away): (Self, Self)) -> (Self, Self) {
        let mut tried = (0..=STEPS).map(|step| self.towards(away, step));
        let found = tried.find(|colour| colour.contrast(ground) >= LEAST);
        let found = found.unwrap_or(away);
        (found, found.towards(away, DEEPER))
    }
}

/// What becomes of a colour on light and on dark pages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accent {
    chosen: Colour,
    light: (Colour, Colour),
    dark: (Colour, Colour),
}

/// A colour as it is used on one kind of page.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    pub colour: Colour,
    /// Whether it is another than was chosen.
    pub is_changed: bool,
    /// The contrast of what was chosen with the ground of such pages.
    pub chosen_contrast: f64,
    pub contrast: f64,
}

impl Accent {
    #[must_use]
    pub fn of(chosen: Colour) -> Self {
        Self {
            chosen,
            light: chosen.readable((LIGHT_GROUND, BLACK)),
            dark: chosen.readable((DARK_GROUND, WHITE)),
        }
    }

    /// The colour that was chosen.
    #[must_use]
    pub fn chosen(&self) -> Colour {
        self.chosen
    }

    fn used(&self, colour: Colour, ground: Colour) -> Used {
        Used {
            colour,
            is_changed: colour != self.chosen,
            chosen_contrast: self.chosen.contrast(ground),
            contrast: colour.contrast(ground),
        }
    }

    #[must_use]
    pub fn on_light_pages(&self) -> Used {
        self.used(self.light.0, LIGHT_GROUND)
    }

    #[must_use]
    pub fn on_dark_pages(&self) -> Used {
        self.used(self.dark.0, DARK_GROUND)
    }

    /// The style sheet that gives pages this colour. Nothing but colours is ever written into it. The
    /// words on buttons stay as they are: lighter than light grounds, darker than dark ones. What is shown as on
    /// the one kind of screens or the other, whatever this one is, has the colour of that kind.
    #[must_use]
    pub fn stylesheet(&self) -> String {
        let rule = |of: &str, (plain, deep): (Colour, Colour)| {
            format!("{of} {{ --pine: {plain}; --pine-deep: {deep}; }}\n")
        };
        let light = rule(":root, .sample.on-light", self.light);
        let (dark, always) = (rule(":root", self.dark), rule(".sample.on-dark", self.dark));
        format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n{always}")
    }
}

/// The two logos of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoKind {
    /// For light pages; for dark ones, too, if there is no other.
    Light,
    /// For dark pages; for light ones, too, if there is no other.
    Dark,
}

impl LogoKind {
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// What it is called in addresses, in SQL and in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "logo",
            Self::Dark => "logo-dark",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A link at the foot of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// 1 to 40 characters.
    pub label: String,
    /// An https address.
    pub url: String,
}

impl Link {
    /// Reads a label followed by an https address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (label, url) = text.trim().rsplit_once(' ')?;
        let label = label.trim();
        let length = label.chars().count();
        let parsed = Url::parse(url).ok().filter(|parsed| {
            parsed.scheme() == "https"
                && parsed.username().is_empty()
                && parsed.password().is_none()
        })?;
        let good = (1..=LONGEST_LABEL).contains(&length) && !is_disguised(label);
        good.then(|| Self { label: label.to_owned(), url: parsed.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((WHITE.contrast(WHITE) - 1.0).abs() < 1e-9);
        // The usual example: the lightest grey that passes on white, and the one after it.
        let grey = |text| Colour::parse(text).unwrap().contrast(WHITE);
        assert!(grey("#767676") >= 4.5 && grey("#777777") < 4.5);
    }

    #[test]
    fn a_colour_is_a_hash_and_six_digits() {
        assert_eq!(Colour::parse("#1C5f4e").unwrap().to_string(), "#1c5f4e");
        for bad in [
            "",
            "#",
            "#fff",
            "1c5f4e",
            "#1c5f4",
            "#1c5f4e0",
            "#1c5f4g",
            "#+c5f4e",
            "red",
            "#1c5f4e;}",
            "#é12345",
        ] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn any_colour_can_be_read_on_light_and_on_dark_pages() {
        for channel in (0..=255u8).step_by(15) {
            for other in (0..=255u8).step_by(51) {
                let accent = Accent::of(Colour([channel, other, 255 - channel]));
                for (used, words) in
                    [(accent.on_light_pages(), "#fffdf8"), (accent.on_dark_pages(), "#0e1a15")]
                {
                    assert!(used.contrast >= LEAST, "{accent:?}");
                    let words = Colour::parse(words).unwrap();
                    assert!(used.colour.contrast(words) >= LEAST, "words on buttons: {accent:?}");
                    assert_eq!(used.is_changed, used.chosen_contrast < LEAST);
                }
            }
        }
    }

    #[test]
    fn the_grounds_are_those_of_the_style_sheet() {
        let base = include_str!("../../static/base.css");
        let (light, dark) = base.split_once("@media (prefers-color-scheme: dark)").unwrap();
        assert!(light.contains(&format!("--wall: {LIGHT_GROUND}")));
        assert!(dark.contains(&format!("--surface: {DARK_GROUND}")));
        for (theme, words) in [(light, "#fffdf8"), (dark, "#0e1a15")] {
            assert!(theme.contains(&format!("--on-pine: {words}")));
        }
    }

    #[test]
    fn a_style_sheet_holds_colours_and_nothing_else() {
        let sheet = Accent::of(Colour::parse("#ff0000").unwrap()).stylesheet();
        assert_eq!(sheet.matches("--pine:").count(), 3);
        assert_eq!(sheet.matches('{').count(), sheet.matches('}').count());
    }

    #[test]
    fn a_link_is_a_label_and_an_https_address() {
        let link = Link::parse(" Ask  us https://help.example.com/x ").unwrap();
        assert_eq!(
            (link.label.as_str(), link.url.as_str()),
            ("Ask  us", "https://help.example.com/x")
        );
        for bad in [
            "",
            "Help",
            "https://help.example.com",
            "Help http://help.example.com",
            "Help javascript:alert(1)",
            "Help https://u:p@help.example.com",
            "He\u{202e}lp https://a.b",
            &format!("{} https://a.b", "x".repeat(41)),
        ] {
            assert_eq!(Link::parse(bad), None, "{bad}");
        }
    }
}
