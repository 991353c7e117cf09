//! Settings that may change while servers run, and how pages look.

use askama::Template;

use super::logos::{Ground, PictureForm};
use super::{Console, Section};
use crate::http::pages::chrome::{BrandLogo, Chrome, LogoFile};
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/settings`. Forms: POST `/admin/settings/{group}` with a field for each setting of the
/// group, named like it with `-` for `.`, `seen` for each with its name and version, and `reset` with the
/// names of those that are to be the default again.
#[derive(Debug, Template)]
#[template(path = "admin/settings.html")]
pub struct SettingsPage {
    pub chrome: Chrome,
    pub console: Console,
    pub groups: Vec<Group>,
    /// What becomes of the chosen colour, in sentences.
    pub accent: Vec<String>,
    /// The logos of the installation.
    pub logos: Vec<PictureForm>,
    /// What the sign-in page looks like with what is saved.
    pub looks: Vec<Look>,
    /// Fields: those of [`SettingField::field`].
    pub errors: Vec<FieldError>,
}

/// Settings that are saved together.
#[derive(Debug, Clone)]
pub struct Group {
    pub id: &'static str,
    pub title: &'static str,
    pub fields: Vec<SettingField>,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct SettingField {
    /// Its name in the configuration.
    pub key: &'static str,
    /// The name of its field.
    pub field: &'static str,
    pub label: String,
    /// What it means, its range and its default.
    pub hint: String,
    /// In effect, or what was typed when something was wrong.
    pub value: String,
    pub entry: Entry,
    /// What fixes it, if anything does.
    pub fixed_by: Option<String>,
    /// 0 while nothing is stored.
    pub version: i64,
    pub default: String,
    /// When and by whom it was set.
    pub changed: Option<(When, String)>,
    /// Why what is stored is not in effect.
    pub problem: Option<String>,
    /// Whether it is asked to be the default again.
    pub is_reset: bool,
}

/// How a value is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Line,
    Number,
    /// One value a line.
    Lines,
    Choice(Vec<Offer>),
}

/// A value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub value: String,
    /// What it is called.
    pub words: String,
}

/// What the sign-in page looks like on one kind of screens, whatever this one is. The colour comes with the style
/// sheet of the page.
#[derive(Debug, Clone)]
pub struct Look {
    /// That of light or of dark pages.
    pub ground: Ground,
    /// Our own mark and the name where there is none.
    pub logo: Option<LogoFile>,
    /// Whether people may make their own accounts.
    pub can_sign_up: bool,
}

impl Look {
    fn screens(&self) -> &'static str {
        if self.ground == Ground::Dark { "dark" } else { "light" }
    }

    fn samples() -> Vec<Self> {
        let logo = BrandLogo::sample().plain;
        let look = |ground: Ground, logo| Self { ground, logo, can_sign_up: true };
        vec![look(Ground::Light, Some(logo)), look(Ground::Dark, None)]
    }
}

impl Group {
    /// Whether there is anything to save.
    fn is_open(&self) -> bool {
        self.fields.iter().any(|field| field.fixed_by.is_none())
    }
}

impl SettingField {
    /// The value as it is read, where it cannot be changed.
    fn shown(&self) -> &str {
        if self.value.is_empty() { "–" } else { &self.value }
    }

    fn default_shown(&self) -> &str {
        if self.default.is_empty() { "nothing" } else { &self.default }
    }

    fn sample(
        (key, field): (&'static str, &'static str),
        (label, value): (&str, &str),
        entry: Entry,
    ) -> Self {
        Self {
            key,
            field,
            label: label.to_owned(),
            hint: "A session that is not used ends after this time. From 60 to 2592000.".to_owned(),
            value: words(value),
            entry,
            fixed_by: None,
            version: 0,
            default: words("3600"),
            changed: None,
            problem: None,
            is_reset: false,
        }
    }
}

impl SettingsPage {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let stored = SettingField {
            version: 12,
            changed: Some((When::sample(7_200), words("command-line"))),
            ..SettingField::sample(
                ("session.idle", "session-idle"),
                ("Longest time without use", "1800"),
                Entry::Number,
            )
        };
        let fixed = SettingField {
            fixed_by: Some(words("file /etc/doorward/doorward.toml")),
            ..SettingField::sample(
                ("session.absolute", "session-absolute"),
                ("Longest session", "43200"),
                Entry::Number,
            )
        };
        let offer = |value: &str, words: &str| Offer { value: value.into(), words: words.into() };
        let modes = vec![offer("off", "Administrators (off)"), offer("open", "Anybody (open)")];
        let modes = Entry::Choice(modes);
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Settings),
            groups: vec![
                Group {
                    id: "general",
                    title: "Name and look",
                    fields: vec![
                        SettingField::sample(
                            ("product_name", "product_name"),
                            ("Product name", "Orchard"),
                            Entry::Line,
                        ),
                        SettingField::sample(
                            ("branding.links", "branding-links"),
                            ("Links at the foot of every page", ""),
                            Entry::Lines,
                        ),
                    ],
                },
                Group {
                    id: "sign_up",
                    title: "Making an account",
                    fields: vec![SettingField::sample(
                        ("sign_up.mode", "sign_up-mode"),
                        ("Who may make an account", "open"),
                        modes,
                    )],
                },
                Group { id: "session", title: "Sessions", fields: vec![stored, fixed] },
            ],
            accent: vec!["Light pages use #1c5f4e (contrast 5.9 to 1).".to_owned()],
            logos: PictureForm::samples(),
            looks: Look::samples(),
            errors: Vec::new(),
        }
    }

    /// Something is to be mended.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("59 is too small. Set a whole number from 60 to 2592000.");
        Self { errors: vec![FieldError { field: "session-idle", text }], ..Self::sample() }
    }
}
