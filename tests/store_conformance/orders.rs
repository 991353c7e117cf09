//! Lists in each order, page by page: everybody once, nobody twice.

use doorward::store::clients::{self, ClientFilter};
use doorward::store::order::Order;
use doorward::store::users::{self, UserFilter};
use doorward::store::{Cursor, Store, group_managers, groups};

use super::fixtures::{NOW, client, user};

/// Names in their order, each with when it was added: two were added in the same second.
const ADDED: [(&str, i64); 5] =
    [("zz-ada", 30), ("zz-bea", 10), ("zz-cleo", 20), ("zz-dora", 20), ("zz-eva", 40)];
const NEWEST: [&str; 5] = ["zz-eva", "zz-ada", "zz-dora", "zz-cleo", "zz-bea"];

/// One row of a list: its name, and its place in an order by time.
type Row = (String, Cursor);

pub(crate) async fn orders_conform(store: &Store) {
    let db = &store.db;
    for (name, later) in ADDED {
        let mut person = user(name);
        person.created_at = NOW.plus(later);
        users::insert(db, &person).await.unwrap();
        let mut app = client(name);
        app.created_at = NOW.plus(later);
        clients::insert(db, &app).await.unwrap();
    }
    everybody_once(async |order| {
        let search = Some("zz-".to_owned());
        let filter = UserFilter { search, order, limit: 2, ..UserFilter::default() };
        rows_of_people(store, &filter).await
    })
    .await;
    everybody_once(async |order| {
        let search = Some("zz-".to_owned());
        let found = clients::list(db, &ClientFilter { search, order, limit: 2 }).await.unwrap();
        let row = |app: doorward::protocol::client::Client| {
            let id = app.id.to_string();
            (id.clone(), Cursor { at: app.created_at, id })
        };
        found.into_iter().map(row).collect()
    })
    .await;
    a_manager_sees_their_own(store).await;
    // A place from nowhere is no error.
    let odd = Cursor { at: NOW, id: "nobody".to_owned() };
    for order in [Order::Newest(Some(odd.clone())), Order::Oldest(Some(odd))] {
        users::list(db, &UserFilter { order, limit: 2, ..UserFilter::default() }).await.unwrap();
    }
}

async fn rows_of_people(store: &Store, filter: &UserFilter) -> Vec<Row> {
    let found = users::list(&store.db, filter).await.unwrap();
    let row = |user: doorward::protocol::user::User| {
        let cursor = Cursor { at: user.created_at, id: user.id.to_string() };
        (user.username, cursor)
    };
    found.into_iter().map(row).collect()
}

async fn everybody_once(page: impl AsyncFn(Order) -> Vec<Row>) {
    let by_name: Vec<_> = ADDED.iter().map(|(name, _)| *name).collect();
    let reversed = |names: &[&'static str]| names.iter().rev().copied().collect::<Vec<_>>();
    type Next = fn(Row) -> Order;
    let orders: [(Order, Next, Vec<&str>); 4] = [
        (Order::default(), |(name, _)| Order::Name(name), by_name.clone()),
        (Order::NameDown(String::new()), |(name, _)| Order::NameDown(name), reversed(&by_name)),
        (Order::Newest(None), |(_, cursor)| Order::Newest(Some(cursor)), NEWEST.to_vec()),
        (Order::Oldest(None), |(_, cursor)| Order::Oldest(Some(cursor)), reversed(&NEWEST)),
    ];
    for (first, next, expected) in orders {
        let (mut order, mut seen) = (first, Vec::new());
        loop {
            let rows = page(order).await;
            let Some(last) = rows.last().cloned() else { break };
            seen.extend(rows.into_iter().map(|(name, _)| name));
            assert!(seen.len() <= expected.len(), "{seen:?}");
            order = next(last);
        }
        assert_eq!(seen, expected);
    }
}

async fn a_manager_sees_their_own(store: &Store) {
    let db = &store.db;
    let manager = user("zz-ada").id;
    groups::insert(db, "zz-group", NOW).await.unwrap();
    for member in ["zz-bea", "zz-eva"] {
        groups::add_member(db, ("zz-group", &user(member).id), NOW).await.unwrap();
    }
    assert!(group_managers::add(db, ("zz-group", &manager), NOW).await.unwrap());
    let names = async |order| {
        let manager = Some(manager.clone());
        let filter = UserFilter { order, limit: 9, manager, ..UserFilter::default() };
        let rows = rows_of_people(store, &filter).await;
        rows.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(Order::NameDown(String::new())).await, ["zz-eva", "zz-bea"]);
    assert_eq!(names(Order::Newest(None)).await, ["zz-eva", "zz-bea"]);
    assert_eq!(names(Order::Oldest(None)).await, ["zz-bea", "zz-eva"]);
}
