//! Pushed requests: kept for their time, used up once.

use doorward::store::StoreError;
use doorward::store::ephemeral::{Ephemeral, pushed};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::fast::Passing;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    client: String,
    params: String,
}

fn kept(client: &str) -> Kept {
    Kept { client: client.to_owned(), params: "scope=openid&state=ü%00".to_owned() }
}

pub(crate) async fn pushed_requests_conform(e: &Ephemeral, time: &Passing) {
    assert_eq!(pushed::get::<Kept>(e, "nobody").await.unwrap(), None);
    pushed::put(e, "one", (&kept("app"), 60)).await.unwrap();
    pushed::put(e, "two", (&kept("other"), 60)).await.unwrap();
    for _ in 0..2 {
        let read: Option<Kept> = pushed::get(e, "one").await.unwrap();
        assert_eq!(read, Some(kept("app")), "looking uses nothing up");
    }
    let wrong = pushed::get::<Vec<String>>(e, "one").await;
    assert!(matches!(wrong, Err(StoreError::Corrupt(_))), "{wrong:?}");

    let names: Vec<String> = (0..20).map(|by| format!("page {by}")).collect();
    let spent = join_all(names.iter().map(|by| pushed::spend(e, "one", (by, 60)))).await;
    let spent: Vec<_> = spent.into_iter().map(Result::unwrap).collect();
    let winner = spent.iter().position(Option::is_none).unwrap();
    for (number, by) in spent.iter().enumerate().filter(|(number, _)| *number != winner) {
        assert_eq!(by.as_ref(), Some(&names[winner]), "{number} hears what used it up");
    }
    assert_eq!(pushed::get::<Kept>(e, "one").await.unwrap(), None);
    assert_eq!(pushed::get(e, "two").await.unwrap(), Some(kept("other")), "the others stay");
    // A name that comes back, as from a restored Redis, stays spent.
    pushed::put(e, "one", (&kept("app"), 60)).await.unwrap();
    let again = pushed::spend(e, "one", ("another", 60)).await.unwrap();
    assert_eq!(again.as_ref(), Some(&names[winner]));

    // Whoever opened the page in time may answer after the request itself has expired, once.
    pushed::put(e, "brief", (&kept("app"), 1)).await.unwrap();
    time.pass(2).await;
    assert_eq!(pushed::get::<Kept>(e, "brief").await.unwrap(), None);
    assert_eq!(pushed::spend(e, "brief", ("a", 60)).await.unwrap(), None);
    assert_eq!(pushed::spend(e, "brief", ("b", 60)).await.unwrap().as_deref(), Some("a"));
}
