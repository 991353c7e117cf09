//! `/admin/audit`: what happened.

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::audit::{AuditList, AuditQuery};
use crate::service::audit;
use crate::store::Cursor;
use crate::store::audit::AuditFilter;

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = AuditQuery {
        kind: desk.asked("kind"),
        user: desk.asked("user"),
        client: desk.asked("client"),
        request_id: desk.asked("request_id"),
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        kind: given(&asked.kind),
        user_id: user_id(desk, &asked.user).await?,
        client_id: given(&asked.client),
        request_id: given(&asked.request_id),
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
