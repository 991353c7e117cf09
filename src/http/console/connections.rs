//! What somebody has let in that stays signed in by itself, on their page, and ending it.

use super::desk::{Answer, Desk, Stop};
use super::{person, rows};
use crate::http::extract;
use crate::http::pages::views::ConnectionView;
use crate::protocol::types::GrantId;
use crate::protocol::user::User;
use crate::service::session::connections::{self, Outcome};

/// The first of them, those that outlive the sessions before the others, and whether there are more.
pub(super) async fn of_person(
    desk: &Desk<'_>,
    user: &User,
) -> Result<(Vec<ConnectionView>, bool), Stop> {
    let now = desk.site().now();
    let mut found = connections::foremost(desk.site(), &user.id, rows::ASKED).await?;
    let has_more = found.len() > rows::PAGE;
    found.truncate(rows::PAGE);
    let views = found.into_iter().map(|connection| ConnectionView::of(connection, now));
    Ok((views.collect(), has_more))
}

pub(super) async fn end(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let id = GrantId::new(desk.text("connection"));
    let caller = extract::caller(desk.site(), desk.visit.request);
    let who = (&desk.actor(), &caller);
    let back = person::path(desk, user);
    match connections::end(desk.site(), (&id, &user.id), who).await? {
        Outcome::Ended => desk.done("It has ended.", &back),
        Outcome::HadEnded | Outcome::None => {
            desk.refused("There is no such connection any more.", &back)
        }
    }
}
