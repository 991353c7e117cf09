//! From configuration to a running [`App`]: connect, migrate, load the master key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::ArcSwap;
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::{
    App, Documents, Doorkeeper, Errands, KeySets, Known, Live, Pictures, ReadTokens, Recent,
    RequestObjects, Running, Timekeeper, Turns, Watch, exchange, software_issuers,
};
use crate::clock::Clock;
use crate::config::{Config, MasterKeySource, Problem};
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{PasswordParams, Passwords};
use crate::crypto::seal::MasterKey;
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::store::ephemeral::Ephemeral;
use crate::store::{DatabaseSettings, Store, StoreError, keys, sync};
use crate::telemetry::metrics::Metrics;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision of the source, if whoever built the program said so in `DOORWARD_REVISION`.
pub const REVISION: &str = match option_env!("DOORWARD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Why Doorward cannot start. Each is one clear line without secrets.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error("{0}")]
    DataDir(String),
    #[error("database: {0}")]
    Database(String),
    #[error("redis: {0}")]
    Redis(String),
    #[error("secrets.master_key: {0}")]
    MasterKey(String),
    /// What the database holds sealed can be opened by the key of this file alone.
    #[error("secrets.master_key: {}", .0.text)]
    MasterKeyMissing(Problem),
    #[error("server.client_ca_file: {0}")]
    ClientAuthorities(String),
    #[error("outbound.extra_ca_file: {0}")]
    Outbound(String),
    #[error("mail: {0}")]
    Mail(String),
    #[error("registration.software_statement_keys_file: {0}")]
    SoftwareIssuers(String),
    #[error("session.geoip_file: {0}")]
    Places(String),
    #[error("password hashing: {0}")]
    Passwords(String),
}

/// Whether pending migrations are applied at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrations {
    Apply,
    /// The schema must already be current.
    Expect,
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// It answers requests.
    Server,
    /// It does its work beside a server that may.
    Command,
}

/// Connects everything. Keys and the revocation copy are brought up by `service::start`.
///
/// # Errors
/// [`BootError`], within seconds.
pub async fn boot(
    config: Config,
    clock: Clock,
    migrations: Migrations,
    process: Process,
) -> Result<App, BootError> {
    config.prepare_data_dir().map_err(|problems| BootError::DataDir(problems.to_string()))?;
    let database = |error: &dyn std::fmt::Display| BootError::Database(error.to_string());
    let store = open_database(&config, migrations).await?;
    // Boxed: it carries every key under way.
    let sealing = Box::pin(exchange::sealer(&config, &store, (process, clock.now())));
    let (sealer, heirlooms) = sealing.await?;
    let sealer = Arc::new(sealer);
    let ephemeral = ephemeral(&config, &clock).await?;
    let restored = sync::restored(&store.db).await.map_err(|error| database(&error))?;
    let ephemeral = ephemeral.of_epoch(restored.epoch);
    let asked = Instant::now();
    let state = sync::read(&store.db).await.map_err(|error| database(&error))?;
    let passwords = passwords(&config)?;
    let live = Live::read(&config)?;
    let outbound = Outbound::new(&config.outbound).map_err(BootError::Outbound)?;
    let mail = Mailer::new(&config).map_err(BootError::Mail)?;
    let software_issuers =
        software_issuers::read(&config.registration).map_err(BootError::SoftwareIssuers)?;
    let keyring = Keyring::load(Vec::new(), &sealer)
        .map_err(|error| BootError::MasterKey(error.to_string()))?;
    Ok(App {
        timekeeper: Timekeeper::new(clock.now(), clock.passed()),
        clock,
        store,
        sealer,
        heirlooms,
        passwords,
        keyring: ArcSwap::from_pointee(keyring),
        keyring_as_of: Mutex::default(),
        known: Known::default(),
        key_sets: KeySets::default(),
        read_tokens: ReadTokens::default(),
        watch: Watch::new(state, asked, ephemeral.is_shared()),
        ephemeral,
        tokens_from: restored.tokens_from,
        outbox_bell: Notify::new(),
        errands: Errands::default(),
        live: ArcSwap::from_pointee(live),
        running: Running::new(config.clone()),
        outbound,
        mail,
        doorkeeper: Doorkeeper::default(),
        people: Recent::default(),
        sessions: Recent::default(),
        turns: Turns::default(),
        pictures: Pictures::default(),
        documents: Documents::default(),
        request_objects: RequestObjects::default(),
        software_issuers,
        metrics: Metrics::new(VERSION, REVISION),
        serves: process == Process::Server,
        banner: None,
        config,
    })
}

async fn ephemeral(config: &Config, clock: &Clock) -> Result<Ephemeral, BootError> {
    let redis = config.redis.url.as_ref();
    Ephemeral::connect(redis.map(ExposeSecret::expose_secret), clock.clone())
        .await
        .map_err(|error| BootError::Redis(error.to_string()))
}

fn passwords(config: &Config) -> Result<Passwords, BootError> {
    let settings = &config.password;
    let params = PasswordParams {
        memory_kib: settings.memory_kib,
        iterations: settings.iterations,
        parallelism: settings.parallelism,
    };
    Passwords::new(params, settings.thread_count(), settings.queue)
        .map_err(|error| BootError::Passwords(error.to_string()))
}

/// Which database a configuration means.
#[must_use]
pub fn database_of(config: &Config) -> DatabaseSettings {
    DatabaseSettings {
        url: config.database_url().expose_secret().to_owned(),
        max_connections: config.database.max_connections,
    }
}

/// The database, with the schema it should have.
async fn open_database(config: &Config, migrations: Migrations) -> Result<Store, BootError> {
    let database = |error: &dyn std::fmt::Display| BootError::Database(error.to_string());
    let store = Store::connect(&database_of(config)).await.map_err(|error| database(&error))?;
    match migrations {
        Migrations::Apply => store.migrate().await.map_err(|error| database(&error))?,
        Migrations::Expect => expect_current(&store).await?,
    }
    keeps_commits(&store).await?;
    Ok(store)
}

/// A database that may take back what it has acknowledged brings back to life what has ended.
async fn keeps_commits(store: &Store) -> Result<(), BootError> {
    let forgets = sync::forgets_commits(&store.db).await;
    if forgets.map_err(|error| BootError::Database(error.to_string()))? {
        return Err(BootError::Database(
            "synchronous_commit is off, so a crash would take back sign-outs and revocations that were \
             acknowledged: set it to on, in postgresql.conf or with ALTER ROLE … SET"
                .to_owned(),
        ));
    }
    Ok(())
}

/// With `--no-migrate` somebody else migrates; starting on an old schema would only fail later.
async fn expect_current(store: &Store) -> Result<(), BootError> {
    let status = store.migration_status().await;
    let status = status.map_err(|error| BootError::Database(error.to_string()))?;
    if let Some(later) = status.iter().rev().find(|migration| migration.is_unknown()) {
        return Err(BootError::Database(format!(
            "it was made by a newer version of Doorward (schema {}): run that version, or restore \
             a backup made before the upgrade",
            later.version
        )));
    }
    match status.iter().find(|migration| !migration.applied) {
        None => Ok(()),
        Some(pending) => Err(BootError::Database(format!(
            "migration {} ({}) is not applied; run: doorward db migrate",
            pending.version, pending.description
        ))),
    }
}

/// The master key; a new one only for a database that holds nothing sealed. A key beside the lost one
/// would open nothing, and would be in the way of whoever puts that back.
pub(super) async fn master_key(config: &Config, store: &Store) -> Result<MasterKey, BootError> {
    if let Some(key) = known_master_key(config)? {
        return Ok(key);
    }
    let sealed = holds_sealed(store).await;
    if sealed.map_err(|error| BootError::Database(error.to_string()))? {
        return Err(BootError::MasterKeyMissing(missing_master_key(config)));
    }
    let key = MasterKey::generate();
    if let Some(path) = keep_master_key(config, &key)? {
        tracing::info!(path = %path.display(), "made a new master key; keep a copy of it");
    }
    Ok(key)
}

async fn holds_sealed(store: &Store) -> Result<bool, StoreError> {
    Ok(!keys::all(&store.db).await?.is_empty()
        || !keys::encryption::all(&store.db).await?.is_empty())
}

fn missing_master_key(config: &Config) -> Problem {
    let text = match config.master_key_source() {
        MasterKeySource::File(path) => format!(
            "master.key is missing: put it back at {}. The database holds keys that no other opens",
            path.display()
        ),
        MasterKeySource::Given(_) => "it is missing".to_owned(),
    };
    let key = "secrets.master_key";
    Problem { key: key.to_owned(), origin: config.origin(key).to_string(), text }
}

/// The master key, if there is one; none is made.
///
/// # Errors
/// [`BootError::MasterKey`] if it cannot be read or is none.
pub fn known_master_key(config: &Config) -> Result<Option<MasterKey>, BootError> {
    key_of(config.master_key_source())
}

/// The other master key while it is exchanged, if there is one.
///
/// # Errors
/// [`BootError::MasterKey`] if it cannot be read or is none.
pub fn previous_master_key(config: &Config) -> Result<Option<MasterKey>, BootError> {
    config.previous_master_key_source().map_or(Ok(None), key_of)
}

fn key_of(source: MasterKeySource) -> Result<Option<MasterKey>, BootError> {
    let bad = |error: &dyn std::fmt::Display| BootError::MasterKey(error.to_string());
    match source {
        MasterKeySource::Given(text) => {
            MasterKey::from_text(text.expose_secret()).map(Some).map_err(|error| bad(&error))
        }
        MasterKeySource::File(path) if path.exists() => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| bad(&format!("{}: {error}", path.display())))?;
            MasterKey::from_text(text.trim_end()).map(Some).map_err(|error| bad(&error))
        }
        MasterKeySource::File(_) => Ok(None),
    }
}

/// Writes the master key into its file, which must not be there, and tells where that is; `None` if the
/// configuration gives the key itself.
///
/// # Errors
/// [`BootError::MasterKey`] if the file cannot be written.
pub fn keep_master_key(config: &Config, key: &MasterKey) -> Result<Option<PathBuf>, BootError> {
    let MasterKeySource::File(path) = config.master_key_source() else { return Ok(None) };
    write_private(&path, key.to_text().expose())
        .map_err(|error| BootError::MasterKey(format!("{}: {error}", path.display())))?;
    Ok(Some(path))
}

/// Writes a file that only its owner can read, and never over an existing one.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
