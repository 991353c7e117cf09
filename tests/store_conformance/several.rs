//! Statements about several people, groups or organisations at once.

use std::collections::BTreeSet;

use doorward::protocol::types::{OrganisationId, UserId};
use doorward::store::managed::{self, Declared};
use doorward::store::organisations::{self, Organisation};
use doorward::store::{
    Store, StoreError, clients, gateway_cookies, grants, group_managers, groups, pairs, sessions,
    users,
};

use super::fixtures::{NOW, client, grant, user};

const PEOPLE: [&str; 3] = ["several-a", "several-b", "several-c"];

fn organisation(name: &str) -> Organisation {
    Organisation {
        id: OrganisationId::new(format!("o-{name}")),
        name: name.to_owned(),
        display_name: format!("The {name}"),
        version: 0,
        created_at: NOW,
        updated_at: NOW,
        members: 0,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) async fn several_conform(store: &Store) {
    let db = &store.db;
    let people = PEOPLE.map(user);
    for person in &people {
        users::insert(db, person).await.unwrap();
    }
    groups::set_groups(db, &people[0].id, &names(&["several-g", "several-h"]), NOW).await.unwrap();
    let ids: Vec<&UserId> = people.iter().map(|person| &person.id).collect();

    // Each is the same as by itself, and who is not there is left out.
    let found = users::by_usernames(db, &names(&["several-a", "nobody", "several-c"])).await;
    let mut found = found.unwrap();
    found.sort_by(|one, other| one.username.cmp(&other.username));
    let alone = users::by_id(db, ids[0]).await.unwrap().unwrap();
    assert_eq!(alone.groups, ["several-g", "several-h"]);
    assert_eq!(found, [alone, people[2].clone()]);
    let nobody = UserId::new("nobody");
    let found = users::by_ids(db, &[ids[1].clone(), nobody]).await.unwrap();
    assert_eq!(found, [people[1].clone()]);
    assert!(users::by_usernames(db, &[]).await.unwrap().is_empty());
    // An address is no user name.
    assert!(users::by_usernames(db, &names(&["several-a@example.test"])).await.unwrap().is_empty());

    let app = client("several-app");
    clients::insert(db, &app).await.unwrap();
    let given = grant("several-grant", ids[1].as_str(), "several-app");
    grants::insert(db, &given).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    users::hold_all(&mut tx, &ids).await.unwrap();
    users::hold_all(&mut tx, &[]).await.unwrap();
    pairs::hold_ended_of_users(&mut tx, &ids).await.unwrap();
    pairs::hold_ended_of_users(&mut tx, &[]).await.unwrap();
    sessions::hold_of_users(&mut tx, &ids).await.unwrap();
    sessions::hold_of_users(&mut tx, &[]).await.unwrap();
    assert!(gateway_cookies::holders_among(&mut tx, &ids).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert!(clients::delete(db, &app.id).await.unwrap());

    managed::mark_people(db, &["several-a", "several-c", "nobody"]).await.unwrap();
    assert_eq!(managed::list(db, Declared::User).await.unwrap(), ["several-a", "several-c"]);

    let described = groups::descriptions_of(db, &names(&["several-g", "no-such"])).await.unwrap();
    assert_eq!(described, [("several-g".to_owned(), None)]);
    assert!(group_managers::add(db, ("several-g", ids[2]), NOW).await.unwrap());
    assert!(group_managers::add(db, ("several-h", ids[2]), NOW).await.unwrap());
    let managers = group_managers::managers_among(db, &ids).await.unwrap();
    assert_eq!(managers.into_iter().collect::<Vec<_>>(), [ids[2].clone()]);

    several_organisations_conform(store, &ids).await;

    for id in ids {
        assert!(users::delete(db, id).await.unwrap());
    }
    for name in ["several-g", "several-h"] {
        assert!(groups::delete(db, name).await.unwrap());
    }
}

async fn several_organisations_conform(store: &Store, ids: &[&UserId]) {
    let db = &store.db;
    let all = ["several-x", "several-y"].map(organisation);
    for one in &all {
        organisations::insert(db, one).await.unwrap();
    }
    let found = organisations::named(db, &names(&["several-y", "nowhere"])).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, &found[0].display_name), (&all[1].id, &all[1].display_name));
    let places = [(&all[0].id, ids[0]), (&all[1].id, ids[0]), (&all[1].id, ids[1])];
    // The second time each of them is in it.
    for _ in 0..2 {
        organisations::add_members(db, &places, NOW).await.unwrap();
    }
    let members: BTreeSet<(UserId, String)> =
        organisations::of_users(db, ids).await.unwrap().into_iter().collect();
    let wanted = places.map(|(id, user)| {
        let name = if *id == all[0].id { "several-x" } else { "several-y" };
        (user.clone(), name.to_owned())
    });
    assert_eq!(members, wanted.into_iter().collect());
    let nobody = UserId::new("nobody");
    let missing = organisations::add_members(db, &[(&all[0].id, &nobody)], NOW).await;
    assert_eq!(missing, Err(StoreError::Conflict));
    for one in &all {
        for id in ids {
            organisations::remove_member(db, (&one.id, id)).await.unwrap();
        }
        assert!(organisations::delete(db, &one.id).await.unwrap());
    }
}
