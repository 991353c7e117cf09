//! The command line: the grammar of every command (one file per noun), where data and messages go,
//! and how a command ends. Data is written to standard output, everything said to the person to
//! standard error, so that output can be piped. Secrets are never arguments, since every process
//! on the machine can read those.

pub mod api_key;
pub mod apply;
pub mod audit;
pub mod backup;
mod bootstrap;
pub mod client;
mod client_document;
pub mod client_metadata;
pub mod client_secret;
pub mod completions;
pub mod config;
pub mod db;
pub mod demo;
pub mod doctor;
mod engine;
pub mod exit;
pub mod globals;
pub mod group;
pub mod healthcheck;
pub mod import;
pub mod input;
pub mod issuer;
pub mod job;
pub mod key;
pub mod logo;
pub mod mail;
pub mod man;
mod new_file;
pub mod organisation;
pub mod output;
pub mod overview;
mod page;
pub mod preview;
mod progress;
pub mod registration_token;
mod rejects;
mod reload;
pub mod restore;
pub mod role;
pub mod secret;
pub mod serve;
mod service_manager;
pub mod session;
pub mod setting;
pub mod setup_link;
pub mod snippet;
#[cfg(test)]
mod tests;
pub mod upstream;
pub mod user;
mod values;
pub mod version;
pub mod webhook;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::{Exit, Failure};
pub use globals::{Globals, Program};
pub use input::Input;
pub use output::{Format, Output, Table};

const EXAMPLES: &str = "\
Examples:
  doorward                            start the server; the first start prints a link that makes
                                      the first administrator
  doorward demo                       start a trial with two sample apps and nothing to set up
  doorward user create --username alice --email alice@example.com
  doorward client create --name Wiki --type web --redirect-uri https://wiki.example.com/callback
  doorward config show --origin       say where every setting comes from

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 4 unhealthy, 78 wrong configuration.";

/// One sign-in for every app: an OpenID Connect provider.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, about, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    /// Without a command the server starts.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server
    Serve(serve::ServeArgs),
    /// Start a trial with two sample apps and nothing to set up
    Demo(demo::DemoArgs),
    /// Make the link that sets up the first administrator
    SetupLink(setup_link::SetupLinkArgs),
    /// Add, list and change people
    #[command(subcommand)]
    User(user::UserCommand),
    /// Make groups and say who is in them
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Make organisations and say who is in them
    #[command(subcommand)]
    Organisation(organisation::OrganisationCommand),
    /// Add, list and change apps
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Say which roles an app has, and who has them
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// Let apps register themselves
    #[command(subcommand)]
    RegistrationToken(registration_token::RegistrationTokenCommand),
    /// Make and revoke keys for programs that use the REST API
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Trust other issuers, such as a cluster that vouches for its workloads
    #[command(subcommand)]
    Issuer(issuer::IssuerCommand),
    /// Keep the providers elsewhere at which people have an account
    #[command(subcommand)]
    Upstream(upstream::UpstreamCommand),
    /// Tell other programs what happens here
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// List where people are signed in, and end that
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// List what waits to be sent, and send or discard it
    #[command(subcommand)]
    Job(job::JobCommand),
    /// See whether letters to people leave
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Show how things stand, and what needs attention
    #[command(after_help = overview::EXAMPLES)]
    Overview(overview::OverviewArgs),
    /// Change settings while servers run
    #[command(subcommand)]
    Setting(setting::SettingCommand),
    /// List, rotate and remove signing keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Exchange the master key
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// List, export and verify the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Bring the database schema up to date, or copy a database into another
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Write the whole database into one file
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::BackupArgs),
    /// Put a backup back
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::RestoreArgs),
    /// Write groups, people and apps into a file that apply reads
    #[command(after_help = apply::EXPORT_EXAMPLES)]
    Export(apply::ExportArgs),
    /// Make groups, people and apps be as a file says
    #[command(after_help = apply::APPLY_EXAMPLES)]
    Apply(apply::ApplyArgs),
    /// Bring a whole realm along from another program
    #[command(after_help = import::EXAMPLES)]
    Import(import::ImportArgs),
    /// Check everything Doorward depends on
    Doctor(doctor::DoctorArgs),
    /// Ask a running server whether it is ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Write the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
    /// Show the version
    Version,
}

/// Reads the arguments. A mistake, `--help` and `--version` are answered here; the error is the
/// code to exit with.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(arguments).map_err(|answer| {
        // Nothing can be said if even this fails.
        let _ = answer.print();
        if answer.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
    })
}

/// Runs the command and says how it ended.
pub fn run(cli: &Cli) -> ExitCode {
    let mut output = Output::of_process(&cli.globals);
    match dispatch(cli, &mut output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}

fn dispatch(cli: &Cli, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    let Some(command) = &cli.command else {
        return serve::run(&serve::ServeArgs::default(), globals, output);
    };
    match command {
        Command::Serve(args) => serve::run(args, globals, output),
        Command::Demo(args) => demo::run(args, globals, output),
        Command::SetupLink(_) => setup_link::run(globals, output),
        Command::User(command) => user::run(command, globals, output),
        Command::Group(command) => group::run(command, globals, output),
        Command::Organisation(command) => organisation::run(command, globals, output),
        Command::Client(command) => client::run(command, globals, output),
        Command::Role(command) => role::run(command, globals, output),
        Command::RegistrationToken(command) => registration_token::run(command, globals, output),
        Command::ApiKey(command) => api_key::run(command, globals, output),
        Command::Issuer(command) => issuer::run(command, globals, output),
        Command::Upstream(command) => upstream::run(command, globals, output),
        Command::Webhook(command) => webhook::run(command, globals, output),
        Command::Session(command) => session::run(command, globals, output),
        Command::Job(command) => job::run(command, globals, output),
        Command::Mail(command) => mail::run(command, globals, output),
        Command::Overview(args) => overview::run(args, globals, output),
        Command::Setting(command) => setting::run(command, globals, output),
        Command::Key(command) => key::run(command, globals, output),
        Command::Secret(command) => secret::run(command, globals, output),
        Command::Audit(command) => audit::run(command, globals, output),
        Command::Db(command) => db::run(command, globals, output),
        Command::Backup(args) => backup::run(args, globals, output),
        Command::Restore(args) => restore::run(args, globals, output),
        Command::Export(args) => apply::export(args, globals, output),
        Command::Apply(args) => apply::apply(args, globals, output),
        Command::Import(args) => import::run(args, globals, output),
        Command::Doctor(_) => doctor::run(globals, output),
        Command::Config(command) => config::run(command, &cli.globals, output),
        Command::Healthcheck(args) => healthcheck::run(args, &cli.globals, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
        Command::Version => version::run(output),
    }
}
