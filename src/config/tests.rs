//! The rules of the whole: precedence, files for secrets, unknown keys, and what is refused.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const KEY: &str = "q83xTpJ0Zr9bW1mYk2hU7sVnE4cLoAfGd6iXwPzQy5I=";

/// A directory of its own for one test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("doorward-config-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        mode(&path, 0o600);
        path
    }

    /// Sources with the data directory in here, so that no test looks at `./data`.
    fn sources(&self) -> Sources {
        Sources::none().variable("DOORWARD_DATA_DIR", self.0.display().to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path, bits: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
}

fn refusal(sources: &Sources) -> String {
    Config::load(sources).unwrap_err().to_string()
}

fn refusal_of(name: &str, value: &str) -> String {
    refusal(&Scratch::new().sources().variable(name, value))
}

#[test]
fn without_any_source_the_defaults_hold() {
    let config = Config::load(&Sources::none()).unwrap();
    assert_eq!(config.issuer.as_str(), "http://localhost:8080");
    assert_eq!(config.data_dir, PathBuf::from("./data"));
    let listen: Vec<_> = config.listen().iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:8080", "[::1]:8080"]);
    let management = config.management.listen.address().map(|a| a.to_string());
    assert_eq!(management.as_deref(), Some("127.0.0.1:9464"));
    assert_eq!(config.database_url().expose_secret(), "sqlite:./data/doorward.db");
    assert_eq!(config.origin("issuer"), &Origin::Default);
}

#[test]
fn flags_win_over_environment_over_credentials_over_files_over_defaults() {
    let dir = Scratch::new();
    let file = dir.file(
        "doorward.toml",
        "product_name = 'file'\n[log]\nlevel = 'debug'\nformat = 'json'\n\
         [tokens]\nrefresh_grace = 3\n[redis]\nurl = 'redis://file'\n",
    );
    dir.file("redis.url", "redis://credential\n");
    let sources = dir
        .sources()
        .file(&file)
        .variable("CREDENTIALS_DIRECTORY", dir.0.display().to_string())
        .variable("DOORWARD_LOG__LEVEL", "warn")
        .variable("DOORWARD_LOG__FORMAT", "text")
        .set("log.level", "trace", "--log-level");
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.log.level, LogLevel::Trace);
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.tokens.refresh_grace, 3);
    assert_eq!(config.redis.url.as_ref().unwrap().expose_secret(), "redis://credential");
    assert_eq!(config.limits.login_free_failures, 5);
    let origin = |key| config.origin(key).to_string();
    assert_eq!(origin("log.level"), "flag --log-level");
    assert_eq!(origin("log.format"), "environment variable DOORWARD_LOG__FORMAT");
    assert_eq!(origin("tokens.refresh_grace"), format!("file {}", file.display()));
    assert_eq!(origin("limits.login_free_failures"), "default");
}

#[test]
fn a_later_file_wins_and_a_named_file_must_exist() {
    let dir = Scratch::new();
    let first = dir.file("a.toml", "product_name = 'first'\n[log]\nlevel = 'debug'\n");
    let second = dir.file("b.toml", "product_name = 'second'\n");
    let config = Config::load(&dir.sources().file(first).file(second)).unwrap();
    assert_eq!(config.product_name, "second");
    assert_eq!(config.log.level, LogLevel::Debug);
    let missing = refusal(&dir.sources().file("/nowhere/doorward.toml"));
    assert!(missing.contains("file /nowhere/doorward.toml: it could not be read"), "{missing}");
}

#[test]
fn well_known_variables_are_read_and_doorwards_own_win_over_them() {
    let dir = Scratch::new();
    let sources = dir
        .sources()
        .variable("DATABASE_URL", "sqlite:other.db")
        .variable("REDIS_URL", "redis://alias")
        .variable("DOORWARD_REDIS__URL", "redis://own");
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.database_url().expose_secret(), "sqlite:other.db");
    assert_eq!(config.redis.url.unwrap().expose_secret(), "redis://own");
}

#[test]
fn the_state_directory_of_systemd_is_the_default_data_directory() {
    let dir = Scratch::new();
    let state = Sources::none().variable("STATE_DIRECTORY", "/var/lib/doorward:/var/lib/more");
    assert_eq!(Config::load(&state).unwrap().data_dir, PathBuf::from("/var/lib/doorward"));
    let file = dir.file("doorward.toml", "data_dir = '/srv/doorward'\n");
    assert_eq!(Config::load(&state.file(file)).unwrap().data_dir, PathBuf::from("/srv/doorward"));
}

#[test]
fn a_secret_is_read_from_its_file_without_the_last_newline() {
    let dir = Scratch::new();
    let key = dir.file("key", &format!("{KEY}\n"));
    let url = dir.file("url", "postgres://u:p@db/x\n\n");
    let sources = dir
        .sources()
        .variable("DOORWARD_SECRETS__MASTER_KEY_FILE", key.display().to_string())
        .variable("DATABASE_URL_FILE", url.display().to_string());
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.secrets.master_key.as_ref().unwrap().expose_secret(), KEY);
    assert_eq!(config.database_url().expose_secret(), "postgres://u:p@db/x\n");
    let toml =
        dir.file("doorward.toml", &format!("[secrets]\nmaster_key_file = '{}'\n", key.display()));
    let config = Config::load(&dir.sources().file(toml)).unwrap();
    assert!(matches!(config.master_key_source(), MasterKeySource::Given(_)));
}

#[test]
fn a_variable_made_of_a_file_may_end_with_a_newline() {
    let dir = Scratch::new();
    for end in ["\n", "\r\n"] {
        let sources = dir
            .sources()
            .variable("DOORWARD_SECRETS__MASTER_KEY", format!("{KEY}{end}"))
            .variable("DATABASE_URL", format!("postgres://u:p@db/x{end}"));
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.secrets.master_key.as_ref().unwrap().expose_secret(), KEY);
        assert_eq!(config.database_url().expose_secret(), "postgres://u:p@db/x");
    }
}

#[test]
fn a_secret_set_directly_and_by_file_is_refused() {
    let dir = Scratch::new();
    let key = dir.file("key", KEY);
    let text = refusal(
        &dir.sources()
            .variable("DOORWARD_SECRETS__MASTER_KEY", KEY)
            .variable("DOORWARD_SECRETS__MASTER_KEY_FILE", key.display().to_string()),
    );
    assert!(text.contains("DOORWARD_SECRETS__MASTER_KEY_FILE"), "{text}");
    assert!(text.contains("Keep one of the two"), "{text}");
    assert!(!text.contains(KEY), "{text}");
}

#[test]
fn a_missing_or_empty_secret_file_is_one_problem() {
    let dir = Scratch::new();
    let empty = dir.file("empty", "\n");
    for path in ["/nowhere/key", empty.to_str().unwrap()] {
        let sources = dir
            .sources()
            .variable("DATABASE_URL", "postgres://db/x")
            .variable("DOORWARD_SECRETS__MASTER_KEY_FILE", path);
        assert_eq!(Config::load(&sources).unwrap_err().iter().count(), 1, "{path}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let dir = Scratch::new();
    let file = dir.file("doorward.toml", "isuer = 'x'\n[tokens]\naccess_lifetime = 60\n");
    let text = refusal(&dir.sources().file(&file).variable("DOORWARD_DATABASE_URL", "sqlite:x"));
    let shown = file.display();
    for expected in [
        format!("isuer (file {shown}): there is no such setting. Did you mean issuer?"),
        format!(
            "tokens.access_lifetime (file {shown}): there is no such setting. \
                 Did you mean tokens.access_token_lifetime?"
        ),
        "environment variable DOORWARD_DATABASE_URL): there is no such setting. \
         Did you mean DOORWARD_DATABASE__URL?"
            .to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}\nis not in\n{text}");
    }
}

#[test]
fn an_unknown_section_and_a_section_as_a_value_are_refused() {
    let dir = Scratch::new();
    let file = dir.file("doorward.toml", "server = 'x'\n[qqq]\n");
    let text = refusal(&dir.sources().file(file));
    assert!(text.contains("server"), "{text}");
    assert!(text.contains("it is a section"), "{text}");
    assert!(text.contains("qqq"), "{text}");
}

#[test]
fn service_link_variables_do_not_stop_the_start() {
    let sources = Sources::none()
        .variable("DOORWARD_PORT", "tcp://10.0.0.7:80")
        .variable("DOORWARD_SERVICE_HOST", "10.0.0.7")
        .variable("DOORWARD_PORT_80_TCP_ADDR", "10.0.0.7");
    assert!(Config::load(&sources).is_ok());
    assert!(refusal_of("DOORWARD_PORT", "8080").contains("no such setting"));
}

#[test]
fn every_mistake_is_reported_at_once_one_line_each() {
    let sources = Scratch::new()
        .sources()
        .variable("DOORWARD_ISSUER", "http://id.example.com")
        .variable("DOORWARD_TOKENS__REFRESH_GRACE", "61")
        .variable("DOORWARD_LOG__LEVEL", "loud")
        .variable("DATABASE_URL", "postgres://db/x");
    let text = refusal(&sources);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("Set it to \"https://id.example.com\""), "{text}");
    assert!(text.contains("61 is too large. Set a whole number from 0 to 60"), "{text}");
    assert!(text.contains("\"loud\" is not one of error, warn, info, debug, trace"), "{text}");
    assert!(text.contains("openssl rand -base64 32"), "{text}");
}

#[test]
fn numbers_and_lists_must_be_what_they_say() {
    for (name, value, expected) in [
        ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "10m", "not a whole number"),
        ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "59", "too small"),
        ("DOORWARD_PASSWORD__MIN_LENGTH", "7", "too small"),
        ("DOORWARD_SERVER__LISTEN", "8080", "not an address with a port"),
        ("DOORWARD_SERVER__TRUSTED_PROXIES", "10.0.0.0/33", "not a network"),
        ("DOORWARD_MANAGEMENT__LISTEN", "on", "or \"off\""),
        ("DOORWARD_KEYS__ALGORITHMS", "RS256,HS256", "HS256"),
        ("DOORWARD_LOG__EXCLUDE_FIELDS", "user_id,message", "\"message\" is no field that can"),
        ("DOORWARD_LOG__EXCLUDE_FIELDS", "userid", "These can: actor, client_id, detail, "),
        ("DOORWARD_KEYS__ALGORITHMS", "ES256", "RS256 is missing"),
        ("DOORWARD_SESSION__IDLE", "50000", "longer than session.absolute"),
        ("DOORWARD_TOKENS__REFRESH_IDLE", "2592001", "longer than tokens.refresh_absolute"),
        ("DOORWARD_PASSWORD__ITERATIONS", "1", "too cheap"),
        ("DOORWARD_KEYS__PUBLISH_AHEAD", "2592000", ""),
        ("DOORWARD_PRODUCT_NAME", "  ", "1 to 60 characters"),
        ("DOORWARD_MANAGEMENT__LISTEN", "127.0.0.1:8080", "main listener"),
        ("DOORWARD_SERVER__TLS_CERT_FILE", "/nowhere/cert.pem", "Set both"),
        ("DOORWARD_OUTBOUND__ALLOW_PRIVATE", "10.0.0.0/8,https://a", "not a host, address"),
        ("DOORWARD_OUTBOUND__EXTRA_CA_FILE", "/nowhere/ca.pem", "could not be read"),
        ("DOORWARD_SERVER__ASK_CLIENT_CERTIFICATE", "true", "no https listener"),
        ("DOORWARD_SERVER__MTLS_LISTEN", "127.0.0.1:8443", "no https listener"),
        ("DOORWARD_SERVER__MTLS_URL", "http://localhost:8443", "certificates need https"),
        ("DOORWARD_SERVER__CLIENT_CERTIFICATE_HEADER", "Client-Cert", "server.trusted_proxies"),
        ("DOORWARD_SERVER__CLIENT_CERTIFICATE_HEADER", "a b", "name of a header"),
        ("DOORWARD_SERVER__CLIENT_CA_FILE", "/nowhere/ca.pem", "could not be read"),
        ("REDIS_URL", "http://cache", "not the URL of a Redis"),
        ("DATABASE_URL", "mysql://root:hunter22@db/x", "not the URL of a database"),
    ] {
        let sources = Scratch::new().sources().variable("DOORWARD_KEYS__ROTATE_EVERY", "2592000");
        let text = refusal(&sources.variable(name, value));
        assert!(text.contains(expected), "{name}={value}: {text}");
        assert!(!text.contains("hunter22"), "{text}");
    }
}

#[test]
fn every_field_that_can_be_left_out_of_the_log_is_in_its_description() {
    let about = &catalog::settings()["log.exclude_fields"].description;
    for field in LogField::ALL {
        assert!(about.contains(&format!("`{}`", field.as_str())), "{field:?}: {about}");
    }
    let sources = Scratch::new().sources();
    let sources = sources.variable("DOORWARD_LOG__EXCLUDE_FIELDS", "user_id, client_id");
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.log.exclude_fields, [LogField::UserId, LogField::ClientId]);
}

#[test]
fn lists_come_from_commas_or_from_toml() {
    let dir = Scratch::new();
    let file = dir.file(
        "doorward.toml",
        "[server]\nlisten = ['0.0.0.0:80', '[::]:80']\ntrusted_proxies = '10.0.0.7'\n",
    );
    let config = Config::load(&dir.sources().file(file)).unwrap();
    assert_eq!(config.listen().len(), 2);
    assert_eq!(config.server.trusted_proxies, ["10.0.0.7/32".parse().unwrap()]);
    let sources = dir.sources().variable("DOORWARD_SERVER__LISTEN", "0.0.0.0:80, [::]:80");
    assert_eq!(Config::load(&sources).unwrap().listen().len(), 2);
}

#[test]
fn sign_up_takes_domains_and_group_names_and_nothing_that_only_looks_like_them() {
    let open = |name: &str, value: &str| {
        let scratch = Scratch::new();
        Config::load(&scratch.sources().variable(name, value))
    };
    let domains = "DOORWARD_SIGN_UP__EMAIL_DOMAINS";
    assert_eq!(open(domains, "example.com,x.test").unwrap().sign_up.email_domains.len(), 2);
    for bad in ["@example.com", "exa mple.com", "example..com"] {
        assert!(refusal_of(domains, bad).contains("it is not a list of domains"), "{bad}");
    }
    let groups = "DOORWARD_SIGN_UP__GROUPS";
    assert_eq!(open(groups, "guests,all people").unwrap().sign_up.groups.len(), 2);
    for bad in ["a\u{202e}b", &"x".repeat(101)] {
        assert!(refusal_of(groups, bad).contains("1 to 100 ordinary characters"), "{bad}");
    }
    assert!(refusal_of("DOORWARD_SIGN_UP__MODE", "invite").contains("open"));
}

#[test]
fn the_default_listener_follows_a_localhost_issuer() {
    for (issuer, expected) in [
        ("http://localhost:9000", vec!["127.0.0.1:9000", "[::1]:9000"]),
        ("http://127.0.0.1:9000", vec!["127.0.0.1:9000"]),
        ("http://[::1]:9000", vec!["[::1]:9000"]),
        ("https://id.example.com", vec!["127.0.0.1:8080", "[::1]:8080"]),
    ] {
        let config = Config::load(&Sources::none().variable("DOORWARD_ISSUER", issuer)).unwrap();
        let listen: Vec<_> = config.listen().iter().map(ToString::to_string).collect();
        assert_eq!(listen, expected, "{issuer}");
    }
}

#[test]
fn the_management_listener_can_be_switched_off() {
    let sources = Sources::none().variable("DOORWARD_MANAGEMENT__LISTEN", "off");
    assert_eq!(Config::load(&sources).unwrap().management.listen, ManagementListen::Off);
}

#[test]
fn short_example_and_world_readable_master_keys_are_refused() {
    let dir = Scratch::new();
    for bad in ["c2hvcnQ=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "changeme"] {
        let text = refusal(&dir.sources().variable("DOORWARD_SECRETS__MASTER_KEY", bad));
        assert!(text.contains("openssl rand -base64 32"), "{text}");
        assert!(!text.contains(bad), "{text}");
    }
    let key = dir.file("key", KEY);
    mode(&key, 0o644);
    let shown = key.display().to_string();
    let text = refusal(&dir.sources().variable("DOORWARD_SECRETS__MASTER_KEY_FILE", shown.clone()));
    assert!(text.contains(&format!("chmod 600 {shown}")), "{text}");
}

#[test]
fn the_generated_key_file_is_checked_when_it_exists() {
    let dir = Scratch::new();
    assert!(Config::load(&dir.sources()).is_ok(), "a missing file will be made");
    let key = dir.file("master.key", &format!("{KEY}\n"));
    assert!(Config::load(&dir.sources()).is_ok());
    mode(&key, 0o604);
    assert!(refusal(&dir.sources()).contains("chmod 600"));
    dir.file("master.key", "cut off");
    mode(&key, 0o600);
    assert!(refusal(&dir.sources()).contains("is damaged"));
}

#[test]
fn a_broken_file_is_reported_without_quoting_it() {
    let dir = Scratch::new();
    let file = dir.file("doorward.toml", "[secrets]\nmaster_key = \"hunter22\" oops\n");
    let text = refusal(&dir.sources().file(file));
    assert!(text.contains("line 2"), "{text}");
    assert!(!text.contains("hunter22"), "{text}");
}

#[test]
fn secrets_are_masked_when_shown_and_when_debugged() {
    let sources = Scratch::new()
        .sources()
        .variable("DOORWARD_SECRETS__MASTER_KEY", KEY)
        .variable("DATABASE_URL", "postgres://dw:hunter22@db/x")
        .variable("REDIS_URL", "redis://:hunter22@cache");
    let config = Config::load(&sources).unwrap();
    let shown = config.show();
    let value = |key: &str| shown.iter().find(|s| s.key == key).unwrap().value.clone();
    assert_eq!(value("secrets.master_key"), "***");
    assert_eq!(value("database.url"), "postgres://dw:***@db/x");
    assert_eq!(value("redis.url"), "redis://:***@cache");
    let all = format!("{shown:?} {config:?} {}", serde_json::to_string(&config).unwrap());
    assert!(!all.contains("hunter22") && !all.contains(KEY), "{all}");
}

#[test]
fn the_data_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Scratch::new();
    let deep = dir.0.join("a/b");
    let sources = Sources::none().variable("DOORWARD_DATA_DIR", deep.display().to_string());
    let config = Config::load(&sources).unwrap();
    config.prepare_data_dir().unwrap();
    assert_eq!(std::fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    dir.file("plain", "");
    let blocked = dir.0.join("plain/data").display().to_string();
    let config = Config::load(&Sources::none().variable("DOORWARD_DATA_DIR", blocked)).unwrap();
    assert!(config.prepare_data_dir().unwrap_err().to_string().contains("could not be made"));
}

#[test]
fn a_trial_set_up_is_named_as_one_and_a_production_set_up_is_not() {
    assert_eq!(Config::default().cautions().len(), 2);
    let sources = Scratch::new()
        .sources()
        .variable("DOORWARD_ISSUER", "https://id.example.com")
        .variable("DOORWARD_SECRETS__MASTER_KEY", KEY)
        .variable("DATABASE_URL", "postgres://db/x")
        .variable("REDIS_URL", "redis://cache");
    assert!(Config::load(&sources).unwrap().cautions().is_empty());
    let sources = sources
        .variable("DOORWARD_MAIL__URL", "file:letters")
        .variable("DOORWARD_MAIL__FROM", "sso@example.com");
    let cautions = Config::load(&sources).unwrap().cautions();
    assert_eq!(cautions, ["mail.url is the directory letters: letters reach nobody"]);
}
