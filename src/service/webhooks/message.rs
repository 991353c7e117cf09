//! A message: its body, and the headers that prove where it comes from.

use serde_json::{Value, json};

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::seal::Purpose;
use crate::crypto::webhook::WebhookSecret;
use crate::service::failure::Failure;
use crate::store::audit::AuditEvent;
use crate::store::webhooks::Webhook;

/// `type` of a test.
pub(super) const TEST: &str = "webhook.test";

/// What is sent, the same at each try.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// `webhook-id`: the same at each try and for each endpoint, so that a receiver knows a repetition.
    pub id: String,
    pub kind: String,
    body: Value,
}

impl Message {
    /// An event of the audit log, which never holds a secret. What is not known is left out.
    pub(super) fn of(event: &AuditEvent) -> Self {
        let facts = [
            ("actor", event.actor.as_deref()),
            ("user_id", event.user_id.as_deref()),
            ("client_id", event.client_id.as_deref()),
            ("session_id", event.session_id.as_deref()),
            ("address", event.address.as_deref()),
            ("request_id", event.request_id.as_deref()),
        ];
        let mut data = json!({ "result": event.outcome.as_str(), "detail": event.detail });
        if let Some(members) = data.as_object_mut() {
            let known = facts.into_iter().filter_map(|(name, fact)| Some((name, fact?)));
            members.extend(known.map(|(name, fact)| (name.to_owned(), Value::from(fact))));
        }
        Self::new((event.id.clone(), &event.kind), event.at, &data)
    }

    /// A message that speaks of nothing.
    pub(super) fn test(id: String, (webhook, now): (&Webhook, UnixTime)) -> Self {
        Self::new((id, TEST), now, &json!({ "webhook": webhook.name }))
    }

    fn new((id, kind): (String, &str), at: UnixTime, data: &Value) -> Self {
        let body = json!({ "type": kind, "timestamp": at.rfc3339(), "data": data });
        Self { id, kind: kind.to_owned(), body }
    }

    /// The bytes that are signed and sent.
    pub(super) fn body(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }
}

/// The value of `webhook-signature`: one signature, or two while a secret is being replaced.
///
/// # Errors
/// [`Failure::Internal`] when the secret does not open: it was sealed under another master key.
pub(super) fn signatures(
    app: &App,
    webhook: &Webhook,
    ((id, now), body): ((&str, UnixTime), &[u8]),
) -> Result<String, Failure> {
    let previous = webhook.previous.as_ref().filter(|(_, until)| now < *until);
    let sealed = std::iter::once(&webhook.secret).chain(previous.map(|(sealed, _)| sealed));
    let signed = sealed.map(|sealed| {
        let text = app.sealer.open(Purpose::WebhookSecret, sealed);
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        let secret = text.as_deref().and_then(WebhookSecret::from_text);
        secret.map(|secret| secret.sign((id, now.0), body))
    });
    let signed: Option<Vec<_>> = signed.collect();
    let signed = signed.ok_or_else(|| {
        Failure::Internal(format!("the secret of webhook {} cannot be read", webhook.id))
    })?;
    Ok(signed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::Outcome;

    #[test]
    fn a_message_says_what_is_known_and_nothing_else() {
        let event = AuditEvent {
            id: "e1".into(),
            at: UnixTime(1_763_700_000),
            kind: "user.created".into(),
            outcome: Outcome::Success,
            actor: Some("command-line".into()),
            user_id: Some("u1".into()),
            client_id: None,
            session_id: None,
            address: None,
            request_id: None,
            detail: json!({ "username": "alice" }),
            seal: None,
        };
        let message = Message::of(&event);
        let expected = json!({
            "type": "user.created", "timestamp": "2025-11-21T04:40:00Z",
            "data": { "result": "success", "actor": "command-line", "user_id": "u1",
                      "detail": { "username": "alice" } },
        });
        let sent: Value = serde_json::from_slice(&message.body()).unwrap();
        assert_eq!((message.id.as_str(), sent), ("e1", expected));
    }
}
