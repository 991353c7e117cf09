//! `/admin/audit`: what happened.

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::clock::UnixTime;
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
        rows: rows::events(desk, found).await?,
        next,
    })
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
