//! `/admin/audit`: what happened.

use actix_web::http::StatusCode;

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::clock::UnixTime;
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::audit::{AuditList, AuditQuery};
use crate::service::audit;
use crate::store::Cursor;
use crate::store::audit::{AuditFilter, Order, Outcome};

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = AuditQuery {
        kind: desk.asked("kind"),
        result: desk.asked("result"),
        user: desk.asked("user"),
        client: desk.asked("client"),
        address: desk.asked("address"),
        request_id: desk.asked("request_id"),
        since: desk.asked("since"),
        until: desk.asked("until"),
    };
    let errors = unreadable(&asked);
    if !errors.is_empty() {
        // Whoever looks for failures must not take everything for them.
        let page = AuditList {
            chrome: desk.chrome(),
            console: desk.console(Section::Audit),
            filter: asked,
            errors,
            rows: Vec::new(),
            next: None,
        };
        let mut response = desk.show(&page)?;
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        kind: given(&asked.kind),
        outcome: Outcome::from_name(&asked.result),
        user_id: user_id(desk, &asked.user).await?,
        client_id: given(&asked.client),
        address: given(&asked.address),
        request_id: given(&asked.request_id),
        since: UnixTime::parse(&asked.since),
        until: UnixTime::parse(&asked.until),
        order: Order::NewestFirst,
        after: desk.query.sole("after").and_then(Cursor::parse),
        limit: rows::ASKED,
    };
    let found = audit::list(desk.site(), &filter).await?;
    let (found, next) = rows::page(found, |event| event.cursor().to_string());
    desk.show(&AuditList {
        chrome: desk.chrome(),
        console: desk.console(Section::Audit),
        filter: asked,
        errors: Vec::new(),
        rows: rows::events(desk, found).await?,
        next,
    })
}

/// What was asked for in words that mean nothing here.
fn unreadable(asked: &AuditQuery) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !asked.result.is_empty() && Outcome::from_name(&asked.result).is_none() {
        let text = "Choose one of the results in the list.".to_owned();
        errors.push(FieldError { field: "result", text });
    }
    for (field, typed) in [("since", &asked.since), ("until", &asked.until)] {
        if !typed.is_empty() && UnixTime::parse(typed).is_none() {
            let text = "Enter a time in the format 2026-11-21T04:36.".to_owned();
            errors.push(FieldError { field, text });
        }
    }
    errors
}

/// The id of the person asked for. Who is deleted can still be asked for by id.
async fn user_id(desk: &Desk<'_>, asked: &str) -> Result<Option<String>, Stop> {
    if asked.is_empty() {
        return Ok(None);
    }
    match desk.find_person(asked).await {
        Ok(user) => Ok(Some(user.id.to_string())),
        Err(Stop::NotFound) => Ok(Some(asked.to_owned())),
        Err(other) => Err(other),
    }
}
