//! The changes of a plan, one after the other, each through its use case: the same rules and the same audit
//! events as single commands.

use super::DeclaredError;
use super::plan::{Change, Work};
use crate::app::App;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::{clients, people};
use crate::store::managed;

/// Carries out changes and tells of each that is done. What was made is marked as made from a file.
///
/// # Errors
/// [`DeclaredError`] of the first that could not be; those before it stay. Planning again finds what is left.
pub async fn carry_out(
    app: &App,
    changes: Vec<Change>,
    tell: &mut dyn FnMut(&str),
) -> Result<(), DeclaredError> {
    for change in changes {
        let (entry, what, name) = (change.entry(), change.what, change.name);
        let is_made = matches!(
            change.work,
            Work::CreateGroup | Work::CreateUser(..) | Work::CreateClient(..)
        );
        Box::pin(one(app, (&entry, &name), change.work)).await?;
        if is_made {
            managed::mark(&app.store.db, what, &name).await?;
        }
        tell(&entry);
    }
    Ok(())
}

async fn one(app: &App, (entry, name): (&str, &str), work: Work) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_people = |error| DeclaredError::of_people(entry, error);
    let of_groups = |error| DeclaredError::of_groups(entry, error);
    let of_clients = |error| DeclaredError::of_clients(entry, error);
    let id = ClientId::new(name);
    match work {
        Work::CreateGroup => {
            people::groups::create(app, (name, ""), actor).await.map_err(of_groups)?;
        }
        Work::DeleteGroup => {
            people::groups::delete(app, name, actor).await.map_err(of_groups)?;
        }
        Work::CreateUser(new, activity) => {
            let user = people::create(app, *new, actor).await.map_err(of_people)?;
            if let Some(activity) = activity {
                people::set_activity(app, &user.id, activity, actor).await.map_err(of_people)?;
            }
        }
        Work::UpdateUser(id, edit, activity) => {
            if let Some(edit) = edit {
                people::update(app, &id, *edit, actor).await.map_err(of_people)?;
            }
            if let Some(activity) = activity {
                people::set_activity(app, &id, activity, actor).await.map_err(of_people)?;
            }
        }
        Work::DeleteUser(id) => people::delete(app, &id, actor).await.map_err(of_people)?,
        Work::CreateClient(new, activity) => {
            clients::create(app, *new, actor).await.map_err(of_clients)?;
            if let Some(activity) = activity {
                clients::set_activity(app, &id, activity, actor).await.map_err(of_clients)?;
            }
        }
        Work::UpdateClient(metadata, secret, activity) => {
            if let Some(metadata) = metadata {
                clients::update(app, &id, *metadata, actor).await.map_err(of_clients)?;
            }
            if let Some(secret) = secret {
                let rotated = clients::rotate_secret(app, &id, Some(secret), actor).await;
                rotated.map_err(of_clients)?;
            }
            if let Some(activity) = activity {
                clients::set_activity(app, &id, activity, actor).await.map_err(of_clients)?;
            }
        }
        Work::SetRoles(roles) => super::roles::carry_out(app, (entry, &id), roles).await?,
        Work::DeleteClient => clients::delete(app, &id, actor).await.map_err(of_clients)?,
    }
    Ok(())
}
