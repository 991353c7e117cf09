//! Two faults at once: one node cannot reach PostgreSQL, another cannot reach Redis. What the second ends,
//! the first hears of from nobody; so it says nothing at all before long. Or both stores are lost together,
//! and Redis is back first, with an older state.

use std::time::{Duration, Instant};

use futures_util::future::join;

use crate::kit::cut::CutNode;
use crate::kit::fixtures::{ALICE, BOB};
use crate::kit::flow::{App, PATIENCE, SecondNode, Tokens, sign_out};
use crate::kit::gateway::{Question, WIKI, add_people, builder, visitor};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

/// Somebody who is signed in everywhere, and what proves it.
struct Person {
    browser: Browser,
    cookie: String,
    tokens: Tokens,
}

/// The node that cannot reach PostgreSQL, as it is seen.
struct Deaf<'a> {
    world: &'a World,
    node: CutNode,
    app: App,
}

impl Deaf<'_> {
    /// What it answers about somebody: the gateway's cookie, the session, userinfo and introspection.
    async fn says(&self, person: &Person) -> [u16; 4] {
        let door =
            Question::about(self.world, WIKI, "/").at(&self.node.base).cookie(&person.cookie);
        let browser = self.node.there(&person.browser);
        let at_home = async { browser.get("/account").await.status.as_u16() };
        let told = join(self.app.userinfo(&person.tokens.access), async {
            let said = self.app.introspect(&person.tokens.access).await;
            // An answer that the token is dead is no "allow".
            if said.text == r#"{"active":false}"# { 401 } else { said.status }
        });
        let ((door, home), (userinfo, introspection)) =
            join(join(door.status(), at_home), told).await;
        [door, home, userinfo.status, introspection]
    }

    async fn waits_until_it_says(&self, person: &Person, wanted: [u16; 4]) {
        wait_until_async(&format!("{wanted:?} being said"), PATIENCE, async || {
            let now = self.says(person).await;
            now == wanted
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_at_a_node_without_redis_is_not_allowed_at_one_without_postgres() {
    let mut world = CutNode::world_of(builder(Backend::Production)).await;
    add_people(&world);
    let app = App::register(&world, "app", &[]);
    let mut people = Vec::new();
    for person in [&ALICE, &BOB] {
        let (browser, cookie) = visitor(&world, person).await;
        let tokens = app.tokens(&browser).await;
        people.push(Person { browser, cookie, tokens });
    }
    let (leaving, staying) = (&people[0], &people[1]);
    let mute = CutNode::start(&mut world).await;
    let node = CutNode::start(&mut world).await;
    // Otherwise it would tell Redis what the mute one cannot.
    world.stop();
    let deaf = Deaf { world: &world, app: app.at_address(node.base.clone()), node };
    for person in &people {
        deaf.waits_until_it_says(person, [200; 4]).await;
    }

    for fault in [Fault::BlackHole, Fault::Reset] {
        deaf.node.postgres.set(fault);
        mute.redis.set(Fault::BlackHole);
        mute.wait_until_not_ready().await;
        if fault == Fault::BlackHole {
            // Told to come back, because a machine with much to do was too slow, they do.
            wait_until_async("a sign-out being acknowledged", PATIENCE, async || {
                sign_out(&mute.there(&leaving.browser)).await.status.as_u16() < 400
            })
            .await;
        }
        // Redis answers, and says that nothing has ended.
        deaf.waits_until_it_says(leaving, [503; 4]).await;
        assert_eq!(deaf.says(leaving).await, [503; 4], "{fault:?}: and it stays so");
        // It cannot tell one from the other, once what it remembers is too old.
        deaf.waits_until_it_says(staying, [503; 4]).await;
        // The program that asks may have been disabled meanwhile, too.
        wait_until_async("what it remembers of the program being too old", PATIENCE, async || {
            deaf.app.client_credentials().await.status == 503
        })
        .await;
        // Hearing from SQL is enough to know, whatever Redis has not been told.
        deaf.node.postgres.set(Fault::None);
        deaf.waits_until_it_says(leaving, [401, 303, 401, 401]).await;
        deaf.waits_until_it_says(staying, [200; 4]).await;
        mute.redis.set(Fault::None);
        mute.wait_until_ready().await;
        deaf.app.assert_dead(&leaving.tokens).await;
        deaf.app.assert_alive(&staying.tokens).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_back_before_postgres_with_an_older_snapshot_lets_nobody_in() {
    let stores = builder(Backend::Production).own_postgres().own_redis(Persistence::Snapshot);
    let mut world = stores.start().await;
    add_people(&world);
    let mut node = SecondNode::spawn(&world);
    node.ready().await;
    let there = node.base();
    // Whether the other node hears of the end while it is quiet is a matter of luck.
    for round in 0..5 {
        let (leaving, cookie) = visitor(&world, &ALICE).await;
        let door = async |world: &World| {
            Question::about(world, WIKI, "/").at(&there).cookie(&cookie).status().await
        };
        assert_eq!(door(&world).await, 200);
        // Long enough for it to forget what it remembers, and to be quiet.
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        let snapshot = world.redis().save_snapshot();
        assert!(sign_out(&leaving).await.status.as_u16() < 400);
        world.postgres().crash();
        world.redis().restore_snapshot(&snapshot);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            let said = door(&world).await;
            assert_ne!(said, 200, "round {round}, after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.postgres().restart().await;
        wait_until_async("an answer", PATIENCE, async || door(&world).await == 401).await;
    }
}
