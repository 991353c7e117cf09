//! What has ended is over everywhere once that is acknowledged: also at a node that was asked about it
//! all the time and remembers the answer, and also when whoever ended it cannot tell anybody but SQL.

use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, select};
use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::console;
use crate::kit::cut::CutNode;
use crate::kit::fixtures::{ALICE, BOB, Person};
use crate::kit::flow::{
    App, PATIENCE, SESSION_COOKIE, SecondNode, Tokens, claim, every_node, sign_out,
};
use crate::kit::gateway::{Question, WIKI, builder, gateway, visitor};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// How often each proof must have been taken before the end, and how often it is shown after it.
const OFTEN: usize = 10;

/// Between two questions about the same proof: the node shall answer others, too.
const PAUSE: Duration = Duration::from_millis(3);

/// Somebody who is signed in, and the node that is asked about them all the time.
struct Watched<'a> {
    world: &'a World,
    node: &'a str,
    app: App,
    cookie: String,
    browser: Browser,
    tokens: Tokens,
}

/// What somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    GatewayCookie,
    SessionCookie,
    Introspection,
    Userinfo,
}

/// Those of a session, and of nothing but a token.
const OF_SESSION: [Proof; 4] =
    [Proof::GatewayCookie, Proof::SessionCookie, Proof::Introspection, Proof::Userinfo];
const OF_TOKEN: [Proof; 2] = [Proof::Introspection, Proof::Userinfo];

/// When a question was asked, and whether the answer was yes.
type Answer = (Instant, bool);

impl<'a> Watched<'a> {
    async fn sign_in(world: &'a World, node: &'a str, app: &App) -> (Browser, Self) {
        Self::sign_in_as(world, node, (app, &ALICE)).await
    }

    async fn sign_in_as(
        world: &'a World,
        node: &'a str,
        (app, person): (&App, &Person),
    ) -> (Browser, Self) {
        let (here, cookie) = visitor(world, person).await;
        let tokens = app.tokens(&here).await;
        let browser = Browser::new(node);
        for name in [SESSION_COOKIE, "doorward_browser"] {
            browser.plant_cookie(name, &here.cookie(name).unwrap_or_default());
        }
        let app = app.at_address(node.to_owned());
        (here, Self { world, node, app, cookie, browser, tokens })
    }

    async fn is_taken(&self, proof: Proof) -> bool {
        match proof {
            Proof::GatewayCookie => {
                let door = Question::about(self.world, WIKI, "/").at(self.node);
                door.cookie(&self.cookie).status().await == 200
            }
            Proof::SessionCookie => self.browser.get("/account").await.status == 200,
            Proof::Introspection => {
                let answer = self.app.introspect(&self.tokens.access).await;
                answer.text.contains(r#""active":true"#)
            }
            Proof::Userinfo => self.app.userinfo(&self.tokens.access).await.status == 200,
        }
    }

    /// The id of the session, as everybody calls it.
    fn session(&self) -> String {
        claim(&self.tokens.id, "sid")
    }

    /// Shows these proofs all the time while something ends, and looks at what was said after that had been
    /// acknowledged.
    async fn while_it_ends(&self, proofs: &[Proof], end: impl AsyncFnOnce()) {
        let answers: Vec<Mutex<Vec<Answer>>> = proofs.iter().map(|_| Mutex::default()).collect();
        let taken = |answers: &Mutex<Vec<Answer>>| {
            answers.lock().expect("answers").iter().filter(|(_, yes)| *yes).count()
        };
        let acknowledged = Mutex::new(None::<Instant>);
        let ask = async |(proof, answers): (&Proof, &Mutex<Vec<Answer>>)| {
            let mut after = 0;
            while after < OFTEN {
                let asked = Instant::now();
                let yes = self.is_taken(*proof).await;
                answers.lock().expect("answers").push((asked, yes));
                if acknowledged.lock().expect("a moment").is_some() {
                    after += 1;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let ending = async {
            wait_until_async("answers of yes", PATIENCE, async || {
                answers.iter().all(|answers| taken(answers) >= OFTEN)
            })
            .await;
            end().await;
            *acknowledged.lock().expect("a moment") = Some(Instant::now());
        };
        join(join_all(proofs.iter().zip(&answers).map(ask)), ending).await;
        let end = acknowledged.lock().expect("a moment").expect("an end");
        for (proof, answers) in proofs.iter().zip(&answers) {
            let answers = answers.lock().expect("answers");
            let late = answers.iter().filter(|(asked, yes)| *yes && *asked > end);
            let late: Vec<Duration> = late.map(|(asked, _)| *asked - end).collect();
            assert!(late.is_empty(), "{proof:?} was taken so long after its end: {late:?}");
        }
    }
}

/// A token is given back again before that has been acknowledged; comes back with the first answer.
async fn given_back_twice(app: &App, token: &str) {
    let again = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        app.revoke(token).await
    };
    let (Either::Left((answer, _)) | Either::Right((answer, _))) =
        select(pin!(app.revoke(token)), pin!(again)).await;
    assert_eq!(answer.status, 200);
}

/// Every end that somebody without the server's own memory can make: the command line, and another node.
async fn ends_are_final(world: &World, node: &str, has_neighbour: bool) {
    let app = App::register(world, "app", &[]);
    let again = || Watched::sign_in(world, node, &app);
    if has_neighbour {
        for _ in 0..3 {
            let (here, watched) = again().await;
            let leave = async || {
                assert!(sign_out(&here).await.status.as_u16() < 400);
            };
            watched.while_it_ends(&OF_SESSION, leave).await;
            let (_, watched) = again().await;
            let give_back = async || {
                assert_eq!(app.revoke(&watched.tokens.refresh).await.status, 200);
            };
            watched.while_it_ends(&OF_TOKEN, give_back).await;
            let (_, watched) = again().await;
            let give_back = async || given_back_twice(&app, &watched.tokens.refresh).await;
            watched.while_it_ends(&OF_TOKEN, give_back).await;
        }
    }
    world.cli(&["group", "create", "crew"]);
    world.cli(&["group", "add-member", "crew", "alice"]);
    let crew = App::register(world, "crew", &["--allow-group", "crew"]);
    let (_, watched) = Watched::sign_in(world, node, &crew).await;
    let take = async || command(world, ["group", "remove-member", "crew", "alice"]).await;
    watched.while_it_ends(&OF_TOKEN, take).await;
    let (_, watched) = again().await;
    let listed = world.cli(&["user", "connections", "alice"]);
    let id = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    let end_one = async || command(world, ["user", "end-connection", "alice", &id]).await;
    watched.while_it_ends(&OF_TOKEN, end_one).await;
    let (_, watched) = again().await;
    let end_all = async || command(world, ["session", "revoke", "--user", "alice"]).await;
    watched.while_it_ends(&OF_SESSION, end_all).await;
    let (_, watched) = again().await;
    let disable = async || command(world, ["user", "disable", "alice"]).await;
    watched.while_it_ends(&OF_SESSION, disable).await;
}

/// Commands that end more than a sign-out does. The last one leaves no alice.
async fn ends_by_command_are_final(world: &World, node: &str) {
    let app = App::register(world, "app", &[]);
    let (_, watched) = Watched::sign_in(world, node, &app).await;
    let id = watched.session();
    let end_one = async || command(world, ["session", "revoke", &id]).await;
    watched.while_it_ends(&OF_SESSION, end_one).await;
    let (_, watched) = Watched::sign_in(world, node, &app).await;
    let file = world.path("the-same-password");
    std::fs::write(&file, ALICE.password).expect("a file");
    let file = file.display().to_string();
    let set = ["user", "set-password", "alice", "--password-file", &file];
    let set_password = async || command(world, set).await;
    watched.while_it_ends(&OF_SESSION, set_password).await;
    let gone = App::register(world, "gone", &[]);
    let (_, watched) = Watched::sign_in(world, node, &gone).await;
    let delete_app = async || command(world, ["client", "delete", "gone", "--yes"]).await;
    watched.while_it_ends(&OF_TOKEN, delete_app).await;
    let (_, watched) = Watched::sign_in_as(world, node, (&app, &BOB)).await;
    let delete_later = async || command(world, ["user", "delete", "bob", "--later"]).await;
    watched.while_it_ends(&OF_SESSION, delete_later).await;
    let (_, watched) = Watched::sign_in(world, node, &app).await;
    let delete = async || command(world, ["user", "delete", "alice", "--yes"]).await;
    watched.while_it_ends(&OF_SESSION, delete).await;
}

/// What people end on their account page and administrators in the console, at another node.
async fn ends_on_pages_are_final(world: &World, node: &str) {
    let app = App::register(world, "app", &[]);
    let again = || Watched::sign_in(world, node, &app);
    let owner = console::admin(world, "owner").await;
    let (_, watched) = again().await;
    let (other, _) = visitor(world, &ALICE).await;
    let elsewhere = async || {
        let form = other.get("/account/sign-out").await.form("sign-out-elsewhere");
        form.press("reach", "elsewhere").submit().await.assert_status(303);
    };
    watched.while_it_ends(&OF_SESSION, elsewhere).await;
    let (_, watched) = again().await;
    let end_one = async || {
        let path = format!("/account/sessions/{}/end", watched.session());
        other.get("/account").await.form_to(&path).submit().await.assert_status(303);
    };
    watched.while_it_ends(&OF_SESSION, end_one).await;
    let (_, watched) = again().await;
    let path = format!("/admin/sessions/{}/end", watched.session());
    let of_alice = [("user", "alice")];
    let press = async || {
        owner.post(&path, &[]).await.assert_status(303);
    };
    watched.while_it_ends(&OF_SESSION, press).await;
    let (_, watched) = again().await;
    let end_many = async || {
        owner.post("/admin/sessions/sign-out", &of_alice).await.assert_status(303);
    };
    watched.while_it_ends(&OF_SESSION, end_many).await;
    let (_, watched) = again().await;
    let sign_out_everywhere = async || {
        owner.post("/admin/users/alice/sign-out", &[]).await.assert_status(303);
    };
    watched.while_it_ends(&OF_SESSION, sign_out_everywhere).await;
}

/// What programs end by the REST API, at another node.
async fn ends_by_program_are_final(world: &World, node: &str) {
    let app = App::register(world, "app", &[]);
    let again = || Watched::sign_in(world, node, &app);
    console::create(world, "boss", Some("owner"));
    let program = Api::with_key(world, "boss", &all_scopes());
    let (_, watched) = again().await;
    let path = format!("/sessions/{}", watched.session());
    let end_one = async || {
        is(program.delete(&path).await, 204);
    };
    watched.while_it_ends(&OF_SESSION, end_one).await;
    for (path, asked) in [
        ("/sessions/end", json!({ "user": "alice" })),
        ("/users/alice/sign-out", json!({ "connections": true })),
    ] {
        let (_, watched) = again().await;
        let end = async || {
            is(program.post(path, &asked).await, 200);
        };
        watched.while_it_ends(&OF_SESSION, end).await;
    }
    let gone = App::register(world, "gone", &[]);
    let (_, watched) = Watched::sign_in(world, node, &gone).await;
    let delete_app = async || {
        is(program.delete("/clients/gone").await, 204);
    };
    watched.while_it_ends(&OF_TOKEN, delete_app).await;
    let (_, watched) = again().await;
    let disable = async || {
        is(program.command(Method::POST, "/users/alice/disable").await, 204);
    };
    watched.while_it_ends(&OF_SESSION, disable).await;
    let (_, watched) = Watched::sign_in_as(world, node, (&app, &BOB)).await;
    let delete = async || {
        is(program.delete("/users/bob").await, 204);
    };
    watched.while_it_ends(&OF_SESSION, delete).await;
}

/// Tries something all the time while it ends, and looks at what worked after that had been acknowledged.
async fn is_over_at_once(what: &str, works: impl AsyncFn() -> bool, end: impl AsyncFnOnce()) {
    let (tries, acknowledged) = (Mutex::new(Vec::<Answer>::new()), Mutex::new(None::<Instant>));
    let try_on = async {
        let mut after = 0;
        while after < OFTEN {
            let asked = Instant::now();
            let yes = works().await;
            tries.lock().expect("tries").push((asked, yes));
            after += usize::from(acknowledged.lock().expect("a moment").is_some());
            tokio::time::sleep(PAUSE).await;
        }
    };
    let ending = async {
        wait_until_async("tries that work", PATIENCE, async || {
            tries.lock().expect("tries").iter().filter(|(_, yes)| *yes).count() >= OFTEN
        })
        .await;
        end().await;
        *acknowledged.lock().expect("a moment") = Some(Instant::now());
    };
    join(try_on, ending).await;
    let end = acknowledged.lock().expect("a moment").expect("an end");
    let tries = tries.lock().expect("tries");
    let late = tries.iter().filter(|(asked, yes)| *yes && *asked > end);
    let late: Vec<Duration> = late.map(|(asked, _)| *asked - end).collect();
    assert!(late.is_empty(), "{what}: it worked so long after its end: {late:?}");
}

/// An app that acts for itself, as it asks that node.
fn machine(world: &World, node: &str, id: &str) -> App {
    let made = world.cli(&[
        "client",
        "create",
        "--name",
        id,
        "--type",
        "machine",
        "--client-id",
        id,
        "--grant-type",
        "client_credentials",
    ]);
    let secret = made["client_secret"].as_str().expect("a secret");
    App::known(world, id, secret).at_address(node.to_owned())
}

/// What a node remembers of apps and keys ends as what it remembers of people does.
async fn ends_of_apps_and_keys_are_final(world: &World, node: &str) {
    for round in 0..3 {
        let (left, turned) = (format!("left-{round}"), format!("turned-{round}"));
        let app = machine(world, node, &left);
        let gets_tokens = async || app.client_credentials().await.status == 200;
        let disable = async || command(world, ["client", "update", &left, "--disable"]).await;
        is_over_at_once("a disabled app", gets_tokens, disable).await;
        let app = machine(world, node, &turned);
        let gets_tokens = async || app.client_credentials().await.status == 200;
        let rotate = async || command(world, ["client", "rotate-secret", &turned]).await;
        is_over_at_once("a secret that was replaced", gets_tokens, rotate).await;
        let deleted = format!("deleted-{round}");
        let app = machine(world, node, &deleted);
        let gets_tokens = async || app.client_credentials().await.status == 200;
        let delete = async || command(world, ["client", "delete", &deleted, "--yes"]).await;
        is_over_at_once("a deleted app", gets_tokens, delete).await;
    }
    let app = App::register(world, "signed", &[]);
    let (_, watched) = Watched::sign_in(world, node, &app).await;
    let header = jsonwebtoken::decode_header(&watched.tokens.access).expect("a header");
    let alg = format!("{:?}", header.alg);
    world.cli(&["key", "rotate", "--alg", &alg]);
    let kid = header.kid.expect("a key");
    let retire = async || command(world, ["key", "retire", &kid, "--yes"]).await;
    watched.while_it_ends(&OF_TOKEN, retire).await;
}

/// Runs a command while this thread goes on asking.
async fn command<const N: usize>(world: &World, arguments: [&str; N]) {
    wait_until_async("a command being carried out", PATIENCE, async || {
        let mut command = world.command(&arguments);
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = run.await.expect("a thread").expect("the program");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A machine with much to do is not what this is about.
        let is_late = said.contains("not available");
        assert!(output.status.success() || is_late, "{said}");
        output.status.success()
    })
    .await;
}

on_both_backends! {
    async fn an_acknowledged_end_is_believed_by_every_node_at_once(backend: Backend) {
        let world = gateway(backend).await;
        if backend == Backend::Embedded {
            ends_are_final(&world, &world.issuer, false).await;
            return;
        }
        let mut node = SecondNode::spawn(&world);
        node.ready().await;
        ends_are_final(&world, &node.base(), true).await;
    }
}

on_both_backends! {
    async fn what_commands_end_is_believed_by_no_node(backend: Backend) {
        let world = gateway(backend).await;
        if backend == Backend::Embedded {
            ends_by_command_are_final(&world, &world.issuer).await;
            return;
        }
        let mut node = SecondNode::spawn(&world);
        node.ready().await;
        ends_by_command_are_final(&world, &node.base()).await;
    }
}

on_both_backends! {
    async fn what_one_node_ends_on_its_pages_is_believed_by_no_node(backend: Backend) {
        let world = gateway(backend).await;
        let (bases, _node) = every_node(&world).await;
        ends_on_pages_are_final(&world, bases.last().expect("a node")).await;
    }
}

on_both_backends! {
    async fn what_one_node_ends_for_a_program_is_believed_by_no_node(backend: Backend) {
        let world = gateway(backend).await;
        let (bases, _node) = every_node(&world).await;
        ends_by_program_are_final(&world, bases.last().expect("a node")).await;
    }
}

on_both_backends! {
    async fn no_node_believes_in_an_app_or_a_key_that_has_ended(backend: Backend) {
        let world = gateway(backend).await;
        if backend == Backend::Embedded {
            ends_of_apps_and_keys_are_final(&world, &world.issuer).await;
            return;
        }
        let mut node = SecondNode::spawn(&world);
        node.ready().await;
        ends_of_apps_and_keys_are_final(&world, &node.base()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hears_nothing_from_sql_gives_nothing_to_an_app_that_was_disabled() {
    let mut world = CutNode::world_of(builder(Backend::Production)).await;
    let deaf = CutNode::start(&mut world).await;
    let (app, turned) = (machine(&world, &deaf.base, "m"), machine(&world, &deaf.base, "t"));
    for app in [&app, &turned] {
        wait_until_async("tokens", PATIENCE, async || app.client_credentials().await.status == 200)
            .await;
    }
    deaf.postgres.set(Fault::BlackHole);
    world.cli(&["client", "update", "m", "--disable"]);
    assert_ne!(app.client_credentials().await.status, 200);
    world.cli(&["client", "rotate-secret", "t"]);
    assert_ne!(turned.client_credentials().await.status, 200);
    deaf.postgres.set(Fault::None);
    deaf.wait_until_ready().await;
    for app in [&app, &turned] {
        wait_until_async("a clear no", PATIENCE, async || {
            app.client_credentials().await.status == 401
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_redis_cannot_be_told_of_is_acknowledged_when_everybody_has_asked_sql() {
    let mut world = CutNode::world_of(builder(Backend::Production)).await;
    let name = ["user", "create", "--username", ALICE.username, "--email", ALICE.email];
    world.cli_with_input(&[&name[..], &["--password-file", "-"]].concat(), ALICE.password);
    let app = App::register(&world, "app", &[]);
    let mute = CutNode::start(&mut world).await;
    for fault in [Fault::Reset, Fault::BlackHole] {
        let (here, watched) = Watched::sign_in(&world, &world.issuer, &app).await;
        mute.redis.set(fault);
        mute.wait_until_not_ready().await;
        let leave = async || {
            wait_until_async("a sign-out being acknowledged", PATIENCE, async || {
                sign_out(&mute.there(&here)).await.status.as_u16() < 400
            })
            .await;
        };
        watched.while_it_ends(&OF_SESSION, leave).await;
        mute.redis.set(Fault::None);
        mute.wait_until_ready().await;
    }
}
