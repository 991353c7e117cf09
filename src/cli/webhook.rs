//! `doorward webhook`: other programs that are told what happens here.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use crate::crypto::secret::Secret;
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::webhooks::{self, Outcome, Webhook, WebhookError, WebhookSettings};
use crate::store::webhooks::deliveries::Delivered;

const CREATE_EXAMPLES: &str = "\
Messages are signed as Standard Webhooks 1.0.0 says. The secret is printed once; libraries that check
such signatures exist for most languages. An event is one of the audit log's; user.* is all of an
area, and * is everything.

Examples:
  doorward webhook create --name chat --url https://chat.example.com/hooks/1 --event 'user.*'
  doorward webhook create --name siem --url https://siem.example.com/in --event '*'";

/// Commands about webhooks.
#[derive(Debug, Clone, Subcommand)]
pub enum WebhookCommand {
    /// Tell another program what happens here
    #[command(after_help = CREATE_EXAMPLES)]
    Create(WebhookCreateArgs),
    /// List webhooks
    List,
    /// Show one webhook
    Show(WebhookArgs),
    /// Show what a webhook was sent in the last seven days, and what came back
    Log(WebhookLogArgs),
    /// Change name, address or events of a webhook; what is not said stays
    Update(WebhookUpdateArgs),
    /// Send a test message now and show what comes back
    Test(WebhookArgs),
    /// Send a message of the log once more, under the same id
    Redeliver(WebhookRedeliverArgs),
    /// Switch a webhook off for the time being; what waits for it is dropped
    Disable(WebhookArgs),
    /// Switch a webhook on again
    Enable(WebhookArgs),
    /// Replace the secret; the old one signs for another day as well
    Rotate(WebhookArgs),
    /// Remove a webhook
    Delete(WebhookArgs),
}

/// The webhook a command is about.
#[derive(Debug, Clone, Args)]
pub struct WebhookArgs {
    /// Its name or id
    pub name: String,
}

/// `webhook create`.
#[derive(Debug, Clone, Args)]
pub struct WebhookCreateArgs {
    /// A name for it
    #[arg(long)]
    pub name: String,
    /// The https address that takes the messages
    #[arg(long)]
    pub url: String,
    /// What to tell: an event, an area such as user.*, or *; repeat for several
    #[arg(long = "event", value_name = "EVENT", required = true)]
    pub events: Vec<String>,
}

/// `webhook update`.
#[derive(Debug, Clone, Args)]
pub struct WebhookUpdateArgs {
    /// Its name or id
    pub webhook: String,
    /// Another name
    #[arg(long)]
    pub name: Option<String>,
    /// Another address
    #[arg(long)]
    pub url: Option<String>,
    /// What to tell from now on, in place of what it was told; repeat for several
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<String>,
}

/// `webhook log`.
#[derive(Debug, Clone, Args)]
pub struct WebhookLogArgs {
    /// Its name or id
    pub name: String,
    /// Lines to show
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub limit: i64,
    /// Go on behind this line, which the list before named
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
}

/// `webhook redeliver`.
#[derive(Debug, Clone, Args)]
pub struct WebhookRedeliverArgs {
    /// Its name or id
    pub name: String,
    /// Id of the line in its log
    pub delivery: String,
}

pub(super) fn run(
    command: &WebhookCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        WebhookCommand::Create(args) => create(args, globals, output),
        WebhookCommand::List => {
            let found = engine::with_app(globals, async |app| Ok(webhooks::all(app).await?))?;
            list(&found, output)
        }
        WebhookCommand::Show(args) => {
            let found =
                engine::with_app(globals, async |app| Ok(webhooks::get(app, &args.name).await?))?;
            print(&found, None, output)
        }
        WebhookCommand::Log(args) => log(args, globals, output),
        WebhookCommand::Update(args) => update(args, globals, output),
        WebhookCommand::Test(args) => test(args, globals, output),
        WebhookCommand::Redeliver(args) => redeliver(args, globals, output),
        WebhookCommand::Disable(args) => set_activity(args, (globals, Activity::Disabled), output),
        WebhookCommand::Enable(args) => set_activity(args, (globals, Activity::Enabled), output),
        WebhookCommand::Rotate(args) => {
            let (webhook, secret) = engine::with_app(globals, async |app| {
                let id = webhooks::get(app, &args.name).await?.id;
                Ok(webhooks::rotate_secret(app, &id, &Actor::CommandLine).await?)
            })?;
            output.note("The secret is shown this once. The old one signs for another day.");
            print(&webhook, Some(&secret), output)
        }
        WebhookCommand::Delete(args) => delete(args, globals, output),
    }
}

fn create(
    args: &WebhookCreateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let settings = WebhookSettings {
        name: args.name.clone(),
        url: args.url.clone(),
        events: args.events.clone(),
    };
    let (webhook, secret) = engine::with_app(globals, async |app| {
        Ok(webhooks::create(app, settings, &Actor::CommandLine).await?)
    })?;
    output.note("The secret is shown this once.");
    print(&webhook, Some(&secret), output)
}

fn update(
    args: &WebhookUpdateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let changed = engine::with_app(globals, async |app| {
        let before = webhooks::get(app, &args.webhook).await?;
        let settings = WebhookSettings {
            name: args.name.clone().unwrap_or(before.name),
            url: args.url.clone().unwrap_or(before.url),
            events: if args.events.is_empty() { before.events } else { args.events.clone() },
        };
        Ok(webhooks::update(app, &before.id, (settings, &Actor::CommandLine)).await?)
    })?;
    print(&changed, None, output)
}

fn set_activity(
    args: &WebhookArgs,
    (globals, activity): (&Globals, Activity),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let changed = engine::with_app(globals, async |app| {
        let id = webhooks::get(app, &args.name).await?.id;
        Ok(webhooks::set_activity(app, &id, (activity, &Actor::CommandLine)).await?)
    })?;
    print(&changed, None, output)
}

fn test(args: &WebhookArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let (webhook, outcome) = engine::with_app(globals, async |app| {
        let id = webhooks::get(app, &args.name).await?.id;
        Ok(webhooks::test(app, &id, &Actor::CommandLine).await?)
    })?;
    let Outcome { arrived, status, duration_ms, said } = outcome;
    let mut table = Table::fields();
    table.row(["webhook", &webhook.name]);
    table.row(["arrived", if arrived { "yes" } else { "no" }]);
    if let Some(status) = status {
        table.row(["status", &status.to_string()]);
    }
    table.row(["took", &format!("{duration_ms} ms")]).row(["answer", &said]);
    let document = json!({
        "name": webhook.name, "arrived": arrived, "status": status,
        "duration_ms": u64::try_from(duration_ms).unwrap_or(u64::MAX), "answer": said,
    });
    output.data(&document, &table)?;
    Ok(if arrived { Exit::Done } else { Exit::Failed })
}

fn log(args: &WebhookLogArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let place = (args.after.as_deref(), args.limit);
    let found = engine::with_app(globals, async |app| {
        let webhook = webhooks::get(app, &args.name).await?;
        Ok(webhooks::log(app, &webhook, place).await?)
    })?;
    let mut table = Table::new(["event", "state", "tries", "status", "took", "last", "problem"]);
    for line in &found {
        let status = line.status.map(|status| status.to_string()).unwrap_or_default();
        let took = format!("{} ms", line.duration_ms);
        let problem = line.problem.as_deref().unwrap_or_default();
        table.row([
            &line.kind,
            line.state.as_str(),
            &line.attempts.to_string(),
            &status,
            &took,
            &line.last_at.rfc3339(),
            problem,
        ]);
    }
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= args.limit;
    let next = found.last().filter(|_| full).map(|line| line.id.as_str());
    let items: Vec<_> = found.iter().map(line_to_json).collect();
    output.data(&engine::list(&items, next), &table)?;
    if let Some(next) = next {
        output.note(&format!("There may be more: --after {next}"));
    }
    Ok(Exit::Done)
}

fn redeliver(
    args: &WebhookRedeliverArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let webhook = engine::with_app(globals, async |app| {
        let id = webhooks::get(app, &args.name).await?.id;
        match webhooks::redeliver(app, (&id, &args.delivery), &Actor::CommandLine).await {
            Err(WebhookError::NotFound) => {
                Err(Failure::Failed("there is no such message in its log".to_owned()))
            }
            other => Ok(other?),
        }
    })?;
    output.note("The message is on its way again.");
    print(&webhook, None, output)
}

fn delete(args: &WebhookArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let question = format!("Delete the webhook {} and its log?", args.name);
    Input::of_process(globals).confirm(&question)?;
    let gone = engine::with_app(globals, async |app| {
        let id = webhooks::get(app, &args.name).await?.id;
        Ok(webhooks::delete(app, &id, &Actor::CommandLine).await?)
    })?;
    output.note("The webhook is deleted.");
    print(&gone, None, output)
}

fn line_to_json(line: &Delivered) -> Value {
    json!({
        "id": line.id, "webhook_id": line.message_id, "type": line.kind, "state": line.state,
        "attempts": line.attempts, "status": line.status, "duration_ms": line.duration_ms,
        "problem": line.problem, "created_at": engine::time(line.created_at),
        "last_at": engine::time(line.last_at),
    })
}

fn to_json(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id, "name": webhook.name, "url": webhook.url, "events": webhook.events,
        "failing_since": engine::time_or_null(webhook.failing_since),
        "created_at": engine::time(webhook.created_at),
        "disabled_at": engine::time_or_null(webhook.disabled_at),
    })
}

fn state(webhook: &Webhook) -> &'static str {
    match (webhook.disabled_at, webhook.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "active",
    }
}

fn list(found: &[Webhook], output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::new(["name", "host", "events", "state"]);
    for webhook in found {
        let host = webhooks::host_of(&webhook.url);
        table.row([&webhook.name, &host, &webhook.events.join(" "), state(webhook)]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn print(
    webhook: &Webhook,
    secret: Option<&Secret>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["id", &webhook.id]).row(["name", &webhook.name]).row(["url", &webhook.url]);
    for event in &webhook.events {
        table.row(["event", event]);
    }
    table.row(["state", state(webhook)]);
    let mut document = to_json(webhook);
    if let (Some(secret), Some(members)) = (secret, document.as_object_mut()) {
        members.insert("secret".to_owned(), json!(secret.expose()));
        table.row(["secret", secret.expose()]);
    }
    output.data(&document, &table)?;
    Ok(Exit::Done)
}
