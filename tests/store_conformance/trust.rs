//! Trusted issuers, and what grants stand on: the sign-in they were made by, the consent they need.

use doorward::protocol::scope::Scopes;
use doorward::protocol::token::trusted_issuer::TrustedIssuer;
use doorward::protocol::types::{ClientId, SessionId, UserId};
use doorward::protocol::upstream::{UpstreamKind, UpstreamProvider, UpstreamSettings};
use doorward::store::consents::{self, Consent};
use doorward::store::{
    Store, StoreError, grants, sessions, sync, trusted_issuers, upstream_providers,
};

use super::fixtures::{NOW, grant, session};

fn issuer(name: &str, iss: &str) -> TrustedIssuer {
    TrustedIssuer {
        name: name.to_owned(),
        issuer: iss.to_owned(),
        settings: serde_json::from_value(serde_json::json!({
            "jwks": { "keys": [{ "kty": "EC", "n": 1.5 }] }, "audience": ["a", "ü"],
            "rules": [{ "client_id": "app", "match": { "sub": "x:*" }, "identity": "email" }],
        }))
        .unwrap(),
        created_at: NOW,
        disabled_at: None,
    }
}

fn provider(id: &str, slug: &str) -> UpstreamProvider {
    UpstreamProvider {
        id: id.to_owned(),
        slug: slug.to_owned(),
        kind: UpstreamKind::Oidc,
        issuer: "https://id.school.test/".to_owned(),
        display_name: "Sch\u{fc}le".to_owned(),
        client_id: "doorward".to_owned(),
        client_secret: "sealed".to_owned(),
        settings: UpstreamSettings::default(),
        created_at: NOW,
        disabled_at: None,
    }
}

pub(crate) async fn upstream_providers_conform(store: &Store) {
    let db = &store.db;
    let school = provider("p-1", "school");
    upstream_providers::insert(db, &school).await.unwrap();
    for taken in [provider("p-2", "school"), provider("p-1", "other")] {
        assert_eq!(upstream_providers::insert(db, &taken).await, Err(StoreError::Conflict));
    }
    let partner = provider("p-2", "partner");
    upstream_providers::insert(db, &partner).await.unwrap();
    for text in ["p-1", "school"] {
        assert_eq!(upstream_providers::find(db, text).await.unwrap().as_ref(), Some(&school));
        assert_eq!(upstream_providers::hold(db, text).await.unwrap().as_ref(), Some(&school));
    }
    for unknown in ["SCHOOL", "\0", ""] {
        assert_eq!(upstream_providers::find(db, unknown).await.unwrap(), None, "{unknown:?}");
        assert_eq!(upstream_providers::hold(db, unknown).await.unwrap(), None, "{unknown:?}");
    }
    assert_eq!(upstream_providers::all(db).await.unwrap(), [partner, school.clone()]);
    // Switching off and changing are apart: neither undoes the other.
    assert!(upstream_providers::set_disabled(db, "p-1", Some(NOW.plus(3))).await.unwrap());
    let mut changed = UpstreamProvider { client_secret: "other".to_owned(), ..school };
    changed.display_name = "Other".to_owned();
    changed.client_id = "else".to_owned();
    changed.settings.trusts_email = true;
    assert!(upstream_providers::update(db, &changed).await.unwrap());
    changed.disabled_at = Some(NOW.plus(3));
    assert_eq!(upstream_providers::find(db, "p-1").await.unwrap(), Some(changed));
    assert!(upstream_providers::set_disabled(db, "p-1", None).await.unwrap());
    let nobody = provider("p-9", "nobody");
    assert!(!upstream_providers::update(db, &nobody).await.unwrap());
    assert!(!upstream_providers::set_disabled(db, "p-9", Some(NOW)).await.unwrap());
    assert!(upstream_providers::delete(db, "p-1").await.unwrap());
    assert!(!upstream_providers::delete(db, "p-1").await.unwrap());
}

pub(crate) async fn trusted_issuers_conform(store: &Store) {
    let db = &store.db;
    let cluster = issuer("cluster", "https://cluster.test");
    trusted_issuers::insert(db, &cluster).await.unwrap();
    for taken in [issuer("cluster", "https://x.test"), issuer("x", "https://cluster.test")] {
        assert_eq!(trusted_issuers::insert(db, &taken).await, Err(StoreError::Conflict));
    }
    let build = issuer("build", "https://build.test");
    trusted_issuers::insert(db, &build).await.unwrap();
    let found = trusted_issuers::by_issuer(db, "https://cluster.test").await.unwrap();
    assert_eq!(found.as_ref(), Some(&cluster));
    assert_eq!(trusted_issuers::by_name(db, "build").await.unwrap().as_ref(), Some(&build));
    for unknown in ["https://CLUSTER.test", "https://cluster.test/", "\0", ""] {
        assert_eq!(trusted_issuers::by_issuer(db, unknown).await.unwrap(), None, "{unknown:?}");
    }
    assert_eq!(trusted_issuers::all(db).await.unwrap(), [build.clone(), cluster.clone()]);
    // Switching off and changing are apart: neither undoes the other.
    let mut changed = issuer("build", "https://builds.test");
    changed.settings.audience = vec!["c".to_owned()];
    assert!(trusted_issuers::set_disabled(db, "build", Some(NOW.plus(3))).await.unwrap());
    assert!(trusted_issuers::update(db, &changed).await.unwrap());
    changed.disabled_at = Some(NOW.plus(3));
    assert_eq!(trusted_issuers::by_name(db, "build").await.unwrap().as_ref(), Some(&changed));
    changed.issuer.clone_from(&cluster.issuer);
    assert_eq!(trusted_issuers::update(db, &changed).await, Err(StoreError::Conflict));
    assert!(trusted_issuers::set_disabled(db, "build", None).await.unwrap());
    assert!(trusted_issuers::update(db, &build).await.unwrap());
    assert_eq!(trusted_issuers::by_name(db, "build").await.unwrap(), Some(build));
    let nobody = issuer("nobody", "https://nobody.test");
    assert!(!trusted_issuers::update(db, &nobody).await.unwrap());
    assert!(!trusted_issuers::set_disabled(db, "nobody", Some(NOW)).await.unwrap());
    assert!(trusted_issuers::delete(db, "cluster").await.unwrap());
    assert!(!trusted_issuers::delete(db, "cluster").await.unwrap());
    assert_eq!(trusted_issuers::by_name(db, "cluster").await.unwrap(), None);
}

pub(crate) async fn grants_of_a_sign_in_conform(store: &Store) {
    let db = &store.db;
    let (user, client) = (UserId::new("u-bob"), ClientId::new("app"));
    let session = SessionId::new("of-sign-in");
    let mut older = grant("si-1", "u-bob", "app");
    (older.session_id, older.auth_time) = (Some(session.clone()), NOW.plus(7));
    let mut newer = older.clone();
    (newer.id, newer.created_at) = ("si-2".to_owned().into(), NOW.plus(1));
    let mut device = grant("si-3", "u-bob", "app");
    device.auth_time = NOW.plus(7);
    for grant in [&older, &newer, &device] {
        grants::insert(db, grant).await.unwrap();
    }
    let find = |session: Option<SessionId>, auth_time, now| {
        let (user, client) = (user.clone(), client.clone());
        async move {
            let sign_in = (session.as_ref(), auth_time);
            let found = grants::of_sign_in(&store.db, (&user, &client), sign_in, now).await;
            found.unwrap().map(|grant| grant.id.to_string())
        }
    };
    let there = Some(session.clone());
    assert_eq!(find(there.clone(), NOW.plus(7), NOW).await.as_deref(), Some("si-2"));
    assert_eq!(find(None, NOW.plus(7), NOW).await.as_deref(), Some("si-3"));
    assert_eq!(find(there.clone(), NOW, NOW).await, None, "another sign-in");
    assert_eq!(find(Some(SessionId::new("x")), NOW.plus(7), NOW).await, None);
    assert_eq!(find(there.clone(), NOW.plus(7), NOW.plus(1_000)).await, None, "expired");
    grants::revoke(db, &newer.id, NOW).await.unwrap();
    assert_eq!(find(there, NOW.plus(7), NOW).await.as_deref(), Some("si-1"));
    grants::revoke_for_user(db, &user, NOW).await.unwrap();
}

pub(crate) async fn held_consents_conform(store: &Store) {
    let (user, client) = (UserId::new("u-alice"), ClientId::new("app"));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(consents::hold(&mut tx, &user, &client).await.unwrap(), None);
    drop(tx);
    let scopes = Scopes::from_tokens(["openid", "email"]);
    let consent = Consent {
        user_id: user.clone(),
        client_id: client.clone(),
        scopes: scopes.clone(),
        claims: std::collections::BTreeSet::new(),
        granted_at: NOW,
        withdrawals: 0,
    };
    consents::upsert(&store.db, &consent).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(consents::hold(&mut tx, &user, &client).await.unwrap(), Some(consent.clone()));
    tx.commit().await.unwrap();
    assert_eq!(consents::get(&store.db, &user, &client).await.unwrap(), Some(consent));
    consents::delete(&store.db, &user, &client).await.unwrap();
    for count in 0..3 {
        let known = consents::withdrawals(&store.db, &user, &client).await.unwrap();
        assert_eq!(known, count);
        let mut tx = store.begin().await.unwrap();
        consents::note_withdrawal(&mut tx, &user, &client).await.unwrap();
        tx.commit().await.unwrap();
    }
    let nobody = UserId::new("nobody");
    assert_eq!(consents::withdrawals(&store.db, &nobody, &client).await.unwrap(), 0);
    let mut tx = store.begin().await.unwrap();
    let refused = consents::note_withdrawal(&mut tx, &nobody, &client).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    drop(tx);
}

/// Whoever ends something waits for those who hold it, and sees what they have added.
pub(crate) async fn what_is_held_does_not_end(store: &Store) {
    let db = &store.db;
    let user = UserId::new("u-alice");
    let id = grant("held", "u-alice", "app").id;
    grants::insert(db, &grant("held", "u-alice", "app")).await.unwrap();
    assert!(grants::clients_of_user(db, &user).await.unwrap().contains(&ClientId::new("app")));
    let mut tx = store.begin().await.unwrap();
    assert!(grants::hold(&mut tx, &id).await.unwrap());
    let ending = tokio::spawn({
        let (store, id) = (store.clone(), id.clone());
        async move { grants::revoke(&store.db, &id, NOW).await.unwrap() }
    });
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert!(!ending.is_finished());
    tx.commit().await.unwrap();
    assert!(ending.await.unwrap());
    let mut tx = store.begin().await.unwrap();
    assert!(!grants::hold(&mut tx, &id).await.unwrap());
    assert!(!grants::hold(&mut tx, &"nobody".to_owned().into()).await.unwrap());

    // A revocation gets its number once those who look have committed.
    sync::hold_revocations(&mut tx).await.unwrap();
    let before = sync::read(db).await.unwrap().revocations;
    let revoking = tokio::spawn({
        let store = store.clone();
        async move { sync::bump_revocations(&store.db).await.unwrap() }
    });
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert!(!revoking.is_finished());
    tx.commit().await.unwrap();
    assert_eq!(revoking.await.unwrap(), before + 1);

    let names = ["hold-b", "hold-a", "hold-c"];
    for name in names {
        sessions::insert(db, &session(name, "u-alice")).await.unwrap();
    }
    sessions::revoke(db, &SessionId::new("hold-c"), NOW).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let held = sessions::hold_of_user(&mut tx, &user).await.unwrap();
    assert!(held.is_sorted());
    let is_held = |name| held.contains(&SessionId::new(name));
    assert_eq!(names.map(is_held), [true, true, false]);
    let nobody = sessions::hold_of_user(&mut tx, &UserId::new("nobody")).await.unwrap();
    assert!(nobody.is_empty());
    drop(tx);
    for name in names {
        sessions::revoke(db, &SessionId::new(name), NOW).await.unwrap();
    }
}
