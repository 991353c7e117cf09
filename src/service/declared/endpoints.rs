//! Webhooks and trusted issuers as a file declares them: their export, and what has to change. The secret of
//! a webhook is in no file: one that is made gets a new one, which is told once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::DeclaredError;
use super::plan::{Action, Change, Work, activity};
use super::state::{IssuerState, WebhookState};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::token::trusted_issuer::{IssuerProblem, TrustedIssuer};
use crate::protocol::types::ClientId;
use crate::service::clients::{self, Activity};
use crate::service::failure::Failure;
use crate::service::trusted_issuers::{self, IssuerError};
use crate::service::webhooks::{self, WebhookSettings};
use crate::store::managed::Declared;

/// Every webhook, by name.
pub(super) async fn webhooks_here(app: &App) -> Result<Vec<WebhookState>, Failure> {
    let all = webhooks::all(app).await?.into_iter().map(|webhook| WebhookState {
        name: webhook.name,
        url: webhook.url,
        events: webhook.events,
        disabled: Some(webhook.disabled_at.is_some()),
    });
    Ok(all.collect())
}

/// Every trusted issuer that anybody believes, by name: one whose last app was deleted has no rule left, and a
/// file cannot say that.
pub(super) async fn issuers_here(app: &App) -> Result<Vec<IssuerState>, Failure> {
    let all = trusted_issuers::all(app).await?.into_iter();
    let all = all.filter(|issuer| !issuer.settings.rules.is_empty()).map(|issuer| IssuerState {
        name: issuer.name,
        issuer: issuer.issuer,
        disabled: Some(issuer.disabled_at.is_some()),
        settings: issuer.settings,
    });
    Ok(all.collect())
}

/// What has to change for a webhook to be as the file says.
pub(super) async fn plan_webhook(
    app: &App,
    entry: &str,
    state: &WebhookState,
) -> Result<Option<Change>, DeclaredError> {
    let wanted = WebhookSettings {
        name: state.name.clone(),
        url: state.url.clone(),
        events: state.events.clone(),
    };
    let wanted =
        webhooks::check(app, wanted).map_err(|error| DeclaredError::of_webhooks(entry, error))?;
    let before = webhooks::all(app).await?.into_iter().find(|webhook| webhook.name == state.name);
    let (what, name) = (Declared::Webhook, state.name.clone());
    let Some(before) = before else {
        let activity = (state.disabled == Some(true)).then_some(Activity::Disabled);
        let work = Work::CreateWebhook(wanted, activity);
        return Ok(Some(Change { what, name, action: Action::Create, fields: Vec::new(), work }));
    };
    let mut fields = Vec::new();
    // The address may hold a secret: only that it changes is told.
    if before.url != wanted.url {
        fields.push(("url".to_owned(), Value::Null, Value::Null));
    }
    if before.events != wanted.events {
        fields.push(("events".to_owned(), json!(before.events), json!(wanted.events)));
    }
    let settings = (!fields.is_empty()).then_some(wanted);
    let activity = activity(before.disabled_at.is_some(), state.disabled, &mut fields);
    let work = Work::UpdateWebhook(before.id, settings, activity);
    let change = Change { what, name, action: Action::Update, fields, work };
    Ok(Some(change).filter(|change| !change.fields.is_empty()))
}

/// What has to change for an issuer to be trusted as the file says; `made` are the apps that the file makes.
pub(super) async fn plan_issuer(
    app: &App,
    (entry, made): (&str, &BTreeSet<&str>),
    state: &IssuerState,
) -> Result<Option<Change>, DeclaredError> {
    let before = match trusted_issuers::get(app, &state.name).await {
        Ok(issuer) => Some(issuer),
        Err(IssuerError::NotFound) => None,
        Err(error) => return Err(DeclaredError::of_issuers(entry, error)),
    };
    let wanted = TrustedIssuer {
        name: state.name.clone(),
        issuer: state.issuer.clone(),
        settings: state.settings.clone(),
        // Both stay what they are.
        created_at: UnixTime(0),
        disabled_at: None,
    };
    check(app, (entry, made), &wanted).await?;
    let (what, name) = (Declared::Issuer, state.name.clone());
    let Some(before) = before else {
        let activity = (state.disabled == Some(true)).then_some(Activity::Disabled);
        let work = Work::CreateIssuer(Box::new(wanted), activity);
        return Ok(Some(Change { what, name, action: Action::Create, fields: Vec::new(), work }));
    };
    let mut fields = Vec::new();
    if before.issuer != wanted.issuer {
        fields.push(("issuer".to_owned(), json!(before.issuer), json!(wanted.issuer)));
    }
    if before.settings != wanted.settings {
        fields.push(("settings".to_owned(), json!(before.settings), json!(wanted.settings)));
    }
    let issuer = (!fields.is_empty()).then(|| Box::new(wanted));
    let activity = activity(before.disabled_at.is_some(), state.disabled, &mut fields);
    let work = Work::UpdateIssuer(issuer, activity);
    let change = Change { what, name, action: Action::Update, fields, work };
    Ok(Some(change).filter(|change| !change.fields.is_empty()))
}

async fn check(
    app: &App,
    (entry, made): (&str, &BTreeSet<&str>),
    issuer: &TrustedIssuer,
) -> Result<(), DeclaredError> {
    let mut problems = trusted_issuers::problems(app, issuer);
    for rule in &issuer.settings.rules {
        let id: &ClientId = &rule.client_id;
        let known = made.contains(id.as_str()) || clients::find(app, id).await?.is_some();
        if !known {
            let problem = format!("there is no client {id}");
            problems.push(IssuerProblem { field: "client_id", problem });
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(DeclaredError::of_issuers(entry, IssuerError::Invalid(problems)))
}
