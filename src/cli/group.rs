//! `doorward group`: groups and who is in them.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use crate::service::audit::Actor;
use crate::service::people::groups::{self, Membership};
use crate::service::people::{self};
use crate::store::groups::Group;

const EXAMPLES: &str = "\
Apps see the groups of a person in the groups claim, if they ask for the scope of that name.

Examples:
  doorward group create staff
  doorward group add-member staff alice bob
  doorward group list --format json";

/// Commands about groups.
#[derive(Debug, Clone, Subcommand)]
pub enum GroupCommand {
    /// Make an empty group
    #[command(after_help = EXAMPLES)]
    Create(GroupArgs),
    /// List groups
    List(GroupListArgs),
    /// Take people into a group
    AddMember(GroupMemberArgs),
    /// Take people out of a group
    RemoveMember(GroupMemberArgs),
    /// Delete a group; its people stay
    Delete(GroupArgs),
}

/// The group a command is about.
#[derive(Debug, Clone, Args)]
pub struct GroupArgs {
    /// Name of the group
    pub group: String,
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

/// `group add-member` and `remove-member`.
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
            let group = engine::with_app(globals, async |app| {
                Ok(groups::create(app, &args.group, &Actor::CommandLine).await?)
            })?;
            print(&group, output)
        }
        GroupCommand::List(args) => list(args, globals, output),
        GroupCommand::AddMember(args) => change(args, Membership::In, (globals, output)),
        GroupCommand::RemoveMember(args) => change(args, Membership::Out, (globals, output)),
        GroupCommand::Delete(args) => {
            let question = format!("Delete the group {}? Its people stay.", args.group);
            Input::of_process(globals).confirm(&question)?;
            let group = engine::with_app(globals, async |app| {
                Ok(groups::delete(app, &args.group, &Actor::CommandLine).await?)
            })?;
            output.note("The group is deleted.");
            print(&group, output)
        }
    }
}

fn change(
    args: &GroupMemberArgs,
    membership: Membership,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let group = engine::with_app(globals, async |app| {
        // Everybody is looked up first, so that a misspelled name changes nothing.
        let mut ids = Vec::with_capacity(args.users.len());
        for user in &args.users {
            let found = people::find(app, user).await;
            ids.push(found.map_err(|error| Failure::Failed(format!("{user}: {error}")))?.id);
        }
        groups::find(app, &args.group).await?;
        for id in &ids {
            groups::change(app, (&args.group, id), membership, &Actor::CommandLine).await?;
        }
        Ok(groups::find(app, &args.group).await?)
    })?;
    print(&group, output)
}

fn list(args: &GroupListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let limit = i64::from(args.limit);
    // One more than asked for tells whether the list goes on.
    let mut found = engine::with_app(globals, async |app| {
        Ok(groups::list(app, args.after.as_deref(), limit + 1).await?)
    })?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let next = found.last().filter(|_| more).map(|group| group.name.clone());
    let mut table = Table::new(["group", "people"]);
    for group in &found {
        table.row([&group.name, &group.members.to_string()]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, next.as_deref()), &table)?;
    if let Some(next) = next {
        output.note(&format!("There are more: --after {next}"));
    }
    Ok(Exit::Done)
}

fn to_json(group: &Group) -> Value {
    json!({
        "name": group.name,
        "members": group.members,
        "created_at": engine::time(group.created_at),
    })
}

fn print(group: &Group, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["group", &group.name]).row(["people", &group.members.to_string()]);
    output.data(&to_json(group), &table)?;
    Ok(Exit::Done)
}
