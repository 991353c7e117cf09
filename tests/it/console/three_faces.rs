//! The command line, the REST API and the console are three faces of the same use cases: the same change
//! leaves the same audit events, whichever of them it was made with.

mod changes;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, make_key};
use crate::kit::console::{Admin, admin, wait_for_nobody};
use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, sign_in};
use crate::kit::hooks::{self, Hook};
use crate::support::process::wait_until_async;
use crate::support::world::World;

use changes::{CHANGES, Change, Change as C};

/// What a change is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
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

/// The changes of one face, on a person, a group and an app of its own.
struct Hand<'a> {
    world: &'a World,
    api: &'a Api,
    owner: &'a Admin,
    face: Face,
    name: &'static str,
}

impl Hand<'_> {
    async fn make(&self, change: Change, subject: &Subject) {
        match self.face {
            Face::CommandLine => self.by_command(change, subject),
            Face::Api => self.by_api(change, subject).await,
            Face::Console => self.in_the_console(change, subject).await,
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
            C::MessageRepeated => {
                let hook = Hook::add_as(self.world, name, &["group.created"]);
                self.world.cli(&["group", "create", &format!("{name}-heard")]);
                wait_until_async("the message to have arrived", PATIENCE, async || {
                    hook.log(self.world).first().is_some_and(|line| line["state"] == "arrived")
                })
                .await;
                let line = hook.log(self.world)[0]["id"].as_str().expect("an id").to_owned();
                found = Subject { id: hook.id, line };
            }
            C::ApiKeyRevoked => {
                found.id = make_key(self.world, "the-owner", &["doorward.users:read"]).0;
            }
            _ => {}
        }
        found
    }

    fn by_command(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let (email, team) = (format!("{name}@example.test"), format!("{name}-team"));
        let person =
            ["user", "create", "--username", name, "--email", &email, "--password-file", "-"];
        let app = ["client", "create", "--name", name, "--type", "web", "--client-id", name];
        let app =
            [&app[..], &["--redirect-uri", "https://rp.test/cb", "--scope", "openid"]].concat();
        let provider =
            ["upstream", "create", "--slug", name, "--name", name, "--issuer", ELSEWHERE];
        let provider = [&provider[..], &["--client-id", "doorward", "--secret-file", "-"]].concat();
        let arguments: &[&str] = match change {
            C::PersonCreated => &person,
            C::PersonDisabled => &["user", "disable", name],
            C::PersonEnabled | C::PersonBroughtBack => &["user", "enable", name],
            C::SignedOut => &["session", "revoke", "--user", "alice"],
            C::GroupCreated => &["group", "create", name],
            C::MemberAdded => &["group", "add-member", name, name],
            C::ManagerAdded => &["group", "add-manager", name, name],
            C::ManagerRemoved => &["group", "remove-manager", name, name],
            C::MemberRemoved => &["group", "remove-member", name, name],
            C::GroupRenamed => &["group", "update", name, "--name", &team],
            C::GroupDeleted => &["group", "delete", &team],
            C::AppCreated => &app,
            C::RoleCreated => &["role", "create", name, "writer"],
            C::RoleDescribed => &["role", "update", name, "writer", "--description", "Writes."],
            C::RoleGiven => &["role", "give", name, "writer", "--user", name],
            C::RoleGivenToGroup => &["role", "give", name, "writer", "--group", "crew"],
            C::RoleTaken => &["role", "take", name, "writer", "--user", name],
            C::RoleTakenFromGroup => &["role", "take", name, "writer", "--group", "crew"],
            C::RoleDeleted => &["role", "delete", name, "writer"],
            C::Previewed => &["client", "preview", name, "alice", "--scope", "openid"],
            C::MessageHurried => &["job", "retry", &subject.id],
            C::MessageDiscarded => &["job", "discard", &subject.id],
            C::MessageRepeated => &["webhook", "redeliver", name, &subject.line],
            C::ApiKeyRevoked => &["api-key", "revoke", &subject.id],
            C::AppRenamed => &["client", "update", name, "--name", &team],
            C::SecretRotated => &["client", "rotate-secret", name],
            C::AppDisabled => &["client", "update", name, "--disable"],
            C::AppEnabled => &["client", "update", name, "--enable"],
            C::AppDeleted => &["client", "delete", name],
            C::KeyRotated => &["key", "rotate", "--alg", "ES256"],
            C::PersonDeletedLater => &["user", "delete", name, "--later"],
            C::UpstreamAdded => &provider,
            C::UpstreamRenamed => &["upstream", "update", name, "--name", &team],
            C::UpstreamSecret => &["upstream", "update", name, "--secret-file", "-"],
            C::UpstreamTested => {
                let test = self.world.run(&["upstream", "test", name]);
                assert_eq!(test.status.code(), Some(1), "nobody answers there");
                return;
            }
            C::UpstreamDisabled => &["upstream", "disable", name],
            C::UpstreamEnabled => &["upstream", "enable", name],
            C::UpstreamDeleted => &["upstream", "delete", name],
            C::PersonDeleted => &["user", "delete", name],
        };
        let secret = if change == C::UpstreamSecret { "another one" } else { PASSWORD };
        self.world.cli_with_input(&[arguments, &["--yes"]].concat(), secret);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for every change")]
    async fn by_api(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let role = format!("/clients/{name}/roles/writer");
        let Subject { id, line } = subject;
        let none = json!({});
        let metadata = json!({
            "client_name": name, "redirect_uris": ["https://rp.test/cb"], "scope": ["openid"],
        });
        let team = format!("{name}-team");
        let (method, path, body) = match change {
            C::PersonCreated => {
                let email = format!("{name}@example.test");
                (Method::POST, "/users".into(), json!({ "username": name, "email": email }))
            }
            C::PersonDisabled => (Method::POST, format!("/users/{name}/disable"), none),
            C::PersonEnabled | C::PersonBroughtBack => {
                (Method::POST, format!("/users/{name}/enable"), none)
            }
            C::SignedOut => (Method::POST, "/users/alice/sign-out".into(), none),
            C::GroupCreated => (Method::POST, "/groups".into(), json!({ "name": name })),
            C::MemberAdded => (Method::PUT, format!("/groups/{name}/members/{name}"), none),
            C::ManagerAdded => (Method::PUT, format!("/groups/{name}/managers/{name}"), none),
            C::ManagerRemoved => (Method::DELETE, format!("/groups/{name}/managers/{name}"), none),
            C::MemberRemoved => (Method::DELETE, format!("/groups/{name}/members/{name}"), none),
            C::GroupRenamed => (Method::PATCH, format!("/groups/{name}"), json!({ "name": team })),
            C::GroupDeleted => (Method::DELETE, format!("/groups/{team}"), none),
            C::AppCreated => {
                let made = json!({ "client_id": name, "metadata": metadata });
                (Method::POST, "/clients".into(), made)
            }
            C::RoleCreated => {
                (Method::POST, format!("/clients/{name}/roles"), json!({ "name": "writer" }))
            }
            C::RoleDescribed => (Method::PATCH, role, json!({ "description": "Writes." })),
            C::RoleGiven => (Method::PUT, format!("{role}/users/{name}"), none),
            C::RoleGivenToGroup => (Method::PUT, format!("{role}/groups/crew"), none),
            C::RoleTaken => (Method::DELETE, format!("{role}/users/{name}"), none),
            C::RoleTakenFromGroup => (Method::DELETE, format!("{role}/groups/crew"), none),
            C::RoleDeleted => (Method::DELETE, role, none),
            C::Previewed => {
                let wish = json!({ "user": "alice", "scope": ["openid"] });
                (Method::POST, format!("/clients/{name}/preview"), wish)
            }
            C::MessageHurried => (Method::POST, format!("/jobs/{id}/retry"), none),
            C::MessageDiscarded => (Method::DELETE, format!("/jobs/{id}"), none),
            C::MessageRepeated => {
                (Method::POST, format!("/webhooks/{id}/deliveries/{line}/redeliver"), none)
            }
            C::ApiKeyRevoked => (Method::DELETE, format!("/api-keys/{id}"), none),
            C::AppRenamed => {
                let renamed = json!({ "metadata": { "client_name": team } });
                (Method::PATCH, format!("/clients/{name}"), renamed)
            }
            C::SecretRotated => (Method::POST, format!("/clients/{name}/secret"), none),
            C::AppDisabled => (Method::POST, format!("/clients/{name}/disable"), none),
            C::AppEnabled => (Method::POST, format!("/clients/{name}/enable"), none),
            C::AppDeleted => (Method::DELETE, format!("/clients/{name}"), none),
            C::KeyRotated => (Method::POST, "/keys/rotate".into(), json!({ "alg": "ES256" })),
            C::PersonDeletedLater => (Method::POST, format!("/users/{name}/delete-later"), none),
            C::UpstreamAdded => {
                let provider = json!({
                    "slug": name, "display_name": name, "issuer": ELSEWHERE, "client_id": "doorward",
                    "client_secret": PASSWORD,
                });
                (Method::POST, "/upstream-providers".into(), provider)
            }
            C::UpstreamRenamed => (
                Method::PATCH,
                format!("/upstream-providers/{name}"),
                json!({ "display_name": team }),
            ),
            C::UpstreamSecret => {
                let secret = json!({ "client_secret": "another one" });
                (Method::PATCH, format!("/upstream-providers/{name}"), secret)
            }
            C::UpstreamTested => (Method::POST, format!("/upstream-providers/{name}/test"), none),
            C::UpstreamDisabled => {
                (Method::POST, format!("/upstream-providers/{name}/disable"), none)
            }
            C::UpstreamEnabled => {
                (Method::POST, format!("/upstream-providers/{name}/enable"), none)
            }
            C::UpstreamDeleted => (Method::DELETE, format!("/upstream-providers/{name}"), none),
            C::PersonDeleted => (Method::DELETE, format!("/users/{name}"), none),
        };
        let answer = match method {
            Method::POST => self.api.post(&path, &body).await,
            Method::PATCH => self.api.patch_now(&path, &body).await,
            other => self.api.command(other, &path).await,
        };
        assert!(answer.status < 300, "{change:?}: {} {}", answer.status, answer.text);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for every change")]
    async fn in_the_console(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let Subject { id, line } = subject;
        let (email, team) = (format!("{name}@example.test"), format!("{name}-team"));
        let (person, alice) = (format!("/admin/users/{name}"), "/admin/users/alice");
        let (group, app) = (format!("/admin/groups/{name}"), self.app_path(change).await);
        let provider = format!("/admin/upstream/{name}");
        match change {
            C::PersonCreated => {
                self.submit("/admin/users/new", "user", &[("username", name), ("email", &email)])
                    .await;
            }
            C::PersonDisabled => self.post(&format!("{person}/disable"), &[]).await,
            C::PersonEnabled | C::PersonBroughtBack => {
                self.post(&format!("{person}/enable"), &[]).await;
            }
            C::SignedOut => self.post(&format!("{alice}/sign-out"), &[]).await,
            C::GroupCreated => self.submit("/admin/groups", "group", &[("name", name)]).await,
            C::MemberAdded => self.submit(&group, "add-member", &[("member", name)]).await,
            C::ManagerAdded => self.submit(&group, "add-manager", &[("manager", name)]).await,
            C::ManagerRemoved => self.press_on(&group, "remove-manager").await,
            C::MemberRemoved => self.press_on(&group, "remove-member").await,
            C::GroupRenamed => self.submit(&group, "group", &[("name", &team)]).await,
            C::GroupDeleted => self.post(&format!("{group}-team/delete"), &[]).await,
            C::AppCreated => {
                let fields = crate::kit::console::app_fields(name);
                self.post("/admin/clients", &fields).await;
            }
            C::RoleCreated => self.post(&format!("{app}/roles"), &[("name", "writer")]).await,
            C::RoleDescribed => self.role(&app, "edit", ("description", "Writes.")).await,
            C::RoleGiven => self.role(&app, "give", ("person", name)).await,
            C::RoleGivenToGroup => self.role(&app, "give", ("group", "crew")).await,
            C::RoleTaken => self.role(&app, "take", ("person", name)).await,
            C::RoleTakenFromGroup => self.role(&app, "take", ("group", "crew")).await,
            C::RoleDeleted => self.role(&app, "delete", ("person", "")).await,
            C::Previewed => {
                let fields = [("person", "alice"), ("scope", "openid")];
                self.post(&format!("{app}/preview"), &fields).await;
            }
            C::MessageHurried => self.post(&format!("/admin/jobs/{id}/retry"), &[]).await,
            C::MessageDiscarded => self.post(&format!("/admin/jobs/{id}/discard"), &[]).await,
            C::MessageRepeated => {
                let fields = [("delivery", line.as_str())];
                self.post(&format!("/admin/webhooks/{id}/redeliver"), &fields).await;
            }
            C::ApiKeyRevoked => self.post(&format!("/admin/api-keys/{id}/revoke"), &[]).await,
            C::AppRenamed => self.submit(&app, "client", &[("name", &team)]).await,
            C::SecretRotated => self.post(&format!("{app}/rotate-secret"), &[]).await,
            C::AppDisabled => self.post(&format!("{app}/disable"), &[]).await,
            C::AppEnabled => self.post(&format!("{app}/enable"), &[]).await,
            C::AppDeleted => self.post(&format!("{app}/delete"), &[]).await,
            C::KeyRotated => self.post("/admin/keys/rotate", &[("alg", "ES256")]).await,
            C::PersonDeletedLater => self.post(&format!("{person}/delete"), &[]).await,
            C::PersonDeleted => self.post(&format!("{person}/delete"), &[("now", "on")]).await,
            C::UpstreamAdded => {
                let mut fields = crate::kit::upstream::fields(name, ELSEWHERE);
                for (field, value) in &mut fields {
                    match *field {
                        "display_name" => name.clone_into(value),
                        "client_secret" => PASSWORD.clone_into(value),
                        _ => {}
                    }
                }
                let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
                self.post("/admin/upstream", &fields).await;
            }
            C::UpstreamRenamed => {
                self.submit(&provider, "upstream-form", &[("display_name", &team)]).await;
            }
            C::UpstreamSecret => {
                let (page, secret) = (format!("{provider}/set-secret"), "another one");
                self.submit(&page, "secret", &[("client_secret", secret)]).await;
            }
            C::UpstreamTested => self.post(&format!("{provider}/test"), &[]).await,
            C::UpstreamDisabled => self.post(&format!("{provider}/disable"), &[]).await,
            C::UpstreamEnabled => self.post(&format!("{provider}/enable"), &[]).await,
            C::UpstreamDeleted => self.post(&format!("{provider}/delete"), &[]).await,
        }
    }

    /// The page of this hand's app, whose id the console has made up.
    async fn app_path(&self, change: Change) -> String {
        let place = |wanted: Change| CHANGES.iter().position(|change| *change == wanted);
        if place(change) <= place(C::AppCreated) || place(change) > place(C::AppDeleted) {
            return String::new();
        }
        let list = self.owner.page(&format!("/admin/clients?q={}", self.name)).await;
        format!("/admin/clients/{}", crate::kit::console::id_behind(&list, "/admin/clients/"))
    }

    /// Does this with the role of this hand's app.
    async fn role(&self, app: &str, step: &str, field: (&str, &str)) {
        self.post(&format!("{app}/roles/{step}"), &[("app_role", "writer"), field]).await;
    }

    /// Fills in a form of a page.
    async fn submit(&self, path: &str, id: &str, fields: &[(&str, &str)]) {
        let form = self.owner.page(path).await.form(id);
        let form = fields.iter().fold(form, |form, (name, value)| form.set(name, value));
        let answer = form.submit().await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }

    /// Presses the one button of a page that does this.
    async fn press_on(&self, path: &str, what: &str) {
        let answer = self.owner.page(path).await.form_to(&format!("{path}/{what}")).submit().await;
        answer.assert_status(303);
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) {
        let answer = self.owner.post(path, fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }
}

/// Every event so far, without those about who came in. In the console somebody new gets a link to choose a
/// password by, which is an event of its own.
fn events(world: &World) -> Vec<Value> {
    let listed = world.cli(&["audit", "list", "--limit", "1000"]);
    let items = listed["items"].as_array().expect("events").clone();
    let of_coming_in = ["session.created", "session.renewed", "grant.created", "link.created"];
    let is_change = |event: &Value| !of_coming_in.contains(&event["kind"].as_str().unwrap_or(""));
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
    for own in ["kid", "key", "message"] {
        detail.entry(own.to_owned()).and_modify(|id| *id = json!("its own"));
    }
    let detail = json!(detail).to_string().replace(hand.name, "it");
    let about = ["user_id", "client_id", "session_id"].map(is_there);
    let (kind, result) = (&event["kind"], &event["result"]);
    format!("{kind} {result} about {about:?} {detail}")
}

fn id(event: &Value) -> String {
    event["id"].as_str().expect("an id").to_owned()
}

on_both_backends! {
    async fn the_same_change_leaves_the_same_events_whichever_face_it_is_made_with(backend: Backend) {
        let world = hooks::world(backend).await;
        world.cli(&["group", "create", "crew"]);
        create_user(&world, "alice");
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let shop = App::register(&world, "shop", &[]);
        let hands = [
            (Face::CommandLine, "by-command"),
            (Face::Api, "by-program"),
            (Face::Console, "by-browser"),
        ]
        .map(|(face, name)| Hand { world: &world, api: &api, owner: &owner, face, name });
        let mut differ = Vec::new();
        for change in CHANGES {
            let mut left = Vec::new();
            for hand in &hands {
                if change == C::SignedOut {
                    shop.tokens(&sign_in(&world, "alice").await).await;
                }
                let subject = hand.subject(change).await;
                let before: BTreeSet<String> = events(&world).iter().map(id).collect();
                hand.make(change, &subject).await;
                let after = events(&world);
                let new = after.iter().filter(|event| !before.contains(&id(event)));
                let mut said: Vec<String> = new.map(|event| told(event, hand)).collect();
                said.sort();
                assert!(!said.is_empty(), "{change:?} by {:?} left nothing", hand.face);
                left.push(said);
            }
            let [one, two, three] = left.try_into().expect("three faces");
            if one != two || one != three {
                differ.push(format!("{change:?}\n  {one:?}\n  {two:?}\n  {three:?}"));
            }
        }
        assert!(differ.is_empty(), "by command, by program, in the console:\n{}", differ.join("\n"));
    }
}
