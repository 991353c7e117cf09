//! Nothing grows for ever: every table of the schema is cleaned or bounded by something, and stays
//! flat over days of use.

use std::collections::BTreeMap;

use doorward::clock::UnixTime;
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::crypto::secret;
use doorward::protocol::types::{SessionId, UserId};
use doorward::service::audit::chain::{self as sealing, Chain, Removal, Sealing};
use doorward::store::clients;
use doorward::store::clients::registration_tokens::{self, RegistrationToken};
use doorward::store::grants::{self, refresh_families};
use doorward::store::imports::{self, ImportProgress};
use doorward::store::known_marks::{self, Mark, MarkKind};
use doorward::store::links::{self, OneTimeLink};
use doorward::store::revocations::{self, Revocation, RevocationKind};
use doorward::store::sessions::session_data::{self, Place};
use doorward::store::sessions::{self, session_clients};
use doorward::store::webhooks::deliveries;
use doorward::store::{
    DatabaseSettings, Db, Store, Tx, api, audit, cleanup, outbox, used_jtis, users,
};

use super::fixtures::{
    NOW, api_key, client, delivered, delivery, event, family, grant, link, session, user,
};
use super::servers::Postgres;
use super::sqlite;

/// What keeps a table from growing for ever.
enum Fate {
    /// Its rows expire, and the soak below fills it and sees them go.
    Cleaned,
    /// Why it cannot grow beyond what people have set up.
    Bounded(&'static str),
}

/// Every table.
const FATES: [(&str, Fate); 48] = [
    ("sessions", Fate::Cleaned),
    ("session_clients", Fate::Cleaned),
    ("session_data", Fate::Cleaned),
    ("grants", Fate::Cleaned),
    ("refresh_families", Fate::Cleaned),
    ("one_time_links", Fate::Cleaned),
    ("known_marks", Fate::Cleaned),
    ("used_jtis", Fate::Cleaned),
    ("registration_tokens", Fate::Cleaned),
    ("revocations", Fate::Cleaned),
    ("outbox", Fate::Cleaned),
    ("imports", Fate::Cleaned),
    ("activity", Fate::Bounded("one for each hour of ninety days")),
    ("webhook_deliveries", Fate::Cleaned),
    ("api_keys", Fate::Cleaned),
    ("api_requests", Fate::Cleaned),
    ("audit_events", Fate::Cleaned),
    ("audit_chain", Fate::Cleaned),
    ("audit_unsealed", Fate::Cleaned),
    ("audit_marks", Fate::Bounded("two rows")),
    ("users", Fate::Bounded("people; an administrator removes them")),
    ("passwords", Fate::Bounded("one for each person, gone with them")),
    ("groups", Fate::Bounded("an administrator makes and removes them")),
    ("group_managers", Fate::Bounded("an owner names them; gone with either")),
    ("user_groups", Fate::Bounded("people and groups, gone with either")),
    ("organisations", Fate::Bounded("an administrator makes and removes them")),
    ("organisation_members", Fate::Bounded("fifty for each person, gone with either")),
    ("clients", Fate::Bounded("apps; those that came by themselves go when unused")),
    ("client_registrations", Fate::Bounded("one for each app, gone with it")),
    ("client_documents", Fate::Bounded("one for each app, gone with it")),
    ("client_roles", Fate::Bounded("forty for each app; an administrator makes and removes them")),
    ("user_roles", Fate::Bounded("people and roles, gone with either")),
    ("group_roles", Fate::Bounded("groups and roles, gone with either")),
    ("consents", Fate::Bounded("people and apps, gone with either")),
    ("withdrawals", Fate::Bounded("people and apps, gone with either")),
    ("protected_resources", Fate::Bounded("an administrator names them; gone with their app")),
    ("client_groups", Fate::Bounded("a hundred for each app, gone with it")),
    ("gateway_cookies", Fate::Bounded("ten for each session, gone with it")),
    ("signing_keys", Fate::Bounded("three for each algorithm; removed once nothing needs them")),
    ("encryption_keys", Fate::Bounded("two for each algorithm; removed once nothing needs them")),
    ("webhooks", Fate::Bounded("fifty; an administrator makes and removes them")),
    ("webhook_events", Fate::Bounded("a hundred for each webhook, gone with it")),
    ("pictures", Fate::Bounded("two, and one for each app, gone with it")),
    ("settings", Fate::Bounded("one for each setting that may change")),
    ("served_issuers", Fate::Bounded("one for each issuer that was ever set")),
    ("trusted_issuers", Fate::Bounded("an administrator makes and removes them")),
    ("kept_keys", Fate::Bounded("a few for each exchange of the master key")),
    ("upstream_providers", Fate::Bounded("fifty; an administrator makes and removes them")),
];

/// Tables without rows of use, beside sqlx's own.
const CONSTANT: [&str; 2] = ["sync_state", "_sqlx_migrations"];

const HOURS: i64 = 96;
const HOUR: i64 = 3_600;

pub(super) async fn tables(store: &Store) -> Vec<String> {
    let names = match store.db {
        Db::Postgres { .. } => {
            "select cast(tablename as text) from pg_tables where schemaname = 'public'"
        }
        Db::Sqlite { .. } => {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        }
    };
    let rows = store.db.query(names).all::<(String,)>().await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

async fn conforms(store: Store) {
    store.migrate().await.unwrap();
    every_table_has_a_fate(&store).await;
    days_of_use_leave_nothing_behind(&store).await;
    store.db.close().await;
}

async fn every_table_has_a_fate(store: &Store) {
    let there = tables(store).await;
    for table in &there {
        let known = FATES.iter().any(|(name, _)| name == table);
        assert!(
            known || CONSTANT.contains(&table.as_str()),
            "the table {table} may grow for ever: have store/cleanup.rs or another job clean it, or \
             say in tests/store_conformance/growth.rs what bounds it"
        );
    }
    for (table, fate) in &FATES {
        assert!(there.iter().any(|name| name == table), "there is no table {table} any more");
        if let Fate::Bounded(reason) = fate {
            assert!(reason.len() > 5, "{table}: say why");
        }
    }
}

async fn days_of_use_leave_nothing_behind(store: &Store) {
    users::insert(&store.db, &user("alice")).await.unwrap();
    clients::insert(&store.db, &client("app")).await.unwrap();
    let sealer = Sealer::new(&MasterKey::generate());
    let mut peaks: [BTreeMap<&str, i64>; 2] = Default::default();
    for hour in 0..HOURS {
        an_hour_of_use(store, hour).await;
        clean_up(store, &sealer, hour).await;
        let half = usize::from(hour >= HOURS / 2);
        for (table, fate) in &FATES {
            if matches!(fate, Fate::Cleaned) {
                let count = count(store, table).await;
                let peak = peaks[half].entry(table).or_default();
                *peak = count.max(*peak);
            }
        }
    }
    for (table, first) in &peaks[0] {
        let second = peaks[1][table];
        assert!(second <= *first, "{table} grows: at most {first}, then {second} rows");
        assert!(*first > 0 || *table == "audit_unsealed", "{table}: the soak puts nothing into it");
    }
}

async fn count(store: &Store, table: &str) -> i64 {
    let sql = format!("select cast(count(*) as bigint) from {table}");
    let sql: &'static str = Box::leak(sql.into_boxed_str());
    store.db.query(sql).one::<(i64,)>().await.unwrap().0
}

/// A little of everything; what lives for hours lives for hours.
pub(super) async fn an_hour_of_use(store: &Store, hour: i64) {
    let now = NOW.plus(hour * HOUR);
    let id = |what: &str| format!("{what}-{hour}");
    let mut tx = store.begin().await.unwrap();
    let mut signed_in = session(&id("s"), "u-alice");
    signed_in.expires_at = now.plus(12 * HOUR);
    sessions::insert(&mut tx, &signed_in).await.unwrap();
    let app = client("app").id;
    session_clients::remember(&mut tx, &SessionId::new(id("s")), &app).await.unwrap();
    let place = Place { id: id("sd"), client_id: app, user_id: user("alice").id, session_id: None };
    session_data::put(&mut tx, &place, ("{}", now.plus(12 * HOUR))).await.unwrap();
    let mut granted = grant(&id("g"), "u-alice", "app");
    granted.expires_at = now.plus(8 * HOUR);
    grants::insert(&mut tx, &granted).await.unwrap();
    let mut refreshed = family(&id("f"), &id("g"));
    refreshed.idle_expires_at = now.plus(4 * HOUR);
    refreshed.expires_at = now.plus(9 * HOUR);
    refresh_families::insert(&mut tx, &refreshed).await.unwrap();
    let short = OneTimeLink { expires_at: now.plus(1_800), ..link(&id("l"), Some("u-alice")) };
    links::insert(&mut tx, &short).await.unwrap();
    let device = Mark { kind: MarkKind::Device, mark: id("m") };
    let (alice, until) = (UserId::new("u-alice"), now.plus(3 * HOUR));
    known_marks::remember(&mut tx, (&alice, &device), (now, until)).await.unwrap();
    used_jtis::spend(&mut tx, &id("j"), now.plus(60)).await.unwrap();
    let begun = ImportProgress { line: 7, ..ImportProgress::default() };
    imports::save(&mut tx, &id("i"), (0, &begun), now.plus(5 * HOUR)).await.unwrap();
    programs_of_an_hour(&mut tx, (hour, now)).await;
    let revocation = Revocation {
        kind: RevocationKind::Grant,
        subject: id("g"),
        version: 0,
        number: hour,
        revoked_at: now,
        expires_at: now.plus(HOUR + 60),
    };
    revocations::record(&mut tx, &[revocation]).await.unwrap();
    // A message nobody sends, as after going back to an older version.
    let mut owed = delivery(&id("d"));
    owed.expires_at = now.plus(HOUR);
    outbox::insert(&mut tx, &owed).await.unwrap();
    let sent = delivered(&id("wd"), "hook", now);
    let sent = deliveries::Delivered { expires_at: now.plus(7 * HOUR), ..sent };
    deliveries::record(&mut tx, &sent).await.unwrap();
    for _ in 0..5 {
        audit::append(&mut tx, &event(&secret::new_id(now), now)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// A key, a request that was not to be done twice, and a token that registers an app.
async fn programs_of_an_hour(tx: &mut Tx, (hour, now): (i64, UnixTime)) {
    let id = |what: &str| format!("{what}-{hour}");
    let key = api_key(&id("k"), "u-alice", now.plus(6 * HOUR));
    api::keys::insert(&mut *tx, &key, None).await.unwrap();
    let times = (now, now.plus(-60), now.plus(2 * HOUR));
    assert!(api::requests::begin(&mut *tx, (&id("q"), "digest"), times).await.unwrap());
    let permission = RegistrationToken {
        id: id("r"),
        hash: id("r"),
        label: String::new(),
        created_at: now,
        expires_at: now.plus(2 * HOUR),
        max_uses: 1,
        uses: 0,
        revoked_at: None,
    };
    registration_tokens::insert(&mut *tx, &permission).await.unwrap();
}

/// What a server does beside the requests.
async fn clean_up(store: &Store, sealer: &Sealer, hour: i64) {
    let now = NOW.plus(hour * HOUR);
    while cleanup::purge(&store.db, now, 50).await.unwrap().rows > 0 {}
    let chain = Chain { db: &store.db, sealer, now, known: 0 };
    while let Sealing::Sealed { .. } = sealing::seal(&chain).await.unwrap() {}
    let cutoff = now.plus(-24 * HOUR);
    while let Removal::Removed(1..) = sealing::remove_before(&chain, cutoff).await.unwrap() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_does_not_grow_for_ever() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_does_not_grow_for_ever() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}
