//! The command line, the REST API and the console are three faces of the same use cases: the same change
//! leaves the same audit events, whichever of them it was made with.

mod by_api;
mod by_command;
mod changes;
mod every_change;
mod in_the_console;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, make_key, sent};
use crate::kit::console::{Admin, admin, wait_for_nobody};
use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, sign_in};
use crate::kit::hooks::{self, Hook};
use crate::kit::pictures::png;
use crate::kit::registration::{register, request};
use crate::support::process::wait_until_async;
use crate::support::world::World;

use changes::{CHANGES, Change, Change as C, LACKS};

/// What a change is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    CommandLine,
    Api,
    Console,
}

/// What a change is about.
#[derive(Debug, Default)]
struct Subject {
    id: String,
    /// Of the log of a webhook.
    line: String,
}

/// The issuer of a provider that nobody runs.
const ELSEWHERE: &str = "https://upstream.invalid";
/// Where no webhook hears anything.
const NOWHERE: &str = "https://hook.invalid/in";

/// The changes of one face, on a person, a group and an app of its own.
struct Hand<'a> {
    world: &'a World,
    api: &'a Api,
    owner: &'a Admin,
    face: Face,
    name: &'static str,
    /// The commands and addresses it has used: `user create`, `POST /admin/users`.
    used: RefCell<BTreeSet<String>>,
}

impl Hand<'_> {
    async fn make(&self, change: Change, subject: &Subject) {
        match self.face {
            Face::CommandLine => self.by_command(change, subject),
            Face::Api => self.by_api(change, subject).await,
            Face::Console => self.in_the_console(change, subject).await,
        }
    }

    fn uses(&self, what: &str) {
        self.used.borrow_mut().insert(what.to_owned());
    }

    /// Whether this face can do it.
    fn can(&self, change: Change) -> bool {
        !LACKS.iter().any(|(lacked, face, _)| (*lacked, *face) == (change, self.face))
    }

    /// A message to a webhook of this hand.
    async fn message_that_arrived(&self) -> Subject {
        let hook = Hook::add_as(self.world, self.name, &["group.created"]);
        self.world.cli(&["group", "create", &format!("{}-heard", self.name)]);
        wait_until_async("the message to have arrived", PATIENCE, async || {
            hook.log(self.world).first().is_some_and(|line| line["state"] == "arrived")
        })
        .await;
        let line = hook.log(self.world)[0]["id"].as_str().expect("an id").to_owned();
        Subject { id: hook.id, line }
    }

    /// A token with which an app registers, with what is shown once.
    fn permission(&self) -> Value {
        self.world.cli(&["registration-token", "create", "--label", self.name])
    }

    /// Settings and logo, the same for each hand: as they were before anybody made the change.
    async fn look_is_usual(&self, change: Change) {
        match change {
            C::SettingSet => self.idle_is_usual().await,
            C::SettingUnset => {
                self.idle_is_usual().await;
                self.sets_idle().await;
            }
            C::BrandLogoRemoved => {
                let request = self.api.request(Method::PUT, "/branding/logo");
                let request = request.header("content-type", "image/png");
                let answer = sent(request.body(png(90))).await;
                assert!(answer.status < 300, "{}", answer.text);
            }
            _ => {
                self.api.command(Method::DELETE, "/branding/logo").await;
            }
        }
    }

    /// What a change is about that does not come from one before.
    async fn subject(&self, change: Change) -> Subject {
        let (name, mut found) = (self.name, Subject::default());
        match change {
            C::MessageHurried | C::MessageDiscarded => {
                found.id = format!("019a-{name}-{}", change == C::MessageHurried);
                wait_for_nobody(self.world, &found.id, 1).await;
            }
            C::MessageRepeated => found = self.message_that_arrived().await,
            C::SecretRetired => {
                let app = match self.face {
                    Face::Console => self.app_path(change).await,
                    Face::CommandLine | Face::Api => name.to_owned(),
                };
                let app = app.strip_prefix("/admin/clients/").unwrap_or(&app);
                let marks = self.world.cli(&["client", "show", app])["secrets"].clone();
                assert_eq!(marks.as_array().map(Vec::len), Some(2), "{marks}");
                marks[1].as_str().expect("a mark").clone_into(&mut found.id);
            }
            C::ConnectionEnded => {
                let listed = self.world.cli(&["user", "connections", "alice"]);
                found.id = text(&listed["items"][0], "id");
            }
            C::SessionEnded => {
                sign_in(self.world, "alice").await;
                let sessions = self.world.cli(&["session", "list", "--user", "alice"]);
                found.id = text(&sessions["items"][0], "id");
            }
            C::WebhookChanged
            | C::WebhookTested
            | C::WebhookSecret
            | C::WebhookDisabled
            | C::WebhookEnabled
            | C::WebhookDeleted => {
                found.id =
                    text(&self.world.cli(&["webhook", "show", &format!("{name}-hook")]), "id");
            }
            C::KeyRetired => {
                let keys = self.world.cli(&["key", "list"]);
                let keys = keys["items"].as_array().or(keys.as_array()).expect("keys");
                let is_old = |key: &&Value| key["alg"] == "ES256" && key["state"] == "retiring";
                found.id = text(keys.iter().find(is_old).expect("a key that rotation left"), "kid");
            }
            C::SettingSet | C::SettingUnset | C::BrandLogoSet | C::BrandLogoRemoved => {
                self.look_is_usual(change).await;
            }
            C::RegistrationTokenRevoked => found.id = text(&self.permission(), "id"),
            C::RegistrationAccessEnded => {
                let token = text(&self.permission(), "token");
                let made = register(self.world, Some(&token), &request(json!({}))).await;
                found.id = text(&made.assert_status(201).json(), "client_id");
            }
            C::ApiKeyRevoked => {
                found.id = make_key(self.world, "the-owner", &["doorward.users:read"]).0;
            }
            _ => {}
        }
        found
    }
}

/// Every event so far, without those about who came in. In the console somebody new gets a link to choose a
/// password by, which is an event of its own.
fn events(world: &World, change: Change) -> Vec<Value> {
    let listed = world.cli(&["audit", "list", "--limit", "1000"]);
    let items = listed["items"].as_array().expect("events").clone();
    let is_change = |event: &Value| match event["kind"].as_str().unwrap_or_default() {
        "session.created" | "session.renewed" | "grant.created" => false,
        "link.created" => change != C::PersonCreated,
        _ => true,
    };
    items.into_iter().filter(is_change).collect()
}

/// What an event says of the change, whoever made it with whatever: ids and names are those of the one it is
/// about.
fn told(event: &Value, hand: &Hand<'_>) -> String {
    let is_there = |name: &str| !event[name].is_null();
    let mut detail: BTreeMap<String, Value> =
        serde_json::from_value(event["detail"].clone()).unwrap_or_default();
    // With which key a program came, which another face has not.
    detail.remove("api_key");
    for own in [
        "kid",
        "key",
        "connection",
        "message",
        "permission",
        "secret",
        "organisation_id",
        "rows",
        "expires_at",
        "temporary_until",
    ] {
        detail.entry(own.to_owned()).and_modify(|id| *id = json!("its own"));
    }
    forget_apps_of_rules(&mut detail);
    let detail = json!(detail).to_string().replace(hand.name, "it");
    let about = ["user_id", "client_id", "session_id"].map(is_there);
    let (kind, result) = (&event["kind"], &event["result"]);
    format!("{kind} {result} about {about:?} {detail}")
}

/// In the console an app gets an id that nobody chose, which rules of issuers name.
fn forget_apps_of_rules(detail: &mut BTreeMap<String, Value>) {
    for side in ["before", "after"] {
        let rules = detail.get_mut(side).and_then(|side| side.get_mut("rules"));
        for rule in rules.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(id) = rule.get_mut("client_id") {
                *id = json!("its own");
            }
        }
    }
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document}")).to_owned()
}

on_both_backends! {
    async fn the_same_change_leaves_the_same_events_whichever_face_it_is_made_with(backend: Backend) {
        // On a busy machine all of it takes longer than a sign-in counts as fresh.
        let builder = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200");
        let builder = builder.env("DOORWARD_REGISTRATION__MODE", "token");
        let world = hooks::started(builder).await;
        world.cli(&["group", "create", "crew"]);
        create_user(&world, "alice");
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let shop = App::register(&world, "shop", &[]);
        let diary = App::register(&world, "diary", &["--scope", "openid profile"]);
        world.cli(&["client", "update", "diary", "--ask-consent"]);
        let hands = [
            (Face::CommandLine, "by-command"),
            (Face::Api, "by-program"),
            (Face::Console, "by-browser"),
        ]
        .map(|(face, name)| {
            let used = RefCell::default();
            Hand { world: &world, api: &api, owner: &owner, face, name, used }
        });
        let mut differ = Vec::new();
        for change in CHANGES {
            let mut left = Vec::new();
            for hand in hands.iter().filter(|hand| hand.can(change)) {
                match change {
                    C::SignedOut | C::SessionsEnded | C::ConnectionEnded => {
                        shop.tokens(&sign_in(&world, "alice").await).await;
                    }
                    C::AppTakenBack => diary.allow(&sign_in(&world, "alice").await).await,
                    _ => {}
                }
                let subject = hand.subject(change).await;
                let before = events(&world, change);
                let before: BTreeSet<_> = before.iter().map(|event| text(event, "id")).collect();
                hand.make(change, &subject).await;
                let after = events(&world, change);
                let new = after.iter().filter(|event| !before.contains(&text(event, "id")));
                let mut said: Vec<String> = new.map(|event| told(event, hand)).collect();
                said.sort();
                assert!(!said.is_empty(), "{change:?} by {:?} left nothing", hand.face);
                left.push(said);
            }
            assert!(left.len() > 1, "{change:?} is of one face alone");
            if left.windows(2).any(|pair| pair[0] != pair[1]) {
                let said: Vec<_> = left.iter().map(|said| format!("\n  {said:?}")).collect();
                differ.push(format!("{change:?}{}", said.concat()));
            }
        }
        assert!(differ.is_empty(), "by command, by program, in the console:\n{}", differ.join("\n"));
        for hand in hands {
            every_change::is_there(hand.face, &hand.used.into_inner());
        }
    }
}
