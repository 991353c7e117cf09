//! A town: a server of its own, filled by SQL with people who are signed in and apps that hold
//! refresh tokens.

use std::time::Duration;

use data_encoding::BASE64;
use doorward::crypto::seal::{MasterKey, Sealer};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::counts::{Counts, Look};
use super::rows::{self, AT_ONCE, Pattern, quoted};
use crate::cores::{Cores, Role};
use crate::http::Connection;
use crate::lines::{App, Format, KEEP_ES256, MACHINE_ES256};
use crate::options::Options;
use crate::signer::Signer;
use crate::stage;
use crate::support::backends::Backend;
use crate::support::past;
use crate::support::world::World;

/// How many there are of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) users: usize,
    pub(super) clients: usize,
    pub(super) sessions: usize,
    pub(super) families: usize,
}

impl Size {
    /// Enough that everybody acts once, and nothing more.
    pub(super) const SMALL: Self =
        Self { users: 1_000, clients: 1_000, sessions: 10_000, families: 20_000 };

    /// Two apps for each session, five sessions for each person.
    pub(super) fn of(sessions: usize) -> Self {
        let sessions = sessions.max(Self::SMALL.sessions) / 5_000 * 5_000;
        Self { users: sessions / 5, clients: sessions / 5, sessions, families: sessions * 2 }
    }
}

/// Bytes in the database for one row, with its share of every index.
#[derive(Debug, Clone)]
pub(super) struct RowSize {
    pub(super) table: &'static str,
    pub(super) rows: usize,
    pub(super) bytes: f64,
}

/// The database, for statements of our own.
pub(super) enum Side {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Side {
    pub(super) async fn open(world: &World) -> Self {
        let url = world.database_url();
        match world.backend {
            Backend::Production => {
                Self::Postgres(PgConnection::connect(&url).await.expect("the database"))
            }
            Backend::Embedded => {
                Self::Sqlite(SqliteConnection::connect(&url).await.expect("the database"))
            }
        }
    }

    pub(super) async fn execute(&mut self, sql: &str) {
        let text = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Postgres(on) => sqlx::raw_sql(text).execute(on).await.map(drop),
            Self::Sqlite(on) => sqlx::raw_sql(text).execute(on).await.map(drop),
        };
        let start: String = sql.chars().take(300).collect();
        done.unwrap_or_else(|error| panic!("{start}: {error}"));
    }

    pub(super) async fn number(&mut self, sql: &str) -> i64 {
        let text = AssertSqlSafe(sql.to_owned());
        let found = match self {
            Self::Postgres(on) => sqlx::query_scalar(text).fetch_one(on).await,
            Self::Sqlite(on) => sqlx::query_scalar(text).fetch_one(on).await,
        };
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn text(&mut self, sql: &str) -> String {
        let text = AssertSqlSafe(sql.to_owned());
        let found = match self {
            Self::Postgres(on) => sqlx::query_scalar(text).fetch_one(on).await,
            Self::Sqlite(on) => sqlx::query_scalar(text).fetch_one(on).await,
        };
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// What the database takes on disk.
    pub(super) async fn bytes(&mut self) -> i64 {
        let sql = match self {
            Self::Postgres(_) => "select pg_database_size(current_database())",
            Self::Sqlite(_) => {
                "select (select page_count from pragma_page_count) * \
                 (select page_size from pragma_page_size)"
            }
        };
        self.number(sql).await
    }

    /// Brings what the planner knows, and the log, to where they would be after a while.
    pub(super) async fn settle(&mut self) {
        match self {
            Self::Postgres(_) => {
                self.execute("vacuum analyze").await;
                self.execute("checkpoint").await;
            }
            Self::Sqlite(_) => {
                self.execute("analyze").await;
                self.execute("pragma wal_checkpoint(truncate)").await;
            }
        }
    }
}

/// A town and the way to its people.
pub(super) struct Town {
    pub(super) world: World,
    pub(super) size: Size,
    pub(super) pattern: Pattern,
    pub(super) sealer: Sealer,
    /// Of every app.
    pub(super) secrets: (String, String),
    pub(super) side: Side,
    pub(super) sizes: Vec<RowSize>,
    /// What happens in a second in which nobody comes.
    pub(super) idle: Counts,
    /// How many sessions were signed out so far.
    pub(super) left: usize,
    redis: Option<redis::Connection>,
}

// The tables that are filled, and what of them.
const USERS: (&str, &str) = (
    "users",
    "id, username, email, email_verified, name, name_lower, profile, role, disabled_at, token_version, created_at, updated_at",
);
const PASSWORDS: (&str, &str) = ("passwords", "user_id, phc, changed_at");
const CLIENTS: (&str, &str) = (
    "clients",
    "id, name_lower, metadata, secret_hashes, disabled_at, token_version, created_at, updated_at, origin, in_use_since",
);
const SESSIONS: (&str, &str) = (
    "sessions",
    "id, secret_hash, user_id, auth_time, acr, amr, device, address, created_at, last_seen_at, idle_seconds, expires_at, revoked_at, place",
);
const GATEWAY_COOKIES: (&str, &str) =
    ("gateway_cookies", "secret_hash, session_id, auth_time, acr, created_at");
const GRANTS: (&str, &str) = (
    "grants",
    "id, user_id, client_id, session_id, scopes, offline, auth_time, acr, amr, created_at, expires_at, revoked_at, details",
);
const REFRESH_FAMILIES: (&str, &str) = (
    "refresh_families",
    "id, grant_id, generation, current_hash, previous_hash, rotated_at, successor_sealed, idle_seconds, idle_expires_at, expires_at, created_at",
);

impl Town {
    /// Makes and fills it; no server runs yet.
    pub(super) async fn build(options: &Options, cores: &Cores, size: Size) -> Self {
        eprintln!("filling a town: {size:?}");
        cores.go(Role::Stores);
        let backend = if options.production { Backend::Production } else { Backend::Embedded };
        let mut builder = World::builder(backend)
            .config_file(&stage::gateway_settings())
            .env("DOORWARD_SERVER__WORKERS", "1")
            .env("DOORWARD_PASSWORD__THREADS", "1")
            .env("DOORWARD_SECRETS__MASTER_KEY", past::master_key());
        for (name, value) in &options.environment {
            builder = builder.env(name, value);
        }
        let mut world = builder.prepare().await;
        cores.go(Role::Server);
        stage::timed_start(&mut world);
        cores.go(Role::Driver);
        let signer = Signer::new();
        let secrets = [KEEP_ES256, MACHINE_ES256].map(|app| registered(&world, app, &signer));
        let [web, machine] = secrets;
        stage::create_person(&world);
        let mut database = Side::open(&world).await;
        let pattern = pattern(&world, &mut database, &web).await;
        world.stop();
        let sealer = Sealer::new(&MasterKey::from_text(past::master_key()).expect("a master key"));
        let secrets = (web, machine);
        let redis = super::counts::redis(&world);
        let (sizes, idle, left) = (Vec::new(), Counts::default(), 0);
        let mut town = Self {
            side: database,
            world,
            size,
            pattern,
            sealer,
            secrets,
            sizes,
            idle,
            left,
            redis,
        };
        town.fill().await;
        town
    }

    async fn fill(&mut self) {
        if matches!(self.side, Side::Sqlite(_)) {
            self.side.execute("pragma synchronous = off; pragma cache_size = -200000").await;
        }
        self.fill_accounts().await;
        self.fill_sessions().await;
        self.side.settle().await;
    }

    /// People with passwords, and apps.
    async fn fill_accounts(&mut self) {
        let (p, size) = (self.pattern.clone(), self.size);
        let now = p.now;
        self.table(USERS, size.users, |i| {
            let (id, name) = (rows::user(i), rows::username(i));
            format!(
                "'{id}', '{name}', '{name}@example.test', true, 'User {i}', 'user {i}', '{{}}', \
                 null, null, 0, {now}, {now}"
            )
        })
        .await;
        let phc = quoted(&p.phc);
        self.table(PASSWORDS, size.users, |i| format!("'{}', {phc}, {now}", rows::user(i))).await;
        let client = |id: String, i: usize, (metadata, hashes): &(String, String)| {
            let (metadata, hashes) = (quoted(metadata), quoted(hashes));
            format!(
                "'{id}', 'app {i}', {metadata}, {hashes}, null, 0, {now}, {now}, 'manual', {now}"
            )
        };
        self.table(CLIENTS, size.clients, |i| client(rows::web(i), i, &p.web)).await;
        self.table(CLIENTS, size.clients / 10, |i| client(rows::machine(i), i, &p.machine)).await;
    }

    /// Sessions, and what is granted in them.
    async fn fill_sessions(&mut self) {
        let (p, size) = (self.pattern.clone(), self.size);
        let now = p.now;
        let (acr, amr, device) = (quoted(&p.acr), quoted(&p.amr), quoted(&p.device));
        self.table(SESSIONS, size.sessions, |i| {
            let (id, hash) = (rows::session(i), rows::hash(&rows::cookie("session", i)));
            let (user, at) = (rows::user(i % size.users), rows::created(&p, i));
            format!(
                "'{id}', '{hash}', '{user}', {at}, {acr}, {amr}, {device}, '192.0.2.{}', {at}, \
                 {now}, 36000, {}, null, ''",
                i % 250,
                at + 43_200
            )
        })
        .await;
        self.table(GATEWAY_COOKIES, size.sessions / 5, |i| {
            let hash = rows::hash(&rows::cookie("gateway", i));
            format!("'{hash}', '{}', {now}, {acr}, {now}", rows::session(5 * i))
        })
        .await;
        let (scopes, details) = (quoted(&p.scopes), quoted(&p.details));
        self.table(GRANTS, size.families, |i| {
            // Two apps in each session, each session somebody's.
            let (session, user) = (i / 2, (i / 2) % size.users);
            format!(
                "'{}', '{}', '{}', '{}', {scopes}, false, {now}, {acr}, {amr}, {now}, {}, null, \
                 {details}",
                rows::grant(i),
                rows::user(user),
                rows::web(i % size.clients),
                rows::session(session),
                now + 28_800
            )
        })
        .await;
        self.table(REFRESH_FAMILIES, size.families, |i| {
            let hash = rows::hash(&format!("family {i}"));
            let (id, grant, idle, end) =
                (rows::family(i), rows::grant(i), now + 28_800, now + 2_592_000);
            format!("'{id}', '{grant}', 0, '{hash}', null, null, null, 28800, {idle}, {end}, {now}")
        })
        .await;
    }

    /// Inserts rows 0 to `count` and notes what one of them takes.
    async fn table(
        &mut self,
        table: (&'static str, &'static str),
        count: usize,
        row: impl Fn(usize) -> String,
    ) {
        let before = self.side.bytes().await;
        self.side.execute("begin").await;
        for from in (0..count).step_by(AT_ONCE) {
            let numbers = from..count.min(from + AT_ONCE);
            self.side.execute(&rows::insert(table, numbers, &row)).await;
        }
        self.side.execute("commit").await;
        if let Side::Postgres(_) = self.side {
            self.side.execute("checkpoint").await;
        }
        let grown = self.side.bytes().await - before;
        #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
        let bytes = grown as f64 / count.max(1) as f64;
        self.sizes.push(RowSize { table: table.0, rows: count, bytes });
    }

    /// Starts it three times; the times from the start of the process to "ready".
    pub(super) fn start(&mut self, cores: &Cores) -> Vec<Duration> {
        cores.go(Role::Server);
        let mut took = Vec::new();
        for round in 0..3 {
            if round > 0 {
                self.world.stop();
            }
            took.push(stage::timed_start(&mut self.world));
        }
        cores.go(Role::Driver);
        took
    }

    /// What was counted up to now.
    pub(super) async fn look(&mut self) -> Look {
        let writes = match self.side {
            Side::Postgres(_) => {
                let newest = "select cast(cast(pg_current_xact_id() as text) as bigint)";
                self.side.number(newest).await
            }
            Side::Sqlite(_) => 0,
        };
        #[expect(clippy::cast_precision_loss, reason = "numbers far below 2^52")]
        Look::at(&self.world, self.redis.as_mut(), writes as f64)
    }

    /// Notes what happens while nobody comes.
    pub(super) async fn listen(&mut self) {
        let before = self.look().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.idle = self.look().await.rate_since(&before);
    }

    /// The session whose turn it is to be signed out: never one of those that `spread` finds.
    pub(super) fn leaving(&self, number: usize, pool: usize) -> usize {
        (number % pool) * (self.size.sessions / pool) + 1 + number / pool
    }

    /// Refresh tokens of families of the sessions `0`, `spread`, `2 × spread` and so on, as if they
    /// had never been used, with the number of the family.
    pub(super) async fn refresh_tokens(
        &mut self,
        spread: usize,
        count: usize,
    ) -> Vec<(String, usize)> {
        let pool = self.size.sessions / spread;
        let mut tokens = Vec::with_capacity(count);
        self.side.execute("begin").await;
        for number in 0..count {
            let family = 2 * (number % pool) * spread + number / pool;
            let token = rows::refresh_token(&self.sealer, family);
            let (id, hash) = (rows::family(family), rows::hash(&token));
            let sql = format!(
                "update refresh_families set generation = 0, current_hash = '{hash}', \
                 previous_hash = null, rotated_at = null, successor_sealed = null where id = '{id}'"
            );
            self.side.execute(&sql).await;
            tokens.push((token, family));
        }
        self.side.execute("commit").await;
        tokens
    }

    /// Copies a fifth of the sessions to Redis, as if they had been used lately; gives how many and the
    /// bytes that Redis took for them.
    pub(super) fn copy_sessions(&mut self) -> Option<(usize, f64)> {
        let redis = self.redis.as_mut()?;
        let before = super::counts::info(redis, "used_memory");
        let (count, p) = (self.size.sessions / 5, &self.pattern);
        let amr: serde_json::Value = serde_json::from_str(&p.amr).expect("a list");
        let numbers: Vec<usize> = (0..count).collect();
        for some in numbers.chunks(1_000) {
            let mut pipe = redis::pipe();
            for number in some {
                let (number, at) = (5 * number, rows::created(p, 5 * number));
                let copy = serde_json::json!({
                    "id": rows::session(number), "user_id": rows::user(number % self.size.users),
                    "auth_time": at, "acr": p.acr, "amr": amr, "idle_seconds": 36_000,
                    "expires_at": at + 43_200, "read_at": p.now,
                });
                let hash = rows::hash(&rows::cookie("session", number));
                let key = format!("dw:session:{hash}");
                pipe.cmd("SET").arg(key).arg(copy.to_string()).arg("EX").arg(3_600).ignore();
            }
            pipe.query::<()>(redis).expect("copies in Redis");
        }
        Some((count, super::counts::info(redis, "used_memory") - before))
    }

    /// `Authorization` of an app.
    pub(super) fn basic(id: &str, secret: &str) -> String {
        format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()))
    }
}

/// Registers an app that gets refresh tokens, or one that works by itself; gives its secret.
fn registered(world: &World, app: App, signer: &Signer) -> String {
    assert_eq!(app.format, Format::Jwt);
    let basic = stage::register(world, app, signer);
    let decoded = BASE64.decode(basic.trim_start_matches("Basic ").as_bytes()).expect("base64");
    let text = String::from_utf8(decoded).expect("text");
    text.split_once(':').expect("id and secret").1.to_owned()
}

/// What a real sign-in leaves behind.
async fn pattern(world: &World, side: &mut Side, secret: &str) -> Pattern {
    let basic = Town::basic(KEEP_ES256.id, secret);
    let mut connection = Connection::open(world.port).await.expect("a connection");
    stage::visit(&mut connection, (KEEP_ES256.id, &basic)).await.expect("a visit");
    let app = |column: &str, id: &str| {
        format!("select cast({column} as text) from clients where id = '{id}'")
    };
    Pattern {
        now: side.number("select max(created_at) from grants").await,
        phc: side.text("select phc from passwords").await,
        acr: side.text("select acr from sessions").await,
        amr: side.text("select cast(amr as text) from sessions").await,
        device: side.text("select device from sessions").await,
        scopes: side.text("select scopes from grants").await,
        details: side.text("select cast(details as text) from grants").await,
        web: (
            side.text(&app("metadata", KEEP_ES256.id)).await,
            side.text(&app("secret_hashes", KEEP_ES256.id)).await,
        ),
        machine: (
            side.text(&app("metadata", MACHINE_ES256.id)).await,
            side.text(&app("secret_hashes", MACHINE_ES256.id)).await,
        ),
    }
}
