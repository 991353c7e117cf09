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

    let spent = join_all((0..20).map(|_| pushed::spend(e, "one", 60))).await;
    let winners = spent.into_iter().filter(|first| *first.as_ref().unwrap()).count();
    assert_eq!(winners, 1, "used up once");
    assert_eq!(pushed::get::<Kept>(e, "one").await.unwrap(), None);
    assert_eq!(pushed::get(e, "two").await.unwrap(), Some(kept("other")), "the others stay");
    // A name that comes back, as from a restored Redis, stays spent.
    pushed::put(e, "one", (&kept("app"), 60)).await.unwrap();
    assert!(!pushed::spend(e, "one", 60).await.unwrap());

    // Whoever opened the page in time may answer after the request itself has expired, once.
    pushed::put(e, "brief", (&kept("app"), 1)).await.unwrap();
    time.pass(2).await;
    assert_eq!(pushed::get::<Kept>(e, "brief").await.unwrap(), None);
    assert!(pushed::spend(e, "brief", 60).await.unwrap());
    assert!(!pushed::spend(e, "brief", 60).await.unwrap());
}
