//! `/api/v1/clients/{client_id}/preview`: what an app would be told of somebody.

use super::call::Call;
use super::clients::named;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::apps::{PreviewView, PreviewWish};
use crate::protocol::scope::Scopes;
use crate::service::token::preview;

pub(super) async fn show(call: &Call<'_>) -> Answer {
    let wish: PreviewWish = sent::parsed(&call.body)?;
    let client = named(call).await?;
    let scopes = match &wish.scope {
        None => preview::usual(&client),
        Some(asked) => {
            if let Some(other) = asked.iter().find(|name| !client.metadata.scope.contains(name)) {
                let name: String = other.chars().take(60).collect();
                return Err(Fault::field("scope", format!("the app may not ask for {name:?}")));
            }
            Scopes::from_tokens(asked.iter().map(String::as_str))
        }
    };
    let what = (&client, &scopes);
    let found = Box::pin(preview::preview(call.site, what, wish.user.trim(), call.actor())).await?;
    Reply::shown(PreviewView::from(found))
}
