//! Groups of any size: another name is one row, a page of people is read in its order, and what was there
//! before groups were referred to by their ids is kept.

use doorward::protocol::types::{ClientId, UserId};
use doorward::protocol::user::User;
use doorward::store::clients::allowed_groups;
use doorward::store::clients::roles::{self, ClientRole};
use doorward::store::dump::{Before, Refill, Row, Table};
use doorward::store::{DatabaseSettings, Db, Store, clients, group_managers, groups, users};
use serde_json::{Value, json};

use super::fixtures::{NOW, client, user};
use super::servers::{Postgres, TempDir};
use super::sqlite;

/// How many are in the group.
const MANY: usize = 3_000;

/// What a rename must not write to.
const UNTOUCHED: [&str; 5] =
    ["user_groups", "group_managers", "group_roles", "users", "client_groups"];

async fn execute(store: &Store, sql: String) {
    store.db.query(Box::leak(sql.into_boxed_str())).execute().await.unwrap();
}

/// Three thousand people in one group, which an app lets in and gives a role, and somebody in charge of it;
/// as many who are not in it.
async fn filled(store: &Store) {
    store.migrate().await.unwrap();
    let db = &store.db;
    let mut people: Vec<User> = (0..2 * MANY).map(|n| user(&format!("n{n:05}"))).collect();
    for person in people.iter_mut().step_by(2) {
        person.groups = vec!["crowd".to_owned()];
    }
    let all: Vec<&User> = people.iter().collect();
    let mut tx = store.begin().await.unwrap();
    users::insert_untaken(&mut tx, &all).await.unwrap();
    groups::make(&mut tx, ["crowd".to_owned(), "small".to_owned()].iter(), NOW).await.unwrap();
    groups::join_all(&mut tx, &all).await.unwrap();
    clients::insert(&mut tx, &client("club")).await.unwrap();
    allowed_groups::replace(&mut tx, &ClientId::new("club"), &["crowd".to_owned()]).await.unwrap();
    tx.commit().await.unwrap();
    let role = ClientRole {
        client_id: ClientId::new("club"),
        name: "guest".to_owned(),
        description: None,
        people: 0,
        groups: 0,
        created_at: NOW,
    };
    assert!(roles::insert(db, &role).await.unwrap());
    assert!(roles::give_group(db, (&role.client_id, "guest"), "crowd").await.unwrap());
    assert!(group_managers::add(db, ("crowd", &user("n00001").id), NOW).await.unwrap());
}

/// From here on each of these statements on each of these tables fails.
async fn forbid_writes(store: &Store) {
    if matches!(store.db, Db::Postgres { .. }) {
        let raise = "create function refuse() returns trigger language plpgsql as \
                     $f$ begin raise exception 'touched'; end $f$";
        execute(store, raise.to_owned()).await;
    }
    for table in UNTOUCHED {
        for event in ["insert", "update", "delete"] {
            let head = format!("create trigger no_{event}_{table} before {event} on {table} ");
            let body = match store.db {
                Db::Postgres { .. } => "for each row execute function refuse()",
                Db::Sqlite { .. } => "begin select raise(abort, 'touched'); end",
            };
            execute(store, head + body).await;
        }
    }
}

async fn allow_writes(store: &Store) {
    for table in UNTOUCHED {
        for event in ["insert", "update", "delete"] {
            let on = match store.db {
                Db::Postgres { .. } => format!(" on {table}"),
                Db::Sqlite { .. } => String::new(),
            };
            execute(store, format!("drop trigger no_{event}_{table}{on}")).await;
        }
    }
}

async fn another_name_is_one_row(store: &Store) {
    let db = &store.db;
    let (member, manager) = (user("n00000").id, user("n00001").id);
    let id_of = async |name: &str| groups::ids_of(db, &[name.to_owned()]).await.unwrap();
    let id = id_of("crowd").await;
    forbid_writes(store).await;
    assert!(groups::add_member(db, ("small", &manager), NOW).await.is_err(), "writes are watched");
    assert!(groups::update(db, "crowd", ("multitude", Some("Why"))).await.unwrap());
    allow_writes(store).await;

    assert_eq!(id_of("multitude").await[0].1, id[0].1, "its id stays");
    let group = groups::by_name(db, "multitude").await.unwrap().unwrap();
    assert_eq!(usize::try_from(group.members).unwrap(), MANY);
    assert_eq!(groups::by_name(db, "crowd").await.unwrap(), None);
    let read = users::by_id(db, &member).await.unwrap().unwrap();
    assert_eq!(read.groups, ["multitude"]);
    assert_eq!(read.app_roles.in_app(&ClientId::new("club")), ["guest"]);
    assert_eq!(
        group_managers::groups_of(db, &manager).await.unwrap(),
        ["multitude".to_owned()].into()
    );
    // The list of an app is of names, since one of a deleted group stays: whoever renames follows.
    let club = ClientId::new("club");
    assert!(!allowed_groups::lets_in(db, &club, &member).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    allowed_groups::replace(&mut tx, &club, &["multitude".to_owned()]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(allowed_groups::lets_in(db, &club, &member).await.unwrap());
    assert!(!allowed_groups::lets_in(db, &club, &manager).await.unwrap());

    // Its old name is free for another one, which has nothing of it.
    assert!(groups::insert(db, "crowd", NOW).await.unwrap());
    assert_eq!(groups::by_name(db, "crowd").await.unwrap().unwrap().members, 0);
    assert!(roles::of_group(db, ("crowd", 9)).await.unwrap().is_empty());
    assert!(groups::delete(db, "crowd").await.unwrap());
    assert!(groups::update(db, "multitude", ("crowd", None)).await.unwrap());
}

/// Whoever is in a group is in it under one name or the other, at every moment.
async fn nobody_lacks_it_meanwhile(store: &Store) {
    let member = user("n00000").id;
    let renaming = async {
        for round in 0..60 {
            let (from, to) = if round % 2 == 0 { ("crowd", "horde") } else { ("horde", "crowd") };
            assert!(groups::update(&store.db, from, (to, None)).await.unwrap());
        }
    };
    let reading = async {
        for _ in 0..200 {
            let names = users::by_id(&store.db, &member).await.unwrap().unwrap().groups;
            assert!(matches!(&*names, [one] if one == "crowd" || one == "horde"), "{names:?}");
        }
    };
    tokio::join!(renaming, reading);
}

/// How the database reads a page of people in something, which is told its parameters in quotes.
pub(crate) async fn plan(store: &Store, statement: &str, parameters: [&str; 3]) -> String {
    let lines: Vec<String> = match store.db {
        Db::Sqlite { .. } => {
            let explain: &'static str =
                Box::leak(format!("explain query plan {statement}").into_boxed_str());
            let rows = store.db.query(explain).all::<(i64, i64, i64, String)>().await.unwrap();
            rows.into_iter().map(|row| row.3).collect()
        }
        Db::Postgres { .. } => {
            for table in ["user_groups", "users", "groups", "organisation_members"] {
                execute(store, format!("analyze {table}")).await;
            }
            let mut explain = format!("explain {statement}");
            for (name, value) in ["$1", "$2", "$3"].into_iter().zip(parameters) {
                explain = explain.replace(name, value);
            }
            let explain: &'static str = Box::leak(explain.into_boxed_str());
            let rows = store.db.query(explain).all::<(String,)>().await.unwrap();
            rows.into_iter().map(|row| row.0).collect()
        }
    };
    lines.join("\n")
}

/// A plan goes through this index, and sorts nobody.
pub(crate) fn assert_in_order(plan: &str, index: &str) {
    assert!(plan.contains(index), "{plan}");
    for sorted in ["FOR ORDER BY", "Sort Key: m.username", "Sort Key: u.username"] {
        assert!(!plan.contains(sorted), "{plan}");
    }
}

async fn pages_are_read_in_their_order(store: &Store) {
    let db = &store.db;
    let plan = plan(store, users::OF_GROUP, ["'crowd'", "'n01'", "25"]).await;
    assert_in_order(&plan, "user_groups_group");
    let names = async |after: Option<&str>| {
        let page = users::of_group(db, ("crowd", after), 3).await.unwrap();
        page.into_iter().map(|user| user.username).collect::<Vec<_>>()
    };
    assert_eq!(names(None).await, ["n00000", "n00002", "n00004"]);
    assert_eq!(names(Some("n00003")).await, ["n00004", "n00006", "n00008"]);
    // Somebody with another username stands where it belongs.
    let mut moved = users::by_id(db, &user("n00000").id).await.unwrap().unwrap();
    moved.username = "N00005x".to_owned();
    assert!(users::update(db, &moved).await.unwrap());
    assert_eq!(names(Some("n00003")).await, ["n00004", "n00005x", "n00006"]);
    let members = groups::members(db, "crowd", 3).await.unwrap();
    let members: Vec<_> = members.iter().map(|member| member.username.as_str()).collect();
    assert_eq!(members, ["n00002", "n00004", "n00005x"]);
    assert!(groups::remove_member(db, ("crowd", &moved.id), NOW).await.unwrap());
    assert!(groups::add_member(db, ("crowd", &moved.id), NOW).await.unwrap());
    assert_eq!(names(Some("n00004")).await, ["n00005x", "n00006", "n00008"]);
    moved.username = "n00000".to_owned();
    assert!(users::update(db, &moved).await.unwrap());
    assert_eq!(names(None).await, ["n00000", "n00002", "n00004"]);
    // And goes out with their account.
    assert!(users::delete(db, &user("n00002").id).await.unwrap());
    assert_eq!(names(None).await, ["n00000", "n00004", "n00006"]);
}

/// A row of these columns; whatever else there is becomes a plain value.
pub(crate) fn row(table: &Table, known: &[(&str, Value)]) -> Row {
    use doorward::store::dump::Kind;
    let value = |column: &doorward::store::dump::Column| {
        let known = known.iter().find(|(name, _)| *name == column.name);
        known.map_or_else(
            || match column.kind {
                Kind::Integer => json!(7),
                Kind::Boolean => json!(true),
                Kind::Json => json!({}),
                Kind::Text => Value::Null,
            },
            |(_, value)| value.clone(),
        )
    };
    table.columns.iter().map(value).collect()
}

/// A database from before this migration, with a group that was renamed, one of a server that gave no ids,
/// and one whose name is the id of another.
async fn what_was_there_is_kept(url: &str) {
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let status = store.migration_status().await.unwrap();
    let before: Vec<i64> =
        status.iter().map(|m| m.version).filter(|version| *version < 48).collect();
    let mut refill = Refill::begin(store, Before::Replaced, &before).await.unwrap();
    let tables = refill.tables();
    let table = |name: &str| tables.iter().find(|table| table.name == name).unwrap().clone();
    let mut add = async |name: &str, known: &[(&str, Value)]| {
        let table = table(name);
        refill.add(&table, &[row(&table, known)]).await.unwrap();
    };
    for name in ["ada", "bob"] {
        add("users", &[("id", json!(format!("u-{name}"))), ("username", json!(name))]).await;
    }
    for (name, id) in [("Renamed", json!("first")), ("first", Value::Null), ("plain", Value::Null)]
    {
        let known =
            [("name", json!(name)), ("id", id), ("external_id", json!(format!("x-{name}")))];
        add("groups", &known).await;
    }
    for (who, group) in [("u-ada", "Renamed"), ("u-ada", "plain"), ("u-bob", "first")] {
        add("user_groups", &[("user_id", json!(who)), ("group_name", json!(group))]).await;
    }
    add("group_managers", &[("group_name", json!("plain")), ("user_id", json!("u-bob"))]).await;
    let app = [("id", json!("app")), ("name_lower", json!("app")), ("origin", json!("manual"))];
    add("clients", &app).await;
    add("client_roles", &[("client_id", json!("app")), ("name", json!("lead"))]).await;
    let gives =
        [("group_name", json!("first")), ("client_id", json!("app")), ("role_name", json!("lead"))];
    add("group_roles", &gives).await;
    add("sync_state", &[("id", json!(1))]).await;
    refill.complete().await.unwrap();
    refill.commit().await.unwrap();

    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let db = &store.db;
    let read = async |id: &str| users::by_id(db, &UserId::new(id)).await.unwrap().unwrap();
    assert_eq!(read("u-ada").await.groups, ["Renamed", "plain"]);
    let bob = read("u-bob").await;
    assert_eq!(bob.groups, ["first"]);
    assert_eq!(bob.app_roles.in_app(&ClientId::new("app")), ["lead"]);
    assert_eq!(group_managers::groups_of(db, &bob.id).await.unwrap(), ["plain".to_owned()].into());
    let names = ["Renamed", "first", "plain"].map(str::to_owned);
    let mut ids = groups::ids_of(db, &names).await.unwrap();
    ids.sort();
    let [(_, renamed), (_, first), (_, plain)] = &ids[..] else { panic!("{ids:?}") };
    assert_eq!((renamed.as_str(), plain.as_str()), ("first", "plain"), "as a directory knows them");
    assert!(first != renamed && !first.is_empty(), "{ids:?}");
    let found =
        groups::GroupMatch { external_id: Some("x-plain".to_owned()), ..Default::default() };
    let (found, _) = groups::match_groups(db, &found, (0, 9)).await.unwrap();
    assert_eq!((found.len(), found[0].name.as_str(), found[0].members), (1, "plain", 1));
    assert_eq!(users::of_group(db, ("plain", None), 9).await.unwrap()[0].username, "ada");
    db.close().await;
}

async fn conforms(store: Store) {
    filled(&store).await;
    another_name_is_one_row(&store).await;
    nobody_lacks_it_meanwhile(&store).await;
    pages_are_read_in_their_order(&store).await;
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_has_groups_of_any_size() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
    let dir = TempDir::new("groups");
    what_was_there_is_kept(&format!("sqlite:{}", dir.0.join("old.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_has_groups_of_any_size() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
    what_was_there_is_kept(&server.fresh_url()).await;
}
