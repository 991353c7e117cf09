//! A realm exported from Keycloak: its people with their passwords, its groups, its OpenID Connect apps and
//! their roles.
//! What has no place here is left out with the reason.
//!
//! | module | job |
//! |---|---|
//! | `app` | a client of the realm as an app |
//! | `person` | a user of the realm as a person |
//! | `realm` | the part of the export that is read |
//! | `roles` | the roles of its clients, and who has them |

mod app;
mod person;
mod realm;
mod roles;

use std::collections::BTreeSet;
use std::io::Read;

use crate::app::App;
use crate::service::audit::Actor;
use crate::service::clients::checks::{self, Author};
use crate::service::clients::{self, ClientError, NewClient};
use crate::service::people::groups::GroupError;
use crate::service::people::import::lines::{Line, LinesError};
use crate::service::people::import::{self, ImportError, Mode, Plan};
use crate::service::people::{self};
use crate::store::groups;
use crate::store::imports::ImportProgress;

pub use realm::Realm;

/// What is told while it goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// Of the people.
    People(import::News<'a>),
    /// A group, an app or a role was left out.
    LeftOut { entry: String, reason: String },
}

/// What became of a realm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub people: ImportProgress,
    pub groups: u64,
    pub clients: u64,
    /// Roles of apps.
    pub roles: u64,
    /// How often one was given to somebody, or to a group.
    pub given: u64,
    /// Groups, apps and roles that were there already.
    pub known: u64,
    /// Groups, apps and roles that were left out.
    pub left_out: u64,
}

impl Imported {
    /// Whether anything was added or changed.
    #[must_use]
    pub fn is_something(&self) -> bool {
        self.people.is_something()
            || [self.groups, self.clients, self.roles, self.given].iter().any(|count| *count > 0)
    }
}

/// Reads an export.
///
/// # Errors
/// Why it is none.
pub fn read(input: impl Read) -> Result<Realm, serde_json::Error> {
    serde_json::from_reader(input)
}

/// Adds what a realm has, groups first. What is there already stays as it is, people apart: of those the
/// plan says what happens.
///
/// # Errors
/// [`ImportError`]; what was added before stays. The same import again does the rest.
pub async fn run(
    app: &App,
    realm: Realm,
    (plan, imported): (&Plan, &mut Imported),
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), ImportError> {
    for name in realm.group_names() {
        add_group(app, (&name, plan.mode), imported, tell).await?;
    }
    let mut here = BTreeSet::new();
    for client in &realm.clients {
        if add_client(app, (client, plan.mode), imported, tell).await? {
            here.insert(client.client_id.clone());
        }
    }
    let roles = roles::Roles::of(&realm);
    let there = roles.create(app, (&here, plan.mode), (imported, tell)).await?;
    let mut rejected = BTreeSet::new();
    let mut people = realm.users.into_iter().zip(1_u64..).filter_map(|(user, number)| {
        // The account behind a client of its own comes with the client.
        user.service_account_client_id.is_none().then(|| {
            Ok::<_, LinesError>(Line { number, end: number, record: person::record(user) })
        })
    });
    let mut hear = |news: import::News<'_>| {
        match &news {
            import::News::Rejected { line, .. } => {
                rejected.insert(*line);
            }
            import::News::Resumed(progress) | import::News::Batch(progress, _) => {
                imported.people = **progress;
            }
        }
        tell(News::People(news));
    };
    imported.people = Box::pin(import::run(app, &mut people, plan, &mut hear)).await?;
    roles.give(app, (&there, &rejected, plan.mode), imported).await?;
    Ok(())
}

async fn add_group(
    app: &App,
    (name, mode): (&str, Mode),
    imported: &mut Imported,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), ImportError> {
    let outcome = match mode {
        Mode::Write => people::groups::create(app, (name, ""), &Actor::CommandLine).await.map(drop),
        Mode::DryRun => match groups::by_name(&app.store.db, name).await? {
            Some(_) => Err(GroupError::Taken),
            None => people::check_groups(vec![name.to_owned()]).map(drop).map_err(GroupError::from),
        },
    };
    match outcome {
        Ok(()) => imported.groups += 1,
        Err(GroupError::Taken) => imported.known += 1,
        Err(GroupError::Failure(failure)) => return Err(failure.into()),
        Err(problem) => {
            imported.left_out += 1;
            let (entry, reason) = (format!("group {name}"), problem.to_string());
            tell(News::LeftOut { entry, reason });
        }
    }
    Ok(())
}

/// Tells whether the app is here now, or would be.
async fn add_client(
    app: &App,
    (client, mode): (&realm::KeycloakClient, Mode),
    imported: &mut Imported,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<bool, ImportError> {
    if client.is_built_in() {
        return Ok(false);
    }
    let outcome = match app::new_client(client) {
        Err(reason) => Err(reason),
        Ok(new) => match add(app, (new, mode)).await {
            Ok(()) => Ok(true),
            Err(ClientError::Taken) => Ok(false),
            Err(ClientError::Failure(failure)) => return Err(failure.into()),
            Err(problem) => Err(problem.to_string()),
        },
    };
    match outcome {
        Ok(true) => imported.clients += 1,
        Ok(false) => imported.known += 1,
        Err(reason) => {
            imported.left_out += 1;
            tell(News::LeftOut { entry: format!("client {}", client.client_id), reason });
            return Ok(false);
        }
    }
    Ok(true)
}

async fn add(app: &App, (new, mode): (NewClient, Mode)) -> Result<(), ClientError> {
    if mode == Mode::Write {
        return Box::pin(clients::create(app, new, &Actor::CommandLine)).await.map(drop);
    }
    checks::check(app, &new.metadata, Author::Administrator, None).map_err(ClientError::Invalid)?;
    match &new.id {
        Some(id) if clients::find(app, id).await?.is_some() => Err(ClientError::Taken),
        _ => Ok(()),
    }
}
