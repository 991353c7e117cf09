//! `doorward upstream`: providers elsewhere at which people of ours have an account.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::values::upstream_auth;
use crate::crypto::secret::Secret;
use crate::protocol::check::{Check, Verdict};
use crate::protocol::scope::Scopes;
use crate::protocol::upstream::UpstreamAuth;
use crate::service::audit::Actor;
use crate::service::clients::Activity;
use crate::service::upstream::preview::{self, Line};
use crate::service::upstream::{
    self, NewUpstream, UpstreamChange, UpstreamKind, UpstreamProvider, UpstreamSettings,
};

const CREATE_EXAMPLES: &str = "\
Nobody can sign in with an upstream provider yet: this version keeps them and tests the connection.

The issuer is written exactly as the provider says it; a slash at the end counts. The slug and the issuer
stay the same. The secret is asked for, or read from a file or standard input; it is kept sealed and never
shown.

Examples:
  doorward upstream create --slug school --name \"Our school\" --issuer https://id.school.example \\
      --client-id doorward --secret-file school.secret
  doorward upstream test school";

const PREVIEW_EXAMPLES: &str = "\
The claims are a JSON object, as they stand in an ID token of the provider. Nobody is looked up, and nothing
is kept.

Examples:
  doorward upstream preview school claims.json
  doorward upstream preview school - < claims.json";

/// More than the claims of anybody; protects against a path given by mistake.
const LONGEST_CLAIMS: u64 = 256 * 1024;

/// Commands about upstream providers.
#[derive(Debug, Clone, Subcommand)]
pub enum UpstreamCommand {
    /// Add a provider
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<UpstreamCreateArgs>),
    /// List providers
    List,
    /// Show one provider
    Show(UpstreamArgs),
    /// Change a provider; what is not said stays
    Update(Box<UpstreamUpdateArgs>),
    /// Ask a provider for its metadata and keys, and tell whether all of it fits; changes nothing
    Test(UpstreamArgs),
    /// Show what a person would look like who comes with certain claims; changes nothing
    #[command(after_help = PREVIEW_EXAMPLES)]
    Preview(UpstreamPreviewArgs),
    /// Switch a provider off
    Disable(UpstreamArgs),
    /// Switch a provider on again
    Enable(UpstreamArgs),
    /// Remove a provider with its secret
    Delete(UpstreamArgs),
}

/// The provider a command is about.
#[derive(Debug, Clone, Args)]
pub struct UpstreamArgs {
    /// Its slug or id
    pub provider: String,
}

/// `upstream preview`.
#[derive(Debug, Clone, Args)]
pub struct UpstreamPreviewArgs {
    /// Its slug or id
    pub provider: String,
    /// JSON file with the claims, or - for standard input
    #[arg(value_name = "FILE")]
    pub claims: PathBuf,
}

/// `upstream create`.
#[derive(Debug, Clone, Args)]
pub struct UpstreamCreateArgs {
    /// A short name of small letters, digits and dashes, which stays the same
    #[arg(long)]
    pub slug: String,
    /// The name people will see
    #[arg(long)]
    pub name: String,
    /// Its issuer, exactly as it says it; it stays the same
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// What Doorward is called there
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// File with the secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub settings: UpstreamSettingArgs,
}

/// `upstream update`.
#[derive(Debug, Clone, Args)]
pub struct UpstreamUpdateArgs {
    /// Its slug or id
    pub provider: String,
    /// Another name
    #[arg(long)]
    pub name: Option<String>,
    /// Another client id
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with another secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Ask for another secret
    #[arg(long, conflicts_with = "secret_file")]
    pub new_secret: bool,
    #[command(flatten)]
    pub settings: UpstreamSettingArgs,
}

/// How it is spoken to, and what its word is worth.
#[derive(Debug, Clone, Args)]
pub struct UpstreamSettingArgs {
    /// How the secret is sent
    #[arg(long, value_name = "METHOD", value_parser = upstream_auth())]
    pub auth_method: Option<UpstreamAuth>,
    /// Scope to ask for, openid among them; repeat for several
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Claim that is the username
    #[arg(long, value_name = "CLAIM")]
    pub username_claim: Option<String>,
    /// Claim that is the name
    #[arg(long, value_name = "CLAIM")]
    pub name_claim: Option<String>,
    /// Claim that is the e-mail address
    #[arg(long, value_name = "CLAIM")]
    pub email_claim: Option<String>,
    /// Claim with the groups; empty if they mean nothing here
    #[arg(long, value_name = "CLAIM")]
    pub groups_claim: Option<String>,
    /// Whether an e-mail address that it says is verified counts as verified here
    #[arg(long, value_name = "true|false")]
    pub trust_email: Option<bool>,
}

impl UpstreamSettingArgs {
    /// What is said, over what is there.
    fn over(&self, before: UpstreamSettings) -> Result<UpstreamSettings, Failure> {
        let scope = match self.scopes.as_slice() {
            [] => before.scope,
            scopes => Scopes::parse(&scopes.join(" ")).ok_or_else(|| {
                Failure::Usage("a scope has a character that is not allowed".to_owned())
            })?,
        };
        let mut claims = before.claims;
        for (said, name) in [
            (&self.username_claim, &mut claims.username),
            (&self.name_claim, &mut claims.name),
            (&self.email_claim, &mut claims.email),
        ] {
            if let Some(said) = said {
                said.clone_into(name);
            }
        }
        if let Some(said) = &self.groups_claim {
            claims.groups = Some(said.clone()).filter(|claim| !claim.is_empty());
        }
        let method = self.auth_method.unwrap_or(before.token_endpoint_auth_method);
        let trusts_email = self.trust_email.unwrap_or(before.trusts_email);
        Ok(UpstreamSettings { token_endpoint_auth_method: method, scope, claims, trusts_email })
    }
}

pub(super) fn run(
    command: &UpstreamCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        UpstreamCommand::Create(args) => create(args, globals, output),
        UpstreamCommand::List => {
            let found = engine::with_app(globals, async |app| Ok(upstream::all(app).await?))?;
            list(&found, output)
        }
        UpstreamCommand::Show(args) => {
            let found = engine::with_app(globals, async |app| {
                Ok(upstream::get(app, &args.provider).await?)
            })?;
            print(&found, output)
        }
        UpstreamCommand::Update(args) => update(args, globals, output),
        UpstreamCommand::Test(args) => test(args, globals, output),
        UpstreamCommand::Preview(args) => show_person(args, globals, output),
        UpstreamCommand::Disable(args) => set_activity(args, (globals, Activity::Disabled), output),
        UpstreamCommand::Enable(args) => set_activity(args, (globals, Activity::Enabled), output),
        UpstreamCommand::Delete(args) => delete(args, globals, output),
    }
}

fn ask_secret(globals: &Globals, file: Option<&Path>) -> Result<Secret, Failure> {
    let text = Input::of_process(globals).secret(file, "Client secret", "--secret-file")?;
    Ok(Secret::from_text(text.expose_secret().to_owned()))
}

fn create(
    args: &UpstreamCreateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let new = NewUpstream {
        slug: args.slug.clone(),
        kind: UpstreamKind::Oidc,
        issuer: args.issuer.clone(),
        display_name: args.name.clone(),
        client_id: args.client_id.clone(),
        settings: args.settings.over(UpstreamSettings::default())?,
        secret: ask_secret(globals, args.secret_file.as_deref())?,
    };
    let made = engine::with_app(globals, async |app| {
        Ok(upstream::create(app, new, &Actor::CommandLine).await?)
    })?;
    print(&made, output)
}

fn update(
    args: &UpstreamUpdateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let wanted = args.new_secret || args.secret_file.is_some();
    let secret = wanted.then(|| ask_secret(globals, args.secret_file.as_deref())).transpose()?;
    let changed = engine::with_app(globals, async |app| {
        let before = upstream::get(app, &args.provider).await?;
        let change = UpstreamChange {
            display_name: args.name.clone().unwrap_or(before.display_name),
            client_id: args.client_id.clone().unwrap_or(before.client_id),
            settings: args.settings.over(before.settings)?,
            secret,
        };
        Ok(upstream::update(app, &before.id, (change, &Actor::CommandLine)).await?)
    })?;
    print(&changed, output)
}

fn set_activity(
    args: &UpstreamArgs,
    (globals, activity): (&Globals, Activity),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let changed = engine::with_app(globals, async |app| {
        let change = (activity, &Actor::CommandLine);
        Ok(upstream::set_activity(app, &args.provider, change).await?)
    })?;
    print(&changed, output)
}

fn delete(
    args: &UpstreamArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let question = format!("Delete the upstream provider {} and its secret?", args.provider);
    Input::of_process(globals).confirm(&question)?;
    let gone = engine::with_app(globals, async |app| {
        Ok(upstream::delete(app, &args.provider, &Actor::CommandLine).await?)
    })?;
    output.note("The upstream provider is deleted.");
    print(&gone, output)
}

fn test(args: &UpstreamArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let (provider, checks) = engine::with_app(globals, async |app| {
        Ok(upstream::test(app, &args.provider, &Actor::CommandLine).await?)
    })?;
    let mut table = Table::new(["what", "result", "in words"]);
    for Check { about, verdict, said } in &checks {
        table.row([about, verdict.as_str(), said]);
    }
    let verdict = upstream::verdict(&checks);
    let items: Vec<_> = checks
        .iter()
        .map(|check| json!({ "about": check.about, "verdict": check.verdict, "said": check.said }))
        .collect();
    let document = json!({ "slug": provider.slug, "verdict": verdict, "checks": items });
    output.data(&document, &table)?;
    Ok(if verdict == Verdict::Failed { Exit::Failed } else { Exit::Done })
}

fn show_person(
    args: &UpstreamPreviewArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let text = read_claims(&args.claims)?;
    let provider =
        engine::with_app(globals, async |app| Ok(upstream::get(app, &args.provider).await?))?;
    let lines = preview::of(&provider.settings, &text)
        .map_err(|problem| Failure::Failed(format!("the claims {problem}")))?;
    let mut table = Table::new(["what", "claim", "value", "in words"]);
    for Line { about, claim, values, note } in &lines {
        table.row([about, claim, &values.join(", "), note]);
    }
    let item = |line: &Line| {
        let claim = Some(&line.claim).filter(|claim| !claim.is_empty());
        json!({ "about": line.about, "claim": claim, "values": line.values, "note": line.note })
    };
    let items: Vec<_> = lines.iter().map(item).collect();
    output.data(&json!({ "lines": items }), &table)?;
    Ok(Exit::Done)
}

fn read_claims(source: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let outcome = if source == Path::new("-") {
        io::stdin().lock().take(LONGEST_CLAIMS).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(source);
        file.and_then(|file| file.take(LONGEST_CLAIMS).read_to_string(&mut text))
    };
    let shown = source.display();
    outcome.map_err(|fault| Failure::Failed(format!("{shown} could not be read: {fault}")))?;
    Ok(text)
}

fn to_json(provider: &UpstreamProvider) -> Value {
    let settings = &provider.settings;
    json!({
        "id": provider.id, "slug": provider.slug, "kind": provider.kind, "issuer": provider.issuer,
        "display_name": provider.display_name, "client_id": provider.client_id,
        "token_endpoint_auth_method": settings.token_endpoint_auth_method,
        "scope": settings.scope, "claims": settings.claims, "trusts_email": settings.trusts_email,
        "created_at": engine::time(provider.created_at),
        "disabled_at": engine::time_or_null(provider.disabled_at),
    })
}

fn state(provider: &UpstreamProvider) -> &'static str {
    if provider.disabled_at.is_some() { "disabled" } else { "active" }
}

fn list(found: &[UpstreamProvider], output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::new(["slug", "name", "issuer", "state"]);
    for provider in found {
        table.row([&provider.slug, &provider.display_name, &provider.issuer, state(provider)]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn print(provider: &UpstreamProvider, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let settings = &provider.settings;
    let claims = &settings.claims;
    let mut table = Table::fields();
    table.row(["id", &provider.id]).row(["slug", &provider.slug]);
    table.row(["name", &provider.display_name]).row(["kind", provider.kind.as_str()]);
    table.row(["issuer", &provider.issuer]).row(["client id", &provider.client_id]);
    table.row(["state", state(provider)]);
    table.row(["secret is sent by", settings.token_endpoint_auth_method.as_str()]);
    table.row(["scope", &settings.scope.to_string()]);
    table.row(["username from", &claims.username]).row(["name from", &claims.name]);
    table.row(["e-mail from", &claims.email]);
    table.row(["groups from", claims.groups.as_deref().unwrap_or("none")]);
    table.row(["trusts e-mail", if settings.trusts_email { "yes" } else { "no" }]);
    output.data(&to_json(provider), &table)?;
    Ok(Exit::Done)
}
