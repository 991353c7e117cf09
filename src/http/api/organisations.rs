//! `/api/v1/organisations`: organisations and who is in them.

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::UserView;
use super::views::organisations::{NewOrganisation, OrganisationChange, OrganisationView};
use crate::service::organisations::{self, OrganisationEdit, members};
use crate::service::people::groups::Membership;
use crate::store::organisations::{Organisation, OrganisationFilter};

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let filter = OrganisationFilter {
        search: call.query.sole("search").map(str::to_owned),
        after: sent::cursor(&call.query)?,
        limit: limit + 1,
    };
    let found = organisations::list(call.site, &filter).await?;
    let row = |organisation: Organisation| {
        let place = organisation.name.clone();
        (OrganisationView::from(organisation), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewOrganisation = sent::parsed(&call.body)?;
    let named = (new.name.as_str(), new.display_name.as_deref().unwrap_or_default());
    let made = organisations::create(call.site, named, call.actor()).await?;
    let location = call.address(&["organisations", made.id.as_str()]);
    Ok(Reply::created(OrganisationView::from(made), location)?.tagged())
}

pub(super) fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(OrganisationView::from(call.organisation()?.clone()))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let organisation = call.organisation()?;
    call.made_from(OrganisationView::from(organisation.clone()))?;
    let change: OrganisationChange = sent::parsed(&call.body)?;
    let is_null = |member: &str| call.body.get(member).is_some_and(Value::is_null);
    if is_null("name") {
        return Err(Fault::field("name", "an organisation has a name"));
    }
    let display_name = change.display_name.or_else(|| is_null("display_name").then(String::new));
    let edit = OrganisationEdit { name: change.name, display_name };
    let edited = organisations::update(call.site, organisation, edit, call.actor()).await?;
    Ok(Reply::shown(OrganisationView::from(edited))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let organisation = call.organisation()?;
    let is_said = call.made_from_if_said(OrganisationView::from(organisation.clone()))?;
    if is_said {
        organisations::delete_if(call.site, organisation, call.actor()).await?;
    } else {
        organisations::delete(call.site, organisation, call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn people(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let after = sent::cursor(&call.query)?;
    let which = (call.organisation()?, after.as_deref());
    let found = members::list(call.site, which, limit + 1).await?;
    let standing = &call.caller.standing;
    let rows = found.iter().map(|user| (UserView::of(user, standing), user.username.clone()));
    call.page(rows.collect(), limit)
}

pub(super) async fn member(call: &Call<'_>, membership: Membership) -> Answer {
    let who = (call.organisation()?, &call.person()?.id);
    match membership {
        Membership::In => members::add(call.site, who, call.actor()).await?,
        Membership::Out => members::remove(call.site, who, call.actor()).await?,
    }
    Reply::done()
}
