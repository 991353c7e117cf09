//! `doorward role`: what people may be in an app.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use crate::app::App;
use crate::protocol::types::{ClientId, UserId};
use crate::service::audit::Actor;
use crate::service::clients::roles::{self, Giving, Holder};
use crate::service::clients::{self};
use crate::service::people;
use crate::store::clients::roles::ClientRole;

/// How many of those who have a role are shown.
const SHOWN: i64 = 100;

const EXAMPLES: &str = "\
An app sees the roles that a person has in it in the roles claim, without asking for a scope, and nothing
of the roles in other apps.

Examples:
  doorward role create wiki editor --description 'May change every page'
  doorward role give wiki editor --user alice --group staff
  doorward role list wiki";

/// Commands about roles.
#[derive(Debug, Clone, Subcommand)]
pub enum RoleCommand {
    /// Make a role of an app that nobody has yet
    #[command(after_help = EXAMPLES)]
    Create(RoleCreateArgs),
    /// Show a role, and who has it
    Show(RoleArgs),
    /// Give a role another description
    Update(RoleUpdateArgs),
    /// List the roles of an app
    List(RoleListArgs),
    /// Give a role to people, and to everybody in groups
    #[command(after_help = EXAMPLES)]
    Give(RoleHolderArgs),
    /// Take a role away from them
    Take(RoleHolderArgs),
    /// Delete a role; whoever had it has it no more
    Delete(RoleArgs),
}

/// The role a command is about.
#[derive(Debug, Clone, Args)]
pub struct RoleArgs {
    /// The app's client id
    pub client: String,
    /// Name of the role
    pub role: String,
}

/// `role create`.
#[derive(Debug, Clone, Args)]
pub struct RoleCreateArgs {
    #[command(flatten)]
    pub role: RoleArgs,
    /// What it allows, in a sentence; the app does not see it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub description: String,
}

/// `role update`.
#[derive(Debug, Clone, Args)]
pub struct RoleUpdateArgs {
    #[command(flatten)]
    pub role: RoleArgs,
    /// What it allows; empty for nothing
    #[arg(long, value_name = "TEXT")]
    pub description: String,
}

/// `role list`.
#[derive(Debug, Clone, Args)]
pub struct RoleListArgs {
    /// The app's client id
    pub client: String,
}

/// `role give` and `role take`.
#[derive(Debug, Clone, Args)]
pub struct RoleHolderArgs {
    #[command(flatten)]
    pub role: RoleArgs,
    /// Username, e-mail address or id; may be repeated
    #[arg(long, value_name = "USER", required_unless_present = "group")]
    pub user: Vec<String>,
    /// Name of a group; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<String>,
}

pub(super) fn run(
    command: &RoleCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let actor = &Actor::CommandLine;
    match command {
        RoleCommand::Create(args) => {
            let client = ClientId::new(&args.role.client);
            let what = (args.role.role.as_str(), args.description.as_str());
            let role = engine::with_app(globals, async |app| {
                Ok(roles::create(app, &client, what, actor).await?)
            })?;
            print(&role, None, output)
        }
        RoleCommand::Show(args) => show(args, globals, output),
        RoleCommand::Update(args) => {
            let client = ClientId::new(&args.role.client);
            let role = (&client, args.role.role.as_str());
            let role = engine::with_app(globals, async |app| {
                Ok(roles::describe(app, role, &args.description, actor).await?)
            })?;
            print(&role, None, output)
        }
        RoleCommand::List(args) => list(args, globals, output),
        RoleCommand::Give(args) => change(args, Giving::Given, (globals, output)),
        RoleCommand::Take(args) => change(args, Giving::Taken, (globals, output)),
        RoleCommand::Delete(args) => {
            let question = format!("Delete the role {} of {}?", args.role, args.client);
            Input::of_process(globals).confirm(&question)?;
            let client = ClientId::new(&args.client);
            let role = engine::with_app(globals, async |app| {
                Ok(roles::delete(app, (&client, &args.role), actor).await?)
            })?;
            output.note("The role is deleted.");
            print(&role, None, output)
        }
    }
}

fn change(
    args: &RoleHolderArgs,
    giving: Giving,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let client = ClientId::new(&args.role.client);
    let role = (&client, args.role.role.as_str());
    engine::with_app(globals, async |app| {
        for id in &everybody(app, args).await? {
            roles::change(app, role, (Holder::Person(id), giving), &Actor::CommandLine).await?;
        }
        for group in &args.group {
            let holder = Holder::Group(group);
            roles::change(app, role, (holder, giving), &Actor::CommandLine).await?;
        }
        Ok(())
    })?;
    show(&args.role, globals, output)
}

/// Everybody is looked up first, and the groups and the role, so that a misspelled name changes nothing.
async fn everybody(app: &App, args: &RoleHolderArgs) -> Result<Vec<UserId>, Failure> {
    let mut ids = Vec::with_capacity(args.user.len());
    for user in &args.user {
        let found = people::find(app, user).await;
        ids.push(found.map_err(|error| Failure::Failed(format!("{user}: {error}")))?.id);
    }
    for group in &args.group {
        let found = people::groups::find(app, group).await;
        found.map_err(|error| Failure::Failed(format!("{group}: {error}")))?;
    }
    roles::find(app, (&ClientId::new(&args.role.client), &args.role.role)).await?;
    Ok(ids)
}

fn show(args: &RoleArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let client = ClientId::new(&args.client);
    let role = (&client, args.role.as_str());
    let (found, people, groups) = engine::with_app(globals, async |app| {
        let found = roles::find(app, role).await?;
        let people = roles::people(app, role, (None, SHOWN)).await?;
        Ok((found, people, roles::groups_with(app, role, (None, SHOWN)).await?))
    })?;
    let people: Vec<_> = people.into_iter().map(|(_, username)| username).collect();
    print(&found, Some((&people, &groups)), output)
}

fn list(args: &RoleListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let client = ClientId::new(&args.client);
    let found = engine::with_app(globals, async |app| {
        clients::get(app, &client).await?;
        Ok(roles::list(app, &client).await?)
    })?;
    let mut table = Table::new(["role", "people", "groups"]);
    for role in &found {
        table.row([&role.name, &role.people.to_string(), &role.groups.to_string()]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn to_json(role: &ClientRole) -> Value {
    json!({
        "client_id": role.client_id,
        "name": role.name,
        "description": role.description,
        "people": role.people,
        "groups": role.groups,
        "created_at": engine::time(role.created_at),
    })
}

fn print(
    role: &ClientRole,
    holders: Option<(&[String], &[String])>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["app", role.client_id.as_str()]).row(["role", &role.name]);
    table.row(["for", role.description.as_deref().unwrap_or("-")]);
    table.row(["people", &role.people.to_string()]).row(["groups", &role.groups.to_string()]);
    let mut document = to_json(role);
    if let (Some((people, groups)), Some(members)) = (holders, document.as_object_mut()) {
        table.row(["given to", &people.join(", ")]).row(["by group", &groups.join(", ")]);
        members.insert("given_to".to_owned(), json!({ "users": people, "groups": groups }));
    }
    output.data(&document, &table)?;
    Ok(Exit::Done)
}
