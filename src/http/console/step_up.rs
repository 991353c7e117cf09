//! Secrets, keys, power and backups ask for a sign-in of the last minutes: an open console on a machine
//! that somebody has walked away from gives none of them away. `is_guarded` in [`super::table`] says
//! which addresses do; forms of which a part gives power away ask at that part ([`at`]).

use actix_web::HttpResponse;

use super::desk::Desk;
use super::table::{Entry, Method, TABLE};
use crate::clock::Seconds;
use crate::http::pages::FieldError;
use crate::http::render;
use crate::http::sign_in::steps;

/// Whether the administrator has signed in lately enough to see what is guarded.
pub(super) fn is_fresh(desk: &Desk<'_>) -> bool {
    age(desk) <= limit(desk)
}

/// Whether what a form of a guarded page asks for may still be done: whoever was asked before the form
/// may take as long again to send it.
pub(super) fn is_in_time(desk: &Desk<'_>) -> bool {
    age(desk) <= 2 * limit(desk)
}

fn age(desk: &Desk<'_>) -> Seconds {
    desk.site().now().since(desk.signed_in_at())
}

fn limit(desk: &Desk<'_>) -> Seconds {
    desk.site().settings().session.admin_step_up
}

/// Whether the address is open after the last sign-in.
pub(super) fn is_open(desk: &Desk<'_>, entry: &Entry) -> bool {
    let concerns_them = entry.guarded_for.is_none_or(|right| desk.may(right));
    match (entry.is_guarded && concerns_them, entry.method) {
        (false, _) => true,
        (true, Method::Get) => is_fresh(desk),
        (true, Method::Post) => is_in_time(desk),
    }
}

/// Asks for the password, and leads back to the page, or to the one that has the form.
pub(super) fn ask(desk: &Desk<'_>, entry: &Entry) -> HttpResponse {
    let request = desk.visit.request;
    let path = request.uri().path();
    let path = path.strip_prefix(desk.site().base.as_str()).unwrap_or(path);
    let page = match entry.method {
        Method::Get if request.query_string().is_empty() => path.to_owned(),
        Method::Get => format!("{path}?{}", request.query_string()),
        Method::Post if is_page(entry) => path.to_owned(),
        Method::Post => path.rsplit_once('/').map_or(path, |(parent, _)| parent).to_owned(),
    };
    steps::see_other(&render::to_console(desk.site(), &page))
}

/// Whether a page is at the same address, and open without a fresh sign-in: it has the form, or leads to it.
fn is_page(entry: &Entry) -> bool {
    let is_open = |page: &Entry| page.method == Method::Get && !page.is_guarded;
    TABLE.iter().any(|page| page.path == entry.path && is_open(page))
}

/// What a form that is not guarded as a whole says at a field that is; what was typed stays in it.
pub(super) fn at(field: &'static str) -> FieldError {
    let text = "Your last sign-in is too long ago to change this. Sign in again first.".to_owned();
    FieldError { field, text }
}
