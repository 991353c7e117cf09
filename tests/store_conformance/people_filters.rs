//! People by role and by state of their account, in every order: each filter by itself and together, and an index
//! behind every one that few people fit.

use std::time::{Duration, Instant};

use doorward::protocol::user::{AccountState, AdminRole, User};
use doorward::store::order::Order;
use doorward::store::users::{self, UserFilter};
use doorward::store::{Cursor, DatabaseSettings, Db, Store, group_managers, groups};

use super::fixtures::{NOW, user};
use super::people_pages::{a_search_finds_by_every_column, every_page_has_an_index, plan};
use super::servers::Postgres;
use super::sqlite;

/// How many people there are.
const MANY: usize = 6_000;

/// One in so many is an auditor, is disabled, is to be deleted.
const AUDITORS: usize = 100;
const DISABLED: usize = 150;
const LEAVING: usize = 200;

fn person(n: usize) -> User {
    let mut person = user(&format!("p{n:05}"));
    person.created_at = NOW.plus(i64::try_from(MANY - n).unwrap());
    person.role = (n % AUDITORS == 1).then_some(AdminRole::Auditor);
    person
}

async fn filled(store: &Store) {
    store.migrate().await.unwrap();
    let people: Vec<User> = (0..MANY).map(person).collect();
    let all: Vec<&User> = people.iter().collect();
    let mut tx = store.begin().await.unwrap();
    users::insert_untaken(&mut tx, &all).await.unwrap();
    for person in people.iter().skip(1).step_by(DISABLED) {
        users::set_disabled(&mut tx, &person.id, Some(NOW), NOW).await.unwrap();
    }
    for person in people.iter().skip(2).step_by(LEAVING) {
        users::set_disabled(&mut tx, &person.id, Some(NOW), NOW).await.unwrap();
        users::leaving::set(&mut tx, &person.id, NOW.plus(9)).await.unwrap();
    }
    tx.commit().await.unwrap();
    groups::insert(&store.db, "crew", NOW).await.unwrap();
    for person in &people[..302] {
        groups::add_member(&store.db, ("crew", &person.id), NOW).await.unwrap();
    }
    assert!(group_managers::add(&store.db, ("crew", &people[0].id), NOW).await.unwrap());
}

/// The usernames of everybody who fits, page by page.
async fn names(store: &Store, filter: &UserFilter) -> Vec<String> {
    let (mut filter, mut names) = (filter.clone(), Vec::new());
    loop {
        let page = users::list(&store.db, &filter).await.unwrap();
        let Some(last) = page.last() else { return names };
        let cursor = Cursor { at: last.created_at, id: last.id.to_string() };
        filter.order = match filter.order {
            Order::Name(_) => Order::Name(last.username.clone()),
            Order::NameDown(_) => Order::NameDown(last.username.clone()),
            Order::Newest(_) => Order::Newest(Some(cursor)),
            Order::Oldest(_) => Order::Oldest(Some(cursor)),
        };
        names.extend(page.into_iter().map(|user| user.username));
        assert!(names.len() <= MANY, "pages end");
    }
}

/// Who fits, by what was put in.
fn fits(n: usize, filter: &UserFilter) -> bool {
    let state = match n {
        n if n % LEAVING == 2 => AccountState::ToBeDeleted,
        n if n % DISABLED == 1 => AccountState::Disabled,
        _ => AccountState::Active,
    };
    filter.role.is_none_or(|role| person(n).role == Some(role))
        && filter.state.is_none_or(|asked| asked == state)
        && (filter.manager.is_none() || n < 302)
        && (filter.search.is_none() || person(n).username.starts_with("p001"))
}

async fn everybody_who_fits(store: &Store) {
    let states = AccountState::ALL.into_iter().map(Some).chain([None]);
    let manager = Some(person(0).id);
    for state in states {
        for role in [None, Some(AdminRole::Auditor), Some(AdminRole::Owner)] {
            for (search, manager) in
                [(None, None), (Some("P001".to_owned()), None), (None, manager.clone())]
            {
                let filter = UserFilter {
                    search,
                    manager,
                    role,
                    state,
                    limit: 1_000,
                    ..UserFilter::default()
                };
                let fit = (0..MANY).filter(|n| fits(*n, &filter));
                let by_name: Vec<_> = fit.map(|n| format!("p{n:05}")).collect();
                let reversed: Vec<_> = by_name.iter().rev().cloned().collect();
                // Whoever comes first by name was added last.
                for (order, expected) in [
                    (Order::default(), &by_name),
                    (Order::NameDown(String::new()), &reversed),
                    (Order::Newest(None), &by_name),
                    (Order::Oldest(None), &reversed),
                ] {
                    let filter = UserFilter { order, ..filter.clone() };
                    assert_eq!(&names(store, &filter).await, expected, "{filter:?}");
                }
            }
        }
    }
}

async fn each_filter_has_an_index(store: &Store) {
    if matches!(store.db, Db::Postgres { .. }) {
        store.db.query("analyze users").execute().await.unwrap();
    }
    let auditors =
        UserFilter { role: Some(AdminRole::Auditor), limit: 26, ..UserFilter::default() };
    let in_state = |state| UserFilter { state: Some(state), limit: 26, ..UserFilter::default() };
    for (index, filter) in [
        ("users_role", auditors),
        ("users_disabled", in_state(AccountState::Disabled)),
        ("users_leaving", in_state(AccountState::ToBeDeleted)),
    ] {
        for (order, by) in [(Order::default(), "name"), (Order::Oldest(None), "created")] {
            let filter = UserFilter { order, ..filter.clone() };
            let plan = plan(store, &filter).await;
            // Few of these there are, so PostgreSQL may as well sort what the index of the clean-up finds.
            if index == "users_leaving" && plan.contains("users_delete_at") {
                continue;
            }
            assert!(plan.contains(&format!("{index}_{by}")), "{filter:?}\n{plan}");
            let is_sorted = plan.contains("FOR ORDER BY") || plan.contains("Sort Key: u.");
            assert!(!is_sorted, "{filter:?}\n{plan}");
        }
    }
}

/// The state that most people have is read along the list. When nobody has it, that is everybody.
async fn nobody_is_found_in_time(store: &Store) {
    let everybody = "update users set disabled_at = 1, delete_at = null";
    store.db.query(everybody).execute().await.unwrap();
    for order in [Order::default(), Order::Oldest(None)] {
        let state = Some(AccountState::Active);
        let filter = UserFilter { order, state, limit: 26, ..UserFilter::default() };
        let began = Instant::now();
        assert!(users::list(&store.db, &filter).await.unwrap().is_empty());
        // A hundred times what it takes, so that a busy machine does not matter: what is wrong here is a sort
        // or a look at groups for each of them.
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

async fn conforms(store: Store) {
    filled(&store).await;
    everybody_who_fits(&store).await;
    each_filter_has_an_index(&store).await;
    every_page_has_an_index(&store).await;
    a_search_finds_by_every_column(&store).await;
    nobody_is_found_in_time(&store).await;
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_finds_people_by_role_and_state() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_finds_people_by_role_and_state() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}
