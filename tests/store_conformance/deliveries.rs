//! What hangs on a session: the outbox, who is told when it ends, and cookies for the gateway.

use doorward::protocol::types::{ClientId, SessionId};
use doorward::store::gateway_cookies::{self, GatewayCookie};
use doorward::store::{Store, StoreError, clients, grants, outbox, session_clients, sessions};

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
    assert_eq!(outbox::count(db).await.unwrap(), 3);
    let due = |after, limit| async move {
        outbox::due(&store.db, "notice", NOW.plus(after), limit).await.unwrap()
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
    assert!(!outbox::postpone(db, &first, NOW).await.unwrap());
    assert!(!outbox::remove(db, &first).await.unwrap());
    assert!(outbox::postpone(db, &second, NOW.plus(100)).await.unwrap());
    assert_eq!(claim("d1", 99).await, None);
    let third = claim("d1", 100).await.unwrap();
    assert!(outbox::remove(db, &third).await.unwrap());
    assert_eq!(claim("d1", 200).await, None);

    let odd = claim("d3", 0).await.unwrap();
    assert_eq!((odd.kind.as_str(), odd.client_id.as_ref()), ("other", None));
    assert!(outbox::remove(db, &odd).await.unwrap());
    assert!(outbox::remove(db, &claim("d2", 10).await.unwrap()).await.unwrap());
    assert_eq!(outbox::count(db).await.unwrap(), 0);
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
    assert!(clients::delete(db, &gone).await.unwrap());
    let told = session_clients::of_session(db, &id).await.unwrap();
    assert_eq!(told, [app.clone(), ClientId::new("batch")]);
    let nobody = SessionId::new("nobody");
    assert!(session_clients::of_session(db, &nobody).await.unwrap().is_empty());
    let refused = session_clients::remember(db, &nobody, &app).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    // The rows of other cases are counted.
    sessions::revoke(db, &id, NOW).await.unwrap();
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
    assert_eq!(gateway_cookies::by_hash(db, &owner.secret_hash).await.unwrap(), None);
    sessions::revoke(db, &owner.id, NOW.plus(3)).await.unwrap();
    let found = gateway_cookies::by_hash(db, "gateway-hash").await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(NOW.plus(3)));
}
