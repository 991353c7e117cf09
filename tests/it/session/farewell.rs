//! Very many messages: what waits for an app that is disabled stays within bounds, and what fails keeps
//! nobody else waiting.

use crate::kit::flow::{claim, count, execute, sign_out};
use crate::kit::logout::{PATIENCE, Told, somebody, token_of};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

/// The columns of a message.
const COLUMNS: &str = "id, kind, client_id, payload, due_at, attempts, created_at, expires_at";

/// A world whose apps may be told at the shared peer.
async fn world(backend: Backend) -> World {
    reachable(World::builder(backend), &[TlsPeer::shared()]).start().await
}

on_both_backends! {
    async fn messages_of_a_disabled_app_wait_for_those_before_them(backend: Backend) {
        let world = world(backend).await;
        let told = Told::register(&world, &[]);
        let (_, browser) = somebody(&world).await;
        let sid = claim(&told.app.tokens(&browser).await.id, "sid");
        // One more than may wait, and none of them is due.
        let flood = format!(
            "insert into outbox ({COLUMNS}) \
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 2001) \
             select 'waiting-' || i, 'backchannel_logout', '{}', '{{}}', 99999999999, 0, 0, \
             99999999999 from n",
            told.app.id
        );
        execute(&world, &flood).await;
        world.cli(&["client", "update", &told.app.id, "--disable"]);
        let farewell = "select count(*) from outbox where kind = 'backchannel_farewell'";
        let put_back = format!("{farewell} and attempts = 0 and due_at > created_at");
        wait_until_async("a turn of the farewell", PATIENCE, async || {
            count(&world, &put_back).await == 1
        })
        .await;
        let messages = "select count(*) from outbox where kind = 'backchannel_logout'";
        assert_eq!(count(&world, messages).await, 2_001);
        assert!(told.heard().is_empty());
        // With one less there is room.
        execute(&world, "delete from outbox where id = 'waiting-1'").await;
        let sent = told.hears(1).await;
        assert_eq!(claim(&token_of(&sent[0]), "sid"), sid);
        wait_until_async("the end of the farewell", PATIENCE, async || {
            count(&world, farewell).await == 0
        })
        .await;
        assert_eq!(count(&world, messages).await, 2_000);
        assert_eq!(told.heard().len(), 1, "it was told once");
    }

    async fn a_kind_of_messages_that_fails_keeps_no_other_waiting(backend: Backend) {
        let world = world(backend).await;
        let told = Told::register(&world, &[]);
        let (_, browser) = somebody(&world).await;
        told.app.tokens(&browser).await;
        // The number of its next try is beyond what the column holds. Letters come first.
        let row = "'broken', 'mail', null, '{}', 0, 9223372036854775807, 0, 99999999999";
        execute(&world, &format!("insert into outbox ({COLUMNS}) values ({row})")).await;
        wait_until_async("a failure", PATIENCE, async || {
            world.log().contains("messages of a kind could not be looked for")
        })
        .await;
        sign_out(&browser).await;
        told.hears(1).await;
        told.settled(&world).await;
        assert_eq!(count(&world, "select count(*) from outbox where id = 'broken'").await, 1);
    }
}
