//! `/api/v1/clients/{id}/logo` and `/api/v1/branding/{id}`: logos. They are looked at where pages have
//! them; here they are put and removed.

use super::call::Call;
use super::clients;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use crate::protocol::branding::LogoKind;
use crate::service::pictures;
use crate::store::pictures::Owner;

/// The app in the path.
async fn of_app(call: &Call<'_>) -> Result<Owner, Fault> {
    let client = clients::named(call).await?;
    clients::within_own_scopes(call, &client.metadata)?;
    Ok(Owner::Client(client.id))
}

/// The logo of the installation in the path.
fn of_brand(call: &Call<'_>) -> Result<Owner, Fault> {
    let kind = LogoKind::from_name(&call.id).ok_or_else(|| Fault::not_found("logo"))?;
    Ok(Owner::Brand(kind))
}

pub(super) async fn put_app(call: &Call<'_>) -> Answer {
    put(call, &of_app(call).await?).await
}

pub(super) async fn remove_app(call: &Call<'_>) -> Answer {
    remove(call, &of_app(call).await?).await
}

pub(super) async fn put_brand(call: &Call<'_>) -> Answer {
    put(call, &of_brand(call)?).await
}

pub(super) async fn remove_brand(call: &Call<'_>) -> Answer {
    remove(call, &of_brand(call)?).await
}

async fn put(call: &Call<'_>, owner: &Owner) -> Answer {
    pictures::set(call.site, owner, call.picture.clone(), call.actor()).await?;
    Reply::done()
}

async fn remove(call: &Call<'_>, owner: &Owner) -> Answer {
    pictures::remove(call.site, owner, call.actor()).await?;
    Reply::done()
}
