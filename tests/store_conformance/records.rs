//! Keys, links, revocations, counters, the audit log and the clean-up.

use doorward::clock::Clock;
use doorward::protocol::types::{FamilyId, GrantId, KeyEncryptionAlg, SessionId, UserId};
use doorward::store::audit::{self, AuditFilter, Outcome};
use doorward::store::grants::{self, refresh_families};
use doorward::store::keys::encryption::{self, EncryptionKeyRow};
use doorward::store::keys::{self, KeyChange};
use doorward::store::links::{self, LinkKind};
use doorward::store::revocations::{self, Revocation, RevocationKind};
use doorward::store::{Cursor, Db, Store, StoreError, cleanup, sessions, sync, used_jtis};

use super::fixtures::{NOW, event, family, grant, key, link, session};

pub(crate) async fn keys_conform(store: &Store) {
    let db = &store.db;
    keys::insert(db, &key("k1", "active")).await.unwrap();
    assert_eq!(keys::insert(db, &key("k2", "active")).await, Err(StoreError::Conflict));
    keys::insert(db, &key("k2", "next")).await.unwrap();
    assert_eq!(keys::insert(db, &key("k3", "next")).await, Err(StoreError::Conflict));
    assert_eq!(keys::all(db).await.unwrap(), [key("k1", "active"), key("k2", "next")]);

    let retire = KeyChange {
        kid: "k1".to_owned(),
        from: "active".to_owned(),
        to: "retiring".to_owned(),
        activates_at: NOW,
        retires_at: Some(NOW.plus(1)),
        remove_after: Some(NOW.plus(2)),
    };
    let activate =
        KeyChange { kid: "k2".into(), from: "next".into(), to: "active".into(), ..retire.clone() };
    assert_eq!(keys::set_state(db, &activate).await, Err(StoreError::Conflict), "k1 is active");
    let mut tx = store.begin().await.unwrap();
    assert!(keys::set_state(&mut tx, &retire).await.unwrap());
    assert!(keys::set_state(&mut tx, &activate).await.unwrap());
    assert!(!keys::set_state(&mut tx, &retire).await.unwrap(), "it is no longer active");
    tx.commit().await.unwrap();
    let stored = keys::all(db).await.unwrap();
    assert_eq!((stored[0].state.as_str(), stored[1].state.as_str()), ("retiring", "active"));
    assert_eq!(
        (stored[0].retires_at, stored[0].remove_after),
        (Some(NOW.plus(1)), Some(NOW.plus(2)))
    );
    assert!(!keys::delete(db, "k2").await.unwrap(), "the key that signs stays");
    assert!(keys::delete(db, "k1").await.unwrap());
    assert!(!keys::delete(db, "k1").await.unwrap());
}

pub(crate) async fn encryption_keys_conform(store: &Store) {
    let db = &store.db;
    let row = |kid: &str, alg| EncryptionKeyRow {
        kid: kid.to_owned(),
        alg,
        state: "active".to_owned(),
        sealed_private: "sealed".to_owned(),
        public_jwk: serde_json::json!({ "kid": kid, "kty": "RSA" }),
        created_at: NOW,
        remove_after: None,
    };
    let (rsa, curve) = (KeyEncryptionAlg::RsaOaep256, KeyEncryptionAlg::EcdhEs);
    encryption::insert(db, &row("e1", rsa)).await.unwrap();
    let second = encryption::insert(db, &row("e2", rsa)).await;
    assert_eq!(second, Err(StoreError::Conflict), "one is active");
    encryption::insert(db, &row("e3", curve)).await.unwrap();
    assert!(!encryption::delete(db, "e1").await.unwrap(), "an active key stays");

    let mut tx = store.begin().await.unwrap();
    assert_eq!(encryption::retire(&mut tx, rsa, NOW.plus(9)).await.unwrap(), 1);
    assert_eq!(encryption::retire(&mut tx, rsa, NOW.plus(10)).await.unwrap(), 0);
    encryption::insert(&mut tx, &row("e2", rsa)).await.unwrap();
    tx.commit().await.unwrap();
    let retired = EncryptionKeyRow {
        state: "retiring".to_owned(),
        remove_after: Some(NOW.plus(9)),
        ..row("e1", rsa)
    };
    let expected = [retired, row("e2", rsa), row("e3", curve)];
    assert_eq!(encryption::all(db).await.unwrap(), expected);
    assert!(encryption::delete(db, "e1").await.unwrap());
    assert!(!encryption::delete(db, "e1").await.unwrap());
}

pub(crate) async fn links_conform(store: &Store) {
    let db = &store.db;
    let alice = UserId::new("u-alice");
    let reset = link("l1", Some("u-alice"));
    links::insert(db, &reset).await.unwrap();
    assert_eq!(links::insert(db, &reset).await, Err(StoreError::Conflict));
    assert_eq!(links::live(db, "l1", NOW).await.unwrap().as_ref(), Some(&reset));
    assert_eq!(links::live(db, "l1", NOW.plus(1_800)).await.unwrap(), None);
    assert_eq!(links::spend(db, "l1", NOW.plus(1_800)).await.unwrap(), None);
    let spent = links::spend(db, "l1", NOW.plus(1)).await.unwrap().unwrap();
    assert_eq!((spent.used_at, spent.user_id.as_ref()), (Some(NOW.plus(1)), Some(&alice)));
    assert_eq!(links::spend(db, "l1", NOW.plus(1)).await.unwrap(), None);
    assert_eq!(links::live(db, "l1", NOW).await.unwrap(), None);

    links::insert(db, &link("l2", Some("u-alice"))).await.unwrap();
    links::insert(db, &link("l3", None)).await.unwrap();
    assert_eq!(links::revoke_all(db, LinkKind::Setup, Some(&alice)).await.unwrap(), 0);
    assert_eq!(links::revoke_all(db, LinkKind::PasswordReset, Some(&alice)).await.unwrap(), 1);
    assert_eq!(links::live(db, "l3", NOW).await.unwrap(), Some(link("l3", None)));
    assert_eq!(links::revoke_all(db, LinkKind::Setup, None).await.unwrap(), 1);
    assert_eq!(links::live(db, "l3", NOW).await.unwrap(), None);
}

/// Beside the one about alice.
pub(crate) async fn revocations_conform(store: &Store) {
    let db = &store.db;
    let strong = Revocation {
        kind: RevocationKind::User,
        subject: "u-alice".to_owned(),
        version: 5,
        number: 9,
        revoked_at: NOW,
        expires_at: NOW.plus(600),
    };
    let weak = Revocation { version: 4, number: 8, expires_at: NOW.plus(500), ..strong.clone() };
    for entry in [&weak, &strong, &weak] {
        revocations::record(db, std::slice::from_ref(entry)).await.unwrap();
    }
    // One call may name the same subject twice.
    revocations::record(db, &[weak.clone(), strong.clone(), weak]).await.unwrap();
    assert_eq!(revocations::page(db, ("", ""), 9).await.unwrap(), [strong.clone()]);
    let again = Revocation { expires_at: NOW.plus(900), ..strong.clone() };
    assert!(!revocations::record_new(db, &again).await.unwrap(), "known, and left as it is");
    assert_eq!(revocations::page(db, ("", ""), 9).await.unwrap(), [strong.clone()]);
    the_set_is_read_in_pages_and_since_a_number(store).await;
    very_many_are_recorded_at_once(store).await;
    use RevocationKind::Client;
    use RevocationKind::Grant;
    use RevocationKind::Session;
    use RevocationKind::User;
    let asked = [(Grant, "g"), (Session, "s"), (User, "u-alice"), (Client, "c"), (Grant, "h")];
    assert_eq!(revocations::any(db, &asked).await.unwrap(), [strong.clone()]);
    assert_eq!(revocations::any(db, &asked[2..3]).await.unwrap(), [strong]);
    assert!(revocations::any(db, &[(Grant, "u-alice")]).await.unwrap().is_empty());
    assert!(revocations::any(db, &[]).await.unwrap().is_empty());
    assert_eq!(revocations::purge(db, NOW.plus(599), 9).await.unwrap(), 0);
    assert_eq!(revocations::purge(db, NOW.plus(600), 9).await.unwrap(), 1);
}

/// Leaves what it found.
async fn the_set_is_read_in_pages_and_since_a_number(store: &Store) {
    let db = &store.db;
    let entry = |number: i64| Revocation {
        kind: if number % 2 == 0 { RevocationKind::Grant } else { RevocationKind::Session },
        subject: format!("paged-{number}"),
        version: 0,
        number,
        revoked_at: NOW,
        expires_at: NOW.plus(60),
    };
    let mut tx = store.begin().await.unwrap();
    for number in 11..=20 {
        assert!(revocations::record_new(&mut tx, &entry(number)).await.unwrap());
        let subject = entry(number).subject;
        revocations::set_number(&mut tx, (entry(number).kind, &subject), number).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut all, mut after) = (Vec::new(), (String::new(), String::new()));
    loop {
        let page = revocations::page(db, (&after.0, &after.1), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.kind.as_str().to_owned(), last.subject.clone());
        assert!(page.len() <= 3);
        all.extend(page);
    }
    assert_eq!(all.len(), 11);
    assert!((11..=20).all(|number| all.contains(&entry(number))));
    let since: Vec<_> = (16..=18).map(entry).collect();
    assert_eq!(revocations::since(db, 15, 3).await.unwrap(), since);
    assert!(revocations::since(db, 20, 3).await.unwrap().is_empty());
    assert_eq!(revocations::purge(db, NOW.plus(60), 99).await.unwrap(), 10);
}

/// Each number of rows that has a text of its own, new and known. Leaves what it found.
async fn very_many_are_recorded_at_once(store: &Store) {
    let db = &store.db;
    let entry = |n: i64, number: i64| Revocation {
        kind: RevocationKind::Session,
        subject: format!("many-{n}"),
        version: 0,
        number,
        revoked_at: NOW,
        expires_at: NOW.plus(60),
    };
    let made: Vec<_> = (0..2_047).map(|n| entry(n, 30)).collect();
    let mut tx = store.begin().await.unwrap();
    revocations::record(&mut tx, &[]).await.unwrap();
    revocations::record(&mut tx, &made).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(revocations::since(db, 29, 9_999).await.unwrap().len(), 2_047);
    let again: Vec<_> = (1_000..1_003).map(|n| entry(n, 31)).collect();
    revocations::record(db, &again).await.unwrap();
    let mut found = revocations::since(db, 30, 9).await.unwrap();
    found.sort_by(|a, b| a.subject.cmp(&b.subject));
    assert_eq!(found, again);
    assert_eq!(revocations::purge(db, NOW.plus(60), 9_999).await.unwrap(), 2_047);
}

pub(crate) async fn used_jtis_conform(store: &Store) {
    let db = &store.db;
    assert!(used_jtis::spend(db, "j1", NOW.plus(60)).await.unwrap());
    assert!(!used_jtis::spend(db, "j1", NOW.plus(90)).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    assert!(used_jtis::spend(&mut tx, "j2", NOW.plus(60)).await.unwrap());
    drop(tx);
    assert!(used_jtis::spend(db, "j2", NOW.plus(60)).await.unwrap(), "what is undone is unused");
    assert_eq!(cleanup::purge(db, NOW.plus(59), 9).await.unwrap().rows, 0);
    assert!(!used_jtis::spend(db, "j1", NOW).await.unwrap());
}

pub(crate) async fn sync_conforms(store: &Store) {
    let db = &store.db;
    let before = sync::read(db).await.unwrap();
    assert_eq!(sync::bump_catalog(db).await.unwrap(), before.catalog + 1);
    assert_eq!(sync::bump_revocations(db).await.unwrap(), before.revocations + 1);
    let after = sync::read(db).await.unwrap();
    assert_eq!(after.catalog, before.catalog + 1);
    assert_eq!(after.revocations, before.revocations + 1);
    let theirs = sync::clock(db).await.unwrap();
    let ours = Clock::System.now();
    assert!(theirs.is_none_or(|theirs| theirs.since(ours).abs() < 60), "{theirs:?}");
    assert_eq!(theirs.is_some(), matches!(db, Db::Postgres { .. }));
}

pub(crate) async fn audit_conforms(store: &Store) {
    let db = &store.db;
    for (id, after) in [("e1", 0), ("e2", 1), ("e3", 1), ("e4", 2)] {
        audit::append(db, &event(id, NOW.plus(after))).await.unwrap();
    }
    let mut odd = event("e5", NOW.plus(3));
    odd.kind = "client.created".to_owned();
    odd.outcome = Outcome::Success;
    odd.actor = Some("a\0b".to_owned());
    odd.client_id = Some("app".to_owned());
    odd.user_id = None;
    odd.detail = serde_json::json!("x\0y");
    audit::append(db, &odd).await.unwrap();

    let list = |filter: AuditFilter| async move { audit::list(&store.db, &filter).await.unwrap() };
    let ids = |events: &[audit::AuditEvent]| {
        events.iter().map(|event| event.id.clone()).collect::<Vec<_>>()
    };
    let all = AuditFilter { limit: 3, ..AuditFilter::default() };
    let page = list(all.clone()).await;
    assert_eq!(ids(&page), ["e5", "e4", "e3"]);
    let after = Cursor::parse(&page[2].cursor().to_string());
    assert_eq!(ids(&list(AuditFilter { after, ..all.clone() }).await), ["e2", "e1"]);
    assert_eq!(page[2], event("e3", NOW.plus(1)));
    assert_eq!(page[0].actor.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(page[0].detail, serde_json::json!({ "value": "x\u{fffd}y" }));

    let some = |text: &str| Some(text.to_owned());
    let filters = [
        AuditFilter { kind: some("client.created"), ..all.clone() },
        AuditFilter { client_id: some("app"), ..all.clone() },
        AuditFilter { request_id: some("r-e5"), ..all.clone() },
    ];
    for filter in filters {
        assert_eq!(ids(&list(filter).await), ["e5"]);
    }
    let both =
        AuditFilter { user_id: some("u-alice"), kind: some("client.created"), ..all.clone() };
    assert!(list(both).await.is_empty(), "every filter counts");
    let filter = AuditFilter { user_id: some("u-alice"), limit: 9, ..AuditFilter::default() };
    assert_eq!(list(filter.clone()).await.len(), 4);
    let after = Some(event("e3", NOW.plus(1)).cursor());
    assert_eq!(ids(&list(AuditFilter { after, ..filter }).await), ["e2", "e1"]);
}

pub(crate) async fn cleanup_conforms(store: &Store) {
    let db = &store.db;
    grants::insert(db, &grant("gx", "u-alice", "app")).await.unwrap();
    refresh_families::insert(db, &family("fx", "gx")).await.unwrap();
    for (name, used) in [("sx", 77), ("sy", 88)] {
        sessions::insert(db, &session(name, "u-alice")).await.unwrap();
        let seen = [(SessionId::new(name), NOW.plus(used))];
        sessions::touch_many(db, &seen).await.unwrap();
    }
    sessions::revoke(db, &SessionId::new("sy"), NOW).await.unwrap();
    links::insert(db, &link("lx", None)).await.unwrap();
    assert_eq!(cleanup::purge(db, NOW, 100).await.unwrap().rows, 0);
    // A family goes when nobody has used it in time; its grant stays to its own end.
    assert!(cleanup::purge(db, NOW.plus(100), 100).await.unwrap().rows >= 1);
    assert!(refresh_families::with_grant(db, &FamilyId::new("fx")).await.unwrap().is_none());
    assert!(grants::by_id(db, &GrantId::new("gx")).await.unwrap().is_some());
    let end = NOW.plus(100_000);
    let (mut purged, mut unended) = (0, Vec::new());
    loop {
        let step = cleanup::purge(db, end, 2).await.unwrap();
        assert!(step.rows <= 18, "at most two of each kind");
        purged += step.rows;
        unended.extend(step.unended_sessions);
        if step.rows == 0 {
            break;
        }
    }
    assert!(purged >= 5);
    assert!(unended.contains(&77), "one that was left alone, to its last use: {unended:?}");
    assert!(!unended.contains(&88), "one that was ended has been counted then");
    assert!(used_jtis::spend(db, "j1", end).await.unwrap(), "it is forgotten");
    assert_eq!(grants::by_id(db, &GrantId::new("gx")).await.unwrap(), None);
    assert_eq!(sessions::by_id(db, &SessionId::new("sx")).await.unwrap(), None);
    assert_eq!(links::live(db, "lx", NOW).await.unwrap(), None);
}
