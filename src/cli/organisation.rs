//! `doorward organisation`: organisations and who is in them.

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
use crate::service::organisations::{self, OrganisationEdit, members};
use crate::service::people;
use crate::service::people::groups::Membership;
use crate::store::organisations::{Organisation, OrganisationFilter};

/// How many of its people `show` names.
const SHOWN: i64 = 100;

const EXAMPLES: &str = "\
An app that asks for the scope org sees for which organisation somebody acts, in the claims org_id and
org_name.

Examples:
  doorward organisation create acme --display-name Acme
  doorward organisation add acme alice bob
  doorward organisation list --format json";

const REMOVE_EXAMPLES: &str = "\
What apps were given for the organisation ends with it.

Examples:
  doorward organisation remove acme bob";

/// Commands about organisations.
#[derive(Debug, Clone, Subcommand)]
pub enum OrganisationCommand {
    /// Make an empty organisation
    #[command(after_help = EXAMPLES)]
    Create(OrganisationCreateArgs),
    /// Show one organisation, and who is in it
    Show(OrganisationArgs),
    /// Give an organisation another name or display name
    Update(OrganisationUpdateArgs),
    /// List organisations
    List(OrganisationListArgs),
    /// Take people into an organisation
    Add(OrganisationMemberArgs),
    /// Take people out of an organisation
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(OrganisationMemberArgs),
    /// Delete an organisation; its people stay
    Delete(OrganisationArgs),
}

/// The organisation a command is about.
#[derive(Debug, Clone, Args)]
pub struct OrganisationArgs {
    /// Name or id of the organisation
    pub organisation: String,
}

/// `organisation create`.
#[derive(Debug, Clone, Args)]
pub struct OrganisationCreateArgs {
    /// Name: letters a to z, digits and hyphens
    pub name: String,
    /// What apps and people see; the name if it is left out
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
}

/// `organisation update`.
#[derive(Debug, Clone, Args)]
pub struct OrganisationUpdateArgs {
    #[command(flatten)]
    pub organisation: OrganisationArgs,
    /// New name; the id stays
    #[arg(long, required_unless_present = "display_name")]
    pub name: Option<String>,
    /// What apps and people see; empty for one like the name
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
}

/// `organisation list`.
#[derive(Debug, Clone, Args)]
pub struct OrganisationListArgs {
    /// The beginning of a name or display name
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those this person is in, by username, e-mail address or id
    #[arg(long, value_name = "USER", conflicts_with_all = ["search", "after"])]
    pub user: Option<String>,
    /// Organisations to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this organisation
    #[arg(long, value_name = "NAME")]
    pub after: Option<String>,
}

/// `organisation add` and `remove`.
#[derive(Debug, Clone, Args)]
pub struct OrganisationMemberArgs {
    #[command(flatten)]
    pub organisation: OrganisationArgs,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true, value_name = "USER")]
    pub users: Vec<String>,
}

pub(super) fn run(
    command: &OrganisationCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        OrganisationCommand::Create(args) => {
            let named = (args.name.as_str(), args.display_name.as_deref().unwrap_or_default());
            let made = engine::with_app(globals, async |app| {
                Ok(organisations::create(app, named, &Actor::CommandLine).await?)
            })?;
            print(&made, None, output)
        }
        OrganisationCommand::Show(args) => show(args, globals, output),
        OrganisationCommand::Update(args) => update(args, globals, output),
        OrganisationCommand::List(args) => list(args, globals, output),
        OrganisationCommand::Add(args) => change(args, Membership::In, (globals, output)),
        OrganisationCommand::Remove(args) => change(args, Membership::Out, (globals, output)),
        OrganisationCommand::Delete(args) => delete(args, globals, output),
    }
}

fn update(
    args: &OrganisationUpdateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let edit =
        OrganisationEdit { name: args.name.clone(), display_name: args.display_name.clone() };
    let changed = engine::with_app(globals, async |app| {
        let before = organisations::find(app, &args.organisation.organisation).await?;
        Ok(organisations::update(app, &before, edit, &Actor::CommandLine).await?)
    })?;
    print(&changed, None, output)
}

fn delete(
    args: &OrganisationArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let question = format!("Delete the organisation {}? Its people stay.", args.organisation);
    Input::of_process(globals).confirm(&question)?;
    let deleted = engine::with_app(globals, async |app| {
        let about = organisations::find(app, &args.organisation).await?;
        organisations::delete(app, &about, &Actor::CommandLine).await?;
        Ok(about)
    })?;
    output.note("The organisation is deleted.");
    print(&deleted, None, output)
}

fn change(
    args: &OrganisationMemberArgs,
    membership: Membership,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    engine::with_app(globals, async |app| {
        let about = organisations::find(app, &args.organisation.organisation).await?;
        for id in &everybody(app, args).await? {
            let who = (&about, id);
            match membership {
                Membership::In => members::add(app, who, &Actor::CommandLine).await?,
                Membership::Out => members::remove(app, who, &Actor::CommandLine).await?,
            }
        }
        Ok(())
    })?;
    show(&args.organisation, globals, output)
}

/// Everybody is looked up first, so that a misspelled name changes nothing.
async fn everybody(app: &App, args: &OrganisationMemberArgs) -> Result<Vec<UserId>, Failure> {
    let mut ids = Vec::with_capacity(args.users.len());
    for user in &args.users {
        let found = people::find(app, user).await;
        ids.push(found.map_err(|error| Failure::Failed(format!("{user}: {error}")))?.id);
    }
    Ok(ids)
}

fn show(
    args: &OrganisationArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let (about, people) = engine::with_app(globals, async |app| {
        let about = organisations::find(app, &args.organisation).await?;
        let people = members::list(app, (&about, None), SHOWN).await?;
        Ok((about, people))
    })?;
    let names: Vec<_> = people.into_iter().map(|user| user.username).collect();
    print(&about, Some(&names), output)
}

fn list(
    args: &OrganisationListArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let found = engine::with_app(globals, async |app| {
        if let Some(user) = &args.user {
            let user = people::find(app, user).await?;
            return Ok(members::of_user(app, &user.id).await?);
        }
        let (search, after) = (args.search.clone(), args.after.clone());
        let filter = OrganisationFilter { search, after, limit: page::one_more(args.limit) };
        Ok(organisations::list(app, &filter).await?)
    })?;
    let page = Page::of(found, args.limit, |organisation| organisation.name.clone());
    let mut table = Table::new(["organisation", "called", "people"]);
    for organisation in &page.items {
        let members = organisation.members.to_string();
        table.row([&organisation.name, &organisation.display_name, &members]);
    }
    page.print(&table, to_json, output)
}

fn to_json(organisation: &Organisation) -> Value {
    json!({
        "id": organisation.id,
        "name": organisation.name,
        "display_name": organisation.display_name,
        "members": organisation.members,
        "created_at": engine::time(organisation.created_at),
        "updated_at": engine::time(organisation.updated_at),
    })
}

fn print(
    organisation: &Organisation,
    people: Option<&[String]>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table
        .row(["organisation", &organisation.name])
        .row(["called", &organisation.display_name])
        .row(["org_id", organisation.id.as_str()])
        .row(["people", &organisation.members.to_string()]);
    let mut document = to_json(organisation);
    if let (Some(people), Some(members)) = (people, document.as_object_mut()) {
        table.row(["who", &people.join(", ")]);
        members.insert("people".to_owned(), json!(people));
    }
    output.data(&document, &table)?;
    Ok(Exit::Done)
}
