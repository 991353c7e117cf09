//! `/api/v1/api-keys`: with which administrators' programs come here. A key makes no key: whoever has found
//! one could outlive its revocation with another one.

use super::call::Call;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::ApiKeyView;
use crate::service::api::keys;
use crate::service::{figures, people};
use crate::store::api::keys::ApiKey;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, sent::cursor(&call.query)?);
    let user = match call.query.sole("user") {
        None => None,
        Some(text) => Some(people::find(call.site, text).await?.id),
    };
    let found = keys::list(call.site, (user.as_ref(), after.as_deref()), limit + 1).await?;
    let owners: Vec<_> = found.iter().map(|key| key.user_id.clone()).collect();
    let names = figures::usernames(call.site, &owners).await?;
    let now = call.site.now();
    let row = |key: ApiKey| {
        let (place, username) = (key.id.clone(), names.get(&key.user_id).cloned());
        (ApiKeyView::of(key, username, now), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}

pub(super) async fn revoke(call: &Call<'_>) -> Answer {
    keys::revoke(call.site, (&call.id, None), call.actor()).await?;
    Reply::done()
}
