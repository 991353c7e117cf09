//! `/admin/sessions`: who is signed in where, and ending that.

use super::desk::{Answer, Desk, Stop, name_of};
use super::rows;
use crate::http::extract;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::sessions::SessionsList;
use crate::http::site::Site;
use crate::protocol::types::SessionId;
use crate::service::session;
use crate::store::Cursor;

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = desk.asked("user");
    let after = desk.query.sole("after").and_then(Cursor::parse);
    let found = match asked.as_str() {
        "" => session::list(desk.site(), (None, after), rows::ASKED).await?,
        text => match desk.find_person(text).await {
            Ok(user) => session::list(desk.site(), (Some(&user.id), after), rows::ASKED).await?,
            Err(Stop::NotFound) => Vec::new(),
            Err(other) => return Err(other),
        },
    };
    let (found, next) = rows::page(found, |session| session.cursor().to_string());
    desk.show(&SessionsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Sessions),
        user: asked,
        rows: rows::sessions(desk, found).await?,
        next,
    })
}

pub(super) async fn end(desk: &Desk<'_>) -> Answer {
    let site = desk.site();
    let person = desk.person()?;
    let id = SessionId::new(desk.id.as_str());
    let caller = extract::caller(site, desk.visit.request);
    let ended = session::end_by_id(site, &id, (&desk.actor(), &caller)).await?;
    let back = desk.form.sole("back").filter(|back| is_way_back(site, back));
    let back = back.map_or_else(|| site.path("/admin/sessions"), str::to_owned);
    if ended {
        desk.done(format!("{} is signed out there.", name_of(person)), &back)
    } else {
        desk.done(format!("{} was signed out there already.", name_of(person)), &back)
    }
}

/// Whether a path from a form leads back into the console and nowhere else.
fn is_way_back(site: &Site, back: &str) -> bool {
    is_below(&site.path("/admin"), back)
}

fn is_below(console: &str, back: &str) -> bool {
    let Some(rest) = back.strip_prefix(console) else { return false };
    let ends = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    let plain = back.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = rest.split('?').next().unwrap_or_default();
    // Neither up again, nor anything a browser could take for another host.
    ends && plain && !path.contains("..") && !path.contains("//") && !path.contains('%')
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn the_way_back_stays_in_the_console() {
        for good in ["/admin", "/admin/sessions?user=a%40b.test", "/admin/users/5f0c-1"] {
            assert!(is_below("/admin", good), "{good}");
        }
        assert!(is_below("/sso/admin", "/sso/admin/sessions"));
        for bad in [
            "",
            "/",
            "/administrator",
            "/account",
            "https://evil.test/admin",
            "//evil.test/admin",
            "/admin/../account",
            "/admin/%2e%2e/account",
            "/admin//evil.test",
            "/admin\\evil.test",
            "/admin\r\nset-cookie:x",
            "/admin/ü",
        ] {
            assert!(!is_below("/admin", bad), "{bad:?}");
        }
        assert!(!is_below("/sso/admin", "/admin"));
    }
}
