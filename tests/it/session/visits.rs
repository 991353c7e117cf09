//! SQL is told when sessions were last used: seldom, however busy they are, and surely, whatever fails.

use doorward::app::App;
use doorward::clock::Clock;
use doorward::protocol::types::SessionId;
use doorward::service::{maintenance, session};

use super::copies::signed_in;
use crate::kit::flow::{count, execute};

async fn visit(app: &App, cookie: &str) {
    assert!(session::current(app, cookie).await.expect("an answer").is_some());
}

on_both_backends! {
    async fn a_use_is_told_within_a_minute_or_two_and_not_lost_when_sql_fails(backend: Backend) {
        let clock = Clock::manual(Clock::System.now());
        let (world, app, made) = Box::pin(signed_in(backend, &clock)).await;
        let cookie = made.cookie.expose();
        let told = async || count(&world, "select last_seen_at from sessions").await;
        let began = app.now();
        clock.advance(60);
        visit(&app, cookie).await;
        clock.advance(30);
        visit(&app, cookie).await;
        maintenance::write_visits(&app).await.expect("an answer");
        assert_eq!(told().await, began.0, "not yet");

        // More than fit into one batch.
        let others: Vec<_> = (0..450).map(|n| SessionId::new(format!("s-{n}"))).collect();
        for other in &others {
            app.watch.visited(other, app.now());
        }
        clock.advance(60);
        execute(&world, "alter table sessions rename to sessions_away").await;
        assert!(maintenance::write_visits(&app).await.is_err());
        execute(&world, "alter table sessions_away rename to sessions").await;
        let kept = others.iter().all(|other| app.watch.last_visit(other).is_some());
        assert!(kept, "visits were lost");
        maintenance::write_visits(&app).await.expect("an answer");
        assert_eq!(told().await, began.0 + 90);
        assert!(others.iter().all(|other| app.watch.last_visit(other).is_none()));

        // At the end of the process everything is told.
        visit(&app, cookie).await;
        maintenance::write_visits(&app).await.expect("an answer");
        assert_eq!(told().await, began.0 + 90, "once a minute");
        maintenance::write_all_visits(&app).await.expect("an answer");
        assert_eq!(told().await, began.0 + 150);
        app.store.db.close().await;
    }
}
