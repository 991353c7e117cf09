//! Sessions, grants and refresh families.

use doorward::protocol::types::{ClientId, FamilyId, GrantId, SessionId, UserId};
use doorward::store::grants::refresh_families::{self, Rotated};
use doorward::store::grants::{self, Grant, Inserted, Offline};
use doorward::store::sessions::session_clients;
use doorward::store::sessions::{self, EndedSession, Renewal, SessionFilter};
use doorward::store::{Cursor, Store, StoreError, clients, users};

use super::fixtures::{NOW, family, grant, rotation, session, user};

pub(crate) async fn sessions_conform(store: &Store) {
    let db = &store.db;
    let alice = UserId::new("u-alice");
    for (n, id) in ["s1", "s2", "s3"].into_iter().enumerate() {
        let mut session = session(id, "u-alice");
        session.created_at = NOW.plus(i64::try_from(n / 2).unwrap());
        sessions::insert(db, &session).await.unwrap();
    }
    sessions::insert(db, &session("b1", "u-bob")).await.unwrap();
    assert_eq!(sessions::insert(db, &session("x", "nobody")).await, Err(StoreError::Conflict));
    let s1 = session("s1", "u-alice");
    assert_eq!(sessions::by_hash(db, "hash-s1").await.unwrap().as_ref(), Some(&s1));
    assert_eq!(sessions::by_id(db, &s1.id).await.unwrap().as_ref(), Some(&s1));
    assert_eq!(sessions::by_hash(db, "hash-\0").await.unwrap(), None);

    let ids = |filter: SessionFilter| async move {
        let found = sessions::list(&store.db, &filter).await.unwrap();
        let cursor = found.last().map(sessions::Session::cursor);
        (found.iter().map(|s| s.id.to_string()).collect::<Vec<_>>(), cursor)
    };
    let mine = SessionFilter { user: Some(alice.clone()), limit: 2, ..SessionFilter::default() };
    let (page, after) = ids(mine.clone()).await;
    assert_eq!(page, ["s3", "s2"]);
    assert_eq!(ids(SessionFilter { after, ..mine }).await.0, ["s1"]);
    let (page, after) = ids(SessionFilter { limit: 3, ..SessionFilter::default() }).await;
    assert_eq!(page, ["s3", "s2", "s1"]);
    assert_eq!(ids(SessionFilter { after, limit: 3, ..SessionFilter::default() }).await.0, ["b1"]);

    renewal_conforms(store).await;

    assert_eq!(sessions::count_live(db, NOW, 99).await.unwrap(), 4);
    assert_eq!(sessions::count_live(db, NOW, 2).await.unwrap(), 3, "it stops counting");
    let seen = [(SessionId::new("s2"), NOW.plus(3_000)), (SessionId::new("s3"), NOW.plus(-9))];
    sessions::touch_many(db, &seen).await.unwrap();
    sessions::touch_many(db, &[]).await.unwrap();
    let last_seen = |id: &'static str| async move {
        let id = SessionId::new(id);
        sessions::by_id(&store.db, &id).await.unwrap().unwrap().last_seen_at
    };
    assert_eq!((last_seen("s2").await, last_seen("s3").await), (NOW.plus(3_000), NOW));
    assert_eq!(sessions::count_live(db, NOW.plus(3_700), 99).await.unwrap(), 1);
    let live = |user: Option<&str>, after| SessionFilter {
        user: user.map(UserId::new),
        live_at: Some(NOW.plus(after)),
        limit: 9,
        ..SessionFilter::default()
    };
    assert_eq!(ids(live(None, 3_700)).await.0, ["s2"]);
    assert_eq!(ids(live(Some("u-alice"), 3_700)).await.0, ["s2"]);
    assert!(ids(live(Some("u-bob"), 3_700)).await.0.is_empty(), "idle");
    assert!(ids(live(None, 43_200)).await.0.is_empty(), "past the absolute limit");

    last_own_conforms(store).await;
    ends_conform(store, &alice).await;
    assert_eq!(sessions::count_live(db, NOW, 99).await.unwrap(), 1);
    assert_eq!(ids(live(None, 0)).await.0, ["b1"], "revoked ones are dead");
}

/// One session ends, then all but one, then that one.
async fn ends_conform(store: &Store, alice: &UserId) {
    let db = &store.db;
    assert!(sessions::revoke(db, &SessionId::new("s1"), NOW).await.unwrap().is_some());
    assert_eq!(sessions::revoke(db, &SessionId::new("s1"), NOW).await.unwrap(), None);
    let kept = SessionId::new("s2");
    let ended = sessions::revoke_for_user(db, alice, Some(&kept), NOW).await.unwrap();
    let before = session("s3", "u-alice");
    let expected = EndedSession {
        id: before.id,
        secret_hash: before.secret_hash,
        created_at: NOW.plus(1),
        last_seen_at: NOW,
        idle_seconds: before.idle_seconds,
        expires_at: before.expires_at,
    };
    let was_over = |after| expected.was_over(NOW.plus(after));
    assert!(!was_over(expected.idle_seconds) && was_over(expected.idle_seconds + 1));
    assert_eq!(ended, [expected]);
    let ended = sessions::revoke_for_user(db, alice, None, NOW).await.unwrap();
    assert_eq!((&ended[0].id, ended[0].secret_hash.as_str()), (&kept, "hash-s2"));
    assert_eq!((ended.len(), ended[0].last_seen_at), (1, NOW.plus(3_000)));
}

/// What was disowned does not count as where somebody was; what has ended does.
async fn last_own_conforms(store: &Store) {
    let db = &store.db;
    users::insert(db, &user("travels")).await.unwrap();
    let id = UserId::new("u-travels");
    assert_eq!(sessions::last_own(db, &id).await.unwrap(), None);
    for (n, name) in (0..).zip(["t1", "t2", "t3", "t4"]) {
        let mut row = session(name, "u-travels");
        (row.created_at, row.address) = (NOW.plus(n), format!("192.0.2.{n}"));
        sessions::insert(db, &row).await.unwrap();
    }
    let last = || async { sessions::last_own(db, &id).await.unwrap().map(|(_, address)| address) };
    assert_eq!(last().await.as_deref(), Some("192.0.2.3"));
    sessions::disown(db, &SessionId::new("t4")).await.unwrap();
    assert_eq!(last().await.as_deref(), Some("192.0.2.2"));
    sessions::revoke(db, &SessionId::new("t2"), NOW).await.unwrap();
    sessions::disown_living(db, &id).await.unwrap();
    assert_eq!(last().await.as_deref(), Some("192.0.2.1"), "it had ended before");
    assert!(users::delete(db, &id).await.unwrap());
}

async fn renewal_conforms(store: &Store) {
    let renewal = Renewal {
        id: SessionId::new("s1"),
        old_hash: "hash-s1".to_owned(),
        new_hash: "fresh".to_owned(),
        auth_time: NOW.plus(7),
        acr: "2".to_owned(),
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        now: NOW.plus(7),
    };
    let late = Renewal { now: NOW.plus(3_601), ..renewal.clone() };
    assert!(!sessions::renew(&store.db, &late).await.unwrap(), "an idle session is dead");
    assert!(sessions::renew(&store.db, &renewal).await.unwrap());
    assert!(!sessions::renew(&store.db, &renewal).await.unwrap(), "the old value is dead");
    let stored = sessions::by_hash(&store.db, "fresh").await.unwrap().unwrap();
    assert_eq!((stored.acr, stored.amr, stored.auth_time), ("2".into(), renewal.amr, NOW.plus(7)));
    assert_eq!(sessions::by_hash(&store.db, "hash-s1").await.unwrap(), None);
}

pub(crate) async fn grants_conform(store: &Store) {
    let db = &store.db;
    let mut g1 = grant("g1", "u-alice", "app");
    g1.session_id = Some(SessionId::new("s1"));
    assert_eq!(grants::insert(db, &g1).await.unwrap(), Inserted::New);
    assert_eq!(grants::insert(db, &g1).await.unwrap(), Inserted::Duplicate);
    let orphan = grants::insert(db, &grant("g9", "nobody", "app")).await;
    assert_eq!(orphan, Err(StoreError::Conflict));
    assert_eq!(grants::by_id(db, &g1.id).await.unwrap().as_ref(), Some(&g1));

    let mut offline = grant("g2", "u-alice", "batch");
    offline.session_id = g1.session_id.clone();
    offline.offline = true;
    offline.created_at = NOW.plus(1);
    grants::insert(db, &offline).await.unwrap();
    let session = SessionId::new("s1");
    let clients = grants::clients_of_session(db, &session).await.unwrap();
    assert_eq!(clients, [ClientId::new("app"), ClientId::new("batch")]);
    let alice = UserId::new("u-alice");
    let listed = grants::list_for_user(db, &alice, NOW).await.unwrap();
    assert_eq!(listed, [offline.clone(), g1.clone()]);
    assert!(grants::list_for_user(db, &alice, NOW.plus(1_000)).await.unwrap().is_empty());

    let ended = grants::revoke_for_session(db, &session, NOW, Offline::Keep).await.unwrap();
    assert_eq!(ended, [g1.id.clone()]);
    let ended = grants::revoke_for_session(db, &session, NOW, Offline::Revoke).await.unwrap();
    assert_eq!(ended, [offline.id]);
    // What was only allowed in it, as a device's grant, goes with those that outlive it.
    let device = grant("g2d", "u-alice", "batch");
    grants::insert(db, &device).await.unwrap();
    grants::note_approval(db, &device.id, &session).await.unwrap();
    assert!(grants::revoke_for_session(db, &session, NOW, Offline::Keep).await.unwrap().is_empty());
    let ended = grants::revoke_for_session(db, &session, NOW, Offline::Revoke).await.unwrap();
    assert_eq!(ended, [device.id]);
    assert!(!grants::revoke(db, &g1.id, NOW).await.unwrap());
    assert_eq!(grants::by_id(db, &g1.id).await.unwrap().unwrap().revoked_at, Some(NOW));

    for (id, user, client) in [
        ("g3", "u-alice", "app"),
        ("g4", "u-alice", "batch"),
        ("g5", "u-bob", "batch"),
        ("g6", "u-bob", "app"),
    ] {
        grants::insert(db, &grant(id, user, client)).await.unwrap();
    }
    let (app, batch) = (ClientId::new("app"), ClientId::new("batch"));
    assert_eq!(
        grants::revoke_for_consent(db, &alice, &app, NOW).await.unwrap(),
        [GrantId::new("g3")]
    );
    let mut ended = grants::revoke_for_client(db, &batch, NOW).await.unwrap();
    ended.sort();
    assert_eq!(ended, [GrantId::new("g4"), GrantId::new("g5")]);
    let bob = UserId::new("u-bob");
    assert_eq!(grants::revoke_for_user(db, &bob, NOW).await.unwrap(), [GrantId::new("g6")]);
    assert!(grants::clients_of_session(db, &session).await.unwrap().is_empty());
    grants_end_by_what_they_hang_on(store).await;
}

async fn grants_end_by_what_they_hang_on(store: &Store) {
    let db = &store.db;
    let (bob, kept) = (UserId::new("u-bob"), SessionId::new("s-kept"));
    for (id, session, offline) in [
        ("h1", Some("s-kept"), false),
        ("h2", Some("s-other"), false),
        ("h3", Some("s-kept"), true),
        ("h4", None, true),
        ("h5", None, false),
    ] {
        let mut granted = grant(id, "u-bob", "app");
        granted.session_id = session.map(SessionId::new);
        granted.offline = offline;
        grants::insert(db, &granted).await.unwrap();
    }
    let ids = |mut ids: Vec<GrantId>| {
        ids.sort();
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let asked = [kept.clone(), SessionId::new("s-other"), SessionId::new("nobody")];
    let mut apps = session_clients::of_sessions(db, &asked).await.unwrap();
    apps.sort();
    let app = ClientId::new("app");
    assert_eq!(apps, [(kept.clone(), app.clone()), (SessionId::new("s-other"), app)]);
    let ended = grants::revoke_bound(db, &bob, Some(&kept), NOW).await.unwrap();
    assert_eq!(ids(ended), ["h2"]);
    assert_eq!(ids(grants::revoke_bound(db, &bob, None, NOW).await.unwrap()), ["h1"]);
    let ended = grants::revoke_unbound(db, &bob, NOW).await.unwrap();
    assert_eq!(ids(ended), ["h3", "h4", "h5"]);
    assert!(grants::revoke_unbound(db, &bob, NOW).await.unwrap().is_empty());
    assert!(session_clients::of_sessions(db, &[]).await.unwrap().is_empty());
}

/// The one family that this person has let in, behind a place, first of all, and while its app is disabled.
async fn families_are_listed(store: &Store, granted: &Grant) {
    let (db, alice, at) = (&store.db, &granted.user_id, granted.created_at);
    for (place, behind) in [("gf", 0), ("gg", 1)] {
        let of = (alice, Some(Cursor { at, id: place.to_owned() }));
        let page = refresh_families::living_of_user(db, of, NOW, 9).await.unwrap();
        assert_eq!(page.len(), behind, "{place}");
    }
    for (disabled_at, count) in [(None, 1), (Some(NOW), 0), (None, 1)] {
        assert!(clients::set_disabled(db, &granted.client_id, disabled_at, NOW).await.unwrap());
        let page = refresh_families::living_of_user(db, (alice, None), NOW, 9).await.unwrap();
        let first = refresh_families::foremost_of_user(db, alice, NOW, 9).await.unwrap();
        assert_eq!((page.len(), first.len()), (count, count), "{disabled_at:?}");
    }
}

pub(crate) async fn families_conform(store: &Store) {
    let db = &store.db;
    // What belongs to an app that is disabled is not listed.
    let app = ClientId::new("app");
    assert!(clients::set_disabled(db, &app, None, NOW).await.unwrap());
    let granted = grant("gf", "u-alice", "app");
    let mut tx = store.begin().await.unwrap();
    grants::insert(&mut tx, &granted).await.unwrap();
    refresh_families::insert(&mut tx, &family("f1", "gf")).await.unwrap();
    tx.commit().await.unwrap();
    let id = FamilyId::new("f1");
    let (stored, with) = refresh_families::with_grant(db, &id).await.unwrap().unwrap();
    assert_eq!((stored, with), (family("f1", "gf"), granted.clone()));
    assert!(refresh_families::with_grant(db, &FamilyId::new("no")).await.unwrap().is_none());

    let living = |user: &'static str, after, limit| async move {
        let (user, now) = (UserId::new(user), NOW.plus(after));
        let of = (&user, None);
        let found = refresh_families::living_of_user(&store.db, of, now, limit).await.unwrap();
        found.into_iter().map(|(family, _)| family.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(living("u-alice", 99, 9).await, ["f1"]);
    assert!(living("u-alice", 100, 9).await.is_empty(), "idle");
    assert!(living("u-alice", 0, 0).await.is_empty() && living("u-bob", 0, 9).await.is_empty());
    families_are_listed(store, &granted).await;

    let rotate = |r| async move { refresh_families::rotate(&store.db, &r).await.unwrap() };
    assert_eq!(rotate(rotation("f1", "wrong", "h1")).await, Rotated::No);
    let mut idle = rotation("f1", "h0", "h1");
    idle.now = NOW.plus(100);
    assert_eq!(rotate(idle).await, Rotated::No, "idle for too long");
    assert_eq!(rotate(rotation("f1", "h0", "h1")).await, Rotated::Yes);
    assert_eq!(rotate(rotation("f1", "h0", "h2")).await, Rotated::No);
    let (stored, _) = refresh_families::with_grant(db, &id).await.unwrap().unwrap();
    assert_eq!(stored.generation, 1);
    assert_eq!((stored.current_hash, stored.previous_hash), ("h1".into(), Some("h0".into())));
    assert_eq!(stored.rotated_at, Some(NOW.plus(10)));
    assert_eq!(stored.successor_sealed.as_deref(), Some("sealed"));
    assert_eq!(stored.idle_expires_at, NOW.plus(110));
    let mut last = rotation("f1", "h1", "h2");
    last.idle_expires_at = NOW.plus(9_999);
    assert_eq!(rotate(last).await, Rotated::Yes);
    let mut late = rotation("f1", "h2", "h3");
    late.now = NOW.plus(1_000);
    assert_eq!(rotate(late).await, Rotated::No, "past the absolute end");

    assert_eq!(refresh_families::clear_successors(db, NOW.plus(10), 9).await.unwrap(), 0);
    assert_eq!(refresh_families::clear_successors(db, NOW.plus(11), 9).await.unwrap(), 1);
    let (stored, _) = refresh_families::with_grant(db, &id).await.unwrap().unwrap();
    assert_eq!(stored.successor_sealed, None);
    assert_eq!(living("u-alice", 999, 9).await, ["f1"], "used since");
    assert!(living("u-alice", 1_000, 9).await.is_empty(), "past the absolute end");
    assert!(grants::revoke(db, &granted.id, NOW).await.unwrap());
    assert!(living("u-alice", 0, 9).await.is_empty(), "revoked");
    let mut dead = rotation("f1", "h2", "h3");
    dead.now = NOW.plus(20);
    assert_eq!(rotate(dead).await, Rotated::No, "its grant is revoked");
}
