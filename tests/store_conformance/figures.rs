//! What lists and overviews show beside their rows, with people and clients of its own.

use doorward::protocol::types::UserId;
use doorward::store::waiting::{Sought, WaitingFilter};
use doorward::store::{
    Store, activity, audit, cleanup, clients, figures, outbox, sessions, users, waiting,
};
use doorward::telemetry::activity::Counts;

use super::fixtures::{NOW, client, delivery, event, session, user};

pub(crate) async fn figures_conform(store: &Store) {
    let db = &store.db;
    let before = (
        figures::count_users(db).await.unwrap(),
        figures::count_clients(db).await.unwrap(),
        figures::count_events(db, "console", NOW.plus(5)).await.unwrap(),
    );
    let mut ids = Vec::new();
    for n in 0..14 {
        let person = user(&format!("figure{n:02}"));
        users::insert(db, &person).await.unwrap();
        ids.push(person.id);
    }
    clients::insert(db, &client("figure-app")).await.unwrap();
    for (n, after) in [4, 5, 6].into_iter().enumerate() {
        let at = NOW.plus(after);
        let mut event = event(&format!("{}-7{n}-figure", audit::first_id(at)), at);
        event.kind = "console".to_owned();
        audit::append(db, &event).await.unwrap();
    }
    assert_eq!(figures::count_users(db).await.unwrap(), before.0 + 14);
    assert_eq!(figures::count_clients(db).await.unwrap(), before.1 + 1);
    let counted = figures::count_events(db, "console", NOW.plus(5)).await.unwrap();
    assert_eq!(counted, before.2 + 2, "the moment itself counts");

    people_of_a_page(store, &ids).await;
    hours_add_up(store).await;
    what_waits_is_listed(store).await;

    for id in &ids {
        assert!(users::delete(db, id).await.unwrap());
    }
    assert!(clients::delete(db, &client("figure-app").id).await.unwrap());
}

async fn people_of_a_page(store: &Store, ids: &[UserId]) {
    let db = &store.db;
    assert!(figures::usernames(db, &[]).await.unwrap().is_empty());
    let mut asked = ids.to_vec();
    asked.push(UserId::new("nobody"));
    let mut names = figures::usernames(db, &asked).await.unwrap();
    names.sort();
    assert_eq!(names.len(), 14, "asking about somebody again to fill a trip gives no second row");
    assert_eq!(names[13], (ids[13].clone(), "figure13".to_owned()));

    for (id, seen) in [("f1", 10), ("f2", 30), ("f3", 20)] {
        let mut session = session(id, ids[13].as_str());
        session.last_seen_at = NOW.plus(seen);
        sessions::insert(db, &session).await.unwrap();
    }
    let seen = figures::last_seen(db, &asked).await.unwrap();
    assert_eq!(seen, [(ids[13].clone(), NOW.plus(30))]);
    let live = async |at, most| sessions::count_of(db, (&asked, at), most).await.unwrap();
    assert_eq!((live(NOW, 9).await, live(NOW, 2).await), (3, 2), "no further than that");
    assert_eq!(live(NOW.plus(3_610), 9).await, 2, "one is idle for too long");
    assert_eq!(sessions::count_of(db, (&[], NOW), 9).await.unwrap(), 0);

    assert!(users::by_ids(db, &[]).await.unwrap().is_empty());
    let mut people = users::by_ids(db, &asked).await.unwrap();
    people.sort_by(|one, other| one.id.cmp(&other.id));
    let found: Vec<_> = people.iter().map(|person| person.id.clone()).collect();
    assert_eq!(found, ids, "each once, and nobody who is not there");
    assert_eq!(Some(&people[0]), users::by_id(db, &ids[0]).await.unwrap().as_ref());
}

/// What several nodes count in an hour is added up, and goes after ninety days.
async fn hours_add_up(store: &Store) {
    let db = &store.db;
    // Long ago, so that the clean-up finds nothing else.
    let then = NOW.plus(-400 * 86_400);
    let hour = activity::hour_of(then);
    let some = Counts { sign_ins: 1, tokens: 2, requests: 3, within_500: 3, ..Counts::default() };
    for at in [then, then.plus(1), then.plus(7_200)] {
        activity::add(db, at, &some).await.unwrap();
    }
    let read = activity::since(db, hour).await.unwrap();
    let twice = some.plus(some);
    assert_eq!(read, [(hour, twice), (hour + 2, some)]);
    assert_eq!(activity::since(db, hour + 1).await.unwrap().len(), 1);
    cleanup::purge(db, then.plus(89 * 86_400), 100).await.unwrap();
    assert_eq!(activity::since(db, hour).await.unwrap().len(), 2);
    cleanup::purge(db, then.plus(91 * 86_400), 100).await.unwrap();
    assert!(activity::since(db, hour).await.unwrap().is_empty());
}

/// The outbox as administrators see it.
async fn what_waits_is_listed(store: &Store) {
    let db = &store.db;
    let id = |n: u8| format!("zz-waiting-{n}");
    for n in 0..3 {
        let mut one = delivery(&id(n));
        one.attempts = i64::from(n.saturating_sub(1));
        outbox::insert(db, &one).await.unwrap();
        if n > 0 {
            let held = outbox::claim(db, &id(n), NOW, NOW.plus(60)).await.unwrap().unwrap();
            let later = NOW.plus(50 + i64::from(n));
            assert!(outbox::postpone(db, &held, (later, "it said no")).await.unwrap());
        }
    }
    let ids = |rows: Vec<waiting::Waiting>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let all = WaitingFilter { after: "zz-waiting-", ..WaitingFilter::default() };
    assert_eq!(ids(waiting::list(db, &all, 2).await.unwrap()), [id(0), id(1)]);
    let behind = WaitingFilter { after: &id(1), ..all };
    assert_eq!(ids(waiting::list(db, &behind, 9).await.unwrap()), [id(2)]);
    let tried = async |least, most| {
        let filter = WaitingFilter { attempts: Some((least, most)), ..all };
        ids(waiting::list(db, &filter, 9).await.unwrap())
    };
    let kind = delivery("any").kind;
    for (kinds, wanted) in
        [((kind.as_str(), "none"), 3), (("none", kind.as_str()), 3), (("none", "none"), 0)]
    {
        let filter = WaitingFilter { kinds: Some(kinds), ..all };
        assert_eq!(waiting::list(db, &filter, 9).await.unwrap().len(), wanted, "{kinds:?}");
    }
    assert_eq!(tried(0, 0).await, [id(0)]);
    assert_eq!(tried(1, 1).await, [id(1)]);
    assert_eq!(tried(1, i64::MAX).await, [id(1), id(2)]);
    troubles_are_counted(store, &kind).await;
    assert!(waiting::make_due(db, &id(2), NOW).await.unwrap());
    let held = outbox::claim(db, &id(2), NOW, NOW.plus(60)).await.unwrap().unwrap();
    assert!(outbox::postpone(db, &held, (NOW.plus(9), "it said\0no")).await.unwrap());
    let one = waiting::by_id(db, &id(2)).await.unwrap().unwrap();
    assert_eq!((one.attempts, one.last_error.as_deref()), (3, Some("it said\u{fffd}no")));
    for n in 0..3 {
        assert_eq!(waiting::discard(db, &id(n)).await.unwrap().unwrap().id, id(n));
    }
    assert_eq!(waiting::discard(db, &id(0)).await.unwrap(), None);
    assert!(!waiting::make_due(db, &id(0), NOW).await.unwrap());
    assert_eq!(waiting::by_id(db, &id(0)).await.unwrap(), None);
}

/// Of three that wait, the second was tried once and the third twice.
async fn troubles_are_counted(store: &Store, kind: &str) {
    let db = &store.db;
    let sought = |letters, most| Sought {
        letters,
        attempts: 2,
        since: NOW.plus(5),
        most,
        most_queued: 1 + most,
    };
    for (letters, most, wanted) in [
        ("none", 1_000, (1, 0, 0)),
        ("none", 1, (0, 0, 0)),
        (kind, 1_000, (0, 2, 3)),
        // What is due last is looked at first.
        (kind, 1, (0, 1, 2)),
    ] {
        let found = waiting::troubles(db, &sought(letters, most)).await.unwrap();
        let found = (found.stuck, found.letters, found.queued_letters);
        assert_eq!(found, wanted, "{letters} {most}");
    }
    // Of what was given up, letters since then count.
    for (n, (after, of, lost)) in
        [(4, kind, 0), (6, "a_webhook", 0), (5, kind, 1), (7, kind, 2)].into_iter().enumerate()
    {
        let at = NOW.plus(after);
        let mut event = event(&format!("{}-8{n}-lost", audit::first_id(at)), at);
        event.kind = "delivery.given_up".to_owned();
        event.detail = serde_json::json!({ "kind": of });
        audit::append(db, &event).await.unwrap();
        let found = waiting::troubles(db, &sought(kind, 1_000)).await.unwrap();
        assert_eq!(found.lost_letters, lost, "{of} after {after} s");
    }
}
