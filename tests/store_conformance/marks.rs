//! What people are known by, and links that are about a session.

use doorward::protocol::types::{SessionId, UserId};
use doorward::store::known_marks::{self, Mark, MarkKind};
use doorward::store::links::{self, LinkKind, OneTimeLink};
use doorward::store::{Store, StoreError, users};

use super::fixtures::{NOW, link, user};

fn mark(kind: MarkKind, text: &str) -> Mark {
    Mark { kind, mark: text.to_owned() }
}

pub(crate) async fn known_marks_conform(store: &Store) {
    let db = &store.db;
    users::insert(db, &user("marked")).await.unwrap();
    let (marked, other) = (UserId::new("u-marked"), UserId::new("u-alice"));
    for n in 0..5 {
        let device = mark(MarkKind::Device, &format!("d{n}"));
        let times = (NOW.plus(n), NOW.plus(100 + n));
        known_marks::remember(db, (&marked, &device), times).await.unwrap();
    }
    let network = mark(MarkKind::Network, "d0");
    known_marks::remember(db, (&marked, &network), (NOW, NOW.plus(100))).await.unwrap();
    // Seen again, the oldest is the newest.
    let first = mark(MarkKind::Device, "d0");
    known_marks::remember(db, (&marked, &first), (NOW.plus(9), NOW.plus(109))).await.unwrap();
    assert_eq!(known_marks::of_user(db, &marked, NOW).await.unwrap().len(), 6);
    assert_eq!(known_marks::keep_newest(db, (&marked, MarkKind::Device), 2).await.unwrap(), 3);
    let mut left = known_marks::of_user(db, &marked, NOW).await.unwrap();
    left.sort_by(|a, b| (a.kind.as_str(), &a.mark).cmp(&(b.kind.as_str(), &b.mark)));
    assert_eq!(left, [first.clone(), mark(MarkKind::Device, "d4"), network]);
    assert_eq!(known_marks::of_user(db, &marked, NOW.plus(104)).await.unwrap(), [first]);
    assert!(known_marks::of_user(db, &other, NOW).await.unwrap().is_empty());
    let nobody = UserId::new("nobody");
    let device = mark(MarkKind::Device, "d");
    let refused = known_marks::remember(db, (&nobody, &device), (NOW, NOW)).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    assert_eq!(known_marks::forget(db, &marked).await.unwrap(), 3);

    users::set_password(db, &marked, "phc", NOW).await.unwrap();
    assert!(users::remove_password(db, &marked).await.unwrap());
    assert!(!users::remove_password(db, &marked).await.unwrap());
    assert_eq!(users::password(db, &marked).await.unwrap(), None);

    let about = OneTimeLink {
        kind: LinkKind::NotMe,
        session_id: Some(SessionId::new("long-gone")),
        made_by: None,
        ..link("not-me", Some("u-marked"))
    };
    links::insert(db, &about).await.unwrap();
    assert_eq!(links::live(db, "not-me", NOW).await.unwrap(), Some(about.clone()));
    let spent = links::spend(db, "not-me", NOW).await.unwrap().unwrap();
    assert_eq!(spent, OneTimeLink { used_at: Some(NOW), ..about });
    assert_eq!(links::spend(db, "not-me", NOW).await.unwrap(), None);
    // The rows of other cases are counted.
    assert!(users::delete(db, &marked).await.unwrap());
}
