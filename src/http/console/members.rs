//! People in something: what the pages of groups and of organisations do alike.

use super::desk::{Desk, Stop};
use crate::http::pages::FieldError;
use crate::http::pages::admin::members::{MemberRow, WayOut};
use crate::protocol::user::User;

pub(super) fn row(user: User, way_out: WayOut) -> MemberRow {
    MemberRow {
        id: user.id.to_string(),
        state: user.state().into(),
        username: user.username,
        name: user.name,
        way_out,
    }
}

/// Somebody whom this administrator sees; whom they do not see is not there.
pub(super) async fn somebody(desk: &Desk<'_>, typed: &str) -> Result<Option<User>, Stop> {
    match desk.find_person(typed.trim()).await {
        Ok(user) => Ok(Some(user).filter(|user| desk.standing().may_see(&user.groups))),
        Err(Stop::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What is said at the field when [`somebody`] finds nobody.
pub(super) fn nobody(desk: &Desk<'_>, field: &'static str) -> FieldError {
    let text = match desk.only_of() {
        Some(_) => "Nobody in your groups has this username or e-mail address.",
        None => "Nobody has this username or e-mail address.",
    };
    FieldError { field, text: text.to_owned() }
}
