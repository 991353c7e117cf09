//! A clock that is set ahead by mistake has nothing deleted that would matter once it is set right.

use doorward::app::App;
use doorward::clock::Clock;
use doorward::protocol::types::{ClientId, GrantId};
use doorward::service::maintenance;
use doorward::service::revocation::{self, Lineage, Standing, Subject, copy};
use doorward::store::used_jtis;

use crate::kit::flow::count;
use crate::kit::node::node;
use crate::support::world::World;

const TWO_HOURS: i64 = 7_200;

async fn standing(app: &App, grant: &GrantId) -> Standing {
    let client = ClientId::new("app");
    let lineage = Lineage {
        grant,
        session: None,
        user: None,
        client: (&client, 0),
        origins: &[],
        actors: &[],
    };
    revocation::standing(app, &lineage).await.expect("an answer")
}

async fn end(app: &App, grant: &GrantId) {
    let mut tx = app.store.begin().await.expect("a transaction");
    let ended = revocation::record(&mut tx, &[Subject::Grant(grant)], app.now()).await;
    tx.commit().await.expect("a commit");
    revocation::publish(app, ended.expect("a revocation")).await;
}

on_both_backends! {
    async fn a_clock_set_ahead_and_back_revives_nothing_and_time_that_passes_cleans_up(
        backend: Backend
    ) {
        let world = World::builder(backend).prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let app = Box::pin(node(&world, &clock)).await;
        let grant = GrantId::new("g");
        end(&app, &grant).await;
        assert!(used_jtis::spend(&app.store.db, "j", app.now().plus(300)).await.expect("an answer"));
        assert_eq!(standing(&app, &grant).await, Standing::Revoked);

        clock.set_by(TWO_HOURS);
        for _ in 0..3 {
            maintenance::clean_up(&app).await.expect("a clean-up");
            clock.advance(60);
        }
        clock.set_by(-TWO_HOURS);
        assert_eq!(standing(&app, &grant).await, Standing::Revoked, "as the copy says");
        let again = used_jtis::spend(&app.store.db, "j", app.now().plus(300)).await;
        assert!(!again.expect("an answer"), "a proof was used twice");
        app.ephemeral.delete(&["{rv}:marker"]).await.expect("an answer");
        assert_eq!(standing(&app, &grant).await, Standing::Revoked, "as SQL says");

        // Nor does the copy forget anything that is made meanwhile.
        clock.set_by(TWO_HOURS);
        copy::look_after(&app).await.expect("a copy");
        clock.set_by(-TWO_HOURS);
        let marker = app.ephemeral.get("{rv}:marker").await.expect("an answer");
        assert_eq!(marker.as_deref(), Some("1"));
        assert_eq!(standing(&app, &grant).await, Standing::Revoked, "as the new copy says");

        let left = "select count(*) from revocations";
        assert_eq!(count(&world, left).await, 1);
        clock.advance(TWO_HOURS);
        maintenance::clean_up(&app).await.expect("a clean-up");
        assert_eq!(count(&world, left).await, 0, "two hours have passed");
        app.store.db.close().await;
    }
}
