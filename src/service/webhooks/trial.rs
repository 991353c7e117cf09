//! What administrators send by hand: a test message, whose answer they see, and a message once more.

use super::message::Message;
use super::posting::{self, Posted};
use super::{Webhook, WebhookError, about, begin};
use crate::app::App;
use crate::crypto::secret;
use crate::service::audit::Actor;
use crate::service::outbox::Attempt;
use crate::store::webhooks as store;
use crate::store::webhooks::deliveries::{self, State};
use crate::store::{audit, outbox};

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub arrived: bool,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// From the request to the answer, in milliseconds.
    pub duration_ms: u128,
    /// The beginning of the answer's text, or why there was none; empty when it said nothing.
    pub said: String,
}

/// Sends an endpoint, switched on or not, a message of the type `webhook.test` now and once, and tells
/// what came back.
///
/// # Errors
/// [`WebhookError`]; an endpoint that does not take it is none.
pub async fn test(app: &App, id: &str, actor: &Actor) -> Result<(Webhook, Outcome), WebhookError> {
    let mut tx = begin(app, actor).await?;
    let webhook = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    audit::append(&mut tx, &about("webhook.tested", actor, (app, &webhook)).into_row()).await?;
    tx.commit().await?;
    let now = app.now();
    let message = Message::test(secret::new_id(now), (&webhook, now));
    let posted = posting::post(app, &webhook, &message).await?;
    let delivery = format!("{}:{}", message.id, webhook.id);
    posting::note(app, (&webhook, &message, &delivery), (&posted, now)).await?;
    let Posted { status, took, said, attempt } = posted;
    let arrived = attempt == Attempt::Arrived;
    Ok((webhook, Outcome { arrived, status, duration_ms: took.as_millis(), said }))
}

/// Sends a message of the log once more, with its id, as soon as it is its turn.
///
/// # Errors
/// [`WebhookError::NotNow`] when it waits already, is a test, or the event is not kept any more.
pub async fn redeliver(
    app: &App,
    (id, delivery): (&str, &str),
    actor: &Actor,
) -> Result<Webhook, WebhookError> {
    let mut tx = begin(app, actor).await?;
    let webhook = store::by_id(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    let delivered = deliveries::by_id(&mut tx, delivery).await?;
    let delivered = delivered.filter(|found| found.webhook_id == webhook.id);
    let delivered = delivered.ok_or(WebhookError::NotFound)?;
    if webhook.disabled_at.is_some() {
        return Err(WebhookError::NotNow("the webhook is disabled"));
    }
    if delivered.state == State::Waiting {
        return Err(WebhookError::NotNow("the message waits already"));
    }
    if audit::by_id(&mut tx, &delivered.message_id).await?.is_none() {
        return Err(WebhookError::NotNow("there is nothing to send any more"));
    }
    if !outbox::insert_unless_there(&mut tx, &posting::again((&webhook, &delivered), app.now()))
        .await?
    {
        return Err(WebhookError::NotNow("the message waits already"));
    }
    let event = about("webhook.redelivered", actor, (app, &webhook));
    let event = event.detail("message", delivered.message_id.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(webhook)
}
