//! Back-Channel Logout 1.0: whoever ends sessions, and however, the apps of those sessions are told of
//! each of them, once. The ends that are not here are in `backchannel_logout` and `everywhere`.

use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::console::{self, Admin};
use crate::kit::fixtures::{ALICE, BOB, Bed, Person, unique};
use crate::kit::flow::{claim, is_signed_in, sign_in};
use crate::kit::logout::{Told, somebody, token_of};
use crate::kit::smtp::{Security, SmtpServer};
use crate::support::browser_like::{Browser, Page};
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

const NEW_PASSWORD: &str = "eleven brave teapots rehearse";

/// Signs the app in in each of these browsers; the ids of the sessions.
async fn sids(told: &Told, browsers: [&Browser; 2]) -> [String; 2] {
    let [one, two] = browsers;
    [claim(&told.app.tokens(one).await.id, "sid"), claim(&told.app.tokens(two).await.id, "sid")]
}

/// Checks that the app was told of these sessions so far, of each once, and of no other.
async fn assert_told(world: &World, told: &Told, sids: &[String]) {
    told.hears(sids.len()).await;
    told.settled(world).await;
    let mut heard: Vec<_> = told.heard().iter().map(|sent| claim(&token_of(sent), "sid")).collect();
    let mut expected = sids.to_vec();
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
}

/// How sessions of somebody end.
#[derive(Clone, Copy, Debug)]
enum Way {
    ManyInTheConsole,
    EverywhereInTheConsole,
    ManyByProgram,
    EverywhereByProgram,
    DisabledByProgram,
    DeletedByProgram,
    ByCommand,
}

/// Every one of them.
const WAYS: [Way; 7] = [
    Way::ManyInTheConsole,
    Way::EverywhereInTheConsole,
    Way::ManyByProgram,
    Way::EverywhereByProgram,
    Way::DisabledByProgram,
    Way::DeletedByProgram,
    Way::ByCommand,
];

/// An administrator with a program of theirs.
struct Office<'a> {
    world: &'a World,
    admin: Admin,
    program: Api,
}

impl<'a> Office<'a> {
    async fn open(world: &'a World) -> Self {
        let name = unique("owner");
        console::create(world, &name, Some("owner"));
        let admin = console::enter(world, &name).await;
        let program = Api::with_key(world, &name, &all_scopes());
        Self { world, admin, program }
    }

    /// Ends what this person is signed in with.
    async fn end(&self, way: Way, who: &str) {
        let (admin, program) = (&self.admin, &self.program);
        let person = format!("/users/{who}");
        match way {
            Way::ManyInTheConsole => {
                let done = admin.post("/admin/sessions/sign-out", &[("user", who)]).await;
                done.assert_status(303);
            }
            Way::EverywhereInTheConsole => {
                let done = admin.post(&format!("/admin{person}/sign-out"), &[]).await;
                done.assert_status(303);
            }
            Way::ManyByProgram => {
                is(program.post("/sessions/end", &json!({ "user": who })).await, 200);
            }
            Way::EverywhereByProgram => {
                let asked = json!({ "connections": true });
                is(program.post(&format!("{person}/sign-out"), &asked).await, 200);
            }
            Way::DisabledByProgram => {
                is(program.command(Method::POST, &format!("{person}/disable")).await, 204);
            }
            Way::DeletedByProgram => {
                is(program.delete(&person).await, 204);
            }
            Way::ByCommand => {
                self.world.cli(&["session", "revoke", "--user", who]);
            }
        }
    }
}

/// Presses the button of the last letter about a sign-in, and gives the answer.
async fn disown(world: &World, (post, person): (&SmtpServer, &Person), others: bool) -> Page {
    let letters = post.wait_for(person.email, 1).await;
    let form = world.browser().get(&letters[0].link()).await.form("not-me");
    let form = if others { form } else { form.uncheck("others") };
    let done = form.submit().await;
    done.assert_status(303);
    done
}

on_both_backends! {
    async fn every_session_that_ends_by_other_hands_is_told_to_its_apps(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let office = Office::open(world).await;
        for way in WAYS {
            let told = Told::register(world, &[]);
            let (name, browser) = somebody(world).await;
            let other = sign_in(world, &name).await;
            let (_, stranger) = somebody(world).await;
            told.app.tokens(&stranger).await;
            let ended = sids(&told, [&browser, &other]).await;
            office.end(way, &name).await;
            assert_told(world, &told, &ended).await;
            assert!(is_signed_in(&stranger).await, "{way:?}");
        }
    }

    async fn one_session_that_a_program_or_a_command_ends_is_told(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let office = Office::open(world).await;
        let told = Told::register(world, &[]);
        let (name, browser) = somebody(world).await;
        let other = sign_in(world, &name).await;
        let [one, two] = sids(&told, [&browser, &other]).await;
        is(office.program.delete(&format!("/sessions/{one}")).await, 204);
        assert_told(world, &told, std::slice::from_ref(&one)).await;
        // Once more ends nothing, so nobody is told again.
        is(office.program.delete(&format!("/sessions/{one}")).await, 204);
        world.cli(&["session", "revoke", &two]);
        assert_told(world, &told, &[one, two]).await;
    }

    async fn a_disowned_sign_in_and_a_password_chosen_by_a_link_are_told(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = post.known_to(World::builder(backend));
        let world = reachable(builder, &[TlsPeer::shared()]).start().await;
        let bed = Bed::new(world, &[]).await;
        let world = &bed.world;
        let told = Told::register(world, &[]);
        let (own, thief) = (bed.signed_in(&ALICE).await, bed.signed_in(&ALICE).await);
        let [of_own, of_thief] = sids(&told, [&own, &thief]).await;
        let disowned = disown(world, (&post, &ALICE), false).await;
        assert_told(world, &told, std::slice::from_ref(&of_thief)).await;
        let reset = disowned.follow().await.form("reset-password").set("password", NEW_PASSWORD);
        reset.submit().await.assert_status(303);
        assert_told(world, &told, &[of_own, of_thief]).await;
        // All of them at once.
        let told = Told::register(world, &[]);
        let (own, thief) = (bed.signed_in(&BOB).await, bed.signed_in(&BOB).await);
        let ended = sids(&told, [&own, &thief]).await;
        disown(world, (&post, &BOB), true).await;
        assert_told(world, &told, &ended).await;
    }
}
