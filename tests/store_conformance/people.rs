//! Users, clients and consents.

use std::collections::BTreeSet;

use doorward::protocol::scope::Scopes;
use doorward::protocol::types::{ClientId, UserId};
use doorward::protocol::user::{AdminRole, Footing, User};
use doorward::store::clients::{self, ClientFilter};
use doorward::store::consents::{self, Consent};
use doorward::store::group_managers;
use doorward::store::groups::{self, GroupFilter};
use doorward::store::imports::{self, ImportProgress};
use doorward::store::order::Order;
use doorward::store::users::{self, FirstPassword, TemporaryPassword, UserFilter};
use doorward::store::{Store, StoreError, Tx};

use super::fixtures::{NOW, client, user};

pub(crate) async fn users_conform(store: &Store) {
    let db = &store.db;
    let mut alice = user("alice");
    assert!(!users::owner_exists(db).await.unwrap());
    users::insert(db, &alice).await.unwrap();
    assert_eq!(users::by_id(db, &alice.id).await.unwrap().as_ref(), Some(&alice));
    assert_eq!(users::by_id(db, &UserId::new("nobody")).await.unwrap(), None);

    // one login, one person
    let mut other = user("other");
    other.email = Some("ALICE@example.test".to_owned());
    assert_eq!(users::insert(db, &other).await, Err(StoreError::Conflict));
    other.email = Some("alice".to_owned());
    assert_eq!(users::insert(db, &other).await, Err(StoreError::Conflict));
    other.email = None;
    users::insert(db, &other).await.unwrap();
    other.username = "Alice@Example.test".to_owned();
    assert_eq!(users::update(db, &other).await, Err(StoreError::Conflict));
    other.username = "alice".to_owned();
    assert_eq!(users::update(db, &other).await, Err(StoreError::Conflict));

    alice.name = None;
    alice.role = Some(AdminRole::Owner);
    alice.updated_at = NOW.plus(5);
    assert!(users::update(db, &alice).await.unwrap());
    assert!(!users::update(db, &user("ghost")).await.unwrap());
    for login in ["alice", " ALICE ", "alice@EXAMPLE.test"] {
        assert_eq!(users::by_login(db, login).await.unwrap().as_ref(), Some(&alice), "{login}");
    }
    for login in ["", "alic", "a\0lice", "alice%"] {
        assert_eq!(users::by_login(db, login).await.unwrap(), None, "{login:?}");
    }

    Box::pin(claimed_addresses_conform(store)).await;
    passwords_conform(store).await;
    groups_conform(store).await;

    assert!(users::owner_exists(db).await.unwrap());
    assert_eq!(users::count_enabled_owners(db).await.unwrap(), 1);
    users::hold_owners(db).await.unwrap();
    assert!(users::set_disabled(db, &alice.id, Some(NOW), NOW).await.unwrap());
    assert_eq!(users::count_enabled_owners(db).await.unwrap(), 0);
    assert_eq!(users::by_id(db, &alice.id).await.unwrap().unwrap().disabled_at, Some(NOW));
    assert!(users::set_disabled(db, &alice.id, None, NOW).await.unwrap());
    assert_eq!(users::raise_token_version(db, &alice.id).await.unwrap(), 1);
    assert_eq!(users::raise_token_version(db, &alice.id).await.unwrap(), 2);
    assert_eq!(users::raise_token_version(db, &UserId::new("nobody")).await.unwrap(), 0);
    assert!(users::delete(db, &other.id).await.unwrap());
    assert!(!users::delete(db, &other.id).await.unwrap());
    listing_conforms(store).await;
}

/// An address that is only claimed is shown, and neither unique nor a name to sign in with.
async fn claimed_addresses_conform(store: &Store) {
    let db = &store.db;
    let mut made = [user("self-1"), user("self-2")];
    for person in &mut made {
        (person.email, person.email_verified) = (None, false);
        users::insert(db, person).await.unwrap();
        assert!(users::claim_email(db, &person.id, "Alice@Example.test").await.unwrap());
        person.email = Some("alice@example.test".to_owned());
        assert_eq!(users::by_id(db, &person.id).await.unwrap().as_ref(), Some(&*person));
    }
    assert!(!users::claim_email(db, &user("alice").id, "a@b.test").await.unwrap(), "has one");
    assert!(!users::claim_email(db, &UserId::new("nobody"), "a@b.test").await.unwrap());
    let login = users::by_login(db, "alice@example.test").await.unwrap().unwrap();
    assert_eq!(login.username, "alice");
    let search = Some("alice@exa".to_owned());
    let filter = UserFilter { search, limit: 9, ..UserFilter::default() };
    let found = users::list(db, &filter).await.unwrap();
    assert_eq!(found.len(), 3);
    // Saving somebody as they are leaves it a claim; what is verified has to be free.
    let [mut one, two] = made;
    assert!(users::update(db, &one).await.unwrap());
    assert_eq!(users::by_login(db, "alice@example.test").await.unwrap().unwrap().username, "alice");
    one.email_verified = true;
    assert_eq!(users::update(db, &one).await, Err(StoreError::Conflict));
    one.email = Some("one@example.test".to_owned());
    assert!(users::update(db, &one).await.unwrap());
    assert_eq!(users::by_login(db, "one@example.test").await.unwrap().as_ref(), Some(&one));
    one.email = None;
    assert!(users::update(db, &one).await.unwrap());
    assert_eq!(users::by_id(db, &one.id).await.unwrap().as_ref(), Some(&one));
    for person in [one, two] {
        assert!(users::delete(db, &person.id).await.unwrap());
    }
}

async fn passwords_conform(store: &Store) {
    let db = &store.db;
    let id = user("alice").id;
    assert_eq!(users::password(db, &id).await.unwrap(), None);
    let found = users::with_password(db, "Alice").await.unwrap().unwrap();
    assert_eq!((found.phc, found.footing, found.signed_in_at), (None, Footing::default(), None));
    users::set_password(db, &id, "$argon2id$1", NOW).await.unwrap();
    users::set_password(db, &id, "$argon2id$2", NOW).await.unwrap();
    assert_eq!(users::password(db, &id).await.unwrap().as_deref(), Some("$argon2id$2"));
    let found = users::with_password(db, "alice@example.test").await.unwrap().unwrap();
    assert_eq!((&found.user.id, found.phc.as_deref()), (&id, Some("$argon2id$2")));
    assert_eq!(found.temporary_until, None);
    assert!(users::with_password(db, "nobody").await.unwrap().is_none());
    let (until, later) = (NOW.plus(60), NOW.plus(60));
    let temporary = TemporaryPassword { phc: "$argon2id$3", until, given_by: Some("user:x") };
    users::set_temporary(db, &id, &temporary, NOW).await.unwrap();
    let found = users::with_password(db, "alice").await.unwrap().unwrap();
    assert_eq!(found.temporary_until, Some(until));
    let kept = Some(("$argon2id$3".to_owned(), Some("user:x".to_owned())));
    assert_eq!(users::temporary(db, &id, NOW).await.unwrap(), kept);
    assert_eq!(users::temporary(db, &id, later).await.unwrap(), None, "expired");
    let all = users::passwords_between(db, ("", "zzzz")).await.unwrap();
    assert!(all.iter().all(|(_, phc)| phc != "$argon2id$3"), "{all:?}");
    let replace = async |before: &str, at| {
        users::replace_temporary(db, &id, (before, "$argon2id$4"), at).await.unwrap()
    };
    assert!(!replace("$argon2id$2", NOW).await && !replace("$argon2id$3", later).await);
    assert!(replace("$argon2id$3", NOW).await && !replace("$argon2id$4", NOW).await);
    users::set_temporary(db, &id, &temporary, NOW).await.unwrap();
    users::set_password(db, &id, "$argon2id$2", NOW).await.unwrap();
    let found = users::with_password(db, "alice").await.unwrap().unwrap();
    assert_eq!((found.phc.as_deref(), found.temporary_until), (Some("$argon2id$2"), None));
    let missing = users::set_temporary(db, &UserId::new("nobody"), &temporary, NOW).await;
    assert_eq!(missing, Err(StoreError::Conflict));
    let missing = users::set_password(db, &UserId::new("nobody"), "x", NOW).await;
    assert_eq!(missing, Err(StoreError::Conflict));
}

async fn groups_conform(store: &Store) {
    let id = user("alice").id;
    let names = ["staff".to_owned(), "Café, \"quoted\"".to_owned(), "staff".to_owned()];
    let mut tx = store.begin().await.unwrap();
    groups::set_groups(&mut tx, &id, &names, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let both = vec!["Café, \"quoted\"".to_owned(), "staff".to_owned()];
    assert_eq!(groups::groups_of(&store.db, &id).await.unwrap(), both);
    assert_eq!(users::by_id(&store.db, &id).await.unwrap().unwrap().groups, both);
    let bad = groups::set_groups(&store.db, &id, &["a\u{1f}b".to_owned()], NOW).await;
    assert!(matches!(bad, Err(StoreError::Corrupt(_))));
    let missing = groups::set_groups(&store.db, &UserId::new("nobody"), &names, NOW).await;
    assert_eq!(missing, Err(StoreError::Conflict));

    // a transaction that is dropped leaves nothing behind
    let mut tx = store.begin().await.unwrap();
    groups::set_groups(&mut tx, &id, &[], NOW).await.unwrap();
    assert!(groups::groups_of(&mut tx, &id).await.unwrap().is_empty());
    drop(tx);
    assert_eq!(groups::groups_of(&store.db, &id).await.unwrap(), both);
    let db = &store.db;
    assert!(groups::insert(db, "empty", NOW).await.unwrap());
    assert!(!groups::insert(db, "empty", NOW).await.unwrap());
    assert!(groups::add_member(db, ("empty", &id), NOW).await.unwrap());
    assert!(!groups::add_member(db, ("empty", &id), NOW).await.unwrap());
    let nobody = groups::add_member(db, ("empty", &UserId::new("nobody")), NOW).await;
    assert_eq!(nobody, Err(StoreError::Conflict));
    assert_eq!(groups::add_member(db, ("none", &id), NOW).await, Err(StoreError::Conflict));
    assert_eq!(groups::by_name(db, "empty").await.unwrap().unwrap().members, 1);
    assert_eq!(groups::by_name(db, "none").await.unwrap(), None);
    let listed = groups::list(db, (Some("d"), 1)).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "empty"));
    assert_eq!(groups::some_members(db, "empty", 9).await.unwrap(), [id.clone()]);
    assert!(groups::some_members(db, "none", 9).await.unwrap().is_empty());
    assert!(groups::remove_member(db, ("empty", &id), NOW).await.unwrap());
    assert!(!groups::remove_member(db, ("empty", &id), NOW).await.unwrap());
    managers_conform(store).await;
    assert!(groups::delete(db, "empty").await.unwrap());
    assert!(!groups::delete(db, "empty").await.unwrap());
    imports_conform(store).await;
    crowds_conform(store).await;
}

/// Who looks after groups, what they see, and another name for a group.
async fn managers_conform(store: &Store) {
    let (db, id) = (&store.db, user("alice").id);
    let nobody = UserId::new("nobody");
    assert!(group_managers::add(db, ("empty", &id), NOW).await.unwrap());
    assert!(!group_managers::add(db, ("empty", &id), NOW).await.unwrap());
    for who in [("empty", &nobody), ("none", &id)] {
        assert_eq!(group_managers::add(db, who, NOW).await, Err(StoreError::Conflict));
    }
    assert!(group_managers::what_is_held(db, &id).await.unwrap().manages);
    assert!(!group_managers::what_is_held(db, &nobody).await.unwrap().manages);

    let searched = GroupFilter { search: Some("EMP".into()), limit: 9, ..Default::default() };
    assert_eq!(groups::search(db, &searched).await.unwrap()[0].name, "empty");
    let managed = GroupFilter { manager: Some(id.clone()), limit: 9, ..Default::default() };
    assert_eq!(groups::search(db, &managed).await.unwrap().len(), 1);
    let strangers = GroupFilter { manager: Some(nobody.clone()), ..managed.clone() };
    assert!(groups::search(db, &strangers).await.unwrap().is_empty());
    let behind = GroupFilter { after: Some("empty".into()), ..managed };
    assert!(groups::search(db, &behind).await.unwrap().is_empty());

    assert!(groups::add_member(db, ("empty", &id), NOW).await.unwrap());
    assert!(groups::update(db, "empty", ("Renamed", Some("Why"))).await.unwrap());
    assert!(!groups::update(db, "empty", ("again", None)).await.unwrap());
    let taken = groups::update(db, "Renamed", ("staff", None)).await;
    assert_eq!(taken, Err(StoreError::Conflict));
    let renamed = groups::by_name(db, "Renamed").await.unwrap().unwrap();
    assert_eq!((renamed.description.as_deref(), renamed.members), (Some("Why"), 1));
    assert_eq!(group_managers::groups_of(db, &id).await.unwrap(), ["Renamed".to_owned()].into());
    let managers = group_managers::of_group(db, ("Renamed", 9)).await.unwrap();
    assert_eq!(managers, [(id.clone(), "alice".to_owned())]);

    let seen = UserFilter { manager: Some(id.clone()), limit: 9, ..UserFilter::default() };
    assert_eq!(users::list(db, &seen).await.unwrap()[0].username, "alice");
    let unseen = UserFilter { manager: Some(nobody), ..seen };
    assert!(users::list(db, &unseen).await.unwrap().is_empty());
    assert_eq!(users::of_group(db, ("Renamed", None), 9).await.unwrap()[0].id, id);
    assert!(users::of_group(db, ("Renamed", Some("alice")), 9).await.unwrap().is_empty());
    let members = groups::members(db, "Renamed", 9).await.unwrap();
    assert_eq!((members.len(), &members[0].id, members[0].username.as_str()), (1, &id, "alice"));

    assert!(group_managers::remove(db, ("Renamed", &id)).await.unwrap());
    assert!(!group_managers::remove(db, ("Renamed", &id)).await.unwrap());
    assert!(groups::update(db, "Renamed", ("empty", None)).await.unwrap());
    assert!(groups::remove_member(db, ("empty", &id), NOW).await.unwrap());
}

/// Many at once: whoever is there is told apart without an error, and the file's place is kept.
async fn imports_conform(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    let new = user("brought");
    assert_eq!(brought(&mut tx, &[&new]).await, ["brought"]);
    assert!(brought(&mut tx, &[&new]).await.is_empty(), "the same id");
    for taken in ["alice", "ALICE@example.test"] {
        let mut other = user("another");
        other.username = taken.to_owned();
        assert!(brought(&mut tx, &[&other]).await.is_empty(), "{taken}");
    }
    let mut grouped = new.clone();
    grouped.groups = vec!["fresh".to_owned(), "staff".to_owned()];
    groups::make(&mut tx, grouped.groups.iter(), NOW).await.unwrap();
    groups::join_all(&mut tx, &[&grouped]).await.unwrap();
    let password = FirstPassword { user_id: &new.id, phc: "phc", changed_at: NOW };
    users::add_passwords(&mut tx, &[password]).await.unwrap();
    let span = users::passwords_between(&mut tx, ("brough", "brought")).await.unwrap();
    assert_eq!(span, [(new.id.as_str().to_owned(), "phc".to_owned())]);
    let half = ImportProgress { line: 1_001, created: 990, rejected: 10, ..Default::default() };
    assert!(imports::save(&mut tx, "file", (0, &half), NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(groups::groups_of(&store.db, &new.id).await.unwrap(), ["fresh", "staff"]);
    assert_eq!(imports::progress(&store.db, "file").await.unwrap(), Some(half));
    // Only from where it is, so that of two who import it one goes on.
    let further = ImportProgress { line: 2_001, ..half };
    let save =
        async |before| imports::save(&store.db, "file", (before, &further), NOW).await.unwrap();
    assert!(!save(0).await && !save(500).await && save(1_001).await && !save(1_001).await);
    assert_eq!(imports::progress(&store.db, "file").await.unwrap(), Some(further));
    imports::forget(&store.db, "file").await.unwrap();
    assert_eq!(imports::progress(&store.db, "file").await.unwrap(), None);
    assert!(!save(2_001).await, "it was begun anew");
    assert_eq!(imports::progress(&store.db, "file").await.unwrap(), None);
    assert!(users::delete(&store.db, &new.id).await.unwrap());
}

/// The names of those who are added of these.
async fn brought(tx: &mut Tx, people: &[&User]) -> Vec<String> {
    let added = users::insert_untaken(tx, people).await.unwrap();
    let added = people.iter().filter(|user| added.contains(&user.id));
    added.map(|user| user.username.clone()).collect()
}

/// More than one statement takes, with people in between who are there already.
async fn crowds_conform(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    let mut crowd: Vec<User> = (0..300).map(|number| user(&format!("many{number:03}"))).collect();
    for (number, person) in crowd.iter_mut().enumerate() {
        person.groups = (0..=number % 3).map(|group| format!("g{group}")).collect();
    }
    // Each takes something of one in the crowd: the id, the name, the address, one for the other.
    let [mut name, mut address, mut name_for_address, mut address_for_name] =
        ["one", "two", "three", "four"].map(user);
    name.username = "many007".to_owned();
    address.email.clone_from(&crowd[63].email);
    name_for_address.username = crowd[64].email.clone().unwrap();
    address_for_name.email = Some("many255".to_owned());
    let id = User { id: crowd[299].id.clone(), ..user("five") };
    let before = [&name, &address, &name_for_address, &address_for_name, &id];
    assert_eq!(brought(&mut tx, &before).await.len(), 5);
    let all: Vec<&User> = crowd.iter().collect();
    let added = users::insert_untaken(&mut tx, &all).await.unwrap();
    let left_out: Vec<usize> =
        (0..300).filter(|number| !added.contains(&crowd[*number].id)).collect();
    assert_eq!(left_out, [7, 63, 64, 255, 299]);

    let all: Vec<&User> = all.into_iter().filter(|user| added.contains(&user.id)).collect();
    groups::make(&mut tx, all.iter().flat_map(|user| &user.groups), NOW).await.unwrap();
    groups::join_all(&mut tx, &all).await.unwrap();
    let passwords =
        all.iter().map(|user| FirstPassword { user_id: &user.id, phc: "phc", changed_at: NOW });
    users::add_passwords(&mut tx, &passwords.collect::<Vec<_>>()).await.unwrap();
    for person in &all {
        let found = users::by_id(&mut tx, &person.id).await.unwrap().unwrap();
        assert_eq!(&found, *person);
        let phc = users::password(&mut tx, &person.id).await.unwrap();
        assert_eq!(phc.as_deref(), Some("phc"));
    }
    // Dropped: nobody of them stays.
}

async fn listing_conforms(store: &Store) {
    let db = &store.db;
    for name in ["bob", "bea", "b_x", "carol"] {
        users::insert(db, &user(name)).await.unwrap();
    }
    let names = |filter: UserFilter| async move {
        let found = users::list(&store.db, &filter).await.unwrap();
        found.into_iter().map(|user| user.username).collect::<Vec<_>>()
    };
    let mut all = names(UserFilter { limit: 100, ..UserFilter::default() }).await;
    let order = Order::after(Some(all[1].clone()));
    let page = names(UserFilter { order, limit: 2, ..UserFilter::default() }).await;
    assert_eq!(page, all[2..4]);
    all.sort();
    assert_eq!(all, ["alice", "b_x", "bea", "bob", "carol"]);
    for (search, expected) in [
        ("B_", vec!["b_x"]),
        ("bob@exa", vec!["bob"]),
        ("CAROL ÜND", vec!["carol"]),
        ("%", vec![]),
        ("ob", vec![]),
        ("a\0", vec![]),
        // An id is found whole, and only so.
        (user("carol").id.as_str(), vec!["carol"]),
        (" u-carol ", vec!["carol"]),
        ("u-car", vec![]),
    ] {
        let search = Some(search.to_owned());
        let found = names(UserFilter { search, limit: 100, ..UserFilter::default() }).await;
        assert_eq!(found, expected);
    }
    let listed = users::list(db, &UserFilter { limit: 1, ..UserFilter::default() }).await.unwrap();
    assert_eq!(listed[0].groups.len(), 2, "a list shows groups too");
}

pub(crate) async fn clients_conform(store: &Store) {
    let db = &store.db;
    let mut app = client("app");
    clients::insert(db, &app).await.unwrap();
    assert_eq!(clients::insert(db, &app).await, Err(StoreError::Conflict));
    app.metadata.client_name = "Renamed".to_owned();
    app.updated_at = NOW.plus(1);
    assert!(clients::update(db, &app).await.unwrap());
    assert!(!clients::update(db, &client("ghost")).await.unwrap());
    assert_eq!(clients::by_id(db, &app.id).await.unwrap().as_ref(), Some(&app));
    assert_eq!(clients::by_id(db, &ClientId::new("a\0")).await.unwrap(), None);

    let hashes = ["h2".to_owned(), "h1".to_owned()];
    assert!(clients::set_secret_hashes(db, &app.id, &hashes, NOW).await.unwrap());
    assert!(clients::set_disabled(db, &app.id, Some(NOW), NOW).await.unwrap());
    let stored = clients::by_id(db, &app.id).await.unwrap().unwrap();
    assert_eq!((stored.secret_hashes.as_slice(), stored.disabled_at), (&hashes[..], Some(NOW)));
    assert_eq!(clients::raise_token_version(db, &app.id).await.unwrap(), 1);
    assert_eq!(clients::raise_token_version(db, &ClientId::new("no")).await.unwrap(), 0);

    clients::insert(db, &client("batch")).await.unwrap();
    clients::insert(db, &client("gone")).await.unwrap();
    let ids = |filter: ClientFilter| async move {
        let found = clients::list(&store.db, &filter).await.unwrap();
        found.into_iter().map(|client| client.id.to_string()).collect::<Vec<_>>()
    };
    let all = ClientFilter { limit: 9, ..ClientFilter::default() };
    assert_eq!(ids(all.clone()).await, ["app", "batch", "gone"]);
    let order = Order::after(Some("app"));
    assert_eq!(ids(ClientFilter { order, limit: 1, ..all.clone() }).await, ["batch"]);
    let search = |text: &str| ClientFilter { search: Some(text.to_owned()), ..all.clone() };
    assert_eq!(ids(search("reNAMED")).await, ["app"]);
    assert_eq!(ids(search("the ")).await, ["batch", "gone"]);
    assert!(clients::delete(db, &ClientId::new("gone")).await.unwrap());
    assert!(!clients::delete(db, &ClientId::new("gone")).await.unwrap());
}

pub(crate) async fn consents_conform(store: &Store) {
    let db = &store.db;
    let (user, client) = (UserId::new("u-alice"), ClientId::new("app"));
    let mut consent = Consent {
        user_id: user.clone(),
        client_id: client.clone(),
        scopes: Scopes::from_tokens(["openid"]),
        claims: BTreeSet::new(),
        granted_at: NOW,
        withdrawals: 0,
    };
    assert_eq!(consents::get(db, &user, &client).await.unwrap(), None);
    consents::upsert(db, &consent).await.unwrap();
    consent.scopes = Scopes::from_tokens(["openid", "email"]);
    consent.claims = ["phone_number".to_owned()].into();
    consents::upsert(db, &consent).await.unwrap();
    assert_eq!(consents::get(db, &user, &client).await.unwrap().as_ref(), Some(&consent));
    assert_eq!(consents::list_for_user(db, &user).await.unwrap(), [consent]);
    assert!(consents::delete(db, &user, &client).await.unwrap());
    assert!(!consents::delete(db, &user, &client).await.unwrap());
}
