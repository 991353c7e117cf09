//! Clients that came by themselves: permissions, what is known of them, and forgetting the unused.

use std::collections::BTreeSet;

use doorward::protocol::client::{Client, ClientOrigin, GrantType};
use doorward::protocol::scope::Scopes;
use doorward::protocol::types::{ClientId, UserId};
use doorward::store::clients::registration_tokens::{self, RegistrationToken};
use doorward::store::clients::registrations::{self, ClientRegistration};
use doorward::store::clients::{self, documents};
use doorward::store::consents::{self, Consent};
use doorward::store::{Store, cleanup, grants, users};

use super::fixtures::{NOW, client, grant, user};

pub(crate) async fn registration_conforms(store: &Store) {
    permissions_conform(store).await;
    registrations_conform(store).await;
    documents_conform(store).await;
    the_unused_are_forgotten(store).await;
}

fn permission(id: &str, max_uses: i64) -> RegistrationToken {
    RegistrationToken {
        id: id.to_owned(),
        hash: format!("hash-{id}"),
        label: "Prüfstand".to_owned(),
        created_at: NOW,
        expires_at: NOW.plus(60),
        max_uses,
        uses: 0,
        revoked_at: None,
    }
}

async fn permissions_conform(store: &Store) {
    let db = &store.db;
    let twice = permission("p1", 2);
    registration_tokens::insert(db, &twice).await.unwrap();
    assert!(registration_tokens::insert(db, &twice).await.is_err(), "an id is there once");
    assert_eq!(registration_tokens::by_hash(db, "hash-p1").await.unwrap(), Some(twice.clone()));
    assert_eq!(registration_tokens::by_hash(db, "other").await.unwrap(), None);
    let spend = |hash: &'static str, at| registration_tokens::spend(db, hash, at);
    assert_eq!(spend("hash-p1", NOW.plus(60)).await.unwrap(), None, "expired");
    let mut tx = store.begin().await.unwrap();
    assert!(registration_tokens::spend(&mut tx, "hash-p1", NOW).await.unwrap().is_some());
    drop(tx);
    assert_eq!(
        spend("hash-p1", NOW).await.unwrap().unwrap().uses,
        1,
        "undone with its transaction"
    );
    assert_eq!(spend("hash-p1", NOW).await.unwrap().unwrap().uses, 2);
    assert_eq!(spend("hash-p1", NOW).await.unwrap(), None, "used up");
    let state = |row: &RegistrationToken, at| row.state(at).as_str();
    let used = registration_tokens::by_id(db, "p1").await.unwrap().unwrap();
    assert_eq!((state(&twice, NOW), state(&used, NOW)), ("works", "used_up"));
    assert_eq!(state(&used, NOW.plus(60)), "expired");
    registration_tokens::insert(db, &permission("p2", 3)).await.unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                registration_tokens::spend(&db, "hash-p2", NOW).await.unwrap().is_some()
            })
        })
        .collect();
    let mut successes = 0;
    for task in tasks {
        successes += usize::from(task.await.unwrap());
    }
    assert_eq!(successes, 3, "no more than it has uses");
    registration_tokens::insert(db, &permission("p3", 1)).await.unwrap();
    let revoked = registration_tokens::revoke(db, "p3", NOW).await.unwrap();
    assert_eq!(revoked.as_ref().and_then(|row| row.revoked_at), Some(NOW));
    assert_eq!(registration_tokens::by_id(db, "p3").await.unwrap(), revoked);
    assert_eq!(registration_tokens::revoke(db, "p3", NOW).await.unwrap(), None, "once");
    assert_eq!(registration_tokens::by_id(db, "p4").await.unwrap(), None);
    assert_eq!(spend("hash-p3", NOW).await.unwrap(), None, "revoked");
    let ids =
        |rows: &[RegistrationToken]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    let listed = registration_tokens::list(db, None, 2).await.unwrap();
    assert_eq!(ids(&listed), ["p3", "p2"]);
    assert!(!listed[0].is_live(NOW) && !listed[1].is_live(NOW));
    let behind = registration_tokens::list(db, Some("p2"), 2).await.unwrap();
    assert_eq!(ids(&behind), ["p1"], "the next page");
    cleanup::purge(db, NOW.plus(60), 100).await.unwrap();
    assert!(registration_tokens::list(db, None, 10).await.unwrap().is_empty());
}

fn of_origin(id: &str, origin: ClientOrigin) -> Client {
    Client { origin, ..client(id) }
}

async fn registrations_conform(store: &Store) {
    let db = &store.db;
    let dynamic = of_origin("dyn", ClientOrigin::Dynamic);
    clients::insert(db, &dynamic).await.unwrap();
    assert_eq!(clients::by_id(db, &dynamic.id).await.unwrap(), Some(dynamic.clone()));
    let row = ClientRegistration {
        client_id: dynamic.id.clone(),
        token_hash: "t0".to_owned(),
        permission: Some("p1".to_owned()),
        statement_by: None,
        address: "192.0.2.1".to_owned(),
        network: "192.0.2.1".to_owned(),
        set_by_administrator: BTreeSet::new(),
        registered_at: NOW,
    };
    registrations::insert(db, &row).await.unwrap();
    let id = &dynamic.id;
    assert_eq!(registrations::of(db, id).await.unwrap(), Some(row.clone()));
    let rotate = |old, new, by| registrations::rotate(db, id, (old, new), by);
    assert!(rotate("t0", "t1", Some("https://issuer.test")).await.unwrap());
    assert!(!rotate("t0", "t2", None).await.unwrap(), "one winner");
    let set: BTreeSet<_> = ["scope".to_owned(), "tos_uri".to_owned()].into();
    assert!(registrations::note_set_by_administrator(db, id, &set).await.unwrap());
    let expected = ClientRegistration {
        token_hash: "t1".to_owned(),
        statement_by: Some("https://issuer.test".to_owned()),
        set_by_administrator: set.clone(),
        ..row
    };
    assert_eq!(registrations::of(db, id).await.unwrap(), Some(expected));
    assert!(registrations::take_token_away(db, id).await.unwrap());
    assert!(!registrations::take_token_away(db, id).await.unwrap(), "it has none");
    assert!(!registrations::of(db, id).await.unwrap().unwrap().has_token());
    assert!(!rotate("t1", "t4", None).await.unwrap(), "it was taken away");
    let stranger = ClientId::new("app");
    assert!(!registrations::take_token_away(db, &stranger).await.unwrap());
    assert!(!registrations::note_set_by_administrator(db, &stranger, &set).await.unwrap());
    let from = |network: &'static str, most| registrations::count_from(db, network, most);
    assert_eq!(from("192.0.2.1", 10).await.unwrap(), 1);
    assert_eq!((from("192.0.2.1", 0).await.unwrap(), from("", 10).await.unwrap()), (0, 0));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(clients::hold(&mut tx, id).await.unwrap(), Some(dynamic.clone()));
    assert_eq!(clients::hold(&mut tx, &ClientId::new("nobody")).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(clients::count_of(db, ClientOrigin::Dynamic, 10).await.unwrap(), 1);
    assert_eq!(clients::count_of(db, ClientOrigin::Manual, 1).await.unwrap(), 1, "no further");
    users::insert(db, &user("reg")).await.unwrap();
    allow(store, "u-reg", "dyn").await;
    assert_eq!(consents::delete_for_client(db, id).await.unwrap(), 1);
    assert_eq!(consents::delete_for_client(db, id).await.unwrap(), 0);
    clients::delete(db, id).await.unwrap();
    assert_eq!(registrations::of(db, id).await.unwrap(), None, "gone with its client");
}

async fn allow(store: &Store, person: &str, client: &str) {
    let consent = Consent {
        user_id: UserId::new(person),
        client_id: ClientId::new(client),
        scopes: Scopes::from_tokens(["openid"]),
        claims: BTreeSet::new(),
        granted_at: NOW,
        withdrawals: 0,
    };
    consents::upsert(&store.db, &consent).await.unwrap();
}

async fn documents_conform(store: &Store) {
    let db = &store.db;
    let described = of_origin("https://app.test/c.json", ClientOrigin::Document);
    assert!(documents::insert_client(db, &described).await.unwrap());
    assert!(!documents::insert_client(db, &described).await.unwrap(), "it is there");
    assert_eq!(clients::by_id(db, &described.id).await.unwrap(), Some(described.clone()));
    assert_eq!(documents::fetched_at(db, &described.id).await.unwrap(), None);
    let on_port = of_origin("https://app.test:8443/c.json", ClientOrigin::Document);
    assert!(documents::insert_client(db, &on_port).await.unwrap());
    for (host, most, count) in [
        ("app.test", 9, 2),
        ("app.test", 1, 1),
        ("app", 9, 0),
        ("app.test.evil.test", 9, 0),
        ("%", 9, 0),
    ] {
        assert_eq!(documents::count_at(db, host, most).await.unwrap(), count, "{host}");
    }
    clients::delete(db, &on_port.id).await.unwrap();
    for at in [NOW, NOW.plus(5)] {
        documents::note_fetch(db, &described.id, at).await.unwrap();
        assert_eq!(documents::fetched_at(db, &described.id).await.unwrap(), Some(at));
    }
    assert_eq!(documents::delete_unused(db, NOW, 10).await.unwrap(), [], "read since");
    let held = grant("g-doc", "u-reg", described.id.as_str());
    grants::insert(db, &held).await.unwrap();
    assert_eq!(documents::delete_unused(db, NOW.plus(5), 10).await.unwrap(), [], "in use");
    cleanup::purge(db, held.expires_at, 100).await.unwrap();
    let deleted = documents::delete_unused(db, NOW.plus(5), 10).await.unwrap();
    assert_eq!(deleted, [(described.id.clone(), described.metadata.client_name.clone())]);
    assert_eq!(clients::by_id(db, &described.id).await.unwrap(), None);
}

async fn the_unused_are_forgotten(store: &Store) {
    let db = &store.db;
    for (id, after) in [("d-1", -1), ("d-2", 0), ("d-allowed", 0), ("d-grant", 0), ("d-young", 10)]
    {
        let created_at = NOW.plus(after);
        let client = Client { created_at, ..of_origin(id, ClientOrigin::Dynamic) };
        clients::insert(db, &client).await.unwrap();
    }
    // What acts without anybody's consent leaves no trace of being used.
    let mut machine = of_origin("d-machine", ClientOrigin::Dynamic);
    machine.metadata.grant_types = vec![GrantType::ClientCredentials];
    clients::insert(db, &machine).await.unwrap();
    let mut changed = of_origin("d-changed", ClientOrigin::Dynamic);
    clients::insert(db, &changed).await.unwrap();
    changed.metadata.grant_types.push(GrantType::TokenExchange);
    clients::update(db, &changed).await.unwrap();
    changed.metadata.grant_types.pop();
    clients::update(db, &changed).await.unwrap();
    allow(store, "u-reg", "d-allowed").await;
    // It was allowed something once, and is not any more.
    consents::delete_for_client(db, &ClientId::new("d-allowed")).await.unwrap();
    grants::insert(db, &grant("g-dyn", "u-reg", "d-grant")).await.unwrap();
    let unused = |most| clients::delete_unused(db, (ClientOrigin::Dynamic, NOW), most);
    let called =
        |id: &str| (ClientId::new(id), of_origin(id, ClientOrigin::Dynamic).metadata.client_name);
    assert_eq!(unused(1).await.unwrap(), [called("d-1")], "a few at a time");
    assert_eq!(unused(10).await.unwrap(), [called("d-2")]);
    assert_eq!(unused(10).await.unwrap(), []);
    for id in ["d-allowed", "d-grant", "d-young", "d-machine", "d-changed"] {
        assert!(clients::delete(db, &ClientId::new(id)).await.unwrap(), "{id} was kept");
    }
    users::delete(db, &UserId::new("u-reg")).await.unwrap();
}
