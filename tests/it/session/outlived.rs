//! A session's row goes when its absolute limit is reached, and apps may go on refreshing: what is left of it
//! ends with the app's own sign-out, and when it is named.

use crate::kit::audit::events;
use crate::kit::fixtures::payload;
use crate::kit::flow::{Tokens, count, execute};
use crate::kit::logout::{Told, sign_out_by_app, somebody, token_of};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::servers::Persistence;
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

/// What a clean-up leaves of sessions that reached their limit, at a server that remembers none of them.
async fn forget_sessions(world: &mut World) {
    world.kill9();
    execute(world, "delete from session_clients").await;
    execute(world, "delete from sessions").await;
    if world.backend == Backend::Production {
        world.redis().flush();
    }
    world.start_server().await;
}

/// Two apps that go on refreshing after their session has gone, the browser that had it, and its id.
async fn left_behind(world: &mut World) -> ([(Told, Tokens); 2], Browser, String) {
    let (_, browser) = somebody(world).await;
    let apps = [(); 2].map(|()| Told::register(world, &[]));
    let mut refreshing = Vec::new();
    for told in &apps {
        refreshing.push(told.app.tokens(&browser).await);
    }
    let listed = world.cli(&["session", "list"]);
    let id = listed["items"][0]["id"].as_str().expect("a session").to_owned();
    forget_sessions(world).await;
    let [one, two] = apps;
    let first = one.app.refresh(&refreshing[0].refresh).await.tokens();
    let second = two.app.refresh(&refreshing[1].refresh).await.tokens();
    one.app.assert_alive(&first).await;
    // An answer to a refresh may come without an ID token of its own.
    let first = Tokens { id: refreshing[0].id.clone(), ..first };
    ([(one, first), (two, second)], browser, id)
}

on_both_backends! {
    async fn what_outlived_its_session_ends_when_an_app_signs_out(backend: Backend) {
        let builder = World::builder(backend).own_redis(Persistence::Snapshot);
        let mut world = reachable(builder, &[TlsPeer::shared()]).start().await;
        let ([(one, first), (two, second)], browser, _) = left_behind(&mut world).await;
        sign_out_by_app(&browser, &first).await.assert_status(303);
        one.app.assert_dead(&first).await;
        two.app.assert_dead(&second).await;
        for told in [&one, &two] {
            let token = token_of(&told.hears(1).await[0]);
            assert_eq!(payload(&token)["sid"], payload(&first.id)["sid"]);
        }
        assert_eq!(events(&world, "session.ended").await, 1);
        // A second click ends nothing and tells nobody.
        sign_out_by_app(&browser, &first).await.assert_status(303);
        one.settled(&world).await;
        assert_eq!((one.heard().len(), events(&world, "session.ended").await), (1, 1));
    }

    async fn what_outlived_its_session_ends_when_that_is_named(backend: Backend) {
        let builder = World::builder(backend).own_redis(Persistence::Snapshot);
        let mut world = reachable(builder, &[TlsPeer::shared()]).start().await;
        let ([(one, first), (two, second)], _, sid) = left_behind(&mut world).await;
        assert_eq!(count(&world, "select count(*) from sessions").await, 0);
        world.cli(&["session", "revoke", &sid]);
        one.app.assert_dead(&first).await;
        two.app.assert_dead(&second).await;
        two.hears(1).await;
        let again = world.run(&["session", "revoke", &sid]);
        assert!(!again.status.success(), "there is nothing left to end");
    }
}
