//! `/admin/audit`: what happened.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::clock::UnixTime;
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::audit::{AuditList, AuditQuery};
use crate::http::pages::admin::paging::Paging;
use crate::service::audit;
use crate::service::audit::export::{Export, Layout};
use crate::service::people;
use crate::store::Cursor;
use crate::store::audit::{AuditFilter, Order, Outcome};

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = query(desk);
    let errors = unreadable(&asked);
    if !errors.is_empty() {
        return wrong(desk, asked, errors);
    }
    let found = audit::list(desk.site(), &filter(desk, &asked).await?).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |event| event.cursor().to_string());
    desk.show(&AuditList {
        chrome: desk.chrome(),
        console: desk.console(Section::Audit),
        filter: asked,
        errors: Vec::new(),
        rows: rows::events(desk, found).await?,
        paging,
    })
}

/// Everything that fits as a file, one event a line or row. It is read while it is sent, so that any number of
/// events takes the memory of a thousand.
pub(super) async fn export(desk: &Desk<'_>) -> Answer {
    let asked = query(desk);
    let mut errors = unreadable(&asked);
    let layout = Layout::from_name(&desk.asked("format"));
    if layout.is_none() {
        let text = "A download has the format ndjson or csv.".to_owned();
        errors.push(FieldError { field: "main", text });
    }
    let Some(layout) = layout.filter(|_| errors.is_empty()) else {
        return wrong(desk, asked, errors);
    };
    let export = Export::of(filter(desk, &asked).await?, layout);
    let begun = (Arc::clone(desk.site().app()), export);
    let lines = futures_util::stream::try_unfold(begun, |(app, mut export)| async move {
        let lines = export.next(&app).await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(lines.map(|lines| (Bytes::from(lines), (app, export))))
    });
    let at = desk.site().now().rfc3339().replace(':', "-");
    let name = format!("audit-{at}.{}", layout.ending());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, layout.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(BodyStream::new(lines)))
}

/// What was asked for.
fn query(desk: &Desk<'_>) -> AuditQuery {
    AuditQuery {
        kind: desk.asked("kind"),
        result: desk.asked("result"),
        user: desk.asked("user"),
        client: desk.asked("client"),
        address: desk.asked("address"),
        request_id: desk.asked("request_id"),
        since: desk.asked("since"),
        until: desk.asked("until"),
    }
}

/// The list with what is wrong, and without events: whoever looks for failures must not take everything
/// for them.
fn wrong(desk: &Desk<'_>, filter: AuditQuery, errors: Vec<FieldError>) -> Answer {
    let mut response = desk.show(&AuditList {
        chrome: desk.chrome(),
        console: desk.console(Section::Audit),
        filter,
        errors,
        rows: Vec::new(),
        paging: Paging::default(),
    })?;
    *response.status_mut() = StatusCode::BAD_REQUEST;
    Ok(response)
}

async fn filter(desk: &Desk<'_>, asked: &AuditQuery) -> Result<AuditFilter, Stop> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(AuditFilter {
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
        limit: desk.page_size().asked(),
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

/// The id of the person asked for.
async fn user_id(desk: &Desk<'_>, asked: &str) -> Result<Option<String>, Stop> {
    if asked.is_empty() {
        return Ok(None);
    }
    Ok(Some(people::id_of(desk.site(), asked).await?))
}
