//! `/admin/jobs`: what waits to be sent and why, and when the work beside the requests was last done.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::rows;
use crate::clock::UnixTime;
use crate::crypto::keyring::KeyState;
use crate::http::pages::When;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::jobs::{JobRow, JobsList, Rotation};
use crate::service::jobs::{self, JobError, JobFilter, JobTopic};
use crate::service::keys;
use crate::store::waiting::Waiting;

const GONE: &str = "This message waits no more: it has arrived, or was given up.";

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let (site, now) = (desk.site(), desk.site().now());
    let after = desk.asked("after");
    let topic = JobTopic::from_name(&desk.asked("topic"));
    let filter = JobFilter { topic, after: &after, ..JobFilter::default() };
    let found = jobs::list(site, &filter, desk.page_size().asked()).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |job| job.id.clone());
    let cleaned = site.metrics.activity().last_cleaned();
    desk.show(&JobsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Jobs),
        is_start: after.is_empty(),
        topic,
        rows: found.into_iter().map(|job| row(job, now)).collect(),
        paging,
        cleaned: cleaned.map(|at| When::ago(UnixTime(at), now)),
        rotations: rotations(desk).await?,
    })
}

fn row(job: Waiting, now: UnixTime) -> JobRow {
    JobRow {
        id: job.id,
        what: in_words(&job.kind),
        client_id: job.client_id.map(|id| id.to_string()),
        attempts: job.attempts,
        created: When::ago(job.created_at, now),
        next_try: When::at(job.due_at),
        gives_up: When::at(job.expires_at),
        last_error: job.last_error,
    }
}

fn in_words(kind: &str) -> String {
    match kind {
        "mail" => "A letter".to_owned(),
        "backchannel_logout" => "News of a sign-out".to_owned(),
        "backchannel_farewell" => "News of a sign-out of everybody".to_owned(),
        "logo" => "The logo of an app, to be fetched".to_owned(),
        "webhook" => "News for a webhook".to_owned(),
        other => other.to_owned(),
    }
}

/// When the keys of each algorithm change next.
async fn rotations(desk: &Desk<'_>) -> Result<Vec<Rotation>, Stop> {
    let every = desk.site().config.keys.rotate_every;
    let active = |state: &str| KeyState::from_name(state) == Some(KeyState::Active);
    let mut keys = keys::list(desk.site()).await?;
    keys.retain(|key| active(&key.state));
    keys.sort_by_key(|key| key.alg);
    let rotation = |key: crate::store::keys::KeyRow| Rotation {
        alg: key.alg.as_str().to_owned(),
        due: When::at(key.activates_at.plus(every)),
    };
    Ok(keys.into_iter().map(rotation).collect())
}

pub(super) async fn retry(desk: &Desk<'_>) -> Answer {
    match jobs::try_now(desk.site(), &desk.id, &desk.actor()).await {
        Ok(()) => {
            desk.done("It is sent now. If it does not arrive, it is tried again.", &path(desk))
        }
        Err(JobError::Gone) => desk.refused(GONE, &path(desk)),
        Err(error) => Err(stop(error)),
    }
}

pub(super) async fn ask_discard(desk: &Desk<'_>) -> Answer {
    let job = jobs::get(desk.site(), &desk.id).await.map_err(stop)?;
    let receiver = job.client_id.map_or_else(String::new, |id| format!(" to {id}"));
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Jobs),
        heading: "Discard this message?".to_owned(),
        effects: vec![
            format!("{}{receiver}, tried {} times.", in_words(&job.kind), job.attempts),
            "Whoever it is for never hears of it. It cannot be undone.".to_owned(),
        ],
        action: format!("{}/{}/discard", path(desk), job.id),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: "Discard it".to_owned(),
        cancel: path(desk),
    })
}

pub(super) async fn discard(desk: &Desk<'_>) -> Answer {
    match jobs::discard(desk.site(), &desk.id, &desk.actor()).await {
        Ok(()) => desk.done("The message is discarded.", &path(desk)),
        Err(JobError::Gone) => desk.refused(GONE, &path(desk)),
        Err(error) => Err(stop(error)),
    }
}

fn stop(error: JobError) -> Stop {
    match error {
        JobError::Gone => Stop::NotFound,
        JobError::NotYours => Stop::Forbidden(NOT_YOURS),
        JobError::Failure(failure) => Stop::Failure(failure),
    }
}

fn path(desk: &Desk<'_>) -> String {
    desk.site().path("/admin/jobs")
}
