//! `doorward group`: groups and who is in them.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::page::{self, Page};
use crate::app::App;
use crate::protocol::types::UserId;
use crate::service::audit::Actor;
use crate::service::people::groups::{self, Charge, GroupEdit, Membership};
use crate::service::people::{self};
use crate::store::groups::Group;

const EXAMPLES: &str = "\
Apps see the groups of a person in the groups claim, if they ask for the scope of that name.

Examples:
  doorward group create staff
  doorward group add-member staff alice bob
  doorward group list --format json";

const MANAGER_EXAMPLES: &str = "\
A group manager may enter the console, sees the people in the group, adds people to it and takes them out,
and changes the accounts of those who are in no group that somebody else looks after.

Examples:
  doorward group add-manager staff alice
  doorward group show staff";

/// Commands about groups.
#[derive(Debug, Clone, Subcommand)]
pub enum GroupCommand {
    /// Make an empty group
    #[command(after_help = EXAMPLES)]
    Create(GroupCreateArgs),
    /// Show one group, and who looks after it
    Show(GroupArgs),
    /// Give a group another name or description
    Update(GroupUpdateArgs),
    /// List groups
    List(GroupListArgs),
    /// Take people into a group
    AddMember(GroupMemberArgs),
    /// Take people out of a group
    RemoveMember(GroupMemberArgs),
    /// Let people look after a group in the console
    #[command(after_help = MANAGER_EXAMPLES)]
    AddManager(GroupMemberArgs),
    /// Let them look after it no more
    RemoveManager(GroupMemberArgs),
    /// Delete a group; its people stay
    Delete(GroupArgs),
}

/// The group a command is about.
#[derive(Debug, Clone, Args)]
pub struct GroupArgs {
    /// Name of the group
    pub group: String,
}

/// `group create`.
#[derive(Debug, Clone, Args)]
pub struct GroupCreateArgs {
    #[command(flatten)]
    pub group: GroupArgs,
    /// What the group is for, in a sentence; apps do not see it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// `group update`.
#[derive(Debug, Clone, Args)]
pub struct GroupUpdateArgs {
    #[command(flatten)]
    pub group: GroupArgs,
    /// New name; apps see it from the next token on
    #[arg(long, required_unless_present = "description")]
    pub name: Option<String>,
    /// What the group is for; empty for nothing
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// `group list`.
#[derive(Debug, Clone, Args)]
pub struct GroupListArgs {
    /// Groups to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this group
    #[arg(long, value_name = "GROUP")]
    pub after: Option<String>,
}

/// `group add-member` and `remove-member`, `add-manager` and `remove-manager`.
#[derive(Debug, Clone, Args)]
pub struct GroupMemberArgs {
    /// Name of the group
    pub group: String,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true, value_name = "USER")]
    pub users: Vec<String>,
}

pub(super) fn run(
    command: &GroupCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        GroupCommand::Create(args) => {
            let what = (args.group.group.as_str(), args.description.as_deref().unwrap_or_default());
            let group = engine::with_app(globals, async |app| {
                Ok(groups::create(app, what, &Actor::CommandLine).await?)
            })?;
            print(&group, None, output)
        }
        GroupCommand::Show(args) => show(&args.group, globals, output),
        GroupCommand::Update(args) => {
            let edit = GroupEdit {
                name: args.name.clone(),
                description: args.description.clone(),
                ..GroupEdit::default()
            };
            let group = engine::with_app(globals, async |app| {
                Ok(groups::update(app, &args.group.group, edit, &Actor::CommandLine).await?)
            })?;
            show(&group.name, globals, output)
        }
        GroupCommand::List(args) => list(args, globals, output),
        GroupCommand::AddMember(args) => change(args, Membership::In, (globals, output)),
        GroupCommand::RemoveMember(args) => change(args, Membership::Out, (globals, output)),
        GroupCommand::AddManager(args) => put_in_charge(args, Charge::Given, (globals, output)),
        GroupCommand::RemoveManager(args) => put_in_charge(args, Charge::Taken, (globals, output)),
        GroupCommand::Delete(args) => {
            let question = format!("Delete the group {}? Its people stay.", args.group);
            Input::of_process(globals).confirm(&question)?;
            let group = engine::with_app(globals, async |app| {
                Ok(groups::delete(app, &args.group, &Actor::CommandLine).await?)
            })?;
            output.note("The group is deleted.");
            print(&group, None, output)
        }
    }
}

fn change(
    args: &GroupMemberArgs,
    membership: Membership,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let group = engine::with_app(globals, async |app| {
        for id in &everybody(app, args).await? {
            groups::change(app, (&args.group, id), membership, &Actor::CommandLine).await?;
        }
        Ok(groups::find(app, &args.group).await?)
    })?;
    print(&group, None, output)
}

/// Everybody is looked up first, and the group, so that a misspelled name changes nothing.
async fn everybody(app: &App, args: &GroupMemberArgs) -> Result<Vec<UserId>, Failure> {
    let mut ids = Vec::with_capacity(args.users.len());
    for user in &args.users {
        let found = people::find(app, user).await;
        ids.push(found.map_err(|error| Failure::Failed(format!("{user}: {error}")))?.id);
    }
    groups::find(app, &args.group).await?;
    Ok(ids)
}

fn put_in_charge(
    args: &GroupMemberArgs,
    charge: Charge,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    engine::with_app(globals, async |app| {
        for id in &everybody(app, args).await? {
            let who = (args.group.as_str(), id);
            groups::put_in_charge(app, who, charge, &Actor::CommandLine).await?;
        }
        Ok(())
    })?;
    show(&args.group, globals, output)
}

fn show(name: &str, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let (group, managers) = engine::with_app(globals, async |app| {
        let group = groups::find(app, name).await?;
        let managers = groups::managers(app, &group.name).await?;
        Ok((group, managers))
    })?;
    let managers: Vec<_> = managers.into_iter().map(|(_, username)| username).collect();
    print(&group, Some(&managers), output)
}

fn list(args: &GroupListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let found = engine::with_app(globals, async |app| {
        Ok(groups::list(app, args.after.as_deref(), page::one_more(args.limit)).await?)
    })?;
    let page = Page::of(found, args.limit, |group| group.name.clone());
    let mut table = Table::new(["group", "people"]);
    for group in &page.items {
        table.row([&group.name, &group.members.to_string()]);
    }
    page.print(&table, to_json, output)
}

fn to_json(group: &Group) -> Value {
    json!({
        "name": group.name,
        "description": group.description,
        "members": group.members,
        "created_at": engine::time(group.created_at),
    })
}

fn print(
    group: &Group,
    managers: Option<&[String]>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["group", &group.name]).row(["people", &group.members.to_string()]);
    table.row(["for", group.description.as_deref().unwrap_or("-")]);
    let mut document = to_json(group);
    if let (Some(managers), Some(members)) = (managers, document.as_object_mut()) {
        table.row(["managers", &managers.join(", ")]);
        members.insert("managers".to_owned(), json!(managers));
    }
    output.data(&document, &table)?;
    Ok(Exit::Done)
}
