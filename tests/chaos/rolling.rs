//! Two nodes behind HAProxy, as `docs/nodes/haproxy.cfg` sets it up, are restarted one after the other
//! while people and apps go on. Not one request fails.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join;

use crate::flow::{
    App, PASSWORD, create_user, get, http_client, is_signed_in, read, sign_in, sign_out,
};
use crate::more::{COOKIE, entrance, question};
use crate::rig::{PATIENCE, Rig};
use crate::support::process::{Guarded, START_LIMIT, Signal, wait_until_async};
use crate::support::world::World;

/// HAProxy at the address of the issuer.
struct Balancer {
    process: Guarded,
    /// Where it tells what it sees.
    socket: PathBuf,
}

impl Balancer {
    async fn start(rig: &Rig) -> Self {
        let world = &rig.world;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/nodes/haproxy.cfg");
        let mut text = std::fs::read_to_string(path).expect("the documented configuration");
        let address = |port: u16| format!("127.0.0.1:{port}");
        for (from, to) in [
            (":443 ssl crt /etc/haproxy/id.example.com.pem", address(world.port)),
            ("127.0.0.1:8081", address(rig.nodes[0].port)),
            ("127.0.0.1:8082", address(rig.nodes[1].port)),
        ] {
            assert!(text.contains(from), "the configuration has no {from:?} any more");
            text = text.replace(from, &to);
        }
        let socket = world.path("haproxy.sock");
        text.insert_str(0, &format!("global\n    stats socket {}\n\n", socket.display()));
        let file = world.path("haproxy.cfg");
        std::fs::write(&file, text).expect("write the configuration");
        let known = Path::new("/usr/sbin/haproxy");
        let mut command = Command::new(if known.exists() { known } else { Path::new("haproxy") });
        command.arg("-db").arg("-f").arg(&file);
        let mut process = Guarded::start(&mut command, &world.path("haproxy.log"), Signal::Kill);
        let log = world.path("haproxy.log");
        wait_until_async("HAProxy passing requests on", START_LIMIT, async || {
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(process.ended().is_none(), "HAProxy ended:\n{}", said());
            let answer = http_client().get(world.url("/livez")).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        Self { process, socket }
    }

    /// Waits until requests are passed to this node.
    async fn sees(&self, node: usize) {
        let name = format!("doorward,{},", ["one", "two"][node]);
        wait_until_async("HAProxy seeing that a node is back", PATIENCE, async || {
            let seen = self.seen();
            let line = seen.lines().find(|line| line.starts_with(&name)).expect("a known node");
            line.split(',').any(|cell| cell == "UP")
        })
        .await;
    }

    /// Its table of servers.
    fn seen(&self) -> String {
        let mut socket = UnixStream::connect(&self.socket).expect("HAProxy's socket");
        socket.write_all(b"show stat\n").expect("ask HAProxy");
        let mut table = String::new();
        socket.read_to_string(&mut table).expect("HAProxy's answer");
        table
    }
}

/// What goes on, and how much of it so far. Every answer is checked where it is asked for: one that
/// does not come, or is not the right one, fails the test.
struct Busy<'a> {
    world: &'a World,
    app: App,
    over: AtomicBool,
    signed_in: AtomicUsize,
    asked: AtomicUsize,
}

impl Busy<'_> {
    fn goes_on(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        !self.over.load(Ordering::SeqCst)
    }

    /// People who come and go, each with connections of their own.
    async fn people(&self) {
        while self.goes_on() {
            let browser = sign_in(self.world, "alice").await;
            let tokens = self.app.tokens(&browser).await;
            assert!(is_signed_in(&browser).await);
            assert!(sign_out(&browser).await.status.as_u16() < 400);
            self.app.wait_until_access_dead(&tokens.access).await;
            self.signed_in.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// An app that keeps its connections and refreshes.
    async fn app(&self) {
        let browser = sign_in(self.world, "bob").await;
        let mut tokens = self.app.tokens(&browser).await;
        while self.goes_on() {
            tokens = self.app.refresh(&tokens.refresh).await.tokens();
            self.app.assert_alive(&tokens).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A proxy that asks about every request of somebody who is in, and of somebody who is not.
    async fn door(&self) {
        let browser = sign_in(self.world, "carol").await;
        let page = browser.get(&entrance(&self.world.url(""))).await;
        assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
        let cookie = browser.cookie(COOKIE).expect("a cookie for the gateway");
        let forged = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let (http, address) = (http_client(), self.world.url("/gateway/verify"));
        let said = async |cookie: &str| {
            read(question(http.get(&address), cookie)).await.expect("an answer")
        };
        while self.goes_on() {
            let answer = said(cookie.as_str()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.headers.contains_key("x-user-id"), "{answer:?}");
            let answer = said(forged).await;
            assert_eq!(answer.status, 401, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Somebody who only reads, as fast as answers come.
    async fn reader(&self) {
        let http = http_client();
        let address = self.world.url("/.well-known/openid-configuration");
        while self.goes_on() {
            let answer = http.get(&address).send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("the whole answer");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_restarted_one_after_the_other_behind_haproxy_fail_no_request() {
    let restarts = crate::rounds("CHAOS_RESTARTS", 3);
    let mut rig = Rig::start(&[("DOORWARD_SERVER__SHUTDOWN_DELAY", "2")]).await;
    let mut balancer = Balancer::start(&rig).await;
    create_user(&rig.world, "alice");
    create_user(&rig.world, "bob");
    create_user(&rig.world, "carol");
    let app = App::register(&rig.world, "app", &[]);
    let Rig { world, nodes } = &mut rig;
    let busy = Busy {
        world,
        app,
        over: AtomicBool::new(false),
        signed_in: AtomicUsize::new(0),
        asked: AtomicUsize::new(0),
    };
    let restarting = async {
        for round in 0..restarts * 2 {
            let node = &mut nodes[round % 2];
            let signed_in = busy.signed_in.load(Ordering::SeqCst);
            wait_until_async("people coming and going", PATIENCE, async || {
                busy.signed_in.load(Ordering::SeqCst) > signed_in
            })
            .await;
            node.end(Signal::Terminate);
            node.start(busy.world).await;
            balancer.sees(round % 2).await;
        }
        busy.over.store(true, Ordering::SeqCst);
    };
    let people = join(busy.people(), busy.people());
    tokio::join!(restarting, people, busy.app(), busy.reader(), busy.door());
    let asked = busy.asked.load(Ordering::SeqCst);
    assert!(balancer.process.ended().is_none());
    assert_eq!(get(&rig.world.url("/readyz")).await.status, 200);
    eprintln!("{} restarts during {asked} rounds of the load", restarts * 2);
    rig.assert_logs_are_clean(&[PASSWORD]);
}
