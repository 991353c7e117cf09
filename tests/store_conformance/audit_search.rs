//! Finding audit events: every filter by itself and together, pages in both directions, and an index
//! behind every filter.

use doorward::crypto::secret;
use doorward::store::audit::{self, AuditEvent, AuditFilter, Order, Outcome};
use doorward::store::{DatabaseSettings, Db, Store};

use super::fixtures::{NOW, event};
use super::servers::Postgres;
use super::sqlite;

/// Filters that are answered from an index, and its name.
fn indexed() -> [(&'static str, AuditFilter); 6] {
    let some = |text: &str| Some(text.to_owned());
    let all = || AuditFilter { limit: 50, ..AuditFilter::default() };
    [
        ("audit_events_kind", AuditFilter { kind: some("rare"), ..all() }),
        ("audit_events_user", AuditFilter { user_id: some("u-7"), ..all() }),
        ("audit_events_client", AuditFilter { client_id: some("c-7"), ..all() }),
        ("audit_events_address", AuditFilter { address: some("192.0.2.7"), ..all() }),
        ("audit_events_request", AuditFilter { request_id: some("r-7"), ..all() }),
        ("audit_events_failures", AuditFilter { outcome: Some(Outcome::Failure), ..all() }),
    ]
}

async fn filled(store: &Store) {
    store.migrate().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for number in 0..3_000_i64 {
        let at = NOW.plus(number);
        let odd = AuditEvent {
            kind: if number == 2_000 { "rare".to_owned() } else { "common".to_owned() },
            outcome: if number % 500 == 0 { Outcome::Failure } else { Outcome::Success },
            user_id: Some(format!("u-{}", number / 3)),
            client_id: Some(format!("c-{}", number / 10)),
            address: Some(format!("192.0.2.{}", number / 30)),
            request_id: Some(format!("r-{}", number / 2)),
            ..event(&secret::new_id(at), at)
        };
        audit::append(&mut tx, &odd).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// How the database would find these events.
async fn plan(store: &Store, filter: &AuditFilter) -> String {
    let statement = audit::statement(filter);
    match store.db {
        Db::Sqlite { .. } => {
            let explain = format!("explain query plan {statement}");
            let explain: &'static str = Box::leak(explain.into_boxed_str());
            let rows = store.db.query(explain).all::<(i64, i64, i64, String)>().await.unwrap();
            rows.into_iter().map(|row| row.3).collect::<Vec<_>>().join("\n")
        }
        Db::Postgres { .. } => {
            let text = |value: &Option<String>| {
                value.as_ref().map_or_else(|| "null".to_owned(), |value| format!("'{value}'"))
            };
            let outcome = filter.outcome.map(|outcome| outcome.as_str().to_owned());
            let values = [
                "''".to_owned(),
                "'g'".to_owned(),
                text(&filter.kind),
                text(&outcome),
                text(&filter.user_id),
                text(&filter.client_id),
                text(&filter.address),
                text(&filter.request_id),
                filter.limit.to_string(),
            ];
            let mut explain = format!("explain {statement}");
            for (number, value) in values.iter().enumerate() {
                explain = explain.replace(&format!("${}", number + 1), value);
            }
            let explain: &'static str = Box::leak(explain.into_boxed_str());
            let rows = store.db.query(explain).all::<(String,)>().await.unwrap();
            rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join("\n")
        }
    }
}

async fn conforms(store: Store) {
    filled(&store).await;
    let expected = [1, 3, 10, 30, 2, 6];
    for ((index, filter), count) in indexed().into_iter().zip(expected) {
        let found = audit::list(&store.db, &filter).await.unwrap();
        assert_eq!(found.len(), count, "{index}");
        assert!(found.is_sorted_by(|newer, older| newer.id > older.id), "{index}");
        let turned = AuditFilter { order: Order::OldestFirst, ..filter.clone() };
        let mut back = audit::list(&store.db, &turned).await.unwrap();
        back.reverse();
        assert_eq!(back, found, "{index}");
        if matches!(store.db, Db::Postgres { .. }) {
            store.db.query("analyze audit_events").execute().await.unwrap();
        }
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let filter = AuditFilter { order, ..filter.clone() };
            let plan = plan(&store, &filter).await;
            assert!(plan.contains(index), "{index}:\n{plan}");
        }
    }
    times_and_pages(&store).await;
    store.db.close().await;
}

async fn times_and_pages(store: &Store) {
    let hour = |from: i64, to: i64, order| AuditFilter {
        since: Some(NOW.plus(from)),
        until: Some(NOW.plus(to)),
        order,
        limit: 4,
        ..AuditFilter::default()
    };
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut filter = hour(10, 20, order);
        let mut seconds = Vec::new();
        loop {
            let page = audit::list(&store.db, &filter).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.after = Some(last.cursor());
            seconds.extend(page.iter().map(|event| event.at.since(NOW)));
        }
        if order == Order::NewestFirst {
            seconds.reverse();
        }
        assert_eq!(seconds, (10..20).collect::<Vec<_>>(), "{order:?}: the end is not part of it");
    }
    let both = AuditFilter {
        outcome: Some(Outcome::Success),
        kind: Some("rare".to_owned()),
        ..hour(0, 3_000, Order::NewestFirst)
    };
    assert!(audit::list(&store.db, &both).await.unwrap().is_empty(), "every filter counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_finds_audit_events_by_index() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_finds_audit_events_by_index() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}
