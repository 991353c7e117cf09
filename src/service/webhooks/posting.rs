//! Sending a message to an endpoint, what comes back, and what follows from it for the log and for an
//! endpoint that fails for days.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::message::{self, Message};
use super::{about, host_of};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::outbound::Fault;
use crate::protocol::plain_text::is_deceptive;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::outbox::Attempt;
use crate::store::outbox::Delivery;
use crate::store::webhooks::deliveries::{self, Delivered, State};
use crate::store::webhooks::{self as store, Webhook};
use crate::store::{Tx, audit};

/// The kind of these deliveries in the outbox; the trigger writes it, too.
pub(crate) const KIND: &str = "webhook";
/// After so long without a message that arrived an endpoint is switched off.
const MOST_FAILING: Seconds = 3 * 86_400;
/// How long the log is kept.
const LOG_KEPT: Seconds = 7 * 86_400;
/// Of what an endpoint answers, the log keeps so many characters.
const MOST_CHARS: usize = 200;

/// What came back.
pub(super) struct Posted {
    /// `None` when there was no answer.
    pub status: Option<u16>,
    pub took: Duration,
    /// The beginning of the answer's text, or why there was none.
    pub said: String,
    pub attempt: Attempt,
}

impl Posted {
    /// Why it does not count as arrived.
    fn problem(&self) -> Option<String> {
        match (&self.attempt, self.status) {
            (Attempt::Arrived, _) => None,
            (_, Some(status)) if self.said.is_empty() => Some(format!("answered {status}")),
            (_, Some(status)) => Some(format!("answered {status}: {}", self.said)),
            (_, None) => Some(self.said.clone()),
        }
    }
}

/// Signs a message and posts it.
///
/// # Errors
/// [`Failure`] when it cannot be signed.
pub(super) async fn post(
    app: &App,
    webhook: &Webhook,
    message: &Message,
) -> Result<Posted, Failure> {
    let (body, now) = (message.body(), app.now());
    let signatures = message::signatures(app, webhook, ((&message.id, now), &body))?;
    let timestamp = now.0.to_string();
    let headers = [
        ("webhook-id", message.id.as_str()),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signatures),
    ];
    let began = Instant::now();
    let answer = app.outbound.post_hook(&webhook.url, (&headers, body)).await;
    let took = began.elapsed();
    Ok(match answer {
        Ok((status, text)) => {
            let said = readable(&text);
            let attempt = match status {
                200..=299 => Attempt::Arrived,
                _ => Attempt::Failed(format!("answered {status}")),
            };
            Posted { status: Some(status), took, said, attempt }
        }
        Err(error) => {
            let said = format!("the endpoint {error}");
            let attempt = match error.fault {
                Fault::Busy => Attempt::Busy,
                Fault::Refused(_) => Attempt::Refused(said.clone()),
                _ => Attempt::Failed(said.clone()),
            };
            Posted { status: None, took, said, attempt }
        }
    })
}

/// The beginning of what an endpoint says, as one line that cannot pretend to be another.
fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown = text.chars().map(|c| if is_deceptive(c) { ' ' } else { c });
    shown.take(MOST_CHARS).collect::<String>().trim().to_owned()
}

/// Sends what the outbox holds for an endpoint.
///
/// # Errors
/// [`Failure`]; it is tried again.
pub(crate) async fn send(app: &App, delivery: &Delivery) -> Result<Attempt, Failure> {
    let webhook = match &delivery.client_id {
        Some(id) => store::by_id(&app.store.db, id.as_str()).await?,
        None => None,
    };
    let Some(webhook) = webhook.filter(|webhook| webhook.disabled_at.is_none()) else {
        deliveries::end(&app.store.db, &delivery.id, State::Dropped).await?;
        return Ok(Attempt::Obsolete);
    };
    let event = match delivery.payload.get("event").and_then(Value::as_str) {
        Some(id) => audit::by_id(&app.store.db, id).await?,
        None => None,
    };
    // Retention may be shorter than three days.
    let Some(event) = event else {
        deliveries::end(&app.store.db, &delivery.id, State::Dropped).await?;
        return Ok(Attempt::Obsolete);
    };
    let message = Message::of(&event);
    let posted = post(app, &webhook, &message).await?;
    if posted.attempt == Attempt::Busy {
        return Ok(Attempt::Busy);
    }
    let (id, created) = (delivery.id.as_str(), delivery.created_at);
    note(app, (&webhook, &message, id), (&posted, created)).await?;
    follow_up(app, &webhook, &posted).await?;
    Ok(posted.attempt)
}

/// Writes a try into the log.
pub(super) async fn note(
    app: &App,
    (webhook, message, id): (&Webhook, &Message, &str),
    (posted, created_at): (&Posted, UnixTime),
) -> Result<(), Failure> {
    let now = app.now();
    let state = match posted.attempt {
        Attempt::Arrived => State::Arrived,
        _ if message.kind == message::TEST => State::Failed,
        _ => State::Waiting,
    };
    let tried = Delivered {
        id: id.to_owned(),
        webhook_id: webhook.id.clone(),
        message_id: message.id.clone(),
        kind: message.kind.clone(),
        state,
        attempts: 1,
        status: posted.status.map(i64::from),
        duration_ms: i64::try_from(posted.took.as_millis()).unwrap_or(i64::MAX),
        problem: posted.problem(),
        created_at,
        last_at: now,
        expires_at: now.plus(LOG_KEPT),
    };
    Ok(deliveries::record(&app.store.db, &tried).await?)
}

/// Remembers since when nothing arrives, and switches an endpoint off that fails for days or says that
/// it is gone.
async fn follow_up(app: &App, webhook: &Webhook, posted: &Posted) -> Result<(), Failure> {
    let now = app.now();
    match (&posted.attempt, webhook.failing_since) {
        (Attempt::Arrived, None) => Ok(()),
        (Attempt::Arrived, Some(_)) => {
            Ok(store::set_failing(&app.store.db, &webhook.id, None).await?)
        }
        // Standard Webhooks: whoever answers 410 wants to hear no more.
        (_, _) if posted.status == Some(410) => switch_off(app, webhook, "it answered 410").await,
        (_, None) => Ok(store::set_failing(&app.store.db, &webhook.id, Some(now)).await?),
        (_, Some(since)) if now.since(since) >= MOST_FAILING => {
            switch_off(app, webhook, "no message has arrived for three days").await
        }
        (_, Some(_)) => Ok(()),
    }
}

async fn switch_off(app: &App, webhook: &Webhook, reason: &'static str) -> Result<(), Failure> {
    let mut tx = app.store.begin().await?;
    if !store::disable(&mut tx, &webhook.id, app.now()).await? {
        return Ok(());
    }
    let event = about("webhook.disabled", &Actor::System, (app, webhook)).detail("reason", reason);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    let host = host_of(&webhook.url);
    tracing::warn!(webhook = webhook.name, host, reason, "a webhook was switched off");
    Ok(())
}

/// Notes that a message was given up. There is no event of its own: it would be a message to the same
/// endpoint.
pub(crate) async fn give_up(tx: &mut Tx, delivery: &Delivery) -> Result<(), Failure> {
    Ok(deliveries::end(tx, &delivery.id, State::Failed).await?)
}

/// The delivery of an event to an endpoint, for the outbox, once more.
pub(super) fn again((webhook, delivered): (&Webhook, &Delivered), now: UnixTime) -> Delivery {
    Delivery {
        id: delivered.id.clone(),
        kind: KIND.to_owned(),
        client_id: Some(ClientId::new(webhook.id.as_str())),
        payload: serde_json::json!({ "event": delivered.message_id }),
        due_at: now,
        attempts: 0,
        created_at: now,
        expires_at: now.plus(MOST_FAILING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_short_line() {
        assert_eq!(readable(b"  thank\r\n\x1byou \xff "), "thank   you \u{fffd}");
        assert_eq!(readable(&[b'a'; 1_000]).len(), MOST_CHARS);
    }
}
