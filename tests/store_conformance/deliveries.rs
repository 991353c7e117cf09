//! What hangs on a session: the outbox, who is told when it ends, and cookies for the gateway.

use doorward::protocol::types::{ClientId, SessionId, UserId};
use doorward::store::gateway_cookies::{self, GatewayCookie};
use doorward::store::sessions::{self, session_clients};
use doorward::store::{Store, StoreError, clients, grants, outbox};
use serde_json::json;

use super::fixtures::{NOW, client, delivery, grant, session};

pub(crate) async fn outbox_conforms(store: &Store) {
    let db = &store.db;
    let mut later = delivery("d2");
    later.due_at = NOW.plus(10);
    let mut other = delivery("d3");
    (other.kind, other.client_id) = ("other".to_owned(), None);
    for delivery in [&later, &delivery("d1"), &other] {
        outbox::insert(db, delivery).await.unwrap();
    }
    for (kind, waiting) in [("notice", 2), ("other", 1), ("unknown", 0)] {
        assert_eq!(outbox::count(db, kind).await.unwrap(), waiting, "{kind}");
    }
    let due = |after, limit| async move {
        let found = outbox::due(db, ("notice", NOW.plus(after)), (9, limit)).await.unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert!(due(-1, 9).await.is_empty());
    assert_eq!(due(0, 9).await, ["d1"]);
    assert_eq!(due(10, 9).await, ["d1", "d2"]);
    assert_eq!(due(10, 1).await, ["d1"]);

    let claim = |id: &'static str, after| async move {
        let now = NOW.plus(after);
        outbox::claim(&store.db, id, now, now.plus(30)).await.unwrap()
    };
    assert_eq!(claim("d2", 9).await, None, "it is not due");
    assert_eq!(claim("no", 9).await, None);
    let first = claim("d1", 5).await.unwrap();
    let expected = outbox::Delivery { due_at: NOW.plus(35), attempts: 1, ..delivery("d1") };
    assert_eq!(first, expected);
    assert_eq!(claim("d1", 34).await, None, "it is held");
    let second = claim("d1", 35).await.unwrap();
    assert_eq!(second.attempts, 2, "whoever held it is believed dead");
    // The first holder was only slow: it may not decide any more.
    assert!(!outbox::postpone(db, &first, (NOW, "no")).await.unwrap());
    assert!(!outbox::remove(db, &first).await.unwrap());
    let further = json!({ "after": "s7" });
    let longer = NOW.plus(90_000);
    assert!(!outbox::progress(db, &first, (&further, longer)).await.unwrap());
    assert!(outbox::progress(db, &second, (&further, longer)).await.unwrap());
    assert!(outbox::postpone(db, &second, (NOW.plus(100), "no\0")).await.unwrap());
    assert_eq!(claim("d1", 99).await, None);
    let third = claim("d1", 100).await.unwrap();
    assert_eq!((&third.payload, third.expires_at), (&further, longer));
    assert!(outbox::remove(db, &third).await.unwrap());
    assert_eq!(claim("d1", 200).await, None);

    let odd = claim("d3", 0).await.unwrap();
    assert_eq!((odd.kind.as_str(), odd.client_id.as_ref()), ("other", None));
    assert!(outbox::remove(db, &odd).await.unwrap());
    assert!(outbox::remove(db, &claim("d2", 10).await.unwrap()).await.unwrap());
    for kind in ["notice", "other"] {
        assert_eq!(outbox::count(db, kind).await.unwrap(), 0);
    }
    everybody_comes_in_turn(store).await;
    a_flood_for_one_hides_nobody(store).await;
}

async fn everybody_comes_in_turn(store: &Store) {
    let db = &store.db;
    let (loud, quiet) = (ClientId::new("loud"), ClientId::new("quiet"));
    for n in 0..5 {
        let mut delivery = delivery(&format!("loud-{n}"));
        (delivery.client_id, delivery.due_at) = (Some(loud.clone()), NOW.plus(n - 10));
        outbox::insert(db, &delivery).await.unwrap();
    }
    let mut last = delivery("quiet");
    last.client_id = Some(quiet.clone());
    outbox::insert(db, &last).await.unwrap();
    let due = |bounds| async move {
        let found = outbox::due(db, ("notice", NOW), bounds).await.unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(due((9, 9)).await[..3], ["loud-0", "quiet", "loud-1"]);
    assert_eq!(due((2, 9)).await, ["loud-0", "quiet", "loud-1"], "two for each at most");
    assert_eq!(due((9, 2)).await, ["loud-0", "quiet"]);
    let found = outbox::due(db, ("notice", NOW), (1, 9)).await.unwrap();
    assert_eq!(found[1], ("quiet".to_owned(), Some(quiet)));

    let claimed = outbox::claim(db, "quiet", NOW, NOW.plus(60)).await.unwrap().unwrap();
    assert!(outbox::release(db, &claimed, NOW.plus(2)).await.unwrap());
    assert!(!outbox::release(db, &claimed, NOW).await.unwrap(), "it is no longer held");
    assert_eq!(outbox::claim(db, "quiet", NOW.plus(1), NOW).await.unwrap(), None);
    let again = outbox::claim(db, "quiet", NOW.plus(2), NOW.plus(60)).await.unwrap().unwrap();
    assert_eq!(again.attempts, 1, "what was not sent is not counted");
    assert!(outbox::remove(db, &again).await.unwrap());
    for n in 0..5 {
        let id = format!("loud-{n}");
        let claimed = outbox::claim(db, &id, NOW, NOW).await.unwrap().unwrap();
        assert!(outbox::remove(db, &claimed).await.unwrap());
    }
}

async fn a_flood_for_one_hides_nobody(store: &Store) {
    // Two of the flood are due in each second.
    let flood = (0..400).map(|n| (format!("flood-{n:03}"), Some("flood"), n / 2 - 1_000));
    let few = [
        ("few-1", Some("few"), -3),
        ("few-2", Some("few"), -2),
        ("few-3", Some("few"), 1),
        ("none-1", None, -2_000),
        ("none-2", None, -1),
        ("none-3", None, 1),
        ("later", Some("later"), 1),
        ("one", Some("a"), 0),
    ];
    let few = few.map(|(id, client, after)| (id.to_owned(), client, after));
    let mut tx = store.begin().await.unwrap();
    for (id, client, after) in flood.chain(few) {
        let mut delivery = delivery(&id);
        delivery.kind = "flooded".to_owned();
        (delivery.client_id, delivery.due_at) = (client.map(ClientId::new), NOW.plus(after));
        outbox::insert(&mut tx, &delivery).await.unwrap();
    }
    tx.commit().await.unwrap();
    let db = &store.db;
    let due = async |kind: &'static str, bounds: (i64, i64)| {
        outbox::due(db, (kind, NOW), bounds).await.unwrap()
    };
    let ids = async |bounds: (i64, i64)| {
        due("flooded", bounds).await.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let expected =
        ["none-1", "flood-000", "few-1", "one", "flood-001", "few-2", "none-2", "flood-002"];
    assert_eq!(ids((3, 9)).await, expected);
    assert_eq!(ids((3, 5)).await, expected[..5]);
    assert_eq!(ids((1, 9)).await, expected[..4]);
    assert_eq!(ids((3, 2)).await, expected[..2]);
    let found = due("flooded", (1, 9)).await;
    let whose: Vec<_> =
        found.iter().map(|(_, client)| client.as_ref().map(ClientId::as_str)).collect();
    assert_eq!(whose, [None, Some("flood"), Some("few"), Some("a")]);
    let mut all = ids((500, 1_000)).await;
    assert_eq!(all.len(), 405);
    all.retain(|id| id.starts_with("flood-"));
    assert!(all.len() == 400 && all.is_sorted(), "{all:?}");
    assert!(due("unknown", (3, 9)).await.is_empty());
    for (client, most, counted) in [("flood", 100, 100), ("flood", 1_000, 400), ("few", 9, 3)] {
        let client = ClientId::new(client);
        let found = outbox::count_for(db, ("flooded", &client), most).await.unwrap();
        assert_eq!(found, counted, "{client}");
    }
    db.query("delete from outbox where kind = 'flooded'").execute().await.unwrap();
}

pub(crate) async fn session_clients_conform(store: &Store) {
    let db = &store.db;
    clients::insert(db, &client("gone")).await.unwrap();
    sessions::insert(db, &session("sc", "u-alice")).await.unwrap();
    let id = SessionId::new("sc");
    let (app, gone) = (ClientId::new("app"), ClientId::new("gone"));
    for client in [&gone, &app, &app] {
        session_clients::remember(db, &id, client).await.unwrap();
    }
    let mut granted = grant("g-sc", "u-alice", "batch");
    granted.session_id = Some(id.clone());
    grants::insert(db, &granted).await.unwrap();
    grants::revoke(db, &granted.id, NOW).await.unwrap();
    let told = session_clients::of_session(db, &id).await.unwrap();
    assert_eq!(told, [app.clone(), ClientId::new("batch"), gone.clone()]);
    let alice = UserId::new("u-alice");
    for name in ["app", "batch", "gone"].map(ClientId::new) {
        let living = session_clients::living_sessions(db, (&alice, &name), NOW).await.unwrap();
        assert!(living.contains(&id), "{name}");
    }
    let later = NOW.plus(10_000_000);
    let ended = session_clients::living_sessions(db, (&alice, &app), later).await.unwrap();
    assert!(!ended.contains(&id));
    let bob = UserId::new("u-bob");
    let others = session_clients::living_sessions(db, (&bob, &app), NOW).await.unwrap();
    assert!(!others.contains(&id));
    assert!(clients::delete(db, &gone).await.unwrap());
    let told = session_clients::of_session(db, &id).await.unwrap();
    assert_eq!(told, [app.clone(), ClientId::new("batch")]);
    let nobody = SessionId::new("nobody");
    assert!(session_clients::of_session(db, &nobody).await.unwrap().is_empty());
    let refused = session_clients::remember(db, &nobody, &app).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    // The rows of other cases are counted.
    sessions::revoke(db, &id, NOW).await.unwrap();
    let ended = session_clients::living_sessions(db, (&alice, &app), NOW).await.unwrap();
    assert!(!ended.contains(&id));
    sessions_of_a_client_come_in_pages(store, &id).await;
}

/// Of an app that has a grant of this session, which ended at the beginning, and one of another.
async fn sessions_of_a_client_come_in_pages(store: &Store, over: &SessionId) {
    let db = &store.db;
    let batch = ClientId::new("batch");
    let bob = session("sd", "u-bob");
    sessions::insert(db, &bob).await.unwrap();
    session_clients::remember(db, &bob.id, &batch).await.unwrap();
    let pages = async |since: i64, now: i64, limit: i64| {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let moments = (NOW.plus(since), NOW.plus(now));
            let place = (&batch, after.as_str());
            let page =
                session_clients::sessions_of_client(db, place, moments, limit).await.unwrap();
            let Some((last, _)) = page.last() else { break all };
            after = last.as_str().to_owned();
            all.extend(page.into_iter().map(|(id, user)| (id.to_string(), user.to_string())));
        }
    };
    let row = |id: &SessionId, user: &str| (id.to_string(), user.to_owned());
    let both = [row(over, "u-alice"), row(&bob.id, "u-bob")];
    for limit in [1, 9] {
        let found = pages(0, 0, limit).await;
        assert!(both.iter().all(|row| found.contains(row)), "{found:?}");
        assert!(found.is_sorted());
    }
    let found = pages(1, 0, 9).await;
    assert!(!found.contains(&both[0]), "it had ended before");
    assert!(found.contains(&both[1]));
    assert!(pages(0, 10_000_000, 9).await.is_empty());
    sessions::revoke(db, &bob.id, NOW).await.unwrap();
}

pub(crate) async fn gateway_cookies_conform(store: &Store) {
    let db = &store.db;
    let owner = session("gw", "u-alice");
    sessions::insert(db, &owner).await.unwrap();
    let cookie = GatewayCookie {
        secret_hash: "gateway-hash".to_owned(),
        session_id: owner.id.clone(),
        auth_time: NOW.plus(1),
        acr: "aal1".to_owned(),
        created_at: NOW.plus(2),
    };
    gateway_cookies::insert(db, &cookie).await.unwrap();
    let again = gateway_cookies::insert(db, &cookie).await;
    assert_eq!(again, Err(StoreError::Conflict));
    let orphan = GatewayCookie {
        secret_hash: "other-hash".to_owned(),
        session_id: SessionId::new("nobody"),
        ..cookie.clone()
    };
    assert_eq!(gateway_cookies::insert(db, &orphan).await, Err(StoreError::Conflict));

    let found = gateway_cookies::by_hash(db, "gateway-hash").await.unwrap().unwrap();
    assert_eq!((&found.session_id, &found.user_id), (&owner.id, &owner.user_id));
    assert_eq!((found.auth_time, found.acr.as_str()), (NOW.plus(1), "aal1"));
    assert_eq!((found.last_seen_at, found.idle_seconds), (NOW, owner.idle_seconds));
    assert_eq!((found.expires_at, found.revoked_at), (owner.expires_at, None));
    assert_eq!(found.organisation_id, None);
    assert!(gateway_cookies::has_any(db, &owner.user_id).await.unwrap());
    let holders = gateway_cookies::holders_among(db, &[&owner.user_id]).await.unwrap();
    assert_eq!(holders, [owner.user_id.clone()]);
    assert_eq!(gateway_cookies::by_hash(db, &owner.secret_hash).await.unwrap(), None);
    for number in 3..6 {
        let newer = GatewayCookie {
            secret_hash: format!("hash-{number}"),
            created_at: NOW.plus(number),
            ..cookie.clone()
        };
        gateway_cookies::insert(db, &newer).await.unwrap();
    }
    let mut gone = gateway_cookies::remove_oldest(db, &owner.id, 2).await.unwrap();
    gone.sort();
    assert_eq!(gone, ["gateway-hash", "hash-3"]);
    assert!(gateway_cookies::remove_oldest(db, &owner.id, 2).await.unwrap().is_empty());
    assert!(
        gateway_cookies::remove_oldest(db, &SessionId::new("nobody"), 0).await.unwrap().is_empty()
    );
    gateway_cookies::insert(db, &cookie).await.unwrap();
    sessions::revoke(db, &owner.id, NOW.plus(3)).await.unwrap();
    let found = gateway_cookies::by_hash(db, "gateway-hash").await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(NOW.plus(3)));
}
