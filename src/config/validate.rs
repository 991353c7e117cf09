//! Rules between settings, and rules that look at the machine. Types and ranges were checked
//! before; a rule about a setting that is already known to be wrong stays silent.

use std::io::ErrorKind;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::database::DatabaseKind;
use super::password::PasswordSettings;
use super::problem::Problems;
use super::redis::RedisSettings;
use super::secrets::{MAKE_A_KEY, MasterKeySource, is_world_readable, master_key_fault};
use super::{Config, ManagementListen, branding, gateway, mail, risk};
use crate::protocol::client::AuthMethod;
use crate::protocol::plain_text::is_deceptive;
use crate::protocol::scope::Scopes;
use crate::protocol::sign_up::is_domain;
use crate::protocol::types::SigningAlg;

pub(super) fn validate(config: &Config, problems: &mut Problems) {
    for rule in [
        listeners,
        tls,
        client_certificates,
        database,
        redis,
        master_key,
        previous_master_key,
        password_cost,
        signing_keys,
        registration,
        readable_files,
        mail::validate,
        gateway::validate,
    ] {
        rule(config, problems);
    }
    validate_runtime(config, problems);
}

/// The rules about settings that may change while servers run. None of them reads a file.
pub(super) fn validate_runtime(config: &Config, problems: &mut Problems) {
    for rule in [
        product_name,
        branding::validate,
        token_lifetimes,
        session_lifetimes,
        sign_up,
        risk::validate,
    ] {
        rule(config, problems);
    }
}

fn product_name(config: &Config, problems: &mut Problems) {
    let name = &config.product_name;
    if name.trim().is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        let text = "set a name of 1 to 60 characters on one line";
        problems.add("product_name", config.origin("product_name"), text);
    }
}

fn listeners(config: &Config, problems: &mut Problems) {
    let ManagementListen::At(management) = config.management.listen else { return };
    if management.port() != 0 && config.listen().contains(&management) {
        let text = format!("{management} is the main listener's address too. Set another port");
        problems.add("management.listen", config.origin("management.listen"), text);
    }
}

fn tls(config: &Config, problems: &mut Problems) {
    let files = [
        ("server.tls_cert_file", &config.server.tls_cert_file, "server.tls_key_file"),
        ("server.tls_key_file", &config.server.tls_key_file, "server.tls_cert_file"),
    ];
    let pair = config.server.tls_cert_file.is_some() == config.server.tls_key_file.is_some();
    for (key, path, other) in files {
        let Some(path) = path else { continue };
        if !pair {
            problems.add(key, config.origin(key), format!("{other} is missing. Set both"));
        }
        if let Err(fault) = std::fs::File::open(path) {
            let text = format!("the file {} could not be read: {fault}", path.display());
            problems.add(key, config.origin(key), text);
        }
    }
}

fn client_certificates(config: &Config, problems: &mut Problems) {
    let server = &config.server;
    let mut wrong = |key: &str, text: &str| problems.add(key, config.origin(key), text);
    let no_tls = "there is no https listener. Set server.tls_cert_file and server.tls_key_file";
    if server.tls_cert_file.is_none() && server.ask_client_certificate {
        wrong("server.ask_client_certificate", no_tls);
    }
    if server.tls_cert_file.is_none() && !server.mtls_listen.is_empty() {
        wrong("server.mtls_listen", no_tls);
    }
    if server.mtls_url.as_ref().is_some_and(|url| !url.is_https()) {
        wrong(
            "server.mtls_url",
            "certificates need https. Set an address that starts with https://",
        );
    }
    if let Some(name) = &server.client_certificate_header {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(letter) {
            wrong(
                "server.client_certificate_header",
                "set the name of a header, such as Client-Cert",
            );
        }
        if server.trusted_proxies.is_empty() {
            let text = "nobody is believed about certificates yet. Set server.trusted_proxies to \
                        the addresses of your proxy";
            wrong("server.client_certificate_header", text);
        }
    }
    if let Some(path) = &server.client_ca_file
        && let Err(fault) = std::fs::File::open(path)
    {
        let text = format!("the file {} could not be read: {fault}", path.display());
        wrong("server.client_ca_file", &text);
    }
}

fn database(config: &Config, problems: &mut Problems) {
    let Some(url) = &config.database.url else { return };
    if DatabaseKind::of(url.expose_secret()).is_none() {
        let text = "it is not the URL of a database. Set one that starts with sqlite: or \
                    postgres://, for example postgres://doorward:PASSWORD@localhost/doorward";
        problems.add("database.url", config.origin("database.url"), text);
    }
}

fn redis(config: &Config, problems: &mut Problems) {
    let Some(url) = &config.redis.url else { return };
    let scheme = url.expose_secret().split_once("://").map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| RedisSettings::SCHEMES.contains(&scheme)) {
        let text = "it is not the URL of a Redis. Set one that starts with redis://, rediss://, \
                    redis+cluster:// or redis+sentinel://, for example redis://localhost:6379";
        problems.add("redis.url", config.origin("redis.url"), text);
    }
}

fn master_key(config: &Config, problems: &mut Problems) {
    let key = "secrets.master_key";
    if problems.concern(key) {
        return;
    }
    let origin = config.origin(key);
    match config.master_key_source() {
        MasterKeySource::Given(text) => {
            if let Some(fault) = master_key_fault(text.expose_secret()) {
                problems.add(key, origin, format!("{fault}. {MAKE_A_KEY}"));
            }
        }
        MasterKeySource::File(_) if config.database_kind() == DatabaseKind::Postgres => {
            let text = format!(
                "with PostgreSQL it must be set, the same on every node. {MAKE_A_KEY}, \
                 and set DOORWARD_SECRETS__MASTER_KEY or DOORWARD_SECRETS__MASTER_KEY_FILE"
            );
            problems.add(key, origin, text);
        }
        MasterKeySource::File(path) => {
            if let Some(text) = key_file_fault(&path) {
                problems.add(key, origin, text);
            }
        }
    }
}

fn previous_master_key(config: &Config, problems: &mut Problems) {
    let key = "secrets.previous_master_key";
    if problems.concern(key) {
        return;
    }
    let fault = match config.previous_master_key_source() {
        None => None,
        Some(MasterKeySource::Given(text)) => {
            master_key_fault(text.expose_secret()).map(|fault| format!("{fault}. {MAKE_A_KEY}"))
        }
        Some(MasterKeySource::File(path)) => key_file_fault(&path),
    };
    if let Some(text) = fault {
        problems.add(key, config.origin(key), text);
    }
}

/// What is wrong with the key file Doorward made earlier. A missing one is fine: it will be made.
fn key_file_fault(path: &Path) -> Option<String> {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(fault) if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return None;
        }
        Err(fault) => return Some(format!("the file {shown} could not be read: {fault}")),
    };
    if is_world_readable(path) {
        return Some(format!("everyone on this machine can read {shown}. Run: chmod 600 {shown}"));
    }
    master_key_fault(text.trim_end())
        .map(|fault| format!("the file {shown} is damaged: {fault}. Restore it from your backup"))
}

fn token_lifetimes(config: &Config, problems: &mut Problems) {
    let tokens = &config.tokens;
    at_most(
        config,
        problems,
        ["tokens.refresh_idle", "tokens.refresh_absolute"],
        [tokens.refresh_idle, tokens.refresh_absolute],
    );
    at_most(
        config,
        problems,
        ["tokens.offline_idle", "tokens.offline_absolute"],
        [tokens.offline_idle, tokens.offline_absolute],
    );
}

fn session_lifetimes(config: &Config, problems: &mut Problems) {
    let session = &config.session;
    at_most(
        config,
        problems,
        ["session.idle", "session.absolute"],
        [session.idle, session.absolute],
    );
    at_most(
        config,
        problems,
        ["session.admin_idle", "session.admin_absolute"],
        [session.admin_idle, session.admin_absolute],
    );
}

/// The first of two settings must not be larger than the second.
fn at_most(config: &Config, problems: &mut Problems, keys: [&str; 2], values: [i64; 2]) {
    let ([lower, upper], [low, high]) = (keys, values);
    if low > high && !problems.concern(lower) && !problems.concern(upper) {
        let text = format!("{low} is longer than {upper}, which is {high}. Set {high} or less");
        problems.add(lower, config.origin(lower), text);
    }
}

fn password_cost(config: &Config, problems: &mut Problems) {
    let work = u64::from(config.password.memory_kib) * u64::from(config.password.iterations);
    if work < PasswordSettings::LEAST_WORK {
        let text = format!(
            "hashes would be too cheap to guess: memory_kib times iterations is {work}, and {} is \
             the least. Set for example memory_kib = 19456 and iterations = 2",
            PasswordSettings::LEAST_WORK
        );
        problems.add("password.memory_kib", config.origin("password.memory_kib"), text);
    }
}

fn readable_files(config: &Config, problems: &mut Problems) {
    for (key, path) in [
        ("outbound.extra_ca_file", &config.outbound.extra_ca_file),
        ("session.geoip_file", &config.session.geoip_file),
    ] {
        let Some(path) = path else { continue };
        if let Err(fault) = std::fs::File::open(path) {
            let text = format!("the file {} could not be read: {fault}", path.display());
            problems.add(key, config.origin(key), text);
        }
    }
}

fn signing_keys(config: &Config, problems: &mut Problems) {
    let keys = &config.keys;
    if !keys.algorithms.contains(&SigningAlg::Rs256) && !problems.concern("keys.algorithms") {
        let text = "RS256 is missing, which every OpenID Connect client may count on. Add it";
        problems.add("keys.algorithms", config.origin("keys.algorithms"), text);
    }
    if keys.publish_ahead >= keys.rotate_every {
        let text = format!(
            "the next key would be published before the present one signs. Set less than \
             keys.rotate_every, which is {}",
            keys.rotate_every
        );
        problems.add("keys.publish_ahead", config.origin("keys.publish_ahead"), text);
    }
}

fn registration(config: &Config, problems: &mut Problems) {
    let registration = &config.registration;
    let scopes = registration.scopes.to_string();
    if !Scopes::parse(&scopes).is_some_and(|parsed| parsed == registration.scopes) {
        let key = "registration.scopes";
        let text = "a scope is empty, repeated, or has a space, quote or accent. Write one scope \
                    to an entry, for example [\"openid\", \"email\"]";
        problems.add(key, config.origin(key), text);
    }
    let known =
        |name: &String| config.authorization.detail_types.iter().any(|kind| kind.name == *name);
    if !registration.detail_types.iter().all(known) {
        let key = "registration.detail_types";
        let text = "a type is not one of authorization.detail_types. Write the names of types that \
                    are described there";
        problems.add(key, config.origin(key), text);
    }
    if registration.auth_methods.contains(&AuthMethod::ClientSecret) {
        let key = "registration.auth_methods";
        let text = "client_secret is no registered name. Write client_secret_basic, \
                    client_secret_post or both";
        problems.add(key, config.origin(key), text);
    }
}

fn sign_up(config: &Config, problems: &mut Problems) {
    let settings = &config.sign_up;
    let mut wrong = |key: &str, text: &str| problems.add(key, config.origin(key), text);
    if !settings.email_domains.iter().all(|domain| is_domain(domain)) {
        let text = "it is not a list of domains. Write what follows the @ of an address, for \
                    example [\"example.com\"]";
        wrong("sign_up.email_domains", text);
    }
    let good = |name: &String| {
        !name.trim().is_empty()
            && name.trim() == name
            && name.chars().count() <= 100
            && !name.chars().any(is_deceptive)
    };
    if !settings.groups.iter().all(good) {
        let text = "a group name has 1 to 100 ordinary characters. Write one name to an entry";
        wrong("sign_up.groups", text);
    }
}
