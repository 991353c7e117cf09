//! `/api/v1/jobs`: what waits to be sent, and what can be done about a message that does not arrive.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::JobView;
use crate::service::jobs::{self, JobFilter, JobState, JobTopic};
use crate::store::waiting::Waiting;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, sent::cursor(&call.query)?);
    let state = match call.query.sole("state") {
        None => None,
        Some(name) => Some(
            JobState::from_name(name)
                .ok_or_else(|| Fault::malformed("state is new, tried or stuck."))?,
        ),
    };
    let topic = match call.query.sole("topic") {
        None => None,
        Some(name) => Some(
            JobTopic::from_name(name)
                .ok_or_else(|| Fault::malformed("topic is letters, webhooks, logouts or logos."))?,
        ),
    };
    let filter = JobFilter { state, topic, after: after.as_deref().unwrap_or_default() };
    let found = jobs::list(call.site, &filter, limit + 1).await?;
    let row = |job: Waiting| {
        let place = job.id.clone();
        (JobView::from(job), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}

pub(super) async fn retry(call: &Call<'_>) -> Answer {
    jobs::try_now(call.site, &call.id, call.actor()).await?;
    Reply::done()
}

pub(super) async fn discard(call: &Call<'_>) -> Answer {
    jobs::discard(call.site, &call.id, call.actor()).await?;
    Reply::done()
}
