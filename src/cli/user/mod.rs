//! `doorward user`: people.

pub mod apps;
pub mod connections;
pub mod export;
pub mod import;
pub mod profile;
pub mod update;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::input::Input;
use crate::cli::output::{Output, Table};
use crate::cli::page::{self, Page};
use crate::cli::values::{account_state, admin_role};
use crate::protocol::profile_texts::TEXTS;
use crate::protocol::user::{AccountState, AdminRole, Profile, User};
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::people::{self, NewPerson, deletion, temporary};
use crate::store::order::Order;
use crate::store::users::UserFilter;

const CREATE_EXAMPLES: &str = "\
The password comes from a hidden prompt, a file, or standard input; never from an argument.

Examples:
  doorward user create --username alice --email alice@example.com --name 'Alice Archer'
  doorward user create --username bob --email bob@example.com --group staff --group wiki
  pass show bob | doorward user create --username bob --email bob@example.com --password-file -";

const LIST_EXAMPLES: &str = "\
Examples:
  doorward user list
  doorward user list --search ali --format json
  doorward user list --role owner
  doorward user list --state disabled --limit 1000";

const DELETE_EXAMPLES: &str = "\
Until somebody is deleted, `doorward user enable` brings them back.

Examples:
  doorward user delete bob --later
  doorward user delete bob --yes";

const SET_PASSWORD_EXAMPLES: &str = "\
A temporary password is made here and printed once. It works for three days, and all it does is let the
person choose their own when they sign in.

Examples:
  doorward user set-password alice
  doorward user set-password alice --temporary
  pass show alice | doorward user set-password alice --password-file -";

/// Commands about people.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Add a person
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<UserCreateArgs>),
    /// List people
    #[command(after_help = LIST_EXAMPLES)]
    List(UserListArgs),
    /// Show one person
    Show(UserArgs),
    /// Change what is known of a person
    #[command(after_help = update::EXAMPLES)]
    Update(Box<update::UserUpdateArgs>),
    /// Stop a person from signing in, and end their sessions and tokens
    Disable(UserArgs),
    /// Let a disabled person sign in again
    Enable(UserArgs),
    /// Set a person's password, and end their sessions and tokens
    #[command(after_help = SET_PASSWORD_EXAMPLES)]
    SetPassword(UserSetPasswordArgs),
    /// Delete a person and everything kept about them, at once or in seven days
    #[command(after_help = DELETE_EXAMPLES)]
    Delete(UserDeleteArgs),
    /// Add many people from a file
    #[command(after_help = import::EXAMPLES)]
    Import(import::UserImportArgs),
    /// Write everybody into a file
    #[command(after_help = export::EXAMPLES)]
    Export(export::UserExportArgs),
    /// List the apps a person has allowed something
    Apps(UserArgs),
    /// Take back what a person has allowed an app
    #[command(after_help = apps::EXAMPLES)]
    RemoveApp(apps::UserAppArgs),
    /// List the apps and devices that get a person's tokens without a sign-in
    #[command(after_help = connections::LIST_EXAMPLES)]
    Connections(connections::UserConnectionsArgs),
    /// End one of the apps and devices that get a person's tokens without a sign-in
    #[command(after_help = connections::END_EXAMPLES)]
    EndConnection(connections::UserConnectionArgs),
}

/// The person a command is about.
#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    /// Username, e-mail address or id
    pub user: String,
}

/// `user create`.
#[derive(Debug, Clone, Args)]
pub struct UserCreateArgs {
    /// What the person types to sign in
    #[arg(long)]
    pub username: String,
    /// E-mail address; also accepted at sign-in
    #[arg(long)]
    pub email: String,
    /// Full name
    #[arg(long)]
    pub name: Option<String>,
    /// The mailbox is known to be theirs; many apps refuse people without this
    #[arg(long)]
    pub email_verified: bool,
    /// Group to join; repeat for several
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Right to use the console
    #[arg(long, value_parser = admin_role())]
    pub role: Option<AdminRole>,
    /// File with the password, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub profile: profile::ProfileArgs,
}

/// `user list`.
#[derive(Debug, Clone, Args)]
pub struct UserListArgs {
    /// Beginning of a username, e-mail address or name, or a whole id
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those with this right to use the console
    #[arg(long, value_parser = admin_role())]
    pub role: Option<AdminRole>,
    /// Only those whose accounts are in this state
    #[arg(long, value_parser = account_state())]
    pub state: Option<AccountState>,
    /// People to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this username
    #[arg(long, value_name = "USERNAME")]
    pub after: Option<String>,
}

/// `user delete`.
#[derive(Debug, Clone, Args)]
pub struct UserDeleteArgs {
    #[command(flatten)]
    pub user: UserArgs,
    /// Disable the account now and delete it in seven days
    #[arg(long)]
    pub later: bool,
}

/// `user set-password`.
#[derive(Debug, Clone, Args)]
pub struct UserSetPasswordArgs {
    #[command(flatten)]
    pub user: UserArgs,
    /// File with the password, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Make one with which the person chooses their own, and print it
    #[arg(long, conflicts_with = "password_file")]
    pub temporary: bool,
}

pub(in crate::cli) fn run(
    command: &UserCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let input = Input::of_process(globals);
    match command {
        UserCommand::Create(args) => create(args, (globals, input), output),
        UserCommand::List(args) => list(args, globals, output),
        UserCommand::Show(args) => {
            let user =
                engine::with_app(globals, async |app| Ok(people::find(app, &args.user).await?))?;
            print(&user, output)
        }
        UserCommand::Update(args) => update::run(args, globals, output),
        UserCommand::Disable(args) => set_activity(args, Activity::Disabled, (globals, output)),
        UserCommand::Enable(args) => set_activity(args, Activity::Enabled, (globals, output)),
        UserCommand::SetPassword(args) => set_password(args, (globals, input), output),
        UserCommand::Import(args) => import::run(args, globals, output),
        UserCommand::Export(args) => export::run(args, globals, output),
        UserCommand::Apps(args) => apps::list(args, globals, output),
        UserCommand::RemoveApp(args) => apps::remove(args, globals, output),
        UserCommand::Connections(args) => connections::list(args, globals, output),
        UserCommand::EndConnection(args) => connections::end(args, globals, output),
        UserCommand::Delete(args) => delete(args, (globals, input), output),
    }
}

fn set_password(
    args: &UserSetPasswordArgs,
    (globals, input): (&Globals, Input),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    if args.temporary {
        return give_temporary(&args.user, globals, output);
    }
    let file = args.password_file.as_deref();
    let password = input.secret(file, "New password", "--password-file")?;
    let user = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user.user).await?;
        let password = password.expose_secret().to_owned();
        people::set_password(app, &user.id, password, &Actor::CommandLine).await?;
        Ok(user)
    })?;
    output.note("The password is set; the person is signed out everywhere.");
    print(&user, output)
}

fn give_temporary(
    args: &UserArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let (user, given) = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        let given = temporary::give(app, &user.id, &Actor::CommandLine).await?;
        Ok((user, given))
    })?;
    output.note("This is shown only now; the person is signed out everywhere.");
    let until = given.until.rfc3339();
    let mut table = Table::fields();
    table
        .row(["username", &user.username])
        .row(["temporary password", given.password.expose()])
        .row(["works until", &until]);
    let document = json!({
        "id": user.id,
        "username": user.username,
        "temporary_password": given.password.expose(),
        "expires_at": until,
    });
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

fn delete(
    args: &UserDeleteArgs,
    (globals, input): (&Globals, Input),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let who = &args.user.user;
    if args.later {
        let user = engine::with_app(globals, async |app| {
            let user = people::find(app, who).await?;
            deletion::delete_later(app, &user.id, &Actor::CommandLine).await?;
            Ok(people::find(app, user.id.as_str()).await?)
        })?;
        output.note("The account is disabled, and deleted in seven days unless it is enabled.");
        return print(&user, output);
    }
    input.confirm(&format!("Delete {who} and everything kept about them?"))?;
    let user = engine::with_app(globals, async |app| {
        let user = people::find(app, who).await?;
        deletion::delete(app, &user.id, &Actor::CommandLine).await?;
        Ok(user)
    })?;
    output.note("The person is deleted.");
    print(&user, output)
}

fn create(
    args: &UserCreateArgs,
    (globals, input): (&Globals, Input),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let file = args.password_file.as_deref();
    let password = input.secret(file, "Password", "--password-file")?;
    let person = NewPerson {
        username: args.username.clone(),
        name: args.name.clone(),
        email: Some(args.email.clone()),
        email_verified: args.email_verified,
        profile: args.profile.applied_to(&Profile::default()),
        groups: args.groups.clone(),
        role: args.role,
        password: Some(password.expose_secret().to_owned()),
        ..NewPerson::default()
    };
    let user = engine::with_app(globals, async |app| {
        Ok(people::create(app, person, &Actor::CommandLine).await?)
    })?;
    print(&user, output)
}

fn set_activity(
    args: &UserArgs,
    activity: Activity,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let user = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        people::set_activity(app, &user.id, activity, &Actor::CommandLine).await?;
        Ok(people::find(app, user.id.as_str()).await?)
    })?;
    print(&user, output)
}

fn list(args: &UserListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let filter = UserFilter {
        search: args.search.clone(),
        order: Order::after(args.after.clone()),
        limit: page::one_more(args.limit),
        manager: None,
        role: args.role,
        state: args.state,
    };
    let users = engine::with_app(globals, async |app| Ok(people::search(app, &filter).await?))?;
    let page = Page::of(users, args.limit, |user| user.username.clone());
    let mut table = Table::new(["username", "name", "e-mail", "role", "state"]);
    for user in &page.items {
        table.row([
            &user.username,
            user.name.as_deref().unwrap_or("-"),
            user.email.as_deref().unwrap_or("-"),
            user.role.map_or("-", AdminRole::as_str),
            state(user),
        ]);
    }
    page.print(&table, to_json, output)
}

/// The state in words. What commands have always called enabled is `active` where lists are narrowed.
fn state(user: &User) -> &'static str {
    match user.state() {
        AccountState::Active => "enabled",
        AccountState::Disabled => "disabled",
        AccountState::ToBeDeleted => "to be deleted",
    }
}

fn to_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "profile": user.profile,
        "groups": user.groups,
        "role": user.role,
        "state": if user.disabled_at.is_some() { "disabled" } else { "enabled" },
        "disabled_at": engine::time_or_null(user.disabled_at),
        "delete_at": engine::time_or_null(user.delete_at),
        "created_at": engine::time(user.created_at),
        "updated_at": engine::time(user.updated_at),
    })
}

fn print(user: &User, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table
        .row(["id", user.id.as_str()])
        .row(["username", &user.username])
        .row(["name", user.name.as_deref().unwrap_or("-")])
        .row(["e-mail", user.email.as_deref().unwrap_or("-")])
        .row(["groups", &user.groups.join(", ")])
        .row(["role", user.role.map_or("-", AdminRole::as_str)])
        .row(["state", state(user)]);
    for text in &TEXTS {
        if let Some(said) = text.of(&user.profile) {
            table.row([text.name(), said]);
        }
    }
    output.data(&to_json(user), &table)?;
    Ok(Exit::Done)
}
