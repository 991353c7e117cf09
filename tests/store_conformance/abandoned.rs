//! Transactions that nobody waits for any more: a browser that goes away, a limit that is over. Whoever is
//! given their connection next must not end up in what they had begun: what is acknowledged would be undone.

use std::time::Duration;

use doorward::store::{DatabaseSettings, Store, users};
use futures_util::poll;

use super::fixtures::user;
use super::servers::{Postgres, TempDir};

const ROUNDS: usize = 120;

/// Goes away from a transaction that is about to begin, at another moment each time.
async fn abandon(store: &Store, round: usize) {
    let mut beginning = Box::pin(store.begin());
    for step in 0..=round % 4 {
        if poll!(beginning.as_mut()).is_ready() {
            return;
        }
        if step > 0 {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    }
}

async fn what_is_acknowledged_stays(settings: &DatabaseSettings) {
    let store = Store::connect(settings).await.unwrap();
    store.migrate().await.unwrap();
    for round in 0..ROUNDS {
        abandon(&store, round).await;
        users::insert(&store.db, &user(&format!("user-{round}"))).await.unwrap();
    }
    // Whatever was never committed goes with its connection.
    store.db.close().await;
    let store = Store::connect(settings).await.unwrap();
    for round in 0..ROUNDS {
        let kept = users::by_login(&store.db, &format!("user-{round}")).await.unwrap();
        assert!(kept.is_some(), "user-{round} was acknowledged");
    }
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_nothing_goes_with_an_abandoned_transaction() {
    let dir = TempDir::new("abandoned");
    let url = format!("sqlite://{}/doorward.db", dir.0.display());
    what_is_acknowledged_stays(&DatabaseSettings::new(url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_nothing_goes_with_an_abandoned_transaction() {
    let server = Postgres::start();
    what_is_acknowledged_stays(&DatabaseSettings::new(server.url())).await;
}
