//! Every mistake in the configuration ends the start within seconds, with one clear line and
//! without telling a secret. 78 says "wrong configuration"; 1 says "it could not be done".

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::kit::flow::execute;
use crate::kit::geoip;
use crate::support::backends::Backend;
use crate::support::process::free_port;
use crate::support::servers::{PrivatePostgres, PrivateRedis};
use crate::support::world::{World, random_key};

/// The promise is five seconds; a busy machine gets more before the test gives up.
const LIMIT: Duration = Duration::from_secs(15);
const CONFIGURATION: i32 = 78;

/// How a start ended.
pub struct Ending {
    pub code: i32,
    pub said: String,
}

impl Ending {
    /// Checks the exit code, and that one line holds these words and no noise.
    #[track_caller]
    pub fn assert(&self, code: i32, words: &[&str]) -> &Self {
        let said = &self.said;
        assert_eq!(self.code, code, "{said}");
        let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!((1..=2).contains(&lines.len()), "not one clear line:\n{said}");
        for word in words {
            assert!(said.to_lowercase().contains(&word.to_lowercase()), "no `{word}` in:\n{said}");
        }
        for noise in ["panicked", "backtrace", "Error {", "RUST_", ".rs:"] {
            assert!(!said.contains(noise), "`{noise}` in:\n{said}");
        }
        self
    }

    #[track_caller]
    fn assert_hides(&self, secret: &str) {
        assert!(!self.said.contains(secret), "the secret is shown:\n{}", self.said);
    }
}

async fn start(backend: Backend, environment: &[(&str, &str)]) -> Ending {
    let mut builder = World::builder(backend);
    for (name, value) in environment {
        builder = builder.env(name, value);
    }
    let world = builder.prepare().await;
    ending(world.command(&["serve"]))
}

/// Runs a command that must end by itself.
pub fn ending(mut command: Command) -> Ending {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start doorward");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("ask for the status") {
            break status;
        }
        if begun.elapsed() > LIMIT {
            child.kill().expect("end it");
            panic!("it went on in spite of the mistake: {}", said(&mut child));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ending { code: status.code().expect("an exit code"), said: said(&mut child) }
}

fn said(child: &mut std::process::Child) -> String {
    let mut text = String::new();
    child.stderr.as_mut().expect("a pipe").read_to_string(&mut text).expect("text");
    child.stdout.as_mut().expect("a pipe").read_to_string(&mut text).expect("text");
    text
}

#[tokio::test]
async fn an_issuer_that_cannot_be_one_is_refused() {
    for issuer in [
        "http://id.example.test",
        "https://id.example.test/?x=1",
        "https://id.example.test/#top",
        "https://id.example.test/",
        "https://user:word@id.example.test",
        "https://id.example.test junk",
        "id.example.test",
        "ftp://id.example.test",
    ] {
        let ending = start(Backend::Embedded, &[("DOORWARD_ISSUER", issuer)]).await;
        ending.assert(CONFIGURATION, &["issuer", "DOORWARD_ISSUER"]).assert_hides("user:word");
    }
}

#[tokio::test]
async fn postgres_without_a_master_key_is_refused_and_makes_no_throw_away_key() {
    let database = PrivatePostgres::database().await;
    let world = World::builder(Backend::Embedded)
        .env("DOORWARD_DATABASE__URL", &database)
        .env("DOORWARD_REDIS__URL", &PrivateRedis::fresh())
        .prepare()
        .await;
    let ending = ending(world.command(&["serve"]));
    ending.assert(CONFIGURATION, &["secrets.master_key", "openssl rand"]);
    assert!(!world.data_dir().join("master.key").exists());
}

#[tokio::test]
async fn a_weak_master_key_is_refused_and_not_repeated() {
    let zeros = data_encoding::BASE64.encode(&[0; 32]);
    let example = data_encoding::BASE64.encode(b"change-me-change-me-change-me-32");
    for (key, word) in [
        ("c2hvcnQtc2VjcmV0", "too short"),
        (zeros.as_str(), "example"),
        (example.as_str(), "example"),
        ("not base64 at all!", "base64"),
    ] {
        let ending = start(Backend::Embedded, &[("DOORWARD_SECRETS__MASTER_KEY", key)]).await;
        ending.assert(CONFIGURATION, &["secrets.master_key", word]).assert_hides(key);
    }
}

#[tokio::test]
async fn a_key_file_that_everyone_can_read_is_refused() {
    let mut world = World::builder(Backend::Embedded).prepare().await;
    let (path, key) = (world.path("key"), random_key());
    std::fs::write(&path, &key).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    world.set("DOORWARD_SECRETS__MASTER_KEY_FILE", &path.display().to_string());
    let refused = ending(world.command(&["serve"]));
    refused.assert(CONFIGURATION, &["chmod 600", "master_key"]).assert_hides(&key);
    // The one Doorward makes itself is private, and watched too.
    let mut own = World::start(Backend::Embedded).await;
    let path = own.data_dir().join("master.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    own.stop();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
    let key = std::fs::read_to_string(&path).unwrap();
    ending(own.command(&["serve"])).assert(CONFIGURATION, &["chmod 600"]).assert_hides(key.trim());
}

#[tokio::test]
async fn a_missing_or_empty_key_file_is_refused() {
    let missing = [("DOORWARD_SECRETS__MASTER_KEY_FILE", "/nonexistent/key")];
    start(Backend::Embedded, &missing).await.assert(CONFIGURATION, &["/nonexistent/key"]);
    let empty = [("DOORWARD_SECRETS__MASTER_KEY_FILE", "/dev/null")];
    start(Backend::Embedded, &empty).await.assert(CONFIGURATION, &["master_key"]);
}

#[tokio::test]
async fn a_lost_master_key_is_asked_for_and_no_other_is_made() {
    let mut world = World::start(Backend::Embedded).await;
    world.stop();
    let (key, kept) = (world.data_dir().join("master.key"), world.path("kept"));
    std::fs::rename(&key, &kept).unwrap();
    let place = key.display().to_string();
    for command in [&["user", "list"][..], &["key", "list"], &["serve"]] {
        let ending = ending(world.command(command));
        ending.assert(CONFIGURATION, &["master.key is missing", "put it back", &place]);
        assert!(!key.exists(), "{command:?} made another");
    }
    std::fs::rename(&kept, &key).unwrap();
    world.cli(&["user", "list"]);
}

#[tokio::test]
async fn another_master_key_than_the_database_was_made_with_is_refused() {
    let mut world = World::start(Backend::Production).await;
    world.stop();
    let key = random_key();
    world.set("DOORWARD_SECRETS__MASTER_KEY", &key);
    let ending = ending(world.command(&["serve"]));
    ending.assert(1, &["master key"]).assert_hides(&key);
}

#[tokio::test]
async fn a_database_or_redis_that_cannot_be_is_refused_without_its_password() {
    for (name, url, words) in [
        ("DOORWARD_DATABASE__URL", "mysql://u:pa55word@h/d", ["database.url", "postgres://"]),
        ("DOORWARD_DATABASE__URL", "just-text", ["database.url", "sqlite:"]),
        ("DOORWARD_REDIS__URL", "http://u:pa55word@h", ["redis.url", "redis://"]),
    ] {
        let ending = start(Backend::Embedded, &[(name, url)]).await;
        ending.assert(CONFIGURATION, &words).assert_hides("pa55word");
    }
}

#[tokio::test]
async fn a_database_or_redis_that_does_not_answer_ends_the_start() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let database = format!("postgres://doorward:pa55word@{nobody}/doorward");
    let redis = format!("redis://:pa55word@{nobody}");
    for (name, url, word) in [
        ("DOORWARD_DATABASE__URL", &database, "database"),
        ("DOORWARD_REDIS__URL", &redis, "redis"),
    ] {
        let ending = start(Backend::Production, &[(name, url)]).await;
        ending.assert(1, &[word]).assert_hides("pa55word");
    }
    let directory = [("DOORWARD_DATABASE__URL", "sqlite:/nonexistent/dir/doorward.db")];
    start(Backend::Embedded, &directory).await.assert(1, &["database"]);
}

/// It would take back sign-outs that were acknowledged.
#[tokio::test]
async fn a_postgres_that_acknowledges_before_it_keeps_is_refused() {
    let world = World::builder(Backend::Production).own_postgres().prepare().await;
    execute(&world, "alter role postgres set synchronous_commit = off").await;
    ending(world.command(&["serve"])).assert(1, &["database", "synchronous_commit"]);
}

#[tokio::test]
async fn an_unknown_setting_is_refused_with_a_proposal() {
    let ending = start(Backend::Embedded, &[("DOORWARD_SESSION__IDEL", "60")]).await;
    ending.assert(CONFIGURATION, &["DOORWARD_SESSION__IDEL", "IDLE"]);
    let builder = World::builder(Backend::Embedded).config_file("[tokens]\nrefresh_grase = 5\n");
    let world = builder.prepare().await;
    self::ending(world.command(&["serve"]))
        .assert(CONFIGURATION, &["refresh_grase", "refresh_grace"]);
    let world = World::builder(Backend::Embedded).config_file("this is [not toml").prepare().await;
    self::ending(world.command(&["serve"])).assert(CONFIGURATION, &["doorward.toml"]);
    let world = World::builder(Backend::Embedded).prepare().await;
    let code = self::ending(world.command(&["serve", "--no-such-flag"])).code;
    assert_eq!(code, 2, "wrong usage");
}

#[tokio::test]
async fn values_out_of_range_and_settings_at_odds_are_refused() {
    for (name, value, words) in [
        ("DOORWARD_TOKENS__REFRESH_GRACE", "61", ["tokens.refresh_grace", "60"]),
        ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "86400", ["access_token_lifetime", "3600"]),
        ("DOORWARD_SESSION__ADMIN_STEP_UP", "59", ["session.admin_step_up", "60"]),
        ("DOORWARD_SESSION__IDLE", "soon", ["session.idle", "number"]),
        ("DOORWARD_SESSION__ABSOLUTE", "61", ["session.idle", "session.absolute"]),
        ("DOORWARD_PASSWORD__MEMORY_KIB", "8192", ["password.memory_kib", "cheap"]),
        ("DOORWARD_PASSWORD__MIN_LENGTH", "4", ["password.min_length", "8"]),
        ("DOORWARD_KEYS__ALGORITHMS", "ES256", ["keys.algorithms", "RS256"]),
        ("DOORWARD_SERVER__LISTEN", "everywhere", ["server.listen", "port"]),
        ("DOORWARD_MANAGEMENT__LISTEN", "never", ["management.listen", "off"]),
        ("DOORWARD_SERVER__TLS_CERT_FILE", "/nonexistent.pem", ["tls_cert_file", "tls_key_file"]),
        ("DOORWARD_CONFIG", "/nonexistent.toml", ["/nonexistent.toml", "could not be read"]),
    ] {
        start(Backend::Embedded, &[(name, value)]).await.assert(CONFIGURATION, &words);
    }
}

#[tokio::test]
async fn a_busy_port_is_told_before_anything_is_touched() {
    for setting in ["DOORWARD_SERVER__LISTEN", "DOORWARD_MANAGEMENT__LISTEN"] {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let builder = World::builder(Backend::Embedded).env(setting, &address);
        let world = builder.prepare().await;
        let ending = ending(world.command(&["serve"]));
        ending.assert(1, &[&address, "in use"]);
        assert!(!world.data_dir().join("doorward.db").exists());
    }
}

#[tokio::test]
async fn commands_make_nothing_where_there_is_no_database() {
    let world = World::builder(Backend::Embedded).prepare().await;
    let state = world.write("state.toml", "[[groups]]\nname = \"staff\"\n");
    let commands = [
        &["user", "enable", "alice"][..],
        &["user", "list"],
        &["key", "list"],
        &["setup-link"],
        &["db", "status"],
        &["backup", "backup.tar"],
        &["apply", "-f", &state],
    ];
    for arguments in commands {
        let output = world.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("there is no database at"), "{arguments:?}: {said}");
        assert!(said.contains("doorward.db") && said.contains("doorward db migrate"), "{said}");
        assert!(!world.data_dir().exists(), "{arguments:?}");
    }
    let doctor = world.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("there is no database at"));
    assert!(!world.data_dir().exists());
    assert!(world.run(&["db", "migrate"]).status.success());
    assert!(world.run(&["apply", "-f", &state]).status.success());
    assert!(world.cli(&["setup-link"])["url"].is_string());
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_refused() {
    let ending = start(Backend::Embedded, &[("DOORWARD_DATA_DIR", "/proc/doorward")]).await;
    assert!([1, CONFIGURATION].contains(&ending.code), "{}", ending.said);
    ending.assert(ending.code, &["/proc/doorward"]);
}

#[tokio::test]
async fn several_mistakes_are_told_together_one_line_each() {
    let mistakes = [
        ("DOORWARD_ISSUER", "http://id.example.test"),
        ("DOORWARD_TOKENS__REFRESH_GRACE", "61"),
        ("DOORWARD_SESSION__IDEL", "60"),
    ];
    let ending = start(Backend::Embedded, &mistakes).await;
    assert_eq!(ending.code, CONFIGURATION);
    for word in ["issuer", "refresh_grace", "IDEL"] {
        let lines = ending.said.lines().filter(|line| line.contains(word));
        assert_eq!(lines.count(), 1, "{word} in:\n{}", ending.said);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_at_start() {
    let mut cut = geoip::database();
    cut.truncate(60);
    // The tree leads to a record that is not there.
    let mut astray = geoip::database();
    astray[3..6].copy_from_slice(&[0x7f, 0xff, 0xff]);
    for (bytes, code, word) in [
        (Some(b"not a database".to_vec()), 1, "MaxMind"),
        (Some(cut), 1, "MaxMind"),
        (Some(astray), 1, "damaged"),
        (None, 78, "could not be read"),
    ] {
        let mut world = World::builder(Backend::Embedded).prepare().await;
        let file = world.path("places.mmdb");
        if let Some(bytes) = bytes {
            std::fs::write(&file, bytes).unwrap();
        }
        world.set("DOORWARD_SESSION__GEOIP_FILE", &file.display().to_string());
        ending(world.command(&["serve"])).assert(code, &["session.geoip_file", word]);
    }
}
