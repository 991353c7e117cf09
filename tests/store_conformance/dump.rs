//! The whole database out and in again: no table is forgotten, no row changed, between all four pairs of
//! databases, and from an older schema.

use std::collections::BTreeSet;

use doorward::store::dump::{
    Before, Kind, Refill, RefillError, Row, Snapshot, TABLES, Table, aftermath, unknown_migration,
};
use doorward::store::managed::{self, Declared};
use doorward::store::{DatabaseSettings, Store, clients, sync, users};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::fixtures::{NOW, client, user};
use super::growth::{an_hour_of_use, tables};
use super::servers::{Postgres, TempDir};
use super::sqlite;

async fn filled(store: &Store) {
    store.migrate().await.unwrap();
    users::insert(&store.db, &user("alice")).await.unwrap();
    clients::insert(&store.db, &client("app")).await.unwrap();
    for hour in 0..3 {
        an_hour_of_use(store, hour).await;
    }
    one_of_each(store).await;
}

/// A row of each table that the hours of use do not fill: made of its columns, so that a new table needs
/// nothing here unless it refers to another.
async fn one_of_each(store: &Store) {
    let mut known = Vec::new();
    let mut snapshot = Snapshot::open(store).await.unwrap();
    for table in snapshot.tables() {
        let some = snapshot.rows(&table).next().await.map(Result::unwrap);
        known.push((table, some));
    }
    drop(snapshot);
    for (table, some) in known {
        if some.is_none() {
            let row: Vec<String> = table.columns.iter().map(made_up).collect();
            let sql = format!(
                "insert into {} ({}) values ({})",
                table.name,
                table.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
                row.join(", ")
            );
            store.db.query(Box::leak(sql.into_boxed_str())).execute().await.unwrap();
        }
    }
}

fn made_up(column: &doorward::store::dump::Column) -> String {
    match (column.name.as_str(), column.kind) {
        ("user_id", _) => "'u-alice'".to_owned(),
        ("client_id", _) => "'app'".to_owned(),
        ("session_id", _) => "'s-0'".to_owned(),
        ("group_name" | "role_name" | "name" | "slug", _) => "'name'".to_owned(),
        (_, Kind::Text) => "'Gro\u{df} ''x''\n'".to_owned(),
        (_, Kind::Integer) => "9007199254740993".to_owned(),
        (_, Kind::Boolean) => "true".to_owned(),
        (_, Kind::Json) => r#"'{"b": [1, null], "a": "\u0001"}'"#.to_owned(),
    }
}

async fn read(rows: &mut doorward::store::dump::Rows<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(row) = rows.next().await {
        lines.push(
            Value::from(row.unwrap().into_iter().map(sorted).collect::<Vec<_>>()).to_string(),
        );
    }
    lines.sort();
    lines
}

/// JSON with the names of members in order, however a database keeps them.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        plain => plain,
    }
}

async fn all(store: &Store) -> Vec<(Table, Vec<String>)> {
    let mut snapshot = Snapshot::open(store).await.unwrap();
    let mut found = Vec::new();
    for table in snapshot.tables() {
        let lines = read(&mut snapshot.rows(&table)).await;
        found.push((table, lines));
    }
    found
}

async fn copied(from: &Store, to: Store) -> Result<(), RefillError> {
    let mut snapshot = Snapshot::open(from).await.unwrap();
    let mut refill = Refill::begin(to, Before::MustBeEmpty, snapshot.migrations()).await?;
    for table in snapshot.tables() {
        let mut rows: Vec<Row> = Vec::new();
        let mut stream = snapshot.rows(&table);
        while let Some(row) = stream.next().await {
            rows.push(row.unwrap());
        }
        refill.add(&table, &rows).await?;
    }
    refill.complete().await?;
    Ok(refill.commit().await?)
}

/// From this store into an empty one of each kind.
async fn conforms(from: &Store, server: &Postgres) {
    filled(from).await;
    let there: BTreeSet<String> = tables(from).await.into_iter().collect();
    let mut known: BTreeSet<String> = TABLES.into_iter().map(str::to_owned).collect();
    known.insert("_sqlx_migrations".to_owned());
    assert_eq!(there, known, "store::dump::TABLES is not what the schema has");
    marks_are_kept_by_name(from).await;
    let wanted = all(from).await;
    for (table, lines) in &wanted {
        assert!(!lines.is_empty(), "nothing is in {}", table.name);
    }
    let dir = TempDir::new("copy");
    let file = format!("sqlite:{}", dir.0.join("copy.db").display());
    for url in [server.fresh_url(), file] {
        let to = Store::connect(&DatabaseSettings::new(&url)).await.unwrap();
        copied(from, to).await.unwrap();
        let to = Store::connect(&DatabaseSettings::new(&url)).await.unwrap();
        assert!(to.migration_status().await.unwrap().iter().all(|migration| migration.applied));
        for what in ["is copied", "stays so when a server starts"] {
            for (found, wanted) in all(&to).await.iter().zip(&wanted) {
                assert_eq!(found, wanted, "{url} {what}");
            }
            to.migrate().await.unwrap();
        }
        to.db.close().await;
        let to = Store::connect(&DatabaseSettings::new(&url)).await.unwrap();
        assert!(matches!(copied(from, to).await, Err(RefillError::NotEmpty)));
        everything_ends_at_once(&url).await;
        an_older_schema_is_brought_up_to_date(&url).await;
    }
}

async fn marks_are_kept_by_name(store: &Store) {
    for what in Declared::ALL {
        let name = match what {
            Declared::User => "alice",
            Declared::Client => "app",
            Declared::Group
            | Declared::Webhook
            | Declared::Issuer
            | Declared::Organisation
            | Declared::Upstream => "name",
        };
        assert!(managed::mark(&store.db, what, name).await.unwrap());
        assert!(!managed::mark(&store.db, what, "nobody").await.unwrap());
        assert_eq!(managed::list(&store.db, what).await.unwrap(), [name], "{what:?}");
    }
}

async fn everything_ends_at_once(url: &str) {
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let counters = sync::read(&store.db).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let ended = aftermath::end_everything(&mut tx, NOW).await.unwrap();
    assert!(ended.sessions >= 3 && ended.grants >= 3, "{ended:?}");
    aftermath::begin_epoch(&mut tx, NOW).await.unwrap();
    tx.commit().await.unwrap();
    for sql in [
        "select cast(count(*) as bigint) from sessions where revoked_at is null",
        "select cast(count(*) as bigint) from grants where revoked_at is null",
        "select cast(count(*) as bigint) from one_time_links",
        "select cast(count(*) as bigint) from outbox",
        "select cast(count(*) as bigint) from registration_tokens where revoked_at is null",
    ] {
        assert_eq!(store.db.query(sql).one::<(i64,)>().await.unwrap().0, 0, "{sql}");
    }
    let restored = sync::restored(&store.db).await.unwrap();
    assert_eq!((restored.epoch, restored.tokens_from), (NOW.0, NOW));
    let later = sync::read(&store.db).await.unwrap();
    assert!(later.revocations > counters.revocations + 1_000_000);
    store.db.close().await;
}

/// The first migrations only, with somebody in it.
async fn an_older_schema_is_brought_up_to_date(url: &str) {
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let status = store.migration_status().await.unwrap();
    let first: Vec<i64> = status.iter().take(3).map(|migration| migration.version).collect();
    let mut refill = Refill::begin(store, Before::Replaced, &first).await.unwrap();
    let table = refill.tables().into_iter().find(|table| table.name == "users").unwrap();
    assert!(!table.columns.iter().any(|column| column.name == "sign_in_epoch"));
    let row = table.columns.iter().map(|column| match (column.name.as_str(), column.kind) {
        ("id" | "username", _) => json!("alice"),
        (_, Kind::Integer) => json!(7),
        (_, Kind::Boolean) => json!(true),
        (_, Kind::Json) => json!({}),
        (_, Kind::Text) => Value::Null,
    });
    refill.add(&table, &[row.collect()]).await.unwrap();
    let single = refill.tables().into_iter().find(|table| table.name == "sync_state").unwrap();
    refill.add(&single, &[vec![json!(0), json!(1), json!(0)]]).await.unwrap();
    refill.complete().await.unwrap();
    refill.commit().await.unwrap();
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    assert!(store.migration_status().await.unwrap().iter().all(|migration| migration.applied));
    let alice = users::by_login(&store.db, "alice").await.unwrap().unwrap();
    assert!(alice.email_verified);
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_in_sqlite_goes_into_another_database() {
    let (store, _dir) = sqlite().await;
    conforms(&store, &Postgres::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_in_postgres_goes_into_another_database() {
    let server = Postgres::start();
    let store = Store::connect(&DatabaseSettings::new(server.url())).await.unwrap();
    conforms(&store, &server).await;
}

#[test]
fn a_migration_of_tomorrow_is_noticed() {
    assert_eq!(unknown_migration(&[1, 2, 9_999]), Some(9_999));
    assert_eq!(unknown_migration(&[1, 2]), None);
}
