//! `/api/v1/upstream-providers`: providers elsewhere at which people of ours have an account.

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply, as_json};
use super::sent;
use super::views::upstream::{
    Examination, NewUpstreamProvider, PersonPreview, SampleClaims, UpstreamChanges, UpstreamState,
    UpstreamView,
};
use crate::protocol::session_data::merge_patch;
use crate::service::clients::Activity;
use crate::service::upstream::{self, UpstreamProvider, preview};

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let found = upstream::all(call.site).await?;
    let rows = found.iter().map(|provider| (UpstreamView::from(provider), provider.id.clone()));
    call.page(rows.collect(), i64::MAX)
}

/// The provider in the path, by id or short name.
async fn named(call: &Call<'_>) -> Result<UpstreamProvider, Fault> {
    Ok(upstream::get(call.site, &call.id).await?)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewUpstreamProvider = sent::parsed(&call.body)?;
    let made = upstream::create(call.site, new.into(), call.actor()).await?;
    let location = call.address(&["upstream-providers", &made.id]);
    Ok(Reply::created(UpstreamView::from(&made), location)?.tagged())
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(UpstreamView::from(&named(call).await?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let before = named(call).await?;
    call.made_from(UpstreamView::from(&before))?;
    // Read for itself first, so that what does not exist is refused by name.
    let _: UpstreamChanges = sent::parsed(&call.body)?;
    if call.body.get("client_secret").is_some_and(Value::is_null) {
        return Err(Fault::field("client_secret", "a provider has one; null takes it away"));
    }
    let text = as_json(UpstreamState::from(&before))?;
    let after: UpstreamState = sent::parsed(&merge_patch::merged(Some(text), &call.body))?;
    let changed = upstream::update_if(call.site, &before, (after.into(), call.actor())).await?;
    let changed = changed.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(UpstreamView::from(&changed))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let provider = named(call).await?;
    let is_said = call.made_from_if_said(UpstreamView::from(&provider))?;
    if is_said {
        let deleted = upstream::delete_if(call.site, &provider, call.actor()).await?;
        deleted.ok_or_else(Fault::changed)?;
    } else {
        upstream::delete(call.site, &provider.id, call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn set_activity(call: &Call<'_>, activity: Activity) -> Answer {
    upstream::set_activity(call.site, &call.id, (activity, call.actor())).await?;
    Reply::done()
}

pub(super) async fn test(call: &Call<'_>) -> Answer {
    let (_, checks) = upstream::test(call.site, &call.id, call.actor()).await?;
    Reply::shown(Examination::from(checks))
}

/// What somebody would look like who came with the claims in the body.
pub(super) async fn show_person(call: &Call<'_>) -> Answer {
    let provider = named(call).await?;
    let SampleClaims(claims) = sent::parsed(&call.body)?;
    Reply::shown(PersonPreview::from(preview::of_claims(&provider.settings, &claims)))
}
