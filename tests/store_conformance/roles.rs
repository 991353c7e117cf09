//! The roles of apps, and who has them.

use doorward::protocol::types::{ClientId, UserId};
use doorward::store::clients::roles::{self, ClientRole};
use doorward::store::{Store, StoreError, clients, groups, users};

use super::fixtures::{NOW, client, user};

fn role(name: &str) -> ClientRole {
    ClientRole {
        client_id: ClientId::new("wiki"),
        name: name.to_owned(),
        description: Some("For a test.".to_owned()),
        people: 0,
        groups: 0,
        created_at: NOW,
    }
}

pub(crate) async fn roles_conform(store: &Store) {
    let db = &store.db;
    let (wiki, editor) = (ClientId::new("wiki"), role("editor"));
    assert_eq!(roles::insert(db, &editor).await, Err(StoreError::Conflict), "no such app");
    for id in ["wiki", "shop"] {
        clients::insert(db, &client(id)).await.unwrap();
    }
    assert!(roles::insert(db, &editor).await.unwrap());
    assert!(!roles::insert(db, &editor).await.unwrap(), "twice");
    for (app, name) in [("wiki", "a/b"), ("shop", "editor")] {
        let other = ClientRole { client_id: ClientId::new(app), ..role(name) };
        assert!(roles::insert(db, &other).await.unwrap());
    }
    assert_eq!(roles::list(db, &wiki).await.unwrap(), [role("a/b"), role("editor")]);
    assert!(roles::describe(db, (&wiki, "a/b"), None).await.unwrap());
    assert!(!roles::describe(db, (&wiki, "nothing"), None).await.unwrap());
    let found = roles::find(db, (&wiki, "a/b")).await.unwrap().unwrap();
    assert_eq!(found.description, None);
    assert_eq!(roles::find(db, (&wiki, "nothing")).await.unwrap(), None);

    people_and_groups_have_them(store).await;

    // What a role hangs on takes it along; the other app's role of the same name stays.
    let (alice, which) = (user("role-alice").id, (&wiki, "editor"));
    assert!(roles::delete(db, which).await.unwrap());
    assert!(!roles::delete(db, which).await.unwrap());
    let left = users::by_id(db, &alice).await.unwrap().unwrap().app_roles;
    assert!(left.in_app(&wiki).is_empty());
    assert_eq!(left.in_app(&ClientId::new("shop")), ["editor"]);
    assert!(clients::delete(db, &ClientId::new("shop")).await.unwrap());
    let left = users::by_id(db, &alice).await.unwrap().unwrap().app_roles;
    assert_eq!(left.iter().count(), 0);
    for name in ["role-alice", "role-bob"] {
        assert!(users::delete(db, &user(name).id).await.unwrap());
    }
    assert!(groups::delete(db, "role-crew").await.unwrap());
    assert!(clients::delete(db, &wiki).await.unwrap());
}

async fn people_and_groups_have_them(store: &Store) {
    let db = &store.db;
    let (wiki, shop) = (ClientId::new("wiki"), ClientId::new("shop"));
    let (alice, bob) = (user("role-alice"), user("role-bob"));
    for person in [&alice, &bob] {
        users::insert(db, person).await.unwrap();
        groups::set_groups(db, &person.id, &["role-staff".to_owned()], NOW).await.unwrap();
    }
    let editor = (&wiki, "editor");
    assert!(roles::give_person(db, editor, &alice.id).await.unwrap());
    assert!(!roles::give_person(db, editor, &alice.id).await.unwrap(), "twice");
    assert!(roles::give_person(db, (&shop, "editor"), &alice.id).await.unwrap());
    let nobody = UserId::new("nobody");
    assert_eq!(roles::give_person(db, editor, &nobody).await, Err(StoreError::Conflict));
    let no_role = (&wiki, "nothing");
    assert_eq!(roles::give_person(db, no_role, &alice.id).await, Err(StoreError::Conflict));

    assert!(roles::give_group(db, editor, "role-staff").await.unwrap());
    assert!(!roles::give_group(db, editor, "role-staff").await.unwrap(), "twice");
    assert!(roles::give_group(db, (&wiki, "a/b"), "role-staff").await.unwrap());
    assert_eq!(roles::give_group(db, editor, "nowhere").await, Err(StoreError::Conflict));
    assert_eq!(roles::give_group(db, no_role, "role-staff").await, Err(StoreError::Conflict));
    let there = roles::find(db, editor).await.unwrap().unwrap();
    assert_eq!((there.people, there.groups), (1, 1));
    let of_staff = [(wiki.clone(), "a/b".to_owned()), (wiki.clone(), "editor".to_owned())];
    assert_eq!(roles::of_group(db, ("role-staff", 9)).await.unwrap(), of_staff);
    assert_eq!(roles::of_group(db, ("role-staff", 1)).await.unwrap(), of_staff[..1]);

    // By themselves and by a group counts once; every way to read somebody says the same.
    let read = users::by_id(db, &alice.id).await.unwrap().unwrap();
    assert_eq!(read.app_roles.in_app(&wiki), ["a/b", "editor"]);
    assert_eq!(read.app_roles.in_app(&shop), ["editor"]);
    let login = users::with_password(db, "role-alice").await.unwrap().unwrap().user;
    assert_eq!(login.app_roles, read.app_roles);
    let of_bob = users::by_login(db, "role-bob").await.unwrap().unwrap();
    assert_eq!(of_bob.app_roles.in_app(&wiki), ["a/b", "editor"]);
    assert!(of_bob.app_roles.in_app(&shop).is_empty());
    let everybody = users::of_group(db, ("role-staff", None), 9).await.unwrap();
    assert_eq!(
        everybody.iter().map(|u| &u.app_roles).collect::<Vec<_>>(),
        [&read.app_roles, &of_bob.app_roles]
    );

    let all = (None, 9);
    let named = (alice.id.clone(), "role-alice".to_owned());
    assert_eq!(roles::people(db, editor, all).await.unwrap(), [named]);
    assert!(roles::people(db, editor, (Some("role-alice"), 9)).await.unwrap().is_empty());
    assert_eq!(roles::groups(db, editor, all).await.unwrap(), ["role-staff"]);
    assert!(roles::groups(db, editor, (Some("role-staff"), 9)).await.unwrap().is_empty());

    // A group keeps its roles under another name.
    assert!(groups::update(db, "role-staff", ("role-crew", None)).await.unwrap());
    assert_eq!(roles::groups(db, editor, all).await.unwrap(), ["role-crew"]);
    assert!(roles::take_from_group(db, (&wiki, "a/b"), "role-crew").await.unwrap());
    assert!(!roles::take_from_group(db, (&wiki, "a/b"), "role-crew").await.unwrap());
    assert!(roles::give_person(db, editor, &bob.id).await.unwrap());
    assert!(roles::take_from_person(db, editor, &bob.id).await.unwrap());
    assert!(!roles::take_from_person(db, editor, &bob.id).await.unwrap());
    let still = users::by_id(db, &bob.id).await.unwrap().unwrap();
    assert_eq!(still.app_roles.in_app(&wiki), ["editor"], "by the group");
}
