//! `/api/v1/users/{id}/connections`: what somebody has let in that stays signed in by itself.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::service_state::place;
use super::views::service::ConnectionView;
use crate::protocol::types::GrantId;
use crate::service::session::connections::{self, Outcome};

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, place(call)?);
    let whose = (&call.person()?.id, after);
    let found = connections::list(call.site, whose, limit + 1).await?;
    let rows = found.into_iter().map(|connection| {
        let place = connection.cursor().to_string();
        (ConnectionView::from(connection), place)
    });
    call.page(rows.collect(), limit)
}

pub(super) async fn end(call: &Call<'_>) -> Answer {
    let id = GrantId::new(call.part("connection")?);
    let which = (&id, &call.person()?.id);
    match connections::end(call.site, which, (call.actor(), &call.from())).await? {
        // One that has ended already is what was asked for.
        Outcome::Ended | Outcome::HadEnded => Reply::done(),
        Outcome::None => Err(Fault::not_found("connection")),
    }
}
