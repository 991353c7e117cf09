//! The file for what is there: applied again it changes nothing.

use std::collections::HashSet;

use super::state::{ClientState, State, UserState};
use super::{endpoints, groups, organisations, upstream};
use crate::app::App;
use crate::protocol::client::ClientOrigin;
use crate::service::failure::Failure;
use crate::service::{clients, people};
use crate::store::clients::ClientFilter;
use crate::store::order::Order;
use crate::store::users::{self, UserFilter};

/// Rows read at once.
const PAGE: i64 = 500;

/// Every group, every organisation, every person, every app that an administrator has made, every webhook, every
/// trusted issuer and every upstream provider. Passwords and secrets are not part of it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn export(app: &App) -> Result<State, Failure> {
    Ok(State {
        groups: groups::here(app).await?,
        organisations: organisations::here(app).await?,
        users: people(app).await?,
        clients: apps(app).await?,
        webhooks: endpoints::webhooks_here(app).await?,
        issuers: endpoints::issuers_here(app).await?,
        upstream_providers: upstream::here(app).await?,
    })
}

async fn people(app: &App) -> Result<Vec<UserState>, Failure> {
    let mut found: Vec<UserState> = Vec::new();
    loop {
        let after = found.last().map(|user| user.username.clone());
        let order = Order::after(after.clone());
        let filter = UserFilter { order, limit: PAGE, ..UserFilter::default() };
        let page = people::search(app, &filter).await?;
        let Some(last) = page.last() else { return Ok(found) };
        let span = (after.as_deref().unwrap_or_default(), last.username.as_str());
        let claimed = users::claimants_between(&app.store.db, span).await?;
        let claimed: HashSet<_> = claimed.into_iter().collect();
        let mut memberships = organisations::of_people(app, span).await?;
        found.extend(page.into_iter().map(|user| {
            // An address that somebody only claims must not become one that they own.
            let email = user.email.filter(|_| !claimed.contains(&user.id));
            UserState {
                // Nothing is said of an address that is not named.
                email_verified: email.is_some().then_some(user.email_verified),
                email,
                organisations: Some(memberships.remove(user.id.as_str()).unwrap_or_default()),
                username: user.username,
                name: user.name,
                groups: Some(user.groups),
                disabled: Some(user.disabled_at.is_some()),
                password_file: None,
            }
        }));
    }
}

async fn apps(app: &App) -> Result<Vec<ClientState>, Failure> {
    let (mut found, mut order) = (Vec::new(), Order::default());
    loop {
        let filter = ClientFilter { order, limit: PAGE, ..ClientFilter::default() };
        let page = clients::search(app, &filter).await?;
        let Some(last) = page.last() else { return Ok(found) };
        order = Order::after(Some(last.id.to_string()));
        for client in page.iter().filter(|client| client.origin == ClientOrigin::Manual) {
            found.push(ClientState {
                client_id: client.id.to_string(),
                disabled: Some(client.disabled_at.is_some()),
                secret_file: None,
                metadata: ClientState::told(&client.metadata)?,
                roles: Some(super::roles::of_app(app, &client.id).await?)
                    .filter(|roles| !roles.is_empty()),
            });
        }
    }
}
