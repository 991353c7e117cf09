//! `/admin/webhooks`: endpoints of others that are told what happens here.

use super::desk::{Answer, Desk, Stop};
use super::people::sentence;
use super::rows;
use super::seen::{self, Of, Thing};
use super::step_up;
use super::table::WebhookAction;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::webhooks::{
    DeliveryRow, DeliveryState, WebhookCreate, WebhookDetail, WebhookForm, WebhookRow,
    WebhookSecret, WebhooksList,
};
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, Undo, When};
use crate::service::clients::Activity;
use crate::service::webhooks::kinds::KINDS;
use crate::service::webhooks::{self, Outcome, Webhook, WebhookError, WebhookSettings};
use crate::store::webhooks::deliveries::{Delivered, State};

/// Does what an address stands for.
pub(super) async fn act(desk: &Desk<'_>, step: WebhookAction) -> Answer {
    match step {
        WebhookAction::List => list(desk).await,
        WebhookAction::New => new(desk),
        WebhookAction::Create => create(desk).await,
        WebhookAction::Show => show(desk).await,
        WebhookAction::Edit => edit(desk).await,
        WebhookAction::Test => test(desk).await,
        WebhookAction::Redeliver => redeliver(desk).await,
        WebhookAction::Enable => enable(desk).await,
        WebhookAction::AskDisable => ask_disable(desk).await,
        WebhookAction::Disable => disable(desk).await,
        WebhookAction::AskRotateSecret => ask_rotate_secret(desk).await,
        WebhookAction::RotateSecret => rotate_secret(desk).await,
        WebhookAction::AskDelete => ask_delete(desk).await,
        WebhookAction::Delete => delete(desk).await,
    }
}

async fn list(desk: &Desk<'_>) -> Answer {
    let found = webhooks::all(desk.site()).await?;
    desk.show(&WebhooksList {
        chrome: desk.chrome(),
        console: desk.console(Section::Webhooks),
        rows: found.iter().map(|webhook| row(desk, webhook)).collect(),
    })
}

fn row(desk: &Desk<'_>, webhook: &Webhook) -> WebhookRow {
    let now = desk.site().now();
    WebhookRow {
        id: webhook.id.clone(),
        name: webhook.name.clone(),
        host: webhooks::host_of(&webhook.url),
        events: webhook.events.join("\n"),
        state: rows::state(webhook.disabled_at),
        failing_since: webhook.failing_since.map(|since| When::ago(since, now)),
        created: When::ago(webhook.created_at, now),
    }
}

fn new(desk: &Desk<'_>) -> Answer {
    desk.show(&blank(desk))
}

fn blank(desk: &Desk<'_>) -> WebhookCreate {
    WebhookCreate {
        chrome: desk.chrome(),
        console: desk.console(Section::Webhooks),
        form: WebhookForm::default(),
        kinds: KINDS,
        errors: Vec::new(),
    }
}

async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk);
    match webhooks::create(desk.site(), typed(&form), &desk.actor()).await {
        Ok((made, secret)) => secret_once(desk, &made, secret.expose()),
        Err(error) => {
            let errors = mendable(error)?;
            desk.show_again(&WebhookCreate { form, errors, ..blank(desk) })
        }
    }
}

fn secret_once(desk: &Desk<'_>, webhook: &Webhook, secret: &str) -> Answer {
    desk.show(&WebhookSecret {
        chrome: desk.chrome(),
        console: desk.console(Section::Webhooks),
        id: webhook.id.clone(),
        name: webhook.name.clone(),
        secret: secret.to_owned(),
        previous_until: webhook.previous.as_ref().map(|(_, until)| When::at(*until)),
    })
}

async fn show(desk: &Desk<'_>) -> Answer {
    let webhook = webhook(desk).await?;
    desk.show(&detail(desk, &webhook).await?)
}

async fn edit(desk: &Desk<'_>) -> Answer {
    let before = webhook(desk).await?;
    let form = read_form(desk);
    if !seen::is_of(desk, &stored(&before)) {
        return stale(desk, &before, form).await;
    }
    // To another address goes what nobody else is told; who gets to know what is said by the events.
    let wanted = typed(&form);
    let field = match (wanted.url != before.url, wanted.events != before.events) {
        (true, _) => Some("url"),
        (false, true) => Some("events"),
        (false, false) => None,
    };
    if let Some(field) = field.filter(|_| !step_up::is_in_time(desk)) {
        let errors = vec![step_up::at(field)];
        return desk.show_again(&WebhookDetail { form, errors, ..detail(desk, &before).await? });
    }
    let change = (wanted, &desk.actor());
    match webhooks::update_if(desk.site(), &before, change).await {
        Ok(Some(saved)) => desk.done(format!("{} is saved.", saved.name), &path(desk, &saved)),
        Ok(None) => stale(desk, &webhook(desk).await?, form).await,
        Err(error) => {
            let errors = mendable(error)?;
            desk.show_again(&WebhookDetail { form, errors, ..detail(desk, &before).await? })
        }
    }
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &Webhook, form: WebhookForm) -> Answer {
    let kinds = &["webhook.updated"];
    let thing = Thing { name: &now.name, kinds, of: Of::Detail("webhook", &now.name) };
    let errors = seen::changed(desk, &thing, (&stored(now), &form)).await?;
    desk.show_again(&WebhookDetail { form, errors, ..detail(desk, now).await? })
}

/// What the form shows of an endpoint.
fn stored(webhook: &Webhook) -> WebhookForm {
    WebhookForm {
        name: webhook.name.clone(),
        url: webhook.url.clone(),
        events: webhook.events.join("\n"),
    }
}

async fn detail(desk: &Desk<'_>, webhook: &Webhook) -> Result<WebhookDetail, Stop> {
    let after = desk.asked("after");
    let place = Some(after.as_str()).filter(|after| !after.is_empty());
    let found = webhooks::log(desk.site(), webhook, (place, desk.page_size().asked())).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |line| line.id.clone());
    Ok(WebhookDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Webhooks),
        webhook: row(desk, webhook),
        seen: seen::mark(desk, &stored(webhook)),
        form: stored(webhook),
        kinds: KINDS,
        errors: Vec::new(),
        log: found.into_iter().map(|line| delivery(desk, line)).collect(),
        paging,
    })
}

fn delivery(desk: &Desk<'_>, line: Delivered) -> DeliveryRow {
    let came = line.status.map(|status| format!("{status} in {} ms", line.duration_ms));
    let answer = came.into_iter().chain(line.problem).collect::<Vec<_>>().join(": ");
    let is_test = line.kind == "webhook.test";
    let may_go_again = line.state != State::Waiting && !is_test;
    DeliveryRow {
        again: if may_go_again { line.id } else { String::new() },
        kind: line.kind,
        message_id: line.message_id,
        state: match line.state {
            State::Arrived => DeliveryState::Arrived,
            State::Waiting => DeliveryState::Waiting,
            State::Failed => DeliveryState::Failed,
            State::Dropped => DeliveryState::Dropped,
        },
        attempts: line.attempts,
        answer,
        last: When::ago(line.last_at, desk.site().now()),
    }
}

async fn test(desk: &Desk<'_>) -> Answer {
    let tested = webhooks::test(desk.site(), &desk.id, &desk.actor()).await.map_err(stop);
    let (webhook, outcome) = tested?;
    let (text, to) = (told(&outcome), path(desk, &webhook));
    if outcome.arrived { desk.done(text, &to) } else { desk.refused(text, &to) }
}

/// What came back of a test, in a sentence.
fn told(outcome: &Outcome) -> String {
    let Outcome { arrived, status, duration_ms, said } = outcome;
    let verdict = if *arrived { "The test arrived" } else { "The test did not arrive" };
    match status {
        Some(status) if said.is_empty() => {
            format!("{verdict}: it was answered with {status} in {duration_ms} ms.")
        }
        Some(status) => {
            format!("{verdict}: it was answered with {status} in {duration_ms} ms: {said}")
        }
        None => format!("{verdict}: {said}."),
    }
}

async fn redeliver(desk: &Desk<'_>) -> Answer {
    let what = (desk.id.as_str(), &*desk.text("delivery"));
    match webhooks::redeliver(desk.site(), what, &desk.actor()).await {
        Ok(webhook) => desk.done("The message is on its way again.", &path(desk, &webhook)),
        Err(WebhookError::NotNow(reason)) => {
            let to = path_below(&desk.site().base, "/admin/webhooks/", &desk.id);
            desk.refused(sentence(reason), &to)
        }
        Err(error) => Err(stop(error)),
    }
}

async fn enable(desk: &Desk<'_>) -> Answer {
    let webhook = set_activity(desk, Activity::Enabled).await?;
    let text = format!("{} hears of what happens from now on.", webhook.name);
    desk.done(text, &path(desk, &webhook))
}

async fn ask_disable(desk: &Desk<'_>) -> Answer {
    let effects = [
        "Nothing is sent to it any more, and what waits for it is dropped.",
        "You can enable it again; it then hears of what happens from that moment on.",
    ];
    ask(desk, ("Disable", "disable"), &effects).await
}

async fn disable(desk: &Desk<'_>) -> Answer {
    let webhook = set_activity(desk, Activity::Disabled).await?;
    let to = path(desk, &webhook);
    let undo = Undo { path: format!("{to}/enable"), fields: Vec::new() };
    desk.done_undoably(format!("{} is disabled.", webhook.name), &to, undo)
}

async fn set_activity(desk: &Desk<'_>, activity: Activity) -> Result<Webhook, Stop> {
    let change = (activity, &desk.actor());
    webhooks::set_activity(desk.site(), &desk.id, change).await.map_err(stop)
}

async fn ask_rotate_secret(desk: &Desk<'_>) -> Answer {
    let effects = [
        "The new secret is shown once, on the next page.",
        "For a day messages are signed with the old one as well, so that the receiver can change over.",
    ];
    ask(desk, ("Replace the secret of", "rotate-secret"), &effects).await
}

async fn rotate_secret(desk: &Desk<'_>) -> Answer {
    let rotated = webhooks::rotate_secret(desk.site(), &desk.id, &desk.actor()).await;
    let (webhook, secret) = rotated.map_err(stop)?;
    secret_once(desk, &webhook, secret.expose())
}

async fn ask_delete(desk: &Desk<'_>) -> Answer {
    let effects = [
        "Nothing is sent to it any more, and its log is deleted.",
        "It cannot be undone. To keep it for later, disable it instead.",
    ];
    ask(desk, ("Delete", "delete"), &effects).await
}

async fn delete(desk: &Desk<'_>) -> Answer {
    let gone = webhooks::delete(desk.site(), &desk.id, &desk.actor()).await.map_err(stop)?;
    desk.done(format!("{} is deleted.", gone.name), &desk.site().path("/admin/webhooks"))
}

async fn ask(desk: &Desk<'_>, (verb, step): (&str, &str), effects: &[&str]) -> Answer {
    let webhook = webhook(desk).await?;
    let path = path(desk, &webhook);
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Webhooks),
        heading: format!("{verb} {}?", webhook.name),
        effects: effects.iter().map(|text| (*text).to_owned()).collect(),
        action: format!("{path}/{step}"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("{verb} {}", webhook.name),
        cancel: path,
    })
}

/// The webhook in the path.
async fn webhook(desk: &Desk<'_>) -> Result<Webhook, Stop> {
    webhooks::get(desk.site(), &desk.id).await.map_err(stop)
}

fn stop(error: WebhookError) -> Stop {
    match error {
        WebhookError::Failure(failure) => Stop::Failure(failure),
        WebhookError::NotYours => Stop::Forbidden(super::desk::NOT_YOURS),
        WebhookError::NotFound
        | WebhookError::Taken
        | WebhookError::Invalid { .. }
        | WebhookError::NotNow(_) => Stop::NotFound,
    }
}

/// What the form can mend of an error.
fn mendable(error: WebhookError) -> Result<Vec<FieldError>, Stop> {
    match error {
        WebhookError::Invalid { field, problem } => {
            Ok(vec![FieldError { field, text: sentence(&problem) }])
        }
        WebhookError::Taken => {
            let text = "There is a webhook of this name already. Choose another one.".to_owned();
            Ok(vec![FieldError { field: "name", text }])
        }
        other => Err(stop(other)),
    }
}

fn read_form(desk: &Desk<'_>) -> WebhookForm {
    WebhookForm { name: desk.text("name"), url: desk.text("url"), events: desk.text("events") }
}

fn typed(form: &WebhookForm) -> WebhookSettings {
    let words = form.events.split([' ', ',', '\r', '\n', '\t']).filter(|word| !word.is_empty());
    WebhookSettings {
        name: form.name.trim().to_owned(),
        url: form.url.trim().to_owned(),
        events: words.map(str::to_owned).collect(),
    }
}

/// The address of a webhook's page.
fn path(desk: &Desk<'_>, webhook: &Webhook) -> String {
    path_below(&desk.site().base, "/admin/webhooks/", &webhook.id)
}
