//! Settings that administrators changed.

use doorward::store::Store;
use doorward::store::settings::{self, StoredSetting};
use serde_json::{Value, json};

use super::fixtures::NOW;

fn setting(key: &str, value: Value, version: i64) -> StoredSetting {
    let changed_by = "command-line".to_owned();
    StoredSetting { key: key.to_owned(), value, version, changed_at: NOW, changed_by }
}

pub(crate) async fn settings_conform(store: &Store) {
    assert_eq!(settings::all(&store.db).await.unwrap(), []);
    let idle = setting("session.idle", json!(600), 1);
    let links = setting("branding.links", json!(["Help https://help.test"]), 2);
    let name = setting("product_name", json!("Ö\"'\\ "), 3);
    let mut tx = store.begin().await.unwrap();
    for row in [&idle, &links, &name] {
        settings::put(&mut tx, row).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(settings::all(&store.db).await.unwrap(), [links, name.clone(), idle.clone()]);
    let later = StoredSetting { value: json!(900), version: 4, ..idle };
    let mut tx = store.begin().await.unwrap();
    settings::put(&mut tx, &later).await.unwrap();
    assert!(settings::delete(&mut tx, "branding.links").await.unwrap());
    assert!(!settings::delete(&mut tx, "branding.links").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(settings::all(&store.db).await.unwrap(), [name.clone(), later.clone()]);
    // An unfinished change is none.
    let mut tx = store.begin().await.unwrap();
    settings::delete(&mut tx, "product_name").await.unwrap();
    drop(tx);
    assert_eq!(settings::all(&store.db).await.unwrap(), [name, later]);
}
