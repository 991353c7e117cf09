//! Organisations of any size: a page of the people in one is read in its order, and whoever was in one before the
//! username stood there is kept.

use doorward::protocol::types::{OrganisationId, UserId};
use doorward::protocol::user::User;
use doorward::store::dump::{Before, Refill};
use doorward::store::organisations::{self, Organisation};
use doorward::store::{DatabaseSettings, Store, StoreError, users};
use serde_json::{Value, json};

use super::fixtures::{NOW, user};
use super::large_groups::{assert_in_order, plan, row};
use super::servers::{Postgres, TempDir};
use super::sqlite;

/// How many are in the organisation.
const MANY: usize = 3_000;

fn organisation(name: &str) -> Organisation {
    Organisation {
        id: OrganisationId::new(format!("o-{name}")),
        name: name.to_owned(),
        display_name: name.to_owned(),
        version: 0,
        created_at: NOW,
        updated_at: NOW,
        members: 0,
    }
}

/// Three thousand people in one organisation, as many who are in none, and another one of a few.
async fn filled(store: &Store) -> [OrganisationId; 2] {
    store.migrate().await.unwrap();
    let people: Vec<User> = (0..2 * MANY).map(|n| user(&format!("n{n:05}"))).collect();
    let (large, small) = (organisation("large"), organisation("small"));
    let mut tx = store.begin().await.unwrap();
    users::insert_untaken(&mut tx, &people.iter().collect::<Vec<_>>()).await.unwrap();
    for one in [&large, &small] {
        organisations::insert(&mut tx, one).await.unwrap();
    }
    for person in people.iter().step_by(2) {
        assert!(organisations::add_member(&mut tx, (&large.id, &person.id), NOW).await.unwrap());
    }
    for person in &people[..5] {
        assert!(organisations::add_member(&mut tx, (&small.id, &person.id), NOW).await.unwrap());
    }
    tx.commit().await.unwrap();
    [large.id, small.id]
}

async fn conforms(store: Store) {
    let [large, small] = filled(&store).await;
    let db = &store.db;
    let plan = plan(&store, users::OF_ORGANISATION, ["'o-large'", "'n01'", "25"]).await;
    assert_in_order(&plan, "organisation_members_name");
    let names = async |of: &OrganisationId, after: Option<&str>| {
        let page = users::of_organisation(db, (of, after), 3).await.unwrap();
        page.into_iter().map(|user| user.username).collect::<Vec<_>>()
    };
    assert_eq!(names(&large, None).await, ["n00000", "n00002", "n00004"]);
    assert_eq!(names(&large, Some("n00003")).await, ["n00004", "n00006", "n00008"]);
    assert_eq!(names(&small, Some("n00002")).await, ["n00003", "n00004"]);
    // Somebody with another username stands where it belongs, in each.
    let mut moved = users::by_id(db, &user("n00000").id).await.unwrap().unwrap();
    moved.username = "N00003x".to_owned();
    assert!(users::update(db, &moved).await.unwrap());
    assert_eq!(names(&large, None).await, ["n00002", "n00003x", "n00004"]);
    assert_eq!(names(&small, Some("n00003")).await, ["n00003x", "n00004"]);
    let who = (&large, &moved.id);
    assert!(!organisations::add_member(db, who, NOW).await.unwrap(), "is in it");
    assert!(organisations::remove_member(db, who).await.unwrap());
    assert_eq!(names(&large, None).await, ["n00002", "n00004", "n00006"]);
    assert!(organisations::add_member(db, who, NOW).await.unwrap());
    assert_eq!(names(&large, None).await, ["n00002", "n00003x", "n00004"]);
    // And goes out with their account.
    assert!(users::delete(db, &user("n00002").id).await.unwrap());
    assert_eq!(names(&large, None).await, ["n00003x", "n00004", "n00006"]);
    let nobody = UserId::new("nobody");
    for who in [(&large, &nobody), (&OrganisationId::new("none"), &moved.id)] {
        let missed = organisations::add_member(db, who, NOW).await;
        assert_eq!(missed, Err(StoreError::Conflict));
    }
    assert!(organisations::delete(db, &large).await.unwrap());
    assert!(names(&large, None).await.is_empty());
    assert_eq!(names(&small, None).await, ["n00001", "n00003", "n00003x"]);
    store.db.close().await;
}

/// A database from before this migration.
async fn what_was_there_is_kept(url: &str) {
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let status = store.migration_status().await.unwrap();
    let before: Vec<i64> =
        status.iter().map(|m| m.version).filter(|version| *version < 54).collect();
    let mut refill = Refill::begin(store, Before::Replaced, &before).await.unwrap();
    let tables = refill.tables();
    let mut add = async |name: &str, known: &[(&str, Value)]| {
        let table = tables.iter().find(|table| table.name == name).unwrap();
        refill.add(table, &[row(table, known)]).await.unwrap();
    };
    add("users", &[("id", json!("u-ada")), ("username", json!("ada"))]).await;
    let names = [("name", "acme"), ("display_name", "Acme"), ("display_name_lower", "acme")];
    let names = names.map(|(column, name)| (column, json!(name)));
    add("organisations", &[&[("id", json!("o-acme"))], &names[..]].concat()).await;
    let who = [("organisation_id", json!("o-acme")), ("user_id", json!("u-ada"))];
    add("organisation_members", &who).await;
    add("sync_state", &[("id", json!(1))]).await;
    refill.complete().await.unwrap();
    refill.commit().await.unwrap();

    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    let acme = OrganisationId::new("o-acme");
    let members = users::of_organisation(&store.db, (&acme, None), 9).await.unwrap();
    assert_eq!(members.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), ["ada"]);
    assert_eq!(organisations::by_id(&store.db, &acme).await.unwrap().unwrap().members, 1);
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_has_organisations_of_any_size() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
    let dir = TempDir::new("organisations");
    what_was_there_is_kept(&format!("sqlite:{}", dir.0.join("old.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_has_organisations_of_any_size() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
    what_was_there_is_kept(&server.fresh_url()).await;
}
