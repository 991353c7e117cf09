//! The REST API's own tables: keys, and requests that are carried out once.

use doorward::protocol::types::{SessionId, UserId};
use doorward::store::api::{keys, requests};
use doorward::store::{DatabaseSettings, Store, at_rest, users};

use super::fixtures::{NOW, api_key, user};
use super::servers::Postgres;
use super::sqlite;

async fn conforms(store: Store) {
    store.migrate().await.unwrap();
    users::insert(&store.db, &user("alice")).await.unwrap();
    users::insert(&store.db, &user("bob")).await.unwrap();
    keys_conform(&store).await;
    requests_conform(&store).await;
    store.db.close().await;
}

async fn keys_conform(store: &Store) {
    let db = &store.db;
    let (alice, bob) = (UserId::new("u-alice"), UserId::new("u-bob"));
    let key = api_key("k1", "u-alice", NOW.plus(60));
    keys::insert(db, &key, None).await.unwrap();
    assert!(keys::insert(db, &key, None).await.is_err(), "an id is there once");
    assert!(keys::insert(db, &api_key("k0", "nobody", NOW), None).await.is_err(), "nobody's");
    assert_eq!(keys::by_hash(db, "hash-k1").await.unwrap(), Some(key.clone()));
    assert_eq!(keys::by_id(db, "k1").await.unwrap(), Some(key.clone()));
    assert_eq!(keys::by_hash(db, "other").await.unwrap(), None);
    keys::insert(db, &api_key("k2", "u-bob", NOW.plus(60)), None).await.unwrap();
    keys::insert(db, &api_key("k3", "u-alice", NOW), None).await.unwrap();
    let ids = async |which| {
        let rows = keys::list(db, which, 2).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids((None, None)).await, ["k3", "k2"]);
    assert_eq!(ids((None, Some("k2"))).await, ["k1"]);
    assert_eq!(ids((Some(&alice), None)).await, ["k3", "k1"]);
    assert_eq!(keys::count_live(db, &alice, NOW).await.unwrap(), 1, "one has expired");
    // Not written down again before the time has come.
    let used = async || keys::by_id(db, "k1").await.unwrap().unwrap().last_used_at;
    keys::note_use(db, ("k1", NOW), NOW.plus(-300)).await.unwrap();
    keys::note_use(db, ("k1", NOW.plus(10)), NOW.plus(-290)).await.unwrap();
    assert_eq!(used().await, Some(NOW));
    keys::note_use(db, ("k1", NOW.plus(301)), NOW.plus(1)).await.unwrap();
    assert_eq!(used().await, Some(NOW.plus(301)));
    let mut tx = store.begin().await.unwrap();
    assert!(keys::hold(&mut tx, "k1").await.unwrap());
    drop(tx);
    assert!(keys::revoke(db, "k1", NOW).await.unwrap());
    assert!(!keys::revoke(db, "k1", NOW).await.unwrap(), "only once");
    let mut tx = store.begin().await.unwrap();
    assert!(!keys::hold(&mut tx, "k1").await.unwrap());
    drop(tx);
    assert_eq!(keys::count_live(db, &alice, NOW).await.unwrap(), 0);
    // One that a thief made for somebody else goes with the session that it was made in, and no other.
    let session = SessionId::new("a-session");
    let made = api_key("k4", "u-bob", NOW.plus(60));
    keys::insert(db, &made, Some(&session)).await.unwrap();
    let ended = keys::revoke_made_in(db, &session, NOW).await.unwrap();
    assert_eq!(ended, [(bob.clone(), "k4".to_owned(), "Prüfstand".to_owned())]);
    assert!(keys::revoke_made_in(db, &session, NOW).await.unwrap().is_empty(), "only once");
    assert!(keys::by_id(db, "k2").await.unwrap().is_some_and(|key| key.is_live(NOW)));
    users::delete(db, &bob).await.unwrap();
    assert_eq!(keys::by_id(db, "k2").await.unwrap(), None, "gone with the person");
}

async fn requests_conform(store: &Store) {
    let db = &store.db;
    let begin = |at: i64, digest: &'static str| {
        let now = NOW.plus(at);
        requests::begin(db, ("r1", digest), (now, now.plus(-60), now.plus(1_000)))
    };
    assert!(begin(0, "a").await.unwrap());
    assert!(!begin(60, "a").await.unwrap(), "under way");
    assert!(!begin(61, "b").await.unwrap(), "another request does not take its place");
    assert!(begin(61, "a").await.unwrap(), "given up");
    requests::answer(db, ("r1", NOW), "late").await.unwrap();
    assert_eq!(requests::find(db, "r1").await.unwrap().unwrap().answer, None, "of another try");
    requests::answer(db, ("r1", NOW.plus(61)), "sealed").await.unwrap();
    only_what_was_read_is_replaced(store).await;
    requests::forget(db, ("r1", NOW.plus(61))).await.unwrap();
    let found = requests::find(db, "r1").await.unwrap().unwrap();
    assert_eq!((found.answer.as_deref(), found.digest.as_str()), (Some("sealed"), "a"));
    assert!(!begin(1_060, "a").await.unwrap(), "answered");
    assert!(begin(1_061, "b").await.unwrap(), "expired");
    requests::forget(db, ("r1", NOW.plus(1_061))).await.unwrap();
    assert_eq!(requests::find(db, "r1").await.unwrap(), None);
    // Of many at once one begins.
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let times = (NOW, NOW.plus(-60), NOW.plus(1_000));
                requests::begin(&db, ("r2", "a"), times).await.unwrap()
            })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        first += usize::from(task.await.unwrap());
    }
    assert_eq!(first, 1);
}

/// Whoever seals values anew under another master key loses nothing that was written meanwhile.
async fn only_what_was_read_is_replaced(store: &Store) {
    let replace = async |(from, to): (&str, &str)| {
        let place = (at_rest::API_ANSWERS, "r1");
        let mut tx = store.begin().await.unwrap();
        let replaced = at_rest::replace(&mut tx, place, (from, to)).await.unwrap();
        tx.commit().await.unwrap();
        replaced
    };
    let page = async || at_rest::page(&store.db, at_rest::API_ANSWERS, ("", 10)).await.unwrap();
    let holds = |value: &str| [("r1".to_owned(), value.to_owned())];
    assert!(!replace(("what was there before", "stale")).await);
    assert_eq!(page().await, holds("sealed"));
    assert!(replace(("sealed", "anew")).await);
    assert_eq!(page().await, holds("anew"));
    assert!(!replace(("sealed", "stale")).await, "once");
    assert!(replace(("anew", "sealed")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_keys_and_requests_of_the_api() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_keys_and_requests_of_the_api() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}
