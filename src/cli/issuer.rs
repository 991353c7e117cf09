//! `doorward issuer`: issuers outside whose tokens count here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::values::identity;
use crate::clock::UnixTime;
use crate::protocol::scope::Scopes;
use crate::protocol::token::trusted_issuer::{
    Identity, IssuerSettings, Reuse, Rule, TrustedIssuer,
};
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::trusted_issuers;

const CREATE_EXAMPLES: &str = "\
A program that holds a token of this issuer gets a token of ours with it, without any secret:
grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer, client_id and assertion.

A rule says which tokens a client may bring: every --match names a claim and what it must be. In it
* stands for one or more characters other than : and /. Several rules go into a file:
[{\"client_id\": \"backup\", \"match\": {\"sub\": \"system:serviceaccount:prod:backup\"}}]

Examples:
  doorward issuer create --name cluster --issuer https://kubernetes.default.svc.cluster.local \\
      --jwks-file jwks.json --allow-reuse --client backup \\
      --match sub=system:serviceaccount:prod:backup
  doorward issuer create --name github --issuer https://token.actions.githubusercontent.com \\
      --jwks-uri https://token.actions.githubusercontent.com/.well-known/jwks \\
      --client deploy --match repository=octo/shop --match ref=refs/heads/main";

/// Commands about issuers outside.
#[derive(Debug, Clone, Subcommand)]
pub enum IssuerCommand {
    /// Trust an issuer
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<IssuerCreateArgs>),
    /// List trusted issuers
    List,
    /// Show one trusted issuer
    Show(IssuerArgs),
    /// Change what an issuer is trusted with: everything is said anew, as in `create`
    Update(Box<IssuerCreateArgs>),
    /// Switch an issuer off for the time being
    Disable(IssuerArgs),
    /// Let an issuer's word count again
    Enable(IssuerArgs),
    /// Stop trusting an issuer; what was issued on its word lives until it expires
    Delete(IssuerArgs),
}

/// The issuer a command is about.
#[derive(Debug, Clone, Args)]
pub struct IssuerArgs {
    /// The name it was given here
    pub name: String,
}

/// `issuer create`.
#[derive(Debug, Clone, Args)]
pub struct IssuerCreateArgs {
    /// A name for it
    #[arg(long)]
    pub name: String,
    /// The iss of its tokens, exactly as they say it
    #[arg(long, value_name = "ISS")]
    pub issuer: String,
    /// Where it publishes its keys
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file")]
    pub jwks_uri: Option<String>,
    /// File with its keys, a JWK Set
    #[arg(long, value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// Value of aud to accept beside this provider's own; repeat for several
    #[arg(long, value_name = "AUD")]
    pub audience: Vec<String>,
    /// The most scopes anybody gets on its word; repeat for several
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Longest time one of its tokens may still be good for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub max_lifetime: i64,
    /// Accept the same token more than once: for platforms that renew it only every hour
    #[arg(long)]
    pub allow_reuse: bool,
    /// `client_id` that may bring its tokens
    #[arg(long, value_name = "ID", requires = "patterns", required_unless_present = "rules_file")]
    pub client: Option<String>,
    /// Claim a token must have; repeat for several
    #[arg(long = "match", value_name = "CLAIM=PATTERN", requires = "client")]
    pub patterns: Vec<String>,
    /// For whom such a token speaks: the client itself, or a person by username (sub) or e-mail
    #[arg(long, value_name = "WHO", requires = "client", value_parser = identity())]
    pub identity: Option<Identity>,
    /// JSON file with a list of rules
    #[arg(long, value_name = "FILE", conflicts_with = "client")]
    pub rules_file: Option<PathBuf>,
}

pub(super) fn run(
    command: &IssuerCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        IssuerCommand::Create(args) => {
            let issuer = issuer_of(args)?;
            let made = engine::with_app(globals, async |app| {
                Ok(trusted_issuers::create(app, issuer, &Actor::CommandLine).await?)
            })?;
            print(&made, output)
        }
        IssuerCommand::Update(args) => {
            let issuer = issuer_of(args)?;
            let changed = engine::with_app(globals, async |app| {
                Ok(trusted_issuers::update(app, issuer, &Actor::CommandLine).await?)
            })?;
            print(&changed, output)
        }
        IssuerCommand::Disable(args) => set_activity(args, (globals, Activity::Disabled), output),
        IssuerCommand::Enable(args) => set_activity(args, (globals, Activity::Enabled), output),
        IssuerCommand::List => {
            let found =
                engine::with_app(globals, async |app| Ok(trusted_issuers::all(app).await?))?;
            list(&found, output)
        }
        IssuerCommand::Show(args) => {
            let found = engine::with_app(globals, async |app| {
                Ok(trusted_issuers::get(app, &args.name).await?)
            })?;
            print(&found, output)
        }
        IssuerCommand::Delete(args) => delete(args, globals, output),
    }
}

fn set_activity(
    args: &IssuerArgs,
    (globals, activity): (&Globals, Activity),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let changed = engine::with_app(globals, async |app| {
        let actor = &Actor::CommandLine;
        Ok(trusted_issuers::set_activity(app, &args.name, activity, actor).await?)
    })?;
    print(&changed, output)
}

fn delete(args: &IssuerArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let question = format!("Stop trusting {}? Programs that rely on it stop.", args.name);
    Input::of_process(globals).confirm(&question)?;
    let gone = engine::with_app(globals, async |app| {
        Ok(trusted_issuers::delete(app, &args.name, &Actor::CommandLine).await?)
    })?;
    output.note("The issuer is trusted no more.");
    print(&gone, output)
}

fn issuer_of(args: &IssuerCreateArgs) -> Result<TrustedIssuer, Failure> {
    let rules = match &args.rules_file {
        Some(path) => read_json(path)?,
        None => vec![rule_of(args)?],
    };
    let scope = (!args.scopes.is_empty()).then(|| args.scopes.join(" "));
    let scope = scope.map(|text| {
        Scopes::parse(&text).ok_or_else(|| {
            Failure::Usage(
                "a scope has a character that is not allowed, or there are more than 256"
                    .to_owned(),
            )
        })
    });
    Ok(TrustedIssuer {
        name: args.name.clone(),
        issuer: args.issuer.clone(),
        settings: IssuerSettings {
            jwks: args.jwks_file.as_deref().map(read_json).transpose()?,
            jwks_uri: args.jwks_uri.clone(),
            audience: args.audience.clone(),
            scope: scope.transpose()?,
            max_lifetime: args.max_lifetime,
            reuse: if args.allow_reuse { Reuse::Allowed } else { Reuse::Once },
            rules,
        },
        created_at: UnixTime::default(),
        disabled_at: None,
    })
}

fn rule_of(args: &IssuerCreateArgs) -> Result<Rule, Failure> {
    let mut patterns = BTreeMap::new();
    for text in &args.patterns {
        let (claim, pattern) = text.split_once('=').ok_or_else(|| {
            Failure::Usage(format!("{text:?} is not a claim and a pattern: sub=the-subject"))
        })?;
        patterns.insert(claim.to_owned(), pattern.to_owned());
    }
    Ok(Rule {
        client_id: ClientId::new(args.client.clone().unwrap_or_default()),
        patterns,
        identity: args.identity.unwrap_or_default(),
    })
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Failed(format!("{shown} could not be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::Failed(format!("{shown}: {error}")))
}

fn to_json(issuer: &TrustedIssuer) -> Value {
    let mut document = json!({ "name": issuer.name, "issuer": issuer.issuer });
    if let (Some(members), Value::Object(settings)) =
        (document.as_object_mut(), json!(issuer.settings))
    {
        members.extend(settings);
        members.insert("created_at".to_owned(), engine::time(issuer.created_at));
        let disabled = engine::time_or_null(issuer.disabled_at);
        members.insert("disabled_at".to_owned(), disabled);
    }
    document
}

fn state(issuer: &TrustedIssuer) -> &'static str {
    if issuer.disabled_at.is_some() { "disabled" } else { "active" }
}

fn list(issuers: &[TrustedIssuer], output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::new(["name", "issuer", "rules", "state"]);
    for issuer in issuers {
        let rules = issuer.settings.rules.len().to_string();
        table.row([&issuer.name, &issuer.issuer, &rules, state(issuer)]);
    }
    let items: Vec<_> = issuers.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn print(issuer: &TrustedIssuer, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let settings = &issuer.settings;
    let mut table = Table::fields();
    table.row(["name", &issuer.name]).row(["issuer", &issuer.issuer]);
    table.row(["state", state(issuer)]);
    table.row(["keys", settings.jwks_uri.as_deref().unwrap_or("given by value")]);
    for audience in &settings.audience {
        table.row(["audience", audience]);
    }
    if let Some(scope) = &settings.scope {
        table.row(["scope", &scope.to_string()]);
    }
    table.row(["max lifetime", &settings.max_lifetime.to_string()]);
    let reuse = if settings.reuse == Reuse::Once { "used once" } else { "may be used again" };
    table.row(["tokens", reuse]);
    for rule in &settings.rules {
        let patterns: Vec<_> = rule.patterns.iter().map(|(n, p)| format!("{n}={p}")).collect();
        let text =
            format!("{} as {}: {}", rule.client_id, rule.identity.as_str(), patterns.join(" "));
        table.row(["rule", &text]);
    }
    output.data(&to_json(issuer), &table)?;
    Ok(Exit::Done)
}
