//! `doorward import`: a whole realm from elsewhere.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use super::rejects::{Rejects, Telling};
use super::user::import::DuplicatesArg;
use crate::crypto::secret::file_digest;
use crate::service::audit::Actor;
use crate::service::keycloak::{self, Imported, News};
use crate::service::people::import::{self, Mode, Plan};

pub(super) const EXAMPLES: &str = "\
People keep their id, so that apps know them again, and their password if it is hashed with pbkdf2 or
argon2; the hash is replaced by one of today's kind when they sign in. Groups inside others get the names of
both with a / between them. Apps keep their client_id and secret. The roles of a client become roles of its app,
and whoever had them there has them here: people and groups, by a composite role or an outer group as well. Left
out, and told with the reason: users with anything that cannot be kept, apps that do not speak OpenID Connect,
redirect URIs with patterns, roles with other letters or beyond forty of an app. Roles of the realm itself
become groups.

Make the file with: kc.sh export --realm NAME --users same_file --file realm.json
One that was exported from Keycloak's console has neither passwords nor secrets.

An import that was interrupted goes on where it stopped when the same command is given again. Exit code 3
says that something was left out, or that it stopped and what was added before stays.

Examples:
  doorward import --from keycloak realm.json --dry-run
  doorward import --from keycloak realm.json --duplicates skip --rejects left-out.ndjson";

/// Where it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// A realm, as `kc.sh export` writes it
    Keycloak,
}

/// `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// File to read
    pub file: PathBuf,
    /// What wrote it
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub from: Origin,
    /// What becomes of people who are there already
    #[arg(long, value_enum, default_value = "fail")]
    pub duplicates: DuplicatesArg,
    /// Try everything and keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// File that gets everything left out, with the number of a user and the reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
}

pub(super) fn run(
    args: &ImportArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let Origin::Keycloak = args.from;
    let shown = args.file.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| Failure::Failed(format!("{shown}: {error}"));
    let mut file = File::open(&args.file).map_err(|error| unreadable(&error))?;
    let digest = file_digest(&mut BufReader::new(&file)).map_err(|error| unreadable(&error))?;
    file.rewind()?;
    let realm = keycloak::read(BufReader::new(&file)).map_err(|error| unreadable(&error))?;
    let (name, roles) = (realm.realm.clone(), realm.role_counts());
    let plan = Plan {
        duplicates: args.duplicates.into(),
        mode: if args.dry_run { Mode::DryRun } else { Mode::Write },
        trust_emails: false,
        digest: Some(digest).filter(|_| !args.dry_run),
        actor: Actor::CommandLine,
    };
    let mut rejects = Rejects::open(args.rejects.as_deref())?;
    let mut imported = Imported::default();
    let outcome = engine::with_app(globals, async |app| {
        let mut tell = |news: News<'_>| hear(&news, &mut rejects, output);
        let run = keycloak::run(app, realm, (&plan, &mut imported), &mut tell);
        Ok(Box::pin(run).await)
    })?;
    if let Err(error) = outcome {
        if args.dry_run || !imported.is_something() {
            return Err(error.into());
        }
        print(&imported, (&name, roles), output)?;
        return Err(Failure::Partial(format!(
            "{error}. What was added before that stays: the same command does the rest"
        )));
    }
    rejects.finish("everything")?;
    print(&imported, (&name, roles), output)?;
    if args.dry_run {
        output.note("Nothing was kept: this was a dry run.");
    }
    let left_out = imported.people.rejected > 0 || imported.left_out > 0;
    Ok(if left_out { Exit::Partial } else { Exit::Done })
}

fn hear(news: &News<'_>, rejects: &mut Rejects, output: &mut Output<'_>) {
    let (entry, reason) = match news {
        News::People(import::News::Rejected { line, reason }) => {
            (format!("user {line}"), (*reason).to_owned())
        }
        News::People(import::News::Resumed(before)) => {
            let line = before.line;
            output.note(&format!("This file was begun before: going on behind user {line}."));
            return;
        }
        News::People(import::News::Batch(..)) => return,
        News::LeftOut { entry, reason } => (entry.clone(), reason.clone()),
    };
    match rejects.add(&json!({ "entry": entry, "reason": reason })) {
        Telling::Reason => output.note(&format!("{entry}: {reason}")),
        Telling::More => output.note("More is left out; --rejects FILE keeps the reasons of all."),
        Telling::Nothing => {}
    }
}

fn print(
    imported: &Imported,
    (realm, (as_groups, roles)): (&str, (usize, usize)),
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let people = &imported.people;
    let mut table = Table::fields();
    table
        .row(["realm", realm])
        .row(["people added", &people.created.to_string()])
        .row(["people changed", &people.updated.to_string()])
        .row(["people left as they were", &people.skipped.to_string()])
        .row(["people left out", &people.rejected.to_string()])
        .row(["groups added", &imported.groups.to_string()])
        .row(["apps added", &imported.clients.to_string()])
        .row(["roles of apps added", &imported.roles.to_string()])
        .row(["roles of apps given", &imported.given.to_string()])
        .row(["groups, apps and roles there already", &imported.known.to_string()])
        .row(["groups, apps and roles left out", &imported.left_out.to_string()])
        .row(["roles of the realm, as groups role:NAME", &as_groups.to_string()])
        .row(["roles of the realm that are Keycloak's own, left out", &roles.to_string()]);
    let document = json!({
        "realm": realm,
        "created": people.created,
        "updated": people.updated,
        "skipped": people.skipped,
        "rejected": people.rejected,
        "groups": imported.groups,
        "clients": imported.clients,
        "app_roles": imported.roles,
        "app_roles_given": imported.given,
        "known": imported.known,
        "left_out": imported.left_out,
        "realm_roles": as_groups,
        "roles": roles,
    });
    output.data(&document, &table)
}
