//! What pages load of an installation's own look: the style sheet of its colour. Its name says the colour
//! and carries a fingerprint, so browsers may keep it, and every node can serve what any of them named.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::assets::CACHE_CONTROL;
use crate::app::sheet_name;
use crate::protocol::branding::{Accent, Colour};

/// The path below the issuer of the style sheet with this name.
pub(super) fn path_of(name: &str) -> String {
    format!("/branding/{name}")
}

/// The style sheet with this name; `None` for any other name, hence for that of another version.
fn sheet(name: &str) -> Option<String> {
    let colour = name.strip_prefix("accent.")?.split('.').next()?;
    let accent = Accent::of(Colour::parse(&format!("#{colour}"))?);
    let text = accent.stylesheet();
    (sheet_name(accent, &text) == name).then_some(text)
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
        let accent = Accent::of(Colour::parse("#ff8800").unwrap());
        let name = &sheet_name(accent, &accent.stylesheet());
        assert!(sheet(name).unwrap().contains("--pine"));
        let upper = name.replace("ff8800", "FF8800");
        for other in ["accent.ff8800.css", "accent.ff8800.000000000000.css", "x", "", &upper] {
            assert!(sheet(other).is_none(), "{other}");
        }
    }
}
