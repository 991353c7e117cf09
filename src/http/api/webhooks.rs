//! `/api/v1/webhooks`: endpoints of others that are told what happens here.

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::outside::{
    DeliveryView, NewWebhook, Sight, TestResult, WebhookChange, WebhookView, WebhookWithSecret,
};
use crate::crypto::secret::Secret;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;
use crate::service::clients::Activity;
use crate::service::webhooks::{self, Webhook, WebhookError, WebhookSettings};
use crate::store::webhooks::deliveries::Delivered;

fn view(call: &Call<'_>, webhook: &Webhook) -> WebhookView {
    let changes = call.caller.has(ApiScope::WebhooksWrite) && call.caller.may(Right::WebhooksWrite);
    WebhookView::of(webhook, if changes { Sight::Everything } else { Sight::Host })
}

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let found = webhooks::all(call.site).await?;
    let rows = found.iter().map(|webhook| (view(call, webhook), webhook.id.clone()));
    call.page(rows.collect(), i64::MAX)
}

/// The webhook in the path, by id or name.
async fn named(call: &Call<'_>) -> Result<Webhook, Fault> {
    Ok(webhooks::get(call.site, &call.id).await?)
}

fn with_secret(call: &Call<'_>, (webhook, secret): &(Webhook, Secret)) -> WebhookWithSecret {
    WebhookWithSecret { webhook: view(call, webhook), secret: secret.expose().to_owned() }
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let NewWebhook { name, url, events } = sent::parsed(&call.body)?;
    let settings = WebhookSettings { name, url, events };
    let made = webhooks::create(call.site, settings, call.actor()).await?;
    let location = call.address(&["webhooks", &made.0.id]);
    Reply::created(with_secret(call, &made), location)
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(view(call, &named(call).await?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let before = named(call).await?;
    call.made_from(view(call, &before))?;
    let change: WebhookChange = sent::parsed(&call.body)?;
    for member in ["name", "url", "events"] {
        if call.body.get(member).is_some_and(Value::is_null) {
            return Err(Fault::field(
                member,
                format!("a webhook has {member}; null takes it away"),
            ));
        }
    }
    let settings = WebhookSettings {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        url: change.url.unwrap_or_else(|| before.url.clone()),
        events: change.events.unwrap_or_else(|| before.events.clone()),
    };
    let changed = webhooks::update_if(call.site, &before, (settings, call.actor())).await?;
    let changed = changed.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(view(call, &changed))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let webhook = named(call).await?;
    let is_said = call.made_from_if_said(view(call, &webhook))?;
    if is_said {
        let deleted = webhooks::delete_if(call.site, &webhook, call.actor()).await?;
        deleted.ok_or_else(Fault::changed)?;
    } else {
        webhooks::delete(call.site, &webhook.id, call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn set_activity(call: &Call<'_>, activity: Activity) -> Answer {
    let id = named(call).await?.id;
    webhooks::set_activity(call.site, &id, (activity, call.actor())).await?;
    Reply::done()
}

pub(super) async fn new_secret(call: &Call<'_>) -> Answer {
    let id = named(call).await?.id;
    let renewed = webhooks::rotate_secret(call.site, &id, call.actor()).await?;
    Reply::shown(with_secret(call, &renewed))
}

pub(super) async fn test(call: &Call<'_>) -> Answer {
    let id = named(call).await?.id;
    let (_, outcome) = webhooks::test(call.site, &id, call.actor()).await?;
    Reply::shown(TestResult::from(outcome))
}

pub(super) async fn repeat(call: &Call<'_>) -> Answer {
    let id = named(call).await?.id;
    let delivery = call.part("delivery")?;
    match webhooks::redeliver(call.site, (&id, &delivery), call.actor()).await {
        Err(WebhookError::NotFound) => Err(Fault::not_found("delivery")),
        other => {
            other?;
            Reply::done()
        }
    }
}

pub(super) async fn deliveries(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let after = sent::cursor(&call.query)?;
    let webhook = named(call).await?;
    let found = webhooks::log(call.site, &webhook, (after.as_deref(), limit + 1)).await?;
    let row = |line: Delivered| {
        let place = line.id.clone();
        (DeliveryView::from(line), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}
