//! What pages load of an installation's own look: the style sheet of its colour. Its name says the colour
//! and carries a fingerprint, so browsers may keep it, and every node can serve what any of them named.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::assets::CACHE_CONTROL;
use crate::crypto::encoding::fingerprint;
use crate::protocol::branding::{Accent, Colour};

/// Characters of the fingerprint that a name carries: versions of this program are told apart.
const FINGERPRINT: usize = 12;

/// Where the style sheet of a colour is, below the issuer.
pub(super) fn path_of(accent: Accent) -> String {
    let colour = accent.chosen().to_string();
    let mark: String = fingerprint(&accent.stylesheet()).chars().take(FINGERPRINT).collect();
    format!("/branding/accent.{}.{mark}.css", colour.trim_start_matches('#'))
}

/// The style sheet with this name; `None` for any other name, hence for that of another version.
fn sheet(name: &str) -> Option<String> {
    let colour = name.strip_prefix("accent.")?.split('.').next()?;
    let accent = Accent::of(Colour::parse(&format!("#{colour}"))?);
    path_of(accent).strip_prefix("/branding/").filter(|own| *own == name)?;
    Some(accent.stylesheet())
}

pub(super) async fn file(name: web::Path<String>) -> HttpResponse {
    match sheet(&name) {
        Some(text) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
            .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
            .body(text),
        None => HttpResponse::NotFound().finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_is_found_by_its_own_name_alone() {
        let path = path_of(Accent::of(Colour::parse("#ff8800").unwrap()));
        let name = path.strip_prefix("/branding/").unwrap();
        assert!(sheet(name).unwrap().contains("--pine"));
        let upper = name.replace("ff8800", "FF8800");
        for other in ["accent.ff8800.css", "accent.ff8800.000000000000.css", "x", "", &upper] {
            assert!(sheet(other).is_none(), "{other}");
        }
    }
}
