//! `doorward client`: apps.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client_document;
use super::client_metadata::{ClientMetadataArgs, FORMER_NAME, apply, read_metadata};
use super::client_secret::{self, ClientRetireSecretArgs, ClientRotateSecretArgs};
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::logo::{self, ClientLogoArgs};
use super::output::{Output, Table};
use super::page::{self, Page};
use super::preview::{self, ClientPreviewArgs};
use super::snippet::{self, ClientSnippetArgs};
use super::values::client_kind;
use crate::crypto::secret::Secret;
use crate::protocol::api;
use crate::protocol::client::{
    AccessTokenFormat, Client, ClientKind, ClientMetadata, ConsentPolicy,
};
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::{self, Activity, NewClient, registration, secrets};
use crate::store::clients::ClientFilter;
use crate::store::order::Order;

const CREATE_EXAMPLES: &str = "\
An app that can keep a secret gets one. It is printed once and cannot be shown again.

Examples:
  doorward client create --name Wiki --type web --redirect-uri https://wiki.example.com/callback
  doorward client create --name Timetable --type spa --redirect-uri https://time.example.com/
  doorward client create --name Backup --type machine --scope backup.read --format json";

const UPDATE_EXAMPLES: &str = "\
A flag that can be repeated replaces the whole list.

Examples:
  doorward client update wiki --redirect-uri https://wiki.example.com/callback
  doorward client update wiki --allow-group staff --allow-group board
  doorward client update wiki --allow-everyone
  doorward client update wiki --disable";

const REVOKE_REGISTRATION_EXAMPLES: &str = "\
Whoever holds that token can also give the app a new secret, so take it away together with a secret
that has leaked.

Examples:
  doorward client revoke-registration 2f6c1d
  doorward client rotate-secret 2f6c1d";

/// Commands about apps.
#[derive(Debug, Clone, Subcommand)]
pub enum ClientCommand {
    /// Add an app
    #[command(after_help = CREATE_EXAMPLES)]
    Create(ClientCreateArgs),
    /// List apps
    List(ClientListArgs),
    /// Show one app
    Show(ClientArgs),
    /// Change an app
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(ClientUpdateArgs),
    /// Delete an app; its tokens stop working
    Delete(ClientArgs),
    /// Give an app a new secret; the old one stops working
    RotateSecret(ClientRotateSecretArgs),
    /// Give an app a second secret; the one it has goes on working
    #[command(after_help = client_secret::ADD_EXAMPLES)]
    AddSecret(ClientArgs),
    /// End one of the two secrets of an app
    #[command(after_help = client_secret::RETIRE_EXAMPLES)]
    RetireSecret(ClientRetireSecretArgs),
    /// Give an app a logo, or take it away
    #[command(after_help = logo::about_client())]
    Logo(ClientLogoArgs),
    /// Print what to paste into the configuration of a well-known app
    #[command(after_help = snippet::EXAMPLES)]
    Snippet(ClientSnippetArgs),
    /// Show what an app would be told of somebody
    #[command(after_help = preview::EXAMPLES)]
    Preview(ClientPreviewArgs),
    /// Read the metadata document of an app again, now
    #[command(after_help = client_document::EXAMPLES)]
    Refresh(ClientArgs),
    /// Take the token away with which an app that registered itself can change or delete itself
    #[command(after_help = REVOKE_REGISTRATION_EXAMPLES)]
    RevokeRegistration(ClientArgs),
}

/// The app a command is about.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// The app's client_id
    pub client_id: String,
}

/// `client create`.
#[derive(Debug, Clone, Args)]
pub struct ClientCreateArgs {
    /// Name shown to people
    #[arg(long)]
    pub name: String,
    /// Kind of app; it chooses sensible defaults
    #[arg(long = "type", value_name = "TYPE", value_parser = client_kind())]
    pub kind: ClientKind,
    /// client_id to use; made up if missing
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with the secret to use, or - for standard input; made up if missing
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub metadata: ClientMetadataArgs,
}

/// `client update`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ClientUpdateArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    /// Name shown to people
    #[arg(long)]
    pub name: Option<String>,
    /// Ask people for consent again
    #[arg(long, conflicts_with = "skip_consent")]
    pub ask_consent: bool,
    /// Let everybody use the app, whatever groups they are in
    #[arg(long, conflicts_with = "allowed_groups")]
    pub allow_everyone: bool,
    /// Stop the app from signing people in, and end its tokens
    #[arg(long, conflicts_with = "enable")]
    pub disable: bool,
    /// Let a disabled app work again
    #[arg(long)]
    pub enable: bool,
    #[command(flatten)]
    pub metadata: ClientMetadataArgs,
}

/// `client list`.
#[derive(Debug, Clone, Args)]
pub struct ClientListArgs {
    /// How a client_id or name begins
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Apps to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this client_id
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
}

pub(super) fn run(
    command: &ClientCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let input = Input::of_process(globals);
    match command {
        ClientCommand::Create(args) => create(args, globals, output),
        ClientCommand::List(args) => list(args, globals, output),
        ClientCommand::Show(args) => {
            let id = ClientId::new(&args.client_id);
            let client = engine::with_app(globals, async |app| Ok(clients::get(app, &id).await?))?;
            print(&client, None, output)
        }
        ClientCommand::Update(args) => update(args, globals, output),
        ClientCommand::Delete(args) => {
            input
                .confirm(&format!("Delete the app {}? Its tokens stop working.", args.client_id))?;
            let id = ClientId::new(&args.client_id);
            let client = engine::with_app(globals, async |app| {
                let client = clients::get(app, &id).await?;
                clients::delete(app, &id, &Actor::CommandLine).await?;
                Ok(client)
            })?;
            output.note("The app is deleted.");
            print(&client, None, output)
        }
        ClientCommand::RotateSecret(args) => client_secret::rotate(args, globals, output),
        ClientCommand::AddSecret(args) => client_secret::add(args, globals, output),
        ClientCommand::RetireSecret(args) => client_secret::retire(args, globals, output),
        ClientCommand::Logo(args) => logo::of_client(args, globals, output),
        ClientCommand::Snippet(args) => snippet::run(args, globals, output),
        ClientCommand::Preview(args) => preview::run(args, globals, output),
        ClientCommand::Refresh(args) => client_document::refresh(args, globals, output),
        ClientCommand::RevokeRegistration(args) => {
            let id = ClientId::new(&args.client_id);
            let client = engine::with_app(globals, async |app| {
                Ok(registration::care::revoke_token(app, &id, &Actor::CommandLine).await?)
            })?;
            output.note("The app can change itself no more. Its secret and its tokens still work.");
            print(&client, None, output)
        }
    }
}

fn create(
    args: &ClientCreateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut metadata = match &args.metadata.metadata {
        Some(path) => read_metadata(path, &ClientMetadata::for_kind(args.kind))?,
        None => ClientMetadata::for_kind(args.kind),
    };
    metadata.kind = args.kind;
    metadata.client_name.clone_from(&args.name);
    apply(&args.metadata, &mut metadata);
    let mut new = NewClient {
        id: args.client_id.clone().map(ClientId::new),
        metadata,
        secret: args.secret_file.as_deref().map(client_secret::read_own).transpose()?,
    };
    let made = engine::with_app(globals, async |app| {
        new.metadata = api::for_the_api(new.metadata, app.config.issuer.as_str());
        Ok(clients::create(app, new, &Actor::CommandLine).await?)
    })?;
    if made.secret.is_some() {
        output.note("The secret is shown this once; store it with the app.");
    }
    print(&made.client, made.secret.as_ref(), output)
}

fn update(
    args: &ClientUpdateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let id = ClientId::new(&args.client.client_id);
    let client = engine::with_app(globals, async |app| {
        let before = clients::get(app, &id).await?.metadata;
        let mut metadata = match &args.metadata.metadata {
            Some(path) => read_metadata(path, &before)?,
            None => before.clone(),
        };
        if let Some(name) = &args.name {
            metadata.client_name.clone_from(name);
        }
        if args.ask_consent {
            metadata.consent = ConsentPolicy::Ask;
        }
        if args.allow_everyone {
            metadata.allowed_groups = None;
        }
        apply(&args.metadata, &mut metadata);
        if metadata != before {
            clients::update(app, &id, metadata, &Actor::CommandLine).await?;
        }
        if args.disable {
            clients::set_activity(app, &id, Activity::Disabled, &Actor::CommandLine).await?;
        }
        if args.enable {
            clients::set_activity(app, &id, Activity::Enabled, &Actor::CommandLine).await?;
        }
        Ok(clients::get(app, &id).await?)
    })?;
    print(&client, None, output)
}

fn list(
    args: &ClientListArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let filter = ClientFilter {
        search: args.search.clone(),
        order: Order::after(args.after.clone()),
        limit: page::one_more(args.limit),
    };
    let found = engine::with_app(globals, async |app| Ok(clients::search(app, &filter).await?))?;
    let page = Page::of(found, args.limit, |client| client.id.to_string());
    let mut table = Table::new(["client_id", "name", "type", "origin", "state"]);
    for client in &page.items {
        let metadata = &client.metadata;
        table.row([
            client.id.as_str(),
            &metadata.client_name,
            metadata.kind.as_str(),
            client.origin.as_str(),
            state(client),
        ]);
    }
    page.print(&table, |client| to_json(client, None), output)
}

fn state(client: &Client) -> &'static str {
    if client.disabled_at.is_some() { "disabled" } else { "enabled" }
}

fn to_json(client: &Client, secret: Option<&Secret>) -> Value {
    let mut document = Map::new();
    document.insert("client_id".into(), json!(client.id));
    if let Some(secret) = secret {
        document.insert("client_secret".into(), json!(secret.expose()));
    }
    document.insert("secrets".into(), json!(secrets::marks(client)));
    if let Value::Object(metadata) = json!(client.metadata) {
        document.extend(metadata);
    }
    let format = match client.metadata.revocation.format() {
        AccessTokenFormat::Jwt => "jwt",
        AccessTokenFormat::Opaque => "opaque",
    };
    document.insert(FORMER_NAME.into(), json!(format));
    document.insert("origin".into(), json!(client.origin));
    document.insert("logo".into(), json!(client.logo));
    document.insert("state".into(), json!(state(client)));
    document.insert("created_at".into(), engine::time(client.created_at));
    document.insert("updated_at".into(), engine::time(client.updated_at));
    Value::Object(document)
}

pub(super) fn print(
    client: &Client,
    secret: Option<&Secret>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let metadata = &client.metadata;
    let mut table = Table::fields();
    table.row(["client_id", client.id.as_str()]);
    if let Some(secret) = secret {
        table.row(["client_secret", secret.expose()]);
    }
    for mark in secrets::marks(client) {
        table.row(["live secret", &mark]);
    }
    let grants: Vec<_> = metadata.grant_types.iter().map(|grant| grant.as_str()).collect();
    table
        .row(["name", &metadata.client_name])
        .row(["type", metadata.kind.as_str()])
        .row(["auth method", metadata.token_endpoint_auth_method.as_str()])
        .row(["grant types", &grants.join(" ")])
        .row(["scope", &metadata.scope.to_string()])
        .row(["revocation", metadata.revocation.as_str()]);
    for uri in &metadata.redirect_uris {
        table.row(["redirect URI", uri]);
    }
    for uri in &metadata.post_logout_redirect_uris {
        table.row(["post-logout URI", uri]);
    }
    for resource in &metadata.protected_resources {
        table.row(["protected resource", resource]);
    }
    for mapping in &metadata.claim_mappings {
        table.row(["claim", &mapping.to_string()]);
    }
    for group in metadata.allowed_groups.iter().flatten() {
        table.row(["allowed group", group]);
    }
    table.row(["origin", client.origin.as_str()]);
    table.row(["state", state(client)]);
    output.data(&to_json(client, secret), &table)?;
    Ok(Exit::Done)
}
