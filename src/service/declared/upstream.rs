//! Upstream providers as a file declares them: their export, and what has to change. The secret of one is in
//! a file of its own, as that of an app is.

use serde_json::{Value, json};

use super::DeclaredError;
use super::plan::{Action, Change, Secrets, Work, activity};
use super::state::UpstreamState;
use crate::app::App;
use crate::crypto::secret::Secret;
use crate::protocol::upstream::UpstreamProblem;
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::failure::Failure;
use crate::service::upstream::{
    self, NewUpstream, UpstreamChange, UpstreamError, UpstreamProvider,
};
use crate::store::managed::Declared;

/// Every provider, by slug.
pub(super) async fn here(app: &App) -> Result<Vec<UpstreamState>, Failure> {
    let all = upstream::all(app).await?.into_iter().map(|provider| UpstreamState {
        slug: provider.slug,
        kind: provider.kind,
        issuer: provider.issuer,
        display_name: provider.display_name,
        client_id: provider.client_id,
        disabled: Some(provider.disabled_at.is_some()),
        secret_file: None,
        settings: provider.settings,
    });
    Ok(all.collect())
}

/// What has to change for a provider to be as the file says.
pub(super) async fn plan(
    app: &App,
    entry: &str,
    (state, secrets): (&UpstreamState, Secrets<'_>),
) -> Result<Option<Change>, DeclaredError> {
    let secret = state.secret_file.as_deref().map(secrets).transpose();
    let secret = secret.map_err(|problem| DeclaredError::entry(entry, problem))?;
    let secret = secret.map(Secret::from_text);
    match upstream::get(app, &state.slug).await {
        Ok(before) => changed(app, (entry, &before), (state, secret)),
        Err(UpstreamError::NotFound) => made(app, entry, (state, secret)).map(Some),
        Err(error) => Err(DeclaredError::of_upstream(entry, error)),
    }
}

fn refuse_if(entry: &str, problems: Vec<UpstreamProblem>) -> Result<(), DeclaredError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(DeclaredError::of_upstream(entry, UpstreamError::Invalid(problems)))
}

fn made(
    app: &App,
    entry: &str,
    (state, secret): (&UpstreamState, Option<Secret>),
) -> Result<Change, DeclaredError> {
    let Some(secret) = secret else {
        return Err(DeclaredError::entry(entry, "needs a secret: name a secret_file"));
    };
    let new = NewUpstream {
        slug: state.slug.clone(),
        kind: state.kind,
        issuer: state.issuer.clone(),
        display_name: state.display_name.clone(),
        client_id: state.client_id.clone(),
        settings: state.settings.clone(),
        secret,
    };
    refuse_if(entry, upstream::problems(app, &new))?;
    let activity = (state.disabled == Some(true)).then_some(Activity::Disabled);
    let work = Work::CreateUpstream(Box::new(new), activity);
    let (what, name) = (Declared::Upstream, state.slug.clone());
    Ok(Change { what, name, action: Action::Create, fields: Vec::new(), work })
}

fn changed(
    app: &App,
    (entry, before): (&str, &UpstreamProvider),
    (state, secret): (&UpstreamState, Option<Secret>),
) -> Result<Option<Change>, DeclaredError> {
    if (before.slug.as_str(), before.kind) != (state.slug.as_str(), state.kind)
        || before.issuer != state.issuer
    {
        let problem = "has another issuer or kind here, and those stay the same: delete it first, or choose \
                       another slug";
        return Err(DeclaredError::entry(entry, problem));
    }
    let secret = secret.filter(|secret| !upstream::has_secret(app, before, secret));
    let wanted = UpstreamChange {
        display_name: state.display_name.clone(),
        client_id: state.client_id.clone(),
        settings: state.settings.clone(),
        secret,
    };
    refuse_if(entry, upstream::change_problems(app, (before, &wanted)))?;
    let mut fields = Vec::new();
    let mut differs = |name: &str, before: Value, after: Value| {
        if before != after {
            fields.push((name.to_owned(), before, after));
        }
    };
    differs("display_name", json!(before.display_name), json!(wanted.display_name));
    differs("client_id", json!(before.client_id), json!(wanted.client_id));
    differs("settings", json!(before.settings), json!(wanted.settings));
    if wanted.secret.is_some() {
        fields.push(("secret".to_owned(), Value::Null, Value::Null));
    }
    let change = (!fields.is_empty()).then(|| Box::new(wanted));
    let activity = activity(before.disabled_at.is_some(), state.disabled, &mut fields);
    let work = Work::UpdateUpstream(change, activity);
    let (what, name) = (Declared::Upstream, before.slug.clone());
    let change = Change { what, name, action: Action::Update, fields, work };
    Ok(Some(change).filter(|change| !change.fields.is_empty()))
}

/// Makes, changes or deletes a provider by its use case.
pub(super) async fn carry_out(
    app: &App,
    (entry, slug): (&str, &str),
    work: Work,
) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_upstream = |error| DeclaredError::of_upstream(entry, error);
    let activity = match work {
        Work::CreateUpstream(new, activity) => {
            upstream::create(app, *new, actor).await.map_err(of_upstream)?;
            activity
        }
        Work::UpdateUpstream(change, activity) => {
            if let Some(change) = change {
                upstream::update(app, slug, (*change, actor)).await.map_err(of_upstream)?;
            }
            activity
        }
        _ => return upstream::delete(app, slug, actor).await.map(drop).map_err(of_upstream),
    };
    if let Some(activity) = activity {
        upstream::set_activity(app, slug, (activity, actor)).await.map_err(of_upstream)?;
    }
    Ok(())
}
