//! Nothing is kept for ever: people and apps do everything that leaves something behind, day after day,
//! and at the end of a later day no more is left of it than at the end of an earlier one. The days are
//! those of a clock that the test moves; `SOAK_DAYS` sets how many (`make soak`).
//!
//! `store_conformance::growth` asks the same of the statements alone, by rows of its own making.

use std::collections::BTreeMap;

use doorward::clock::Clock;
use doorward::service::maintenance;
use doorward::service::revocation::copy;
use doorward::store::Db;
use doorward::store::ephemeral::Ephemeral;
use serde_json::json;

use crate::kit::client_signer::{ClientKey, jwks, with_assertion};
use crate::kit::dpop::{self, Key, changed};
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, count, create_user, is_signed_in, sign_in, sign_out, submit_sign_in,
};
use crate::kit::gateway::{WIKI, builder, start_path};
use crate::kit::grant::{Clients, Device};
use crate::kit::node::Listening;
use crate::kit::registration::{Registered, request};
use crate::kit::session_data::Keeper;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const DAY: i64 = 86_400;
/// From one day's use to the next: a little more than the longest life of anything below.
const NIGHT: i64 = DAY + 7_200;

/// What lives for a day by the settings; whatever lives shorter is left as it comes.
const A_DAY_AT_MOST: [(&str, &str); 8] = [
    ("DOORWARD_TOKENS__REFRESH_ABSOLUTE", "86400"),
    ("DOORWARD_TOKENS__OFFLINE_IDLE", "86400"),
    ("DOORWARD_TOKENS__OFFLINE_ABSOLUTE", "86400"),
    ("DOORWARD_RISK__REMEMBER", "86400"),
    ("DOORWARD_AUDIT__RETENTION_DAYS", "1"),
    ("DOORWARD_REGISTRATION__MODE", "open"),
    ("DOORWARD_REGISTRATION__UNUSED_LIFETIME", "86400"),
    ("DOORWARD_OUTBOX__GIVE_UP_AFTER", "60"),
];

/// What the hour of a job beside the requests may make of a day, such as one message given up or not yet. A
/// leak of one a day makes more of half of the days.
const SLACK: i64 = 2;

/// Keys by name: rows of a table, or entries of the fast store.
type Counts = BTreeMap<String, i64>;

fn days() -> i64 {
    let set = std::env::var("SOAK_DAYS").ok();
    set.map_or(6, |text| text.parse().expect("a number of days"))
}

/// Those who come every day.
struct Regulars<'a> {
    world: &'a World,
    clock: &'a Clock,
    app: App,
    clients: Clients,
    key: ClientKey,
}

impl<'a> Regulars<'a> {
    fn new(world: &'a World, clock: &'a Clock) -> Self {
        create_user(world, "alice");
        let file = world.path("wiki.json");
        // Nobody answers there: the message is tried, or given up, and gone by the next day.
        let told = json!({ "backchannel_logout_uri": "https://rp.test/logout" });
        std::fs::write(&file, told.to_string()).expect("write the metadata");
        let file = file.display().to_string();
        let app = App::register(world, "wiki", &["--metadata", &file]);
        let mut clients = Clients::default();
        clients.register(world, "tv", ("device", json!({})));
        let key = ClientKey::new("ES256", "");
        let keyed = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(&[&key]),
            "scope": "reports:read",
        });
        clients.register(world, "robot", ("machine", keyed));
        clients.register(world, "bound", ("machine", json!({ "scope": "reports:read" })));
        Self { world, clock, app, clients, key }
    }

    async fn day(&self) {
        self.people().await;
        self.strangers().await;
        self.apps().await;
    }

    /// One stays signed in and one leaves; one code and one refresh token are used twice.
    async fn people(&self) {
        let (world, app) = (self.world, &self.app);
        let stays = sign_in(world, "alice").await;
        let tokens = app.tokens(&stays).await;
        let next = app.refresh(&tokens.refresh).await.tokens();
        Keeper::new(world, &next.access).put("durable:k", &json!({ "seen": true })).await.is(201);
        stays.get(&start_path(&format!("http://{WIKI}/"))).await.assert_status(303);
        let offline = [("scope", "openid offline_access")];
        app.tokens_with(&stays, &offline).await;

        let leaves = sign_in(world, "alice").await;
        let code = app.code(&leaves).await;
        app.redeem(&code).await.tokens();
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        let revoked = app.tokens(&leaves).await;
        assert_eq!(app.revoke(&revoked.refresh).await.status, 200);
        app.tokens(&leaves).await;
        sign_out(&leaves).await;
        assert!(!is_signed_in(&leaves).await && is_signed_in(&stays).await);
    }

    async fn strangers(&self) {
        for (name, password) in [("alice", "wrong"), ("nobody", PASSWORD)] {
            let answer = submit_sign_in(&self.world.browser(), name, password).await;
            assert_ne!(answer.status.as_u16(), 303, "{}", answer.describe());
        }
        // An app that comes by itself and that nobody ever uses.
        Registered::new(self.world, request(json!({}))).await;
    }

    /// Requests that are pushed, codes of devices, proofs and assertions that are good once.
    async fn apps(&self) {
        let (world, now) = (self.world, self.clock.now().0);
        let pushed = [
            ("response_type", "code"),
            ("client_id", "wiki"),
            ("redirect_uri", crate::kit::flow::REDIRECT),
            ("scope", "openid"),
            ("code_challenge", crate::kit::fixtures::CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let answer = self.app.try_post("/oauth2/par", &pushed).await.expect("an answer");
        assert_eq!(answer.status, 201, "{answer:?}");

        Device::ask(self.clients.rp(world, "tv"), "openid").await;
        let device = Device::ask(self.clients.rp(world, "tv"), "openid offline_access").await;
        device.tokens(&sign_in(world, "alice").await).await;

        let times = json!({ "iat": now, "exp": now + 60 });
        let assertion = self.key.assertion("robot", &world.issuer, &times);
        let fields = with_assertion(&[("grant_type", "client_credentials")], &assertion);
        let robot = self.clients.rp(world, "robot");
        robot.post("/oauth2/token", &fields).await.assert_status(200);

        let (key, bound) = (Key::new(), self.clients.rp(world, "bound"));
        let claims = dpop::claims("POST", &dpop::endpoint(&bound, "/oauth2/token"));
        let proof = key.proof_with(&[], &changed(claims, &[("iat", json!(now))]));
        let fields = [("grant_type".to_owned(), "client_credentials".to_owned())];
        dpop::post(&bound, "/oauth2/token", &fields, &[proof]).await.assert_status(200);
    }
}

/// What a server does beside the requests, all of it now.
async fn catch_up(node: &Listening, world: &World) {
    maintenance::write_visits(&node.app).await.expect("the visits");
    copy::look_after(&node.app).await.expect("a look at the copy");
    wait_until_async("the audit log being sealed", PATIENCE, async || {
        maintenance::seal_audit(&node.app).await.expect("a seal");
        count(world, "select cast(count(*) as bigint) from audit_unsealed").await == 0
    })
    .await;
}

/// Redis has a clock of its own: what would have expired meanwhile goes.
fn let_pass(world: &World, seconds: i64) {
    let Some(mut redis) = redis(world) else { return };
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut redis).expect("the keys");
    for key in keys {
        let left: i64 = redis::cmd("TTL").arg(&key).query(&mut redis).expect("a time to live");
        assert_ne!(left, -1, "{key} is kept for ever");
        if left <= seconds {
            redis::cmd("DEL").arg(&key).query::<()>(&mut redis).expect("DEL");
        } else {
            let left = left - seconds;
            redis::cmd("EXPIRE").arg(&key).arg(left).query::<()>(&mut redis).expect("EXPIRE");
        }
    }
}

fn redis(world: &World) -> Option<redis::Connection> {
    let url = world.setting("DOORWARD_REDIS__URL")?;
    let client = redis::Client::open(url).expect("the address of Redis");
    Some(client.get_connection().expect("a connection"))
}

/// Rows of every table, and entries of the fast store.
async fn look(node: &Listening, world: &World) -> Counts {
    let db = &node.app.store.db;
    let names = match db {
        Db::Postgres { .. } => {
            "select cast(tablename as text) from pg_tables where schemaname = 'public'"
        }
        Db::Sqlite { .. } => {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        }
    };
    let mut counts = Counts::new();
    for (table,) in db.query(names).all::<(String,)>().await.expect("the tables") {
        let rows = count(world, &format!("select cast(count(*) as bigint) from {table}")).await;
        counts.insert(table, rows);
    }
    let entries = match &node.app.ephemeral {
        Ephemeral::Memory(memory) => i64::try_from(memory.len()).expect("a count"),
        Ephemeral::Redis(_) => {
            let mut redis = redis(world).expect("a Redis");
            redis::cmd("DBSIZE").query(&mut redis).expect("a count")
        }
    };
    counts.insert("the fast store".to_owned(), entries);
    counts
}

/// The most there was of each.
fn peaks(days: &[Counts]) -> Counts {
    let mut peaks = Counts::new();
    for (name, count) in days.iter().flatten() {
        let peak = peaks.entry(name.clone()).or_default();
        *peak = (*count).max(*peak);
    }
    peaks
}

/// The charts keep a row for each hour in which something happened, and the present one.
const HOURS_KEPT: i64 = 90 * 24 + 1;

/// The second half of the days never had more than the first, give or take [`SLACK`].
fn assert_flat(when: &str, days: &[Counts]) {
    let (first, second) = days.split_at(days.len() / 2);
    let (first, second) = (peaks(first), peaks(second));
    for (name, peak) in &second {
        if name == "activity" {
            assert!(*peak <= HOURS_KEPT, "{when}, the charts keep {peak} hours");
            continue;
        }
        let before = first.get(name).copied().unwrap_or_default();
        assert!(*peak <= before + SLACK, "{when}, {name} grows: {before}, later {peak}\n{days:#?}");
    }
}

on_both_backends! {
    async fn days_of_use_leave_nothing_behind(backend: Backend) {
        let mut world = builder(backend);
        for (name, value) in A_DAY_AT_MOST {
            world = world.env(name, value);
        }
        let world = world.prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let regulars = Regulars::new(&world, &clock);
        let node = Listening::start(&world, &clock).await;
        let (mut evenings, mut mornings) = (Vec::new(), Vec::new());
        for day in 0..days() {
            regulars.day().await;
            catch_up(&node, &world).await;
            evenings.push(look(&node, &world).await);
            clock.advance(NIGHT);
            maintenance::clean_up(&node.app).await.expect("a clean-up");
            // Behind the clean-up: the copy of what was revoked goes by it, too, and would be made again from rows
            // that are about to go.
            let_pass(&world, NIGHT);
            catch_up(&node, &world).await;
            let morning = look(&node, &world).await;
            // What belongs to people and apps stays, and nothing else does.
            for table in ["sessions", "grants", "refresh_families", "used_jtis", "revocations"] {
                assert_eq!(morning[table], 0, "{table} on day {day}");
            }
            mornings.push(morning);
        }
        assert_flat("in the evening", &evenings);
        assert_flat("in the morning", &mornings);
        for table in ["sessions", "session_data", "gateway_cookies", "known_marks"] {
            assert!(evenings[0][table] > 0, "nothing came into {table}: {:?}", evenings[0]);
        }
        node.stop().await;
    }
}
