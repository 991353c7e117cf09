//! The issuers that a database was served with.

use doorward::store::Store;
use doorward::store::served_issuers::{self, ServedIssuer};

use super::fixtures::NOW;

pub(crate) async fn served_issuers_conform(store: &Store) {
    let db = &store.db;
    let served = |issuer: &str, seconds: i64| {
        let issuer = format!("https://{issuer}.test");
        ServedIssuer { issuer, since: NOW.plus(seconds) }
    };
    let (first, second) = (served("later-by-name", 0), served("earlier-by-name", 60));
    for one in [&second, &first, &served("later-by-name", 120)] {
        served_issuers::keep(db, one).await.unwrap();
    }
    assert_eq!(served_issuers::all(db).await.unwrap(), [first, second]);
    // Nobody was there before everything began.
    let long_ago = NOW.plus(-1_000_000_000);
    assert!(!served_issuers::was_used_before(db, long_ago).await.unwrap());
    assert!(served_issuers::was_used_before(db, NOW.plus(1_000_000_000)).await.unwrap());
}
