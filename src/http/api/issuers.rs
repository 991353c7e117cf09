//! `/api/v1/issuers`: issuers outside whose tokens count here.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply, as_json};
use super::sent;
use super::views::outside::{IssuerChange, IssuerView, NewIssuer};
use crate::protocol::session_data::merge_patch;
use crate::protocol::token::trusted_issuer::TrustedIssuer;
use crate::service::clients::Activity;
use crate::service::trusted_issuers;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let found = trusted_issuers::all(call.site).await?;
    let row = |issuer: TrustedIssuer| {
        let place = issuer.name.clone();
        (IssuerView::from(issuer), place)
    };
    call.page(found.into_iter().map(row).collect(), i64::MAX)
}

/// The issuer in the path.
async fn named(call: &Call<'_>) -> Result<TrustedIssuer, Fault> {
    Ok(trusted_issuers::get(call.site, &call.id).await?)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewIssuer = sent::parsed(&call.body)?;
    let made = trusted_issuers::create(call.site, new.into(), call.actor()).await?;
    let location = call.address(&["issuers", &made.name]);
    Ok(Reply::created(IssuerView::from(made), location)?.tagged())
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(IssuerView::from(named(call).await?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let before = named(call).await?;
    call.made_from(IssuerView::from(before.clone()))?;
    // Read for itself first, so that what does not exist is refused by name.
    let _: IssuerChange = sent::parsed(&call.body)?;
    let text = as_json(NewIssuer::from(before.clone()))?;
    let after: NewIssuer = sent::parsed(&merge_patch::merged(Some(text), &call.body))?;
    let changed =
        trusted_issuers::update_if(call.site, &before, after.into(), call.actor()).await?;
    let changed = changed.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(IssuerView::from(changed))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let issuer = named(call).await?;
    let is_said = call.made_from_if_said(IssuerView::from(issuer.clone()))?;
    if is_said {
        let deleted = trusted_issuers::delete_if(call.site, &issuer, call.actor()).await?;
        deleted.ok_or_else(Fault::changed)?;
    } else {
        trusted_issuers::delete(call.site, &issuer.name, call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn set_activity(call: &Call<'_>, activity: Activity) -> Answer {
    trusted_issuers::set_activity(call.site, &call.id, activity, call.actor()).await?;
    Reply::done()
}
