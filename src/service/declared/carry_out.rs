//! The changes of a plan in their order, those of people many at once and every other one through its use case:
//! the same rules and the same audit events as single commands.

use std::collections::VecDeque;

use super::plan::{Change, Work};
use super::{DeclaredError, groups, organisations, several};
use crate::app::App;
use crate::crypto::secret::Secret;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::people::edits::{self, Kept};
use crate::service::revocation::Spread;
use crate::service::{clients, people, trusted_issuers, webhooks};
use crate::store::managed::{self, Declared};

/// What is told of a change that is done.
pub struct News<'a> {
    /// Of a group, an organisation, a webhook or an issuer, a user name, a client id or a slug.
    pub name: &'a str,
    pub what: Declared,
    /// A secret that was made for it, which nobody hears again.
    pub secret: Option<&'a Secret>,
}

/// Carries out changes and tells of each that is done. What was made is marked as made from a file.
///
/// # Errors
/// [`DeclaredError`] of the first that could not be; those before it stay. Planning again finds what is left.
pub async fn carry_out(
    app: &App,
    changes: Vec<Change>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), DeclaredError> {
    let mut spread = Spread::default();
    let outcome = Box::pin(all(app, changes.into(), (tell, &mut spread))).await;
    // Once for everybody: nothing of it is acknowledged before.
    spread.outlive_copies().await;
    outcome
}

async fn all(
    app: &App,
    mut changes: VecDeque<Change>,
    (tell, spread): (&mut dyn FnMut(News<'_>), &mut Spread),
) -> Result<(), DeclaredError> {
    loop {
        let (count, revoked) = Box::pin(several::carry_out(app, &changes)).await?;
        *spread = revoked.or(*spread);
        for change in changes.drain(..count) {
            tell(News { name: &change.name, what: change.what, secret: None });
        }
        if count == 0 {
            let Some(change) = changes.pop_front() else { return Ok(()) };
            Box::pin(by_itself(app, change, (&mut *tell, &mut *spread))).await?;
        }
    }
}

async fn by_itself(
    app: &App,
    change: Change,
    (tell, spread): (&mut dyn FnMut(News<'_>), &mut Spread),
) -> Result<(), DeclaredError> {
    let (entry, what, name) = (change.entry(), change.what, change.name);
    let is_made = matches!(
        change.work,
        Work::CreateGroup(..)
            | Work::CreateOrganisation(..)
            | Work::CreateUser(..)
            | Work::CreateClient(..)
            | Work::CreateWebhook(..)
            | Work::CreateIssuer(..)
            | Work::CreateUpstream(..)
    );
    let secret = Box::pin(one(app, (&entry, &name), (change.work, spread))).await?;
    // Before anything else can go wrong: a secret is told nowhere else.
    tell(News { name: &name, what, secret: secret.as_ref() });
    if is_made {
        managed::mark(&app.store.db, what, &name).await?;
    }
    Ok(())
}

/// One change; the secret that was made for it, if one was. What it revokes of somebody is to be waited for
/// before it is acknowledged.
async fn one(
    app: &App,
    (entry, name): (&str, &str),
    (work, spread): (Work, &mut Spread),
) -> Result<Option<Secret>, DeclaredError> {
    match work {
        Work::CreateGroup(..)
        | Work::UpdateGroup(..)
        | Work::DeleteGroup
        | Work::SetManagers(..) => {
            groups::carry_out(app, (entry, name), work).await?;
        }
        Work::CreateOrganisation(..) | Work::UpdateOrganisation(..) | Work::DeleteOrganisation => {
            organisations::carry_out(app, (entry, name), work).await?;
        }
        Work::SetOrganisations(wanted, _) => {
            organisations::set_members(app, (entry, name), &wanted).await?;
        }
        Work::CreateUser(..) | Work::UpdateUser(..) | Work::DeleteUser(..) => {
            *spread = person(app, entry, work).await?.or(*spread);
        }
        Work::CreateClient(..)
        | Work::UpdateClient(..)
        | Work::DeleteClient
        | Work::SetRoles(..) => client(app, (entry, name), work).await?,
        Work::CreateWebhook(..) | Work::UpdateWebhook(..) | Work::DeleteWebhook => {
            return webhook(app, (entry, name), work).await;
        }
        Work::CreateIssuer(..) | Work::UpdateIssuer(..) | Work::DeleteIssuer => {
            issuer(app, (entry, name), work).await?;
        }
        Work::CreateUpstream(..) | Work::UpdateUpstream(..) | Work::DeleteUpstream => {
            super::upstream::carry_out(app, (entry, name), work).await?;
        }
    }
    Ok(None)
}

/// A change of somebody; what it revokes is to be waited for before it is acknowledged.
async fn person(app: &App, entry: &str, work: Work) -> Result<Spread, DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_people = |error| DeclaredError::of_people(entry, error);
    let (id, activity) = match work {
        Work::CreateUser(new, activity) => {
            (people::create(app, *new, actor).await.map_err(of_people)?.id, activity)
        }
        Work::UpdateUser(id, edit, activity) => {
            if let Some(edit) = edit {
                let edited = edits::adjust(app, (&id, Kept::Yes), *edit, actor).await;
                edited.map_err(of_people)?;
            }
            (id, activity)
        }
        Work::DeleteUser(id) => {
            // Somebody may have been given a right since the plan was made.
            super::people::may_go(app, &people::find(app, id.as_str()).await.map_err(of_people)?)
                .await?;
            // Whoever was left out by mistake can be brought back.
            let later = people::deletion::schedule(app, &id, actor).await;
            return later.map(|(_, spread)| spread).map_err(of_people);
        }
        _ => return Ok(Spread::default()),
    };
    match activity {
        Some(activity) => {
            people::spread_activity(app, &id, activity, actor).await.map_err(of_people)
        }
        None => Ok(Spread::default()),
    }
}

async fn client(app: &App, (entry, name): (&str, &str), work: Work) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_clients = |error| DeclaredError::of_clients(entry, error);
    let id = ClientId::new(name);
    let activity = match work {
        Work::CreateClient(new, activity) => {
            clients::create(app, *new, actor).await.map_err(of_clients)?;
            activity
        }
        Work::UpdateClient(metadata, secret, activity) => {
            if let Some(metadata) = metadata {
                clients::update(app, &id, *metadata, actor).await.map_err(of_clients)?;
            }
            if let Some(secret) = secret {
                let rotated = clients::rotate_secret(app, &id, Some(secret), actor).await;
                rotated.map_err(of_clients)?;
            }
            activity
        }
        Work::SetRoles(roles) => return super::roles::carry_out(app, (entry, &id), roles).await,
        _ => return clients::delete(app, &id, actor).await.map_err(of_clients),
    };
    if let Some(activity) = activity {
        clients::set_activity(app, &id, activity, actor).await.map_err(of_clients)?;
    }
    Ok(())
}

async fn webhook(
    app: &App,
    (entry, name): (&str, &str),
    work: Work,
) -> Result<Option<Secret>, DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_webhooks = |error| DeclaredError::of_webhooks(entry, error);
    let (id, activity, secret) = match work {
        Work::CreateWebhook(settings, activity) => {
            let made = webhooks::create(app, settings, actor).await.map_err(of_webhooks)?;
            (made.0.id, activity, Some(made.1))
        }
        Work::UpdateWebhook(id, settings, activity) => {
            if let Some(settings) = settings {
                webhooks::update(app, &id, (settings, actor)).await.map_err(of_webhooks)?;
            }
            (id, activity, None)
        }
        _ => {
            let webhook = webhooks::get(app, name).await.map_err(of_webhooks)?;
            webhooks::delete(app, &webhook.id, actor).await.map_err(of_webhooks)?;
            return Ok(None);
        }
    };
    if let Some(activity) = activity {
        webhooks::set_activity(app, &id, (activity, actor)).await.map_err(of_webhooks)?;
    }
    Ok(secret)
}

async fn issuer(app: &App, (entry, name): (&str, &str), work: Work) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_issuers = |error| DeclaredError::of_issuers(entry, error);
    let activity: Option<Activity> = match work {
        Work::CreateIssuer(issuer, activity) => {
            trusted_issuers::create(app, *issuer, actor).await.map_err(of_issuers)?;
            activity
        }
        Work::UpdateIssuer(issuer, activity) => {
            if let Some(issuer) = issuer {
                trusted_issuers::update(app, *issuer, actor).await.map_err(of_issuers)?;
            }
            activity
        }
        _ => {
            trusted_issuers::delete(app, name, actor).await.map_err(of_issuers)?;
            None
        }
    };
    if let Some(activity) = activity {
        let switched = trusted_issuers::set_activity(app, name, activity, actor).await;
        switched.map_err(of_issuers)?;
    }
    Ok(())
}
