//! `doorward user update`: what is known of a person.

use clap::Args;

use super::profile::ProfileArgs;
use super::{UserArgs, print};
use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::Output;
use crate::cli::values::role_edit;
use crate::protocol::user::User;
use crate::service::audit::Actor;
use crate::service::people::{self, Edit, RoleEdit};

pub(super) const EXAMPLES: &str = "\
What is not named stays as it is; an empty text takes something away. Groups are changed with
doorward group add-member and remove-member. A role that is taken away closes the console at once and ends
the person's API keys; the last owner who can sign in stays one.

Examples:
  doorward user update alice --name 'Alice Liddell' --nickname al --locale en-GB
  doorward user update alice --phone-number '+44 20 7946 0000' --phone-number-verified true
  doorward user update alice --email alice@example.com --nickname ''
  doorward user update alice --role operator
  doorward user update alice --role none";

/// `user update`.
#[derive(Debug, Clone, Args)]
pub struct UserUpdateArgs {
    #[command(flatten)]
    pub user: UserArgs,
    /// Full name
    #[arg(long)]
    pub name: Option<String>,
    /// E-mail address; also accepted at sign-in
    #[arg(long)]
    pub email: Option<String>,
    /// Whether the mailbox is known to be theirs; another one that is given without this is not
    #[arg(long, value_name = "true|false")]
    pub email_verified: Option<bool>,
    /// Right to use the console, or none to take it away
    #[arg(long, value_parser = role_edit())]
    pub role: Option<RoleEdit>,
    #[command(flatten)]
    pub profile: ProfileArgs,
}

impl UserUpdateArgs {
    fn is_empty(&self) -> bool {
        let Self { user: _, name, email, email_verified, role, profile } = self;
        let is_who_they_were = name.is_none() && email.is_none() && email_verified.is_none();
        is_who_they_were && role.is_none() && profile.is_empty()
    }

    fn edit(&self, user: &User) -> Edit {
        let email = self.email.clone().or_else(|| user.email.clone());
        let as_stored = |email: &String| email.trim().to_lowercase();
        let is_same = email.as_ref().map(as_stored) == user.email;
        Edit {
            name: self.name.clone().or_else(|| user.name.clone()),
            email_verified: self.email_verified.unwrap_or(is_same && user.email_verified),
            email,
            groups: user.groups.clone(),
            role: self.role.unwrap_or(RoleEdit::Keep),
            profile: Some(self.profile.applied_to(&user.profile)),
            directory: None,
        }
    }
}

pub(super) fn run(
    args: &UserUpdateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    if args.is_empty() {
        return Err(Failure::Usage("say what is to change, for instance with --name".to_owned()));
    }
    let changed = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user.user).await?;
        let edit = args.edit(&user);
        let changed = people::update_if(app, &user, edit, &Actor::CommandLine).await?;
        changed.ok_or_else(|| {
            let text = "somebody else has changed this person at the same moment; try it again";
            Failure::Failed(text.to_owned())
        })
    })?;
    print(&changed, output)
}
