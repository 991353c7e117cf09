//! Protected resources: each belongs to one client, under any race.

use doorward::protocol::types::ClientId;
use doorward::store::Store;
use doorward::store::clients::{self, protected_resources};

use super::fixtures::client;

/// Gives a client these resources, unless one of them is another's.
async fn give(store: &Store, id: &ClientId, resources: &[&str]) -> Vec<String> {
    let resources: Vec<String> = resources.iter().map(|one| (*one).to_owned()).collect();
    let mut tx = store.begin().await.unwrap();
    let taken = protected_resources::replace(&mut tx, id, &resources).await.unwrap();
    if taken.is_empty() {
        tx.commit().await.unwrap();
    }
    taken
}

async fn holder(store: &Store, resource: &str) -> Option<String> {
    let found = protected_resources::holder(&store.db, resource).await.unwrap();
    found.map(|id| id.to_string())
}

pub(crate) async fn protected_resources_conform(store: &Store) {
    let (one, two) = (client("server-one"), client("server-two"));
    for app in [&one, &two] {
        clients::insert(&store.db, app).await.unwrap();
    }
    assert_eq!(holder(store, "urn:a").await, None);
    assert!(give(store, &one.id, &["urn:b", "urn:a", "urn:b"]).await.is_empty(), "twice is once");
    assert_eq!(holder(store, "urn:a").await.as_deref(), Some("server-one"));
    assert_eq!(holder(store, "URN:A").await, None, "compared as it is");
    assert_eq!(give(store, &two.id, &["urn:c", "urn:b"]).await, ["urn:b"]);
    assert_eq!(holder(store, "urn:c").await, None, "all or nothing");
    assert!(give(store, &one.id, &["urn:a"]).await.is_empty(), "its own again, and one less");
    assert!(give(store, &two.id, &["urn:c", "urn:b"]).await.is_empty());
    assert_eq!(holder(store, "urn:b").await.as_deref(), Some("server-two"));
    clients::delete(&store.db, &two.id).await.unwrap();
    assert_eq!(holder(store, "urn:c").await, None, "goes with its client");
    of_many_claims_at_once_one_holds(store).await;
    clients::delete(&store.db, &one.id).await.unwrap();
}

async fn of_many_claims_at_once_one_holds(store: &Store) {
    let rivals: Vec<_> = (0..16).map(|n| client(&format!("rival-{n:02}"))).collect();
    for app in &rivals {
        clients::insert(&store.db, app).await.unwrap();
    }
    let tasks: Vec<_> = rivals
        .iter()
        .enumerate()
        .map(|(number, app)| {
            let (store, id) = (store.clone(), app.id.clone());
            // In different orders, so that two who waited for each other would never end.
            let wanted = if number % 2 == 0 { ["urn:x", "urn:y"] } else { ["urn:y", "urn:x"] };
            tokio::spawn(async move { give(&store, &id, &wanted).await.is_empty() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert_eq!(holder(store, "urn:x").await, holder(store, "urn:y").await);
    for app in &rivals {
        clients::delete(&store.db, &app.id).await.unwrap();
    }
}
