//! What lies beneath: clocks that differ or jump, and a disk with no room left.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use doorward::app::Migrations;
use doorward::clock::{Clock, UnixTime};
use doorward::config::{Config, Sources};
use doorward::http::server::{self, Listeners, Stopper};
use doorward::service::start;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, SESSION_COOKIE, create_user, get, is_signed_in, sign_in, sign_out,
    submit_sign_in,
};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::{Guarded, Signal, wait_until_async};
use crate::support::world::{World, binary};

/// A node on the data of a world that serves from inside the test, by a clock that the test moves.
struct Shifted {
    base: String,
    clock: Clock,
    stopper: Stopper,
}

impl Shifted {
    /// With a clock that is this many seconds ahead of the world's.
    async fn start(world: &World, ahead: i64) -> Self {
        let mut sources = Sources::none();
        for (name, value) in world.settings() {
            sources = sources.variable(name, value);
        }
        let config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Clock::manual(UnixTime(now() + ahead));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let (tell, told) = tokio::sync::oneshot::channel();
        let its = clock.clone();
        // Ends when it is stopped, or with the process.
        std::thread::spawn(move || {
            server::block_on(async move {
                let app = start::start(config, its, Migrations::Expect).await.expect("a node");
                let main = vec![listener];
                let all = Listeners { main, management: None, tls: None, mtls: Vec::new() };
                let running = server::start(Arc::new(app), all).expect("a server");
                let _ = tell.send(running.stopper(&[]));
                running.until_stopped(Vec::new()).await
            })
        });
        let stopper = told.await.expect("a node that serves");
        Self { base, clock, stopper }
    }

    fn browser(&self, cookies_of: &Browser) -> Browser {
        let other = Browser::new(&self.base);
        let cookie = cookies_of.cookie(SESSION_COOKIE).unwrap_or_default();
        other.plant_cookie(SESSION_COOKIE, &cookie);
        other
    }
}

fn now() -> i64 {
    i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_whose_clocks_differ_by_twenty_seconds_are_one_provider() {
    let world = World::start(Backend::Production).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    for ahead in [20, -20] {
        let node = Shifted::start(&world, ahead).await;
        let there = app.at_address(node.base.clone());
        let browser = sign_in(&world, "alice").await;
        let elsewhere = node.browser(&browser);
        assert!(is_signed_in(&elsewhere).await, "{ahead}");
        let (mine, theirs) = (app.tokens(&browser).await, there.tokens(&elsewhere).await);
        for side in [&app, &there] {
            side.assert_alive(&mine).await;
            side.assert_alive(&theirs).await;
        }
        let next = there.refresh(&mine.refresh).await.tokens();
        app.assert_alive(&next).await;
        assert_eq!(there.revoke(&next.refresh).await.status, 200);
        app.wait_until_dead(&next).await;
        sign_out(&browser).await;
        there.wait_until_dead(&theirs).await;
        assert!(!is_signed_in(&elsewhere).await, "{ahead}");
        node.stopper.stop_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_ahead_ends_tokens_early_and_its_return_brings_back_nothing_revoked() {
    let world = World::start(Backend::Production).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let node = Shifted::start(&world, 0).await;
    let there = app.at_address(node.base.clone());
    let browser = sign_in(&world, "alice").await;
    let (kept, dead) = (app.tokens(&browser).await, app.tokens(&browser).await);
    node.clock.advance(700);
    assert!(!there.access_lives(&kept.access).await, "ten minutes have passed there");
    app.assert_alive(&kept).await;
    assert_eq!(there.revoke(&dead.refresh).await.status, 200);
    assert!(is_signed_in(&node.browser(&browser)).await, "the session has an hour");
    node.clock.advance(-700);
    for side in [&app, &there] {
        side.wait_until_dead(&dead).await;
        side.assert_alive(&kept).await;
    }
    node.stopper.stop_now().await;
}

/// The most a file of this process may hold from now on, as on a disk with no room beyond.
fn limit_files(pid: u32, limit: &str) {
    let limit = format!("--fsize={limit}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit {limit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_with_503_and_takes_them_once_there_is_room() {
    let mut world = World::start(Backend::Embedded).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    world.stop();
    // The signal that goes with the limit is ignored, so that writing fails as on a full disk.
    let like = world.command(&["serve"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" serve"]).arg(binary()).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.path(""));
    let mut node = Guarded::start(&mut command, &world.path("full.log"), Signal::Kill);
    let ready = world.management_url("/readyz");
    wait_until_async("getting ready", PATIENCE, async || {
        let answer = crate::kit::flow::http_client().get(&ready).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let browser = sign_in(&world, "alice").await;
    let (kept, code) = (app.tokens(&browser).await, app.code(&browser).await);
    limit_files(node.pid(), "4096");

    for _ in 0..3 {
        assert!(is_signed_in(&browser).await, "reading goes on");
        assert!(app.access_lives(&kept.access).await);
        let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
        for answer in [
            app.redeem(&code).await,
            app.refresh(&kept.refresh).await,
            app.revoke(&kept.refresh).await,
        ] {
            answer.assert_error(503, "temporarily_unavailable");
        }
    }
    // The jobs beside the requests fail meanwhile, and say so to a log that is full as well.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(node.ended().is_none(), "it ended");
    assert_eq!(get(&world.management_url("/readyz")).await.status, 200, "it reads");

    limit_files(node.pid(), "unlimited");
    let next = app.refresh(&kept.refresh).await.tokens();
    app.assert_alive(&next).await;
    assert_eq!(app.redeem(&code).await.status, 200, "the full disk spent nothing");
    let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
    assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
    assert_eq!(app.revoke(&next.refresh).await.status, 200);
    app.assert_dead(&next).await;
}
