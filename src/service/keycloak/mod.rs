//! A realm exported from Keycloak: its people with their passwords, its groups, its OpenID Connect apps and
//! their roles.
//! What has no place here is left out with the reason.
//!
//! | module | job |
//! |---|---|
//! | `app` | a client of the realm as an app |
//! | `person` | a user of the realm as a person |
//! | `realm` | the part of the export that is read |
//! | `realm_roles` | the roles of the realm itself as groups |
//! | `roles` | the roles of its clients, and who has them |

mod app;
mod person;
mod realm;
mod realm_roles;
mod roles;

use std::collections::BTreeSet;
use std::io::Read;

use crate::app::App;
use crate::service::audit::Actor;
use crate::service::clients::checks::{self, Author};
use crate::service::clients::{self, ClientError, NewClient};
use crate::service::people::groups::GroupError;
use crate::service::people::import::lines::{Line, LinesError};
use crate::service::people::import::record::Record;
use crate::service::people::import::{self, ImportError, Mode, Plan};
use crate::service::people::{self, PeopleError};
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
    let mut realm_roles = realm_roles::RealmRoles::of(&realm);
    let groups = realm.group_names().into_iter().map(|name| (name, String::new()));
    for (name, about) in groups.chain(realm_roles.groups.drain(..).collect::<Vec<_>>()) {
        add_group(app, ((&name, &about), plan.mode), imported, tell).await?;
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
            let by_roles = realm_roles.take(number);
            let record = person::record(user).map(|record| in_groups(record, by_roles));
            Ok::<_, LinesError>(Line { number, end: number, record })
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

/// Puts somebody into these groups as well, those left out that no group can be called like.
fn in_groups(mut record: Record, more: Vec<String>) -> Record {
    let good = more.into_iter().filter(|name| people::check_groups(vec![name.clone()]).is_ok());
    record.groups.get_or_insert_default().extend(good);
    record
}

async fn add_group(
    app: &App,
    ((name, about), mode): ((&str, &str), Mode),
    imported: &mut Imported,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), ImportError> {
    let outcome = match mode {
        Mode::Write => {
            let actor = &Actor::CommandLine;
            match people::groups::create(app, (name, about), actor).await {
                // The name is what counts; a description that cannot be kept is none.
                Err(GroupError::People(PeopleError::Invalid { field: "description", .. })) => {
                    people::groups::create(app, (name, ""), actor).await.map(drop)
                }
                other => other.map(drop),
            }
        }
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
