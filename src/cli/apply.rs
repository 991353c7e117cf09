//! `doorward apply` and `doorward export`: people, groups, organisations, apps, webhooks, trusted issuers and
//! upstream providers as a file declares them.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::{self, Input};
use super::new_file::NewFile;
use super::output::{Format, Output, Table};
use crate::service::declared::{self, Action, Change, DeclaredError, News, Pruning, State};
use crate::service::people::deletion::GRACE_DAYS;
use crate::store::managed::Declared;

pub(super) const APPLY_EXAMPLES: &str = "\
A file names groups, organisations, people, apps, webhooks, trusted issuers and upstream
providers, as TOML (.toml) or JSON (.json).
What it names is made or changed until it is as the file says; what it leaves out stays as it is. With --prune
goes what an earlier apply has made and this file does not name; what was made by hand never goes. People are
disabled then, and can be brought back for seven days (doorward user enable); nobody who may use the console goes. Secrets and
passwords are in files of their own, named relative to this one. A webhook that is made gets a new secret,
which is shown once.

  [[groups]]
  name = \"staff\"

  [[organisations]]
  name = \"acme\"
  display_name = \"Acme\"

  [[users]]
  username = \"alice\"
  email = \"alice@example.com\"
  groups = [\"staff\"]
  organisations = [\"acme\"]

  [[clients]]
  client_id = \"wiki\"
  secret_file = \"wiki.secret\"
  metadata = { client_name = \"Wiki\", redirect_uris = [\"https://wiki.example.com/callback\"] }

  [[webhooks]]
  name = \"chat\"
  url = \"https://chat.example.com/in\"
  events = [\"user.*\"]

  [[issuers]]
  name = \"cluster\"
  issuer = \"https://cluster.example.com\"
  settings = { jwks_uri = \"https://cluster.example.com/keys\", rules = [
    { client_id = \"wiki\", match = { sub = \"prod:wiki\" } },
  ] }

  [[upstream_providers]]
  slug = \"school\"
  display_name = \"Our school\"
  issuer = \"https://id.school.example\"
  client_id = \"doorward\"
  secret_file = \"school.secret\"

Exit code 3 says that some of it was done: the same command does the rest.

Examples:
  doorward apply -f state.toml --dry-run
  doorward apply -f state.toml --prune --yes";

pub(super) const EXPORT_EXAMPLES: &str = "\
Every group, every organisation, every person, every app that an administrator has made, every webhook,
every trusted issuer and every upstream provider, as apply reads them: applied again it changes nothing. Passwords, secrets, profiles and
the right to use the console are not part of it; the address of a webhook is, and may be as good as a secret.

Examples:
  doorward export > state.toml
  doorward export --output state.toml
  doorward --format json export > state.json";

/// The most characters of what a parser says about a file.
const LONGEST_COMPLAINT: usize = 120;

/// `apply`.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// File that says how it should be
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Delete what an earlier apply has made and the file does not name
    #[arg(long)]
    pub prune: bool,
    /// With --prune: take a file that names nothing at its word, and delete all that was made from files
    #[arg(long, requires = "prune")]
    pub allow_empty: bool,
}

/// `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// File to write; it must not exist. Without it standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

pub(super) fn export(
    args: &ExportArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let state = engine::with_app(globals, async |app| Ok(Box::pin(declared::export(app)).await?))?;
    let unwritable = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let text = match output.format() {
        Format::Table => toml::to_string_pretty(&state).map_err(|error| unwritable(&error))?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&state).map_err(|error| unwritable(&error))?;
            format!("{text}\n")
        }
    };
    match &args.output {
        None => output.text(&text)?,
        Some(path) => {
            let mut file = NewFile::create(path)?;
            file.write(&text)?;
            file.finish()?;
        }
    }
    let (groups, users, clients) = (state.groups.len(), state.users.len(), state.clients.len());
    let organisations = state.organisations.len();
    let (webhooks, issuers) = (state.webhooks.len(), state.issuers.len());
    let upstream = state.upstream_providers.len();
    output.note(&format!(
        "{groups} groups, {organisations} organisations, {users} people, {clients} apps, {webhooks} webhooks, \
         {issuers} trusted issuers and {upstream} upstream providers written."
    ));
    Ok(Exit::Done)
}

pub(super) fn apply(
    args: &ApplyArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let state = read(&args.file)?;
    if args.prune && state.is_empty() && !args.allow_empty {
        return Err(Failure::Usage(format!(
            "{} names nothing, so that --prune would delete all that was made from files. If that is meant, add \
             --allow-empty",
            args.file.display()
        )));
    }
    let secrets = secrets_beside(&args.file);
    let pruning = if args.prune { Pruning::Prune } else { Pruning::Keep };
    let ask = Input::of_process(globals);
    let mut secrets_made = Vec::new();
    let (shown, mut table, outcome) = engine::with_app(globals, async |app| {
        let changes = Box::pin(declared::plan(app, (&state, pruning), &secrets)).await?;
        let (shown, table) = (document(&changes), table(&changes));
        if args.dry_run || changes.is_empty() {
            return Ok((shown, table, Ok(changes.len())));
        }
        if let Some(question) = question(&changes) {
            ask.confirm(&question)?;
        }
        let (mut done, all) = (0_usize, changes.len());
        let mut tell = |news: News<'_>| {
            done += 1;
            if let Some(secret) = news.secret {
                secrets_made.push((news.what, news.name.to_owned(), secret.expose().to_owned()));
            }
        };
        let outcome = Box::pin(declared::carry_out(app, changes, &mut tell)).await;
        let outcome = outcome.map(|()| all).map_err(|error| (done, all, error));
        Ok((shown, table, outcome))
    })?;
    let applied = !args.dry_run && outcome.is_ok();
    let mut document = json!({ "changes": shown, "applied": applied });
    let has_secrets = !secrets_made.is_empty();
    add_secrets(secrets_made, (&mut document, &mut table));
    if has_secrets {
        output.note("A new secret is shown this once.");
    }
    // What was made is made, and its secret is told nowhere else.
    if has_secrets || outcome.is_ok() {
        output.data(&document, &table)?;
    }
    conclude(outcome, args.dry_run, output)
}

/// What is asked before anything goes, each of it by its name.
fn question(changes: &[Change]) -> Option<String> {
    let doomed: Vec<&Change> =
        changes.iter().filter(|change| change.action == Action::Delete).collect();
    let (people, others): (Vec<&Change>, Vec<&Change>) =
        doomed.iter().copied().partition(|change| change.what == Declared::User);
    let listed = |title: String, entries: &[&Change]| {
        let names: Vec<String> = entries.iter().map(|change| change.entry()).collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("{title}\n  {}\n", names.join("\n  "))
        }
    };
    let people = listed(
        format!("Disabled now, and deleted with everything they have in {GRACE_DAYS} days:"),
        &people,
    );
    let others = listed("Deleted at once, with everything they have:".to_owned(), &others);
    let count = match doomed.len() {
        0 => return None,
        1 => "1 entry goes.".to_owned(),
        count => format!("{count} entries go."),
    };
    Some(format!("{people}{others}{count}"))
}

/// How it went, in words: how many changes were made, or so many of all and why no more.
fn conclude(
    outcome: Result<usize, (usize, usize, DeclaredError)>,
    is_dry_run: bool,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match outcome {
        Ok(count) => {
            output.note(&match (count, is_dry_run) {
                (0, _) => "Everything is as the file says.".to_owned(),
                (_, true) => "Nothing was changed: this was a dry run.".to_owned(),
                (count, false) => format!("{count} changes made."),
            });
            Ok(Exit::Done)
        }
        Err((0, _, error)) => Err(error.into()),
        Err((done, all, error)) => {
            let text = format!("{done} of {all} changes were made, then: {error}");
            Err(Failure::Partial(text))
        }
    }
}

/// Secrets that were made, to be told once.
fn add_secrets(made: Vec<(Declared, String, String)>, (document, table): (&mut Value, &mut Table)) {
    let mut told = Vec::new();
    for (what, name, secret) in made {
        table.row(["secret", what.as_str(), &name, "secret", "", &secret]);
        told.push(json!({ "kind": what, "name": name, "secret": secret }));
    }
    if let Some(members) = document.as_object_mut()
        && !told.is_empty()
    {
        members.insert("secrets".to_owned(), Value::from(told));
    }
}

/// Reads the secrets a file names, relative to itself.
pub(super) fn secrets_beside(file: &Path) -> impl Fn(&Path) -> Result<String, String> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    move |path| {
        let secret = input::read_secret(&folder.join(path));
        secret.map(|text| text.expose_secret().to_owned()).map_err(|error| error.to_string())
    }
}

/// Reads a file as `apply` takes it.
pub(super) fn read(path: &Path) -> Result<State, Failure> {
    let bad = |error: &str| Failure::Failed(format!("{}: {error}", path.display()));
    let parse: fn(&str) -> Result<State, String> =
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => from_toml,
            Some("json") => from_json,
            _ => {
                let shown = path.display();
                return Err(Failure::Usage(format!(
                    "{shown}: its name does not say how it is written; write .toml or .json"
                )));
            }
        };
    let text = std::fs::read_to_string(path).map_err(|error| bad(&error.to_string()))?;
    parse(&text).map_err(|error| bad(&error))
}

fn from_toml(text: &str) -> Result<State, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("line {line}: {}", one_line(error.message()))
    })
}

fn from_json(text: &str) -> Result<State, String> {
    serde_json::from_str(text).map_err(|error: serde_json::Error| {
        format!("line {}: {}", error.line(), one_line(&error.to_string()))
    })
}

/// What a parser complains of may hold as much of the file as it likes.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST_COMPLAINT) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

fn document(changes: &[Change]) -> Vec<Value> {
    let one = |change: &Change| {
        let fields = change.fields.iter().map(|(name, before, after)| {
            (name.clone(), json!({ "before": before, "after": after }))
        });
        json!({
            "action": change.action,
            "kind": change.what,
            "name": change.name,
            "fields": Value::Object(fields.collect()),
        })
    };
    changes.iter().map(one).collect()
}

fn table(changes: &[Change]) -> Table {
    let mut table = Table::new(["action", "kind", "name", "field", "before", "after"]);
    for change in changes {
        let action = match change.action {
            Action::Create => "+ create",
            Action::Update => "~ change",
            Action::Delete => "- delete",
        };
        let (kind, name) = (change.what.as_str(), change.name.as_str());
        if change.fields.is_empty() {
            table.row([action, kind, name]);
        }
        for (field, before, after) in &change.fields {
            if before.is_null() && after.is_null() {
                table.row([action, kind, name, field]);
            } else {
                table.row([action, kind, name, field, &before.to_string(), &after.to_string()]);
            }
        }
    }
    table
}

impl From<DeclaredError> for Failure {
    fn from(error: DeclaredError) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_file_says_by_its_name_how_it_is_written() {
        for name in ["state.yaml", "state.yml", "state", "state.toml.bak"] {
            let said = problem(name, "groups:\n  - name: staff\n");
            assert!(said.ends_with("write .toml or .json"), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_one_short_line() {
        let long = "x".repeat(5_000);
        for (name, text, line) in [
            (
                "a.toml",
                format!("[[groups]]\nname = \"a\"\n[[users]]\n{long} = \"{long}\"\n"),
                "line 4",
            ),
            ("b.toml", format!("# groups\n{{\"{long}\": 1}}\n"), "line 2"),
            ("c.json", format!("{{\"groups\":\n[\"{long}\"]}}"), "line 2"),
        ] {
            let said = problem(name, &text);
            assert!(said.contains(line), "{said}");
            assert!(said.lines().count() == 1 && said.chars().count() < 300, "{said}");
        }
    }
}
