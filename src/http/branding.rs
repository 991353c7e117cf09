//! What pages load of an installation's own look: the style sheet of its colour, its logos, and those of
//! apps. Names carry a fingerprint, so browsers may keep what they have, and every node can serve what any
//! of them named.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::assets::CACHE_CONTROL;
use super::pages::{BrandLogo, LogoFile};
use super::render;
use super::site::Site;
use crate::app::{Logo, Logos, sheet_name};
use crate::protocol::branding::{Accent, Colour};
use crate::service::pictures;

/// Characters of a picture's fingerprint: SHA-256 as base64url.
const FINGERPRINT: usize = 43;

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

/// The path below the issuer of the picture with this fingerprint.
pub(super) fn picture_path(fingerprint: &str) -> String {
    format!("/branding/picture.{fingerprint}.png")
}

/// The fingerprint in the name of a picture.
fn fingerprint(name: &str) -> Option<&str> {
    let mark = name.strip_prefix("picture.")?.strip_suffix(".png")?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (mark.len() == FINGERPRINT && mark.bytes().all(good)).then_some(mark)
}

/// The logo of the installation as pages load it. With one only, it serves for both kinds of pages.
pub(super) fn logo(logos: &Logos) -> Option<BrandLogo> {
    let file = |logo: &Logo| LogoFile {
        path: picture_path(&logo.fingerprint),
        width: logo.width,
        height: logo.height,
    };
    let plain = logos.light.as_ref().or(logos.dark.as_ref())?;
    let dark = logos.light.as_ref().and(logos.dark.as_ref());
    Some(BrandLogo { plain: file(plain), dark: dark.map(file) })
}

pub(super) async fn file(
    site: web::Data<Site>,
    request: HttpRequest,
    name: web::Path<String>,
) -> HttpResponse {
    if let Some(text) = sheet(&name) {
        return kept("text/css; charset=utf-8", text.into_bytes());
    }
    let Some(mark) = fingerprint(&name) else { return HttpResponse::NotFound().finish() };
    match pictures::png(&site, mark).await {
        Ok(Some(png)) => kept("image/png", png.to_vec()),
        Ok(None) => HttpResponse::NotFound().finish(),
        Err(failure) => render::failure(&site, &request, &failure),
    }
}

/// Something that never changes under this name.
fn kept(kind: &'static str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::CONTENT_TYPE, kind))
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_by_its_whole_fingerprint() {
        let mark = "x".repeat(FINGERPRINT);
        let name = picture_path(&mark);
        assert_eq!(fingerprint(name.strip_prefix("/branding/").unwrap()), Some(mark.as_str()));
        for bad in ["picture.x.png", "picture..png", "x", &format!("picture.{mark}.svg")] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_logo_serves_for_both_kinds_of_pages() {
        let one = |mark: &str| Some(Logo { fingerprint: mark.to_owned(), width: 1, height: 1 });
        let paths = |light, dark| {
            let logo = logo(&Logos { light, dark })?;
            Some((logo.plain.path, logo.dark.map(|dark| dark.path)))
        };
        assert_eq!(paths(None, None), None);
        assert_eq!(paths(one("l"), None), Some((picture_path("l"), None)));
        assert_eq!(paths(None, one("d")), Some((picture_path("d"), None)));
        let both = Some((picture_path("l"), Some(picture_path("d"))));
        assert_eq!(paths(one("l"), one("d")), both);
    }

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
