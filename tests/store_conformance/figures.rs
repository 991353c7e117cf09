//! What lists and overviews show beside their rows, with people and clients of its own.

use doorward::protocol::types::UserId;
use doorward::store::{Store, audit, clients, figures, sessions, users};

use super::fixtures::{NOW, client, event, session, user};

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
}
