//! Pages of people, from the beginning and from the middle, in every order: what each of them costs does not
//! grow with how many there are, because the database reads along an index and sorts nothing.
//!
//! Not claimed here, and why:
//!
//! - A search that many people fit is read along the list on SQLite, until the page is full. It sorts nothing
//!   either. One that few fit has indexes, as each has on PostgreSQL, and sorts those few.
//! - Those whom somebody looks after are found by their groups and sorted.
//!
//! How long these take with many people, `cargo bench --bench load -- --people` measures. The list itself
//! counts nobody, and the overview stops counting at ten thousand (`figures`).

use doorward::protocol::user::{AccountState, AdminRole};
use doorward::store::order::Order;
use doorward::store::users::{self, UserFilter};
use doorward::store::{Cursor, Db, Store};

use super::fixtures::NOW;

/// How the database finds such a page.
pub(crate) async fn plan(store: &Store, filter: &UserFilter) -> String {
    plan_of(store, (users::list_statement(filter), filter)).await
}

async fn plan_of(store: &Store, (statement, filter): (&str, &UserFilter)) -> String {
    let lines: Vec<String> = match store.db {
        Db::Sqlite { .. } => {
            let explain = Box::leak(format!("explain query plan {statement}").into_boxed_str());
            let rows = store.db.query(explain).all::<(i64, i64, i64, String)>().await.unwrap();
            rows.into_iter().map(|row| row.3).collect()
        }
        Db::Postgres { .. } => {
            let mut explain = format!("explain {statement}");
            for (number, value) in parameters(filter).iter().enumerate().rev() {
                explain = explain.replace(&format!("${}", number + 1), value);
            }
            let rows = store.db.query(Box::leak(explain.into_boxed_str()));
            let rows = rows.all::<(String,)>().await.unwrap();
            rows.into_iter().map(|row| row.0).collect()
        }
    };
    lines.join("\n")
}

/// What `users::list` binds, in its order, as it stands in a text for PostgreSQL.
fn parameters(filter: &UserFilter) -> Vec<String> {
    let quoted = |text: &str| format!("'{text}'");
    let nothing = || "null::text".to_owned();
    let behind = |cursor: &Option<Cursor>, start: i64| match cursor {
        Some(cursor) => (cursor.id.clone(), Some(cursor.at.0)),
        None => (String::new(), Some(start)),
    };
    let (place, time) = match &filter.order {
        Order::Name(name) | Order::NameDown(name) => (name.clone(), None),
        Order::Newest(cursor) => behind(cursor, i64::MAX),
        Order::Oldest(cursor) => behind(cursor, i64::MIN),
    };
    let search = filter.search.as_deref();
    let pattern = search.map_or_else(nothing, |text| format!("'{text}%'"));
    let mut values = vec![quoted(&place), pattern, filter.limit.to_string()];
    values.extend(time.map(|time| format!("'{time}'::bigint")));
    values.push(search.map_or_else(nothing, quoted));
    values.extend(filter.manager.iter().map(|manager| quoted(manager.as_str())));
    values.extend(filter.role.map(|role| quoted(role.as_str())));
    values
}

/// The first page and one from the middle, in every order, each with what its index is known by on SQLite and
/// on PostgreSQL.
fn places() -> [(Order, [&'static str; 2]); 8] {
    // Added in the reverse order of their names, so this is somebody in the middle of both.
    let middle = || Some(Cursor { at: NOW.plus(3_000), id: "u-p03000".to_owned() });
    let (up, down) = (["(username>?", "users_username_key"], ["(username<?", "users_username_key"]);
    let added = ["users_created", "users_created"];
    [
        (Order::default(), up),
        (Order::Name("p03000".to_owned()), up),
        (Order::NameDown(String::new()), down),
        (Order::NameDown("p03000".to_owned()), down),
        (Order::Newest(None), added),
        (Order::Newest(middle()), added),
        (Order::Oldest(None), added),
        (Order::Oldest(middle()), added),
    ]
}

/// Whether all people are read, in whatever order they lie.
fn reads_everybody(plan: &str) -> bool {
    let is_scan = |line: &str| {
        ["SCAN u", "SCAN l", "SCAN users"].iter().any(|scan| {
            line.strip_prefix(scan).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    plan.lines().any(is_scan) || plan.contains("Seq Scan on users")
}

/// Whether people are sorted; what is sorted to name the roles of one of them is something else.
fn sorts(plan: &str) -> bool {
    plan.contains("FOR ORDER BY") || plan.contains("Sort Key: u.")
}

fn assert_read_along(plan: &str, [on_sqlite, on_postgres]: [&str; 2], filter: &UserFilter) {
    let is_found = plan.lines().any(|line| {
        line.starts_with("SEARCH u USING INDEX ") && line.contains(on_sqlite)
            || line.contains("Index Scan") && line.contains(on_postgres)
    });
    assert!(is_found && !reads_everybody(plan) && !sorts(plan), "{filter:?}\n{plan}");
}

/// What `filled` of `people_filters` has put in is read along an index wherever this says so.
pub(crate) async fn every_page_has_an_index(store: &Store) {
    for (order, index) in places() {
        let everybody = UserFilter { order, limit: 26, ..UserFilter::default() };
        // Most people are active, so these are read along the list of everybody.
        for state in [None, Some(AccountState::Active)] {
            let filter = UserFilter { state, ..everybody.clone() };
            assert_read_along(&plan(store, &filter).await, index, &filter);
        }
        let auditors = UserFilter { role: Some(AdminRole::Auditor), ..everybody.clone() };
        let in_state = |state| UserFilter { state: Some(state), ..everybody.clone() };
        let (disabled, leaving) =
            (in_state(AccountState::Disabled), in_state(AccountState::ToBeDeleted));
        for filter in [auditors, disabled, leaving] {
            let plan = plan(store, &filter).await;
            assert!(!reads_everybody(&plan), "{filter:?}\n{plan}");
        }
        let search = Some("p00012".to_owned());
        a_search_has_indexes(store, &UserFilter { search, ..everybody }, index).await;
    }
}

/// Each way in which somebody is found, where few fit and where so many do that SQLite reads along the list.
pub(crate) async fn a_search_finds_by_every_column(store: &Store) {
    let claims = "update users set claimed_email = 'later@example.test' where username = 'p00013'";
    store.db.query(claims).execute().await.unwrap();
    let found = async |search: &str| {
        let search = Some(search.to_owned());
        let filter = UserFilter { search, limit: 26, ..UserFilter::default() };
        let people = users::list(&store.db, &filter).await.unwrap();
        people.into_iter().map(|person| person.username).collect::<Vec<_>>()
    };
    let first: Vec<_> = (0..26).map(|n| format!("p{n:05}")).collect();
    for many in ["p", " P0 "] {
        assert_eq!(found(many).await, first, "{many}");
    }
    for (search, name) in [
        ("P00012", "p00012"),
        ("p00012@example", "p00012"),
        ("P00012 Ünder_", "p00012"),
        ("u-p00012", "p00012"),
        ("Later@", "p00013"),
    ] {
        assert_eq!(found(search).await, [name], "{search}");
    }
    for nobody in ["zz-nobody", "p00012_", "%", "u-p0001"] {
        assert_eq!(found(nobody).await, [""; 0], "{nobody}");
    }
}

async fn a_search_has_indexes(store: &Store, filter: &UserFilter, order: [&str; 2]) {
    let plan = plan(store, filter).await;
    if matches!(store.db, Db::Sqlite { .. }) {
        assert_read_along(&plan, order, filter);
        let plan = plan_of(store, (users::found_statement(filter), filter)).await;
        for column in ["username", "email", "claimed_email", "name_lower"] {
            let range = format!("({column}>? AND {column}<?)");
            assert!(plan.contains(&range), "{range}: {filter:?}\n{plan}");
        }
        assert!(!reads_everybody(&plan), "{filter:?}\n{plan}");
        return;
    }
    // By the index for `like`, or another of this column where the database sorts texts byte by byte.
    for column in ["username", "email", "claimed", "name"] {
        let index = format!("Bitmap Index Scan on users_{column}_");
        assert!(plan.contains(&index), "{index}: {filter:?}\n{plan}");
    }
    assert!(!reads_everybody(&plan), "{filter:?}\n{plan}");
}
