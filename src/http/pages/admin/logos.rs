//! The part of a console page that shows, replaces and removes a logo.

use crate::pictures::{OF_AN_APP, OF_THE_BRAND, Room};

/// One picture. Forms: POST [`PictureForm::action`] as `multipart/form-data` with `csrf` and the file
/// `picture`; POST `…/remove`.
#[derive(Debug, Clone)]
pub struct PictureForm {
    /// The id of the form.
    pub id: &'static str,
    pub label: &'static str,
    /// Path below the issuer.
    pub action: String,
    /// The path below the issuer of what there is.
    pub src: Option<String>,
    /// What it is made to fit into, in pixels.
    pub room: Room,
    pub ground: Ground,
}

/// What a picture is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// As the page is.
    Page,
    Light,
    Dark,
}

impl Ground {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::Light => "on-light",
            Self::Dark => "on-dark",
        }
    }
}

impl PictureForm {
    pub(super) fn samples() -> Vec<Self> {
        let light = Self {
            id: "logo",
            label: "Logo",
            action: "/admin/settings/logo/logo".to_owned(),
            src: Some("/branding/picture.0123456789abcdef.png".to_owned()),
            room: OF_THE_BRAND,
            ground: Ground::Light,
        };
        let dark = Self {
            id: "logo-dark",
            label: "Logo for dark pages",
            action: "/admin/settings/logo/logo-dark".to_owned(),
            src: None,
            ground: Ground::Dark,
            ..light.clone()
        };
        vec![light, dark]
    }

    pub(super) fn sample_of_app() -> Self {
        Self {
            id: "app-logo",
            action: "/admin/clients/orchard-wiki/logo".to_owned(),
            room: OF_AN_APP,
            ground: Ground::Page,
            ..Self::samples().remove(0)
        }
    }
}
