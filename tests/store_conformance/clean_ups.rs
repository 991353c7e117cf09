//! Two nodes that clean up at the same moment: they share the work, each row goes once, nothing goes early,
//! and neither waits for whoever holds a row.

use std::time::Duration;

use doorward::protocol::types::{SessionId, UserId};
use doorward::store::grants::{self, refresh_families};
use doorward::store::known_marks::{self, Mark, MarkKind};
use doorward::store::sessions::session_data::{self, Place};
use doorward::store::sessions::{self, session_clients};
use doorward::store::{DatabaseSettings, Db, Store, cleanup, clients, used_jtis, users};

use tokio::time::timeout;

use super::fixtures::{NOW, client, family, grant, session, user};
use super::servers::{Postgres, TempDir};

/// Of each kind: what has expired, and what lives.
const EXPIRED: usize = 600;
const LIVING: usize = 60;
const TABLES: [&str; 7] = [
    "sessions",
    "session_clients",
    "session_data",
    "grants",
    "refresh_families",
    "known_marks",
    "used_jtis",
];
const DUE: i64 = 1_000;
/// Longer than anything takes that waits for nobody.
const PATIENCE: Duration = Duration::from_secs(30);

async fn fill(store: &Store) {
    users::insert(&store.db, &user("alice")).await.unwrap();
    clients::insert(&store.db, &client("app")).await.unwrap();
    let (alice, app) = (user("alice").id, client("app").id);
    let mut tx = store.begin().await.unwrap();
    for n in 0..EXPIRED + LIVING {
        // At the very moment it is over.
        let end = if n < EXPIRED { NOW.plus(DUE) } else { NOW.plus(DUE + 1) };
        let id = SessionId::new(format!("s{n}"));
        let mut signed_in = session(id.as_str(), "u-alice");
        signed_in.expires_at = end;
        sessions::insert(&mut tx, &signed_in).await.unwrap();
        session_clients::remember(&mut tx, &id, &app).await.unwrap();
        let (client_id, user_id) = (app.clone(), alice.clone());
        let place = Place { id: format!("sd{n}"), client_id, user_id, session_id: Some(id) };
        // What hangs on a session goes with it, whatever its own limit is.
        session_data::put(&mut tx, &place, ("{}", NOW.plus(2 * DUE))).await.unwrap();
        let mut granted = grant(&format!("g{n}"), "u-alice", "app");
        granted.expires_at = end;
        grants::insert(&mut tx, &granted).await.unwrap();
        let mut refreshed = family(&format!("f{n}"), &format!("g{n}"));
        refreshed.idle_expires_at = NOW.plus(2 * DUE);
        refresh_families::insert(&mut tx, &refreshed).await.unwrap();
        let device = Mark { kind: MarkKind::Device, mark: format!("m{n}") };
        known_marks::remember(&mut tx, (&alice, &device), (NOW, end)).await.unwrap();
        assert!(used_jtis::spend(&mut tx, &format!("j{n}"), end).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn count(store: &Store, table: &str) -> usize {
    let sql = format!("select cast(count(*) as bigint) from {table}");
    let sql: &'static str = Box::leak(sql.into_boxed_str());
    usize::try_from(store.db.query(sql).one::<(i64,)>().await.unwrap().0).unwrap()
}

/// Cleans up like a node until there is nothing left; how many rows and unended sessions it removed.
async fn node(store: Store) -> (usize, usize) {
    let (mut rows, mut unended) = (0, 0);
    loop {
        let step = cleanup::purge(&store.db, NOW.plus(DUE), 20).await.unwrap();
        rows += usize::try_from(step.rows).unwrap();
        unended += step.unended_sessions.len();
        if step.rows == 0 {
            return (rows, unended);
        }
    }
}

async fn nodes_share_the_work(url: &str) {
    let settings = DatabaseSettings::new(url);
    let first = Store::connect(&settings).await.unwrap();
    first.migrate().await.unwrap();
    let second = Store::connect(&settings).await.unwrap();
    fill(&first).await;
    let before = cleanup::purge(&first.db, NOW.plus(DUE - 1), 10_000).await.unwrap();
    assert_eq!(before.rows, 0, "a second before the end");
    let left: usize = {
        let mut left = 0;
        for table in TABLES {
            left += count(&first, table).await - LIVING;
        }
        left
    };
    let sessions = count(&first, "sessions").await - LIVING;
    let nodes = tokio::join!(
        tokio::spawn(node(first.clone())),
        tokio::spawn(node(second.clone())),
        tokio::spawn(node(second.clone()))
    );
    let nodes = [nodes.0.unwrap(), nodes.1.unwrap(), nodes.2.unwrap()];
    // Whoever finished first may have left what another one held.
    let (rest, unended) = node(first.clone()).await;
    let rows: usize = nodes.iter().map(|(rows, _)| rows).sum();
    assert_eq!(rows + rest, left, "each row goes once");
    let told: usize = nodes.iter().map(|(_, unended)| unended).sum();
    assert_eq!(told + unended, sessions, "each session is told of once");
    for table in TABLES {
        assert_eq!(count(&first, table).await, LIVING, "{table}");
    }
    if let Db::Postgres { .. } = first.db {
        what_is_held_is_left_for_later(&first, &second).await;
    }
    second.db.close().await;
    first.db.close().await;
}

/// A row that somebody holds delays nobody, and what has been prolonged meanwhile stays.
async fn what_is_held_is_left_for_later(first: &Store, second: &Store) {
    let (now, everything) = (NOW.plus(DUE + 1), 10_000);
    let mut tx = second.begin().await.unwrap();
    assert!(sessions::hold(&mut tx, &SessionId::new(format!("s{EXPIRED}"))).await.unwrap());
    let device = Mark { kind: MarkKind::Device, mark: format!("m{EXPIRED}") };
    let alice = UserId::new("u-alice");
    known_marks::remember(&mut tx, (&alice, &device), (NOW, now.plus(1))).await.unwrap();
    // The row is held for as long as this takes: it waits for nobody.
    let purged = timeout(PATIENCE, cleanup::purge(&first.db, now, everything)).await;
    purged.unwrap().unwrap();
    let mut left = vec![];
    for table in TABLES {
        left.push(count(first, table).await);
    }
    assert_eq!(left, [1, 1, 1, 0, 0, 1, 0], "what is held, with what hangs on it");
    tx.commit().await.unwrap();
    cleanup::purge(&first.db, now, everything).await.unwrap();
    assert_eq!(count(first, "sessions").await, 0);
    let known = known_marks::of_user(&first.db, &alice, now).await.unwrap();
    assert_eq!(known, [device], "it was prolonged while the clean-up looked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sqlite_nodes_share_the_clean_up() {
    let dir = TempDir::new("clean-ups");
    nodes_share_the_work(&format!("sqlite://{}/doorward.db", dir.0.display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_postgres_nodes_share_the_clean_up() {
    let server = Postgres::start();
    nodes_share_the_work(&server.url()).await;
}
