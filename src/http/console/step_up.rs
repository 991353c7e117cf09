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
use crate::protocol::api;
use crate::protocol::client::ClientMetadata;

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
    let (path, query) = (asked_path(desk), desk.visit.request.query_string());
    let page = match entry.method {
        Method::Get if query.is_empty() => path.to_owned(),
        Method::Get => format!("{path}?{query}"),
        Method::Post if is_page(entry) => path.to_owned(),
        Method::Post => return ask_above(desk),
    };
    steps::see_other(&render::to_console(desk.site(), &page))
}

/// The same of a form that has nothing typed in it: leads back to the page above its address, which has it.
pub(super) fn ask_above(desk: &Desk<'_>) -> HttpResponse {
    let path = asked_path(desk);
    let page = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
    steps::see_other(&render::to_console(desk.site(), page))
}

/// What was asked for, below the address of the site.
fn asked_path<'a>(desk: &'a Desk<'_>) -> &'a str {
    let path = desk.visit.request.uri().path();
    path.strip_prefix(desk.site().base.as_str()).unwrap_or(path)
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

/// What the forms of an app make of it. Where that can do more at the REST API than before, only for who
/// has signed in lately: whoever has its secret can do it from then on.
pub(super) fn of_app(
    desk: &Desk<'_>,
    before: &ClientMetadata,
    after: ClientMetadata,
) -> Result<ClientMetadata, Vec<FieldError>> {
    let api = api::audience(desk.site().issuer());
    match power_gained(&api, before, &after) {
        Some(field) if !is_in_time(desk) => Err(vec![at(field)]),
        Some(_) | None => Ok(after),
    }
}

/// Whether an app like this may be enabled: one that can do something at the REST API only by who has
/// signed in lately, since whoever has its secret can do it again from then on.
pub(super) fn may_enable(desk: &Desk<'_>, metadata: &ClientMetadata) -> bool {
    is_in_time(desk) || api::of_client(&metadata.scope).next().is_none()
}

/// The field that gives an app power at the REST API, which has this audience, that it has not had.
fn power_gained(
    api: &str,
    before: &ClientMetadata,
    after: &ClientMetadata,
) -> Option<&'static str> {
    let mut scopes = api::of_client(&after.scope).peekable();
    // Without a scope it can do nothing there.
    scopes.peek()?;
    let is_for_it = |metadata: &ClientMetadata| metadata.audience.iter().any(|name| name == api);
    let gains_grant = after.grant_types.iter().any(|grant| !before.grant_types.contains(grant));
    if scopes.any(|scope| !scope.is_given_by(&before.scope)) {
        Some("scope")
    } else if is_for_it(after) && !is_for_it(before) {
        Some("audience")
    } else if is_for_it(after) && gains_grant {
        Some("grant_types")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::{ClientKind, GrantType};
    use crate::protocol::scope::Scopes;

    const API: &str = "https://op.test/api/v1";

    fn robot(scopes: &[&str], audience: &[&str]) -> ClientMetadata {
        ClientMetadata {
            scope: Scopes::from_tokens(scopes.iter().copied()),
            audience: audience.iter().map(|name| (*name).to_owned()).collect(),
            ..ClientMetadata::for_kind(ClientKind::Machine)
        }
    }

    #[test]
    fn an_app_that_can_do_more_at_the_api_is_noticed_at_the_field_that_lets_it() {
        let (read, write) = ("doorward.users:read", "doorward.users:write");
        let reader = robot(&[read], &[API]);
        let gained =
            |before: &ClientMetadata, after: &ClientMetadata| power_gained(API, before, after);
        assert_eq!(gained(&reader, &robot(&[write], &[API])), Some("scope"));
        assert_eq!(gained(&robot(&[], &[]), &robot(&[read], &[])), Some("scope"));
        assert_eq!(gained(&robot(&[read], &[]), &reader), Some("audience"));
        let other = GrantType::ALL.into_iter().find(|grant| !reader.grant_types.contains(grant));
        let grants = reader.grant_types.iter().copied().chain(other).collect();
        let more = ClientMetadata { grant_types: grants, ..reader.clone() };
        assert_eq!(gained(&reader, &more), Some("grant_types"));
    }

    #[test]
    fn an_app_that_can_do_no_more_at_the_api_is_not() {
        let (read, write) = ("doorward.users:read", "doorward.users:write");
        let writer = robot(&[write], &[API]);
        // To write includes to read.
        for after in [robot(&[read, write], &[API]), robot(&[read], &[API]), robot(&["x"], &[API])]
        {
            assert_eq!(power_gained(API, &writer, &after), None);
        }
        assert_eq!(power_gained(API, &robot(&["x"], &[]), &robot(&["y"], &[API])), None);
    }
}
