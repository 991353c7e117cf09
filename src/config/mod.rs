//! The configuration: one file per section, read from flags, environment, credentials and files,
//! in that order of precedence. Unknown keys are refused, every mistake is reported at once as a
//! line that says what to set, and the origin of every value is kept. Nothing here prints a secret.

mod audit;
mod authorization;
pub mod bootstrap;
mod branding;
mod catalog;
mod changes;
mod console;
mod database;
mod environment;
mod gateway;
mod issuer;
mod keys;
mod limits;
mod load;
mod log;
mod mail;
mod management;
mod outbound;
mod outbox;
mod password;
mod problem;
mod redis;
mod reference;
mod registration;
mod risk;
mod runtime;
mod secrets;
mod server;
mod session;
mod show;
mod sign_up;
mod sources;
#[cfg(test)]
mod tests;
mod tokens;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

pub use audit::AuditSettings;
pub use authorization::AuthorizationSettings;
pub use bootstrap::Bootstrap;
pub use branding::BrandingSettings;
pub use catalog::{Kind as SettingKind, Setting, schema};
pub use changes::Changes;
pub use console::{ConsoleSettings, Visibility};
pub use database::{DatabaseKind, DatabaseSettings};
pub use gateway::GatewaySettings;
pub use issuer::Issuer;
pub use keys::KeySettings;
pub use limits::LimitSettings;
pub use log::{LogField, LogFormat, LogLevel, LogSettings};
pub use mail::{MailServer, MailSettings, MailTransport, MailUrl, StartTls};
pub use management::{ManagementListen, ManagementSettings};
pub use outbound::{AllowedTarget, OutboundSettings};
pub use outbox::OutboxSettings;
pub use password::PasswordSettings;
pub use problem::{Origin, Problem, Problems};
pub use redis::RedisSettings;
pub use reference::markdown;
pub use registration::{RegistrationMode, RegistrationSettings};
pub use risk::RiskSettings;
pub use runtime::{Stored, Values, is_runtime, runtime_settings};
pub use secrets::{MasterKeySource, SecretSettings, without_last_newline};
pub use server::ServerSettings;
pub use session::SessionSettings;
pub use show::{Shown, mask_url};
pub use sign_up::SignUpSettings;
pub use sources::Sources;
pub use tokens::{DpopNonces, TokenSettings};

use crate::clock::Seconds;
use crate::protocol::client::AuthMethod;

/// The configuration of Doorward.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address people and apps reach Doorward at, which is also its name in every token. No
    /// slash at the end; https unless the host is `localhost`, `127.0.0.1` or `[::1]`. Changing it
    /// later ends every session and token.
    pub issuer: Issuer,
    /// Directory of the SQLite database and the generated master key. Inside a systemd service
    /// with `StateDirectory=` that directory is the default.
    #[schemars(with = "String")]
    pub data_dir: PathBuf,
    /// The name on every page.
    pub product_name: String,
    /// How pages look beside the name: a colour, links and a line at their foot.
    pub branding: BrandingSettings,
    /// The main listener: sign-in pages, protocol endpoints and the console.
    pub server: ServerSettings,
    /// The listener for metrics and health, apart so that it need not be public.
    pub management: ManagementSettings,
    /// The durable store: SQLite for one node, PostgreSQL for any number.
    pub database: DatabaseSettings,
    /// The fast store of live sessions, codes and counters, shared by all nodes. Without it they
    /// are kept in the process, which is right for one node.
    pub redis: RedisSettings,
    /// The key that seals what is stored.
    pub secrets: SecretSettings,
    /// Lifetimes of codes and tokens, in seconds.
    pub tokens: TokenSettings,
    /// What authorization requests may look like.
    pub authorization: AuthorizationSettings,
    /// Lifetimes of the single-sign-on session, in seconds.
    pub session: SessionSettings,
    /// Limits against guessing and flooding. No limit locks an account for good.
    pub limits: LimitSettings,
    /// Passwords: their length, and the cost of argon2id. A changed cost reaches a stored hash at
    /// the person's next sign-in.
    pub password: PasswordSettings,
    /// Signing keys. Every algorithm has one active key; its successor is published ahead of use.
    pub keys: KeySettings,
    /// Messages to the servers of apps, such as "this session has ended". They are kept until they
    /// have arrived.
    pub outbox: OutboxSettings,
    /// Mail to people: notices about their account. Without `mail.url` nothing is sent.
    pub mail: MailSettings,
    /// Requests to addresses that apps and administrators supply. They go by https to the public
    /// internet only, follow no redirect, and ignore proxies of the environment.
    pub outbound: OutboundSettings,
    /// Apps that register themselves, and apps described by a document of their own. People are
    /// always asked before such an app gets their data.
    pub registration: RegistrationSettings,
    /// The audit log. It is only ever added to; the oldest events can be removed after a time.
    pub audit: AuditSettings,
    /// The web console.
    pub console: ConsoleSettings,
    /// Accounts that people make for themselves, on the page that `prompt=create` and a link on the
    /// sign-in page lead to.
    pub sign_up: SignUpSettings,
    /// Signs that it may not be the person themselves. Each is in the audit log with a score, whatever
    /// is done about it: `ignore` nothing more, `notify` a letter to the person (needs `[mail]`),
    /// `step_up` only a sign-in with a second factor is let in, `refuse` nobody is let in.
    pub risk: RiskSettings,
    /// Apps behind reverse proxies that ask Doorward who may pass (docs/gateway.md). Only proxies
    /// listed in `server.trusted_proxies` may ask.
    pub gateway: GatewaySettings,
    /// The log, on standard error.
    pub log: LogSettings,
    /// Where every value that is not a default came from.
    #[serde(skip)]
    origins: BTreeMap<String, Origin>,
    /// What the first start is told; no setting.
    #[serde(skip)]
    pub bootstrap: Bootstrap,
    /// Files that a secret was read from.
    #[serde(skip)]
    secret_files: BTreeSet<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: Issuer::default(),
            data_dir: PathBuf::from("./data"),
            product_name: "Doorward".to_owned(),
            branding: BrandingSettings::default(),
            server: ServerSettings::default(),
            management: ManagementSettings::default(),
            database: DatabaseSettings::default(),
            redis: RedisSettings::default(),
            secrets: SecretSettings::default(),
            tokens: TokenSettings::default(),
            authorization: AuthorizationSettings::default(),
            session: SessionSettings::default(),
            limits: LimitSettings::default(),
            password: PasswordSettings::default(),
            keys: KeySettings::default(),
            outbox: OutboxSettings::default(),
            mail: MailSettings::default(),
            outbound: OutboundSettings::default(),
            registration: RegistrationSettings::default(),
            audit: AuditSettings::default(),
            console: ConsoleSettings::default(),
            sign_up: SignUpSettings::default(),
            risk: RiskSettings::default(),
            gateway: GatewaySettings::default(),
            log: LogSettings::default(),
            origins: BTreeMap::new(),
            bootstrap: Bootstrap::default(),
            secret_files: BTreeSet::new(),
        }
    }
}

impl Config {
    /// Reads every source and checks the whole. The error holds every mistake there is.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        load::load(sources)
    }

    /// Where the value of `key` (such as `server.listen`) came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Which settings are different in another configuration, and what a running server makes of that.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Changes {
        changes::between(self, other)
    }

    /// Every setting in effect with its origin, secrets masked.
    #[must_use]
    pub fn show(&self) -> Vec<Shown> {
        show::show(self)
    }

    /// The addresses of the main listener. Those that come from the default are best effort: a
    /// machine without IPv6 has no `[::1]`.
    #[must_use]
    pub fn listen(&self) -> Vec<SocketAddr> {
        if !self.server.listen.is_empty() {
            return self.server.listen.clone();
        }
        let port = if self.issuer.is_loopback() { self.issuer.port() } else { 8080 };
        let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        match self.issuer.host() {
            "127.0.0.1" => vec![v4],
            "::1" => vec![v6],
            _ => vec![v4, v6],
        }
    }

    /// How long to say "not ready" before the listener closes.
    #[must_use]
    pub fn shutdown_delay(&self) -> Seconds {
        let default = if self.issuer.is_loopback() { 0 } else { 5 };
        self.server.shutdown_delay.unwrap_or(default)
    }

    /// How clients may authenticate with a TLS certificate here (RFC 8705); empty where nobody is
    /// asked for one.
    #[must_use]
    pub fn certificate_methods(&self) -> Vec<AuthMethod> {
        let server = &self.server;
        let asked = server.ask_client_certificate
            || !server.mtls_listen.is_empty()
            || server.client_certificate_header.is_some();
        let vouched = server.client_ca_file.is_some();
        let methods = [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
        let offered =
            |method: &AuthMethod| asked && (vouched || *method != AuthMethod::TlsClientAuth);
        methods.into_iter().filter(offered).collect()
    }

    /// The URL of the database in effect. It may hold a password.
    #[must_use]
    pub fn database_url(&self) -> SecretString {
        self.database.url.clone().unwrap_or_else(|| {
            format!("sqlite:{}", self.data_dir.join("doorward.db").display()).into()
        })
    }

    /// Which database is in use.
    #[must_use]
    pub fn database_kind(&self) -> DatabaseKind {
        DatabaseKind::of(self.database_url().expose_secret()).unwrap_or(DatabaseKind::Sqlite)
    }

    /// Where the master key is: configured, or in the file of the data directory. Whoever opens
    /// the file makes it when it does not exist; that is allowed with SQLite only, which
    /// [`Config::load`] has made sure of.
    #[must_use]
    pub fn master_key_source(&self) -> MasterKeySource {
        match &self.secrets.master_key {
            Some(key) => MasterKeySource::Given(key.clone()),
            None => MasterKeySource::File(self.data_dir.join("master.key")),
        }
    }

    /// Where the other master key is while it is exchanged, if it is anywhere: configured, or in a file beside
    /// a generated `master.key`, which need not exist.
    #[must_use]
    pub fn previous_master_key_source(&self) -> Option<MasterKeySource> {
        match (&self.secrets.previous_master_key, &self.secrets.master_key) {
            (Some(key), _) => Some(MasterKeySource::Given(key.clone())),
            (None, Some(_)) => None,
            (None, None) => Some(MasterKeySource::File(self.data_dir.join("master.key.previous"))),
        }
    }

    /// Every file with something in it that nobody else may read: those that a secret was read from, the
    /// generated master key and the one before, the key of the certificate, and the database if it is a
    /// file. Some may not exist.
    #[must_use]
    pub fn private_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.secret_files.iter().cloned().collect();
        if let MasterKeySource::File(path) = self.master_key_source() {
            files.push(path);
        }
        if let Some(MasterKeySource::File(path)) = self.previous_master_key_source() {
            files.push(path);
        }
        files.extend(self.server.tls_key_file.clone());
        files.extend(self.database_file());
        files
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn database_file(&self) -> Option<PathBuf> {
        let url = self.database_url();
        let path = url.expose_secret().strip_prefix("sqlite:")?.trim_start_matches("//");
        let path = path.split('?').next().filter(|path| !path.is_empty() && *path != ":memory:")?;
        Some(PathBuf::from(path))
    }

    /// Makes the data directory, closed to other people, if this configuration keeps anything
    /// in it.
    pub fn prepare_data_dir(&self) -> Result<(), Problems> {
        let needed = self.database_kind() == DatabaseKind::Sqlite
            || matches!(self.master_key_source(), MasterKeySource::File(_));
        if !needed || self.data_dir.is_dir() {
            return Ok(());
        }
        make_private_dir(&self.data_dir).map_err(|fault| {
            let mut problems = Problems::default();
            let shown = self.data_dir.display();
            let text = format!("the directory {shown} could not be made: {fault}");
            problems.add("data_dir", self.origin("data_dir"), text);
            problems
        })
    }

    /// Why this configuration is not for production, one line each; empty when it is.
    #[must_use]
    pub fn cautions(&self) -> Vec<String> {
        let mut cautions = Vec::new();
        if !self.issuer.is_https() {
            cautions.push("issuer is plain http: only this machine can use it".to_owned());
        }
        match (self.database_kind(), &self.redis.url) {
            (DatabaseKind::Sqlite, _) => {
                cautions.push("database.url is SQLite: one node only, back up its file".to_owned());
            }
            (DatabaseKind::Postgres, None) => {
                cautions.push("redis.url is not set: do not run a second node".to_owned());
            }
            (DatabaseKind::Postgres, Some(_)) => {}
        }
        if let Some(MailUrl::Folder(path)) = &self.mail.url {
            let shown = path.display();
            cautions.push(format!("mail.url is the directory {shown}: letters reach nobody"));
        }
        let tls_key = self.server.tls_key_file.as_deref();
        if let Some(path) = tls_key.filter(|path| secrets::is_world_readable(path)) {
            cautions.push(format!("everyone on this machine can read {}", path.display()));
        }
        cautions
    }
}

/// Makes a directory that nobody else may look into, with those around it; one that is there stays as it is.
pub(crate) fn make_private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
