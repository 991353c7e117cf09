//! The grammar as a whole: every command with its flags, and what must not parse.

use clap::{CommandFactory as _, Parser, Subcommand};

use super::client::ClientCommand;
use super::db::DbCommand;
use super::demo::DemoArgs;
use super::doctor::DoctorArgs;
use super::key::KeyCommand;
use super::registration_token::RegistrationTokenCommand;
use super::serve::ServeArgs;
use super::setup_link::SetupLinkArgs;
use super::user::UserCommand;
use super::*;
use crate::config::{Config, LogFormat, LogLevel, Origin, Sources};
use crate::protocol::client::{AccessTokenFormat, ClientKind, GrantType};
use crate::protocol::types::SigningAlg;
use crate::protocol::user::AdminRole;

/// The commands that need a database, below the same global flags.
#[derive(Debug, Parser)]
#[command(name = "doorward")]
struct Whole {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<WholeCommand>,
}

#[derive(Debug, Subcommand)]
enum WholeCommand {
    Serve(ServeArgs),
    Demo(DemoArgs),
    SetupLink(SetupLinkArgs),
    #[command(subcommand)]
    User(UserCommand),
    #[command(subcommand)]
    Client(Box<ClientCommand>),
    #[command(subcommand)]
    RegistrationToken(RegistrationTokenCommand),
    #[command(subcommand)]
    Key(KeyCommand),
    #[command(subcommand)]
    Db(DbCommand),
    Doctor(DoctorArgs),
}

fn parsed(line: &str) -> Result<Whole, clap::Error> {
    Whole::try_parse_from(std::iter::once("doorward").chain(line.split_whitespace()))
}

#[test]
fn the_grammar_is_consistent() {
    Cli::command().debug_assert();
    Whole::command().debug_assert();
}

#[test]
fn every_promised_command_line_parses() {
    for line in [
        "",
        "serve --config a.toml --config b.toml --no-migrate",
        "demo --port 9000 --data-dir ./demo",
        "setup-link --format json",
        "user list --search ali --limit 5 --after al",
        "user list --role operator --state to_be_deleted",
        "user show alice",
        "user update alice --name Alice --email a@example.com --email-verified true --nickname al",
        "user update alice --phone-number +1 --phone-number-verified false --address x --profile x",
        "user update alice --role operator",
        "user update alice --role none --format json",
        "user disable alice --yes",
        "user enable alice",
        "user set-password alice --password-file -",
        "user set-password alice --temporary --format json",
        "user delete alice --yes --no-input",
        "client list --format json",
        "client show wiki",
        "client delete wiki --yes",
        "client rotate-secret wiki --secret-file -",
        "client update wiki --redirect-uri https://a.example.com/cb --disable",
        "registration-token create --label Bench --max-uses 5 --days 30",
        "registration-token list --format json",
        "registration-token revoke abc",
        "client create --name TV --type device --grant-type device_code",
        "client create --name J --type machine --grant-type jwt-bearer --auth-method none",
        "key list",
        "key rotate --alg RS256 --alg ES256",
        "key retire abc --yes",
        "db migrate",
        "db status -v",
        "doctor -q",
    ] {
        assert!(parsed(line).is_ok(), "{line}: {}", parsed(line).unwrap_err());
    }
}

#[test]
fn what_programs_can_do_has_a_command() {
    for line in [
        "webhook redeliver chat 019a",
        "job list --state stuck --limit 5 --after 019a",
        "job retry 019a",
        "job discard 019a --yes",
        "mail test alice@example.com",
        "overview --span week",
        "secret rotate-master --dry-run",
        "secret rotate-master --servers-are-stopped",
        "client refresh https://app.example.com/client.json",
        "client preview wiki alice --scope openid --scope groups",
        "client add-secret wiki",
        "client retire-secret wiki x7Qa90bK --yes",
    ] {
        assert!(of_cli(line).is_ok(), "{line}");
    }
}

fn of_cli(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("doorward").chain(line.split_whitespace()))
}

#[test]
fn every_command_line_about_upstream_providers_parses() {
    for line in [
        "upstream create --slug school --name School --issuer https://id.school.test --client-id dw --secret-file s",
        "upstream list",
        "upstream show school",
        "upstream update school --scope openid --groups-claim roles --trust-email true --new-secret",
        "upstream test school",
        "upstream preview school claims.json",
        "upstream preview school -",
        "upstream disable school",
        "upstream enable school",
        "upstream delete school --yes",
    ] {
        assert!(of_cli(line).is_ok(), "{line}");
    }
    assert!(of_cli("upstream update school --secret x").is_err(), "a secret is no argument");
}

#[test]
fn every_command_line_beyond_the_first_promises_parses() {
    for line in [
        "issuer list",
        "setting list --format json",
        "setting get session.idle",
        "setting set session.idle 1800",
        "setting unset session.idle",
        "webhook create --name chat --url https://chat.test/hook --event user.* --event sign_in.refused",
        "webhook list --format json",
        "webhook show chat",
        "webhook log chat --limit 5",
        "webhook test chat",
        "webhook disable chat",
        "webhook enable chat",
        "webhook rotate chat",
        "webhook update chat --event *",
        "webhook delete chat --yes",
        "issuer show cluster",
        "issuer delete cluster --yes",
        "issuer create --name c --issuer https://c --jwks-file k.json --client app --match sub=x",
        "issuer create --name c --issuer https://c --jwks-uri https://c/k --rules-file r.json",
        "audit list --user alice --client wiki --kind grant.created --result failure --limit 5",
        "audit list --address 192.0.2.1 --request-id r --since 2026-11-01 --until 2026-11-02T10:00",
        "audit export --since 2026-11-01T00:00:00Z --output audit.ndjson",
        "audit export --kind sign_in.failed --as csv --output audit.csv",
        "audit verify --from 12 --anchor 9:abc",
        "config check",
        "config show --origin",
        "config schema --markdown",
        "healthcheck --timeout 3",
        "completions fish",
        "man ./man",
        "group create staff",
        "group add-member staff alice bob@example.com",
        "group create staff --description Everybody",
        "group show staff",
        "group update staff --name crew",
        "group update staff --description Everybody",
        "group add-manager staff alice",
        "group remove-manager staff alice",
        "group delete staff --yes",
        "role create wiki editor --description Writes",
        "role show wiki editor",
        "role update wiki editor --description Everything",
        "role list wiki",
        "role give wiki editor --user alice --user bob --group staff",
        "role take wiki editor --group staff",
        "role delete wiki editor --yes",
        "user import people.csv --dry-run --duplicates update --rejects left-out.ndjson",
        "user import - --as ndjson --email-verified --restart",
        "user export --with-password-hashes --output people.ndjson",
        "version --format json",
    ] {
        let words = std::iter::once("doorward").chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words).is_ok(), "{line}");
    }
}

#[test]
fn a_new_person_has_everything_that_was_said() {
    let line = "user create --username alice --email a@example.com --name Alice --email-verified \
                --group staff --group wiki --role owner --password-file -";
    let Some(WholeCommand::User(UserCommand::Create(args))) = parsed(line).unwrap().command else {
        panic!("not user create");
    };
    assert_eq!(args.username, "alice");
    assert!(args.email_verified);
    assert_eq!(args.groups, ["staff", "wiki"]);
    assert_eq!(args.role, Some(AdminRole::Owner));
}

#[test]
fn a_new_app_has_everything_that_was_said() {
    let line = "client create --name Wiki --type spa --client-id wiki \
                --redirect-uri https://a/cb --post-logout-redirect-uri https://a/ \
                --scope openid --scope email --grant-type authorization_code \
                --auth-method none --skip-consent --id-token-alg ES256 \
                --protected-resource https://api --protected-resource urn:b \
                --claim-mapping plan@id_token=value:gold --claim-mapping a@userinfo=group:staff \
                --allow-group staff --allow-group board \
                --access-token-alg ES384 --access-token-format opaque --metadata more.json";
    let parsed = parsed(line).unwrap().command;
    let Some(WholeCommand::Client(command)) = parsed else { panic!("not about a client") };
    let ClientCommand::Create(args) = *command else { panic!("not client create") };
    assert_eq!(args.kind, ClientKind::Spa);
    assert_eq!(args.metadata.scopes, ["openid", "email"]);
    assert_eq!(args.metadata.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(args.metadata.id_token_alg, Some(SigningAlg::Es256));
    assert_eq!(args.metadata.access_token_alg, Some(SigningAlg::Es384));
    assert_eq!(args.metadata.access_token_format, Some(AccessTokenFormat::Opaque));
    assert_eq!(args.metadata.revocation, None);
    assert_eq!(args.metadata.protected_resources, ["https://api", "urn:b"]);
    let mappings = args.metadata.claim_mappings.iter().flat_map(|given| &given.0);
    let mappings: Vec<_> = mappings.map(ToString::to_string).collect();
    assert_eq!(mappings, ["plan@id_token=value:gold", "a@userinfo=group:staff"]);
    assert_eq!(args.metadata.allowed_groups, ["staff", "board"]);
    assert!(args.metadata.skip_consent);
}

#[test]
fn wrong_usage_exits_with_2() {
    for line in [
        "user create --username alice --email a@b --password hunter22",
        "user create --email a@b",
        "user create --username alice --email a@b --role king",
        "user list --role king",
        "user list --role none",
        "user update alice --role king",
        "user list --state gone",
        "client create --name Wiki --type website",
        "client create --name Wiki --type web --claim-mapping plan",
        "client create --name Wiki --type web --secret hunter22",
        "client update wiki --enable --disable",
        "demo --port 65534",
        "db status -q -v",
        "server",
    ] {
        assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn every_command_and_flag_is_explained() {
    fn walk(command: &clap::Command) {
        let name = command.get_name();
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} is not", argument.get_id());
        }
        for inner in command.get_subcommands() {
            assert!(inner.get_about().is_some(), "{} is not", inner.get_name());
            walk(inner);
        }
    }
    walk(&Cli::command());
    walk(&Whole::command());
}

#[test]
fn flags_win_over_the_environment() {
    let line = "serve --data-dir /flag --log-level trace --log-format json";
    let globals = parsed(line).unwrap().globals;
    let sources = Sources::none()
        .variable("DOORWARD_DATA_DIR", "/environment")
        .variable("DOORWARD_LOG__LEVEL", "error");
    let config = Config::load(&globals.over(sources)).unwrap();
    assert_eq!(config.data_dir, std::path::Path::new("/flag"));
    assert_eq!(config.log.level, LogLevel::Trace);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.origin("log.level"), &Origin::Flag("--log-level".to_owned()));
}

#[test]
fn a_command_logs_only_troubles_unless_asked_and_a_server_logs_as_configured() {
    let load =
        |line: &str| Config::load(&parsed(line).unwrap().globals.over(Sources::none())).unwrap();
    let level = |line, program| Globals::log_settings(&load(line), program).level;
    assert_eq!(level("user list", Program::Command), LogLevel::Warn);
    assert_eq!(level("user list -v", Program::Command), LogLevel::Debug);
    assert_eq!(level("serve", Program::Server), LogLevel::Info);
    assert_eq!(level("serve -q", Program::Server), LogLevel::Error);
}

/// The names of the pages of a command and of all below it.
fn pages_of(command: &clap::Command, page: &str) -> Vec<String> {
    let mut pages = vec![page.to_owned()];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages.extend(pages_of(below, &format!("{page}-{}", below.get_name())));
    }
    pages
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = std::env::temp_dir().join(format!("doorward-man-{}", std::process::id()));
    let path = directory.to_str().unwrap();
    let cli = Cli::try_parse_from(["doorward", "man", path]).unwrap();
    let mut output = Output::to(&cli.globals, std::io::sink(), std::io::sink());
    assert_eq!(dispatch(&cli, &mut output).unwrap(), Exit::Done);
    for (page, word) in [
        ("doorward.1", "identity provider"),
        ("doorward-serve.1", "SYNOPSIS"),
        ("doorward-user-import.1", "rejects"),
    ] {
        let text = std::fs::read_to_string(directory.join(page)).unwrap();
        assert!(text.contains(word), "{page}: {text}");
    }
    let pages = pages_of(&Cli::command(), "doorward");
    assert!(pages.len() > 40, "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(directory.join(format!("{page}.1")));
        let text = text.unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains("SYNOPSIS"), "{page}: {text}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let cli = Cli::try_parse_from(["doorward", "completions", shell]).unwrap();
        let mut script = Vec::new();
        let mut output = Output::to(&cli.globals, &mut script, std::io::sink());
        assert_eq!(dispatch(&cli, &mut output).unwrap(), Exit::Done);
        drop(output);
        assert!(String::from_utf8(script).unwrap().contains("healthcheck"), "{shell}");
    }
}
