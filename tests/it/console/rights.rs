//! Who may do what in the console: every address with every kind of visitor, generated from the
//! console's own table and the table of rights, and what operators may not do to those above them.

use doorward::http::console::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};

use crate::kit::console::{
    Admin, admin, app_fields, can_sign_in, create, csrf_on, enter, group_path, issuer_fields,
    manager, post, sessions_on, state, wait_for_nobody,
};
use crate::kit::flow::{PASSWORD, execute, sign_in};
use crate::kit::upstream;
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// What an address should say to a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// A page, or on to one.
    Answer,
    /// 403, and nothing changed.
    Forbidden,
    /// 303 to the sign-in form, and nothing changed.
    SignIn,
}

fn expected(role: Role, right: &str) -> Expected {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    let (right, ..) = row.unwrap_or_else(|| panic!("a right that is not in the table: {right}"));
    if right.reach(role) == Reach::Nothing { Expected::Forbidden } else { Expected::Answer }
}

/// Things to point addresses at; `Fresh` makes new ones, since owners delete them.
struct Subjects<'a> {
    world: &'a World,
    owner: &'a Admin,
    made: u32,
}

impl Subjects<'_> {
    async fn path(&mut self, path: &str) -> String {
        self.made += 1;
        let id = if path.starts_with("/admin/users/{id}") {
            let username = format!("subject-{}", self.made);
            let id = self.owner.add_person(&username).await;
            self.world.cli(&["group", "add-member", "crew", &username]);
            id
        } else if path.starts_with("/admin/groups/{id}") {
            let name = format!("crew/{}", self.made);
            self.owner.post("/admin/groups", &[("name", &name)]).await.assert_status(303);
            let charge = format!("{}/add-manager", group_path(&name));
            self.owner.post(&charge, &[("manager", "the-manager")]).await.assert_status(303);
            return path.replace("/admin/groups/{id}", &group_path(&name));
        } else if path.starts_with("/admin/organisations/{id}") {
            let name = format!("org-{}", self.made);
            let id = self.world.cli(&["organisation", "create", &name])["id"].clone();
            let path = path.replace("{id}", id.as_str().expect("an id"));
            if path.ends_with("/remove-member") {
                return format!("{path}?member=subject");
            }
            return path;
        } else if path.starts_with("/admin/clients/{id}/roles") {
            let path = path.replace("{id}", &self.owner.add_app("Subject").await.0);
            if let Some((roles, step)) = path.split_once("/roles/") {
                let roles = format!("{roles}/roles");
                self.owner.post(&roles, &[("name", "reader")]).await.assert_status(303);
                return format!("{roles}/{step}?role=reader");
            }
            return path;
        } else if path.starts_with("/admin/clients/{id}") {
            self.owner.add_app("Subject").await.0
        } else if path.starts_with("/admin/sessions/{id}") {
            sign_in(self.world, "subject").await;
            let list = self.owner.page("/admin/sessions?user=subject").await;
            sessions_on(&list).into_iter().next().expect("a session")
        } else if path.starts_with("/admin/issuers/{id}") {
            self.issuer().await
        } else if path.starts_with("/admin/upstream/{id}") {
            self.upstream().await
        } else if path.starts_with("/admin/webhooks/{id}") {
            self.webhook(path).await
        } else if path.starts_with("/admin/settings/logo/{id}") {
            "logo".to_owned()
        } else if path.starts_with("/admin/settings/{id}") {
            "session".to_owned()
        } else if path.starts_with("/admin/api-keys/{id}") {
            self.api_key().await
        } else if path.starts_with("/admin/jobs/{id}") {
            let id = format!("019a-{}", self.made);
            wait_for_nobody(self.world, &id, 0).await;
            id
        } else if path == "/admin/keys/retire" {
            return format!("{path}?kid={}", self.key().await);
        } else {
            String::new()
        };
        path.replace("{id}", &id)
    }

    /// The name of an issuer that is trusted.
    async fn issuer(&self) -> String {
        let client = self.owner.add_app("Subject").await.0;
        let fields = issuer_fields(&client, self.made);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.owner.post("/admin/issuers", &fields).await.assert_status(303);
        format!("issuer-{}", self.made)
    }

    /// The id of an upstream provider.
    async fn upstream(&self) -> String {
        // There may be fifty.
        execute(self.world, "delete from upstream_providers").await;
        let slug = format!("subject-{}", self.made);
        let fields = upstream::fields(&slug, "https://upstream.test");
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let made = self.owner.post("/admin/upstream", &fields).await;
        made.location().path().trim_start_matches("/admin/upstream/").to_owned()
    }

    /// The id of a webhook; its log has a line if one is to be sent again.
    async fn webhook(&self, path: &str) -> String {
        // There may be fifty.
        execute(self.world, "delete from webhooks").await;
        let fields = webhook_fields(self.made);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.owner.post("/admin/webhooks", &fields).await.assert_status(200);
        let id =
            self.world.cli(&["webhook", "show", fields[0].1])["id"].as_str().unwrap().to_owned();
        if path.ends_with("/redeliver") {
            self.owner.post(&format!("/admin/webhooks/{id}/test"), &[]).await.assert_status(303);
        }
        id
    }

    /// The id of an API key that works.
    async fn api_key(&self) -> String {
        // Nobody may have more than fifty.
        execute(self.world, "delete from api_keys").await;
        let key = ["--name", "Report", "--scope", "doorward.users:read", "--format", "json"];
        let made =
            self.world.cli(&[&["api-key", "create", "--user", "the-owner"], &key[..]].concat());
        made["id"].as_str().unwrap().to_owned()
    }

    /// A key that may be retired.
    async fn key(&self) -> String {
        let links = self.owner.page("/admin/keys").await.attributes("tbody .act a", "href");
        links[0].split_once("kid=").expect("a key's id").1.to_owned()
    }
}

/// A world in which a walk over every address takes no longer than a fresh sign-in counts.
async fn unhurried(backend: Backend) -> World {
    World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200").start().await
}

/// Its name leads nowhere, on any machine (RFC 6761).
fn webhook_fields(number: u32) -> [(&'static str, String); 3] {
    let url = "https://webhook.test/in".to_owned();
    [("name", format!("hook-{number}")), ("url", url), ("events", "key.*".to_owned())]
}

/// Fields that make the form of any address complete.
async fn fields(subjects: &Subjects<'_>, path: &str) -> Vec<(String, String)> {
    let mut fields = app_fields("Subject").map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    fields.push(("username".to_owned(), format!("made-{}", subjects.made)));
    fields.push(("alg".to_owned(), "ES256".to_owned()));
    // What a group manager has to say, and nobody else minds.
    fields.push(("groups".to_owned(), "crew".to_owned()));
    if path.starts_with("/admin/groups") {
        fields.retain(|(name, _)| name != "name");
        fields.push(("name".to_owned(), format!("made/{}", subjects.made)));
        fields.extend(["member", "manager"].map(|name| (name.to_owned(), "subject".to_owned())));
    }
    if path.starts_with("/admin/organisations") {
        let deletes = path.ends_with("/delete");
        let name = format!("{}-{}", if deletes { "org" } else { "made" }, subjects.made);
        fields.retain(|(name, _)| name != "name");
        fields.extend([("name".to_owned(), name), ("member".to_owned(), "subject".to_owned())]);
    }
    if path.starts_with("/admin/issuers") {
        let client = subjects.owner.add_app("Subject").await.0;
        // Not those of the issuer in the path, which keeps its name.
        let more = issuer_fields(&client, subjects.made + 100_000);
        fields.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    if path.contains("/roles") {
        fields.push(("app_role".to_owned(), "reader".to_owned()));
        fields.push(("person".to_owned(), "subject".to_owned()));
    }
    if path.ends_with("/preview") {
        fields.push(("person".to_owned(), "subject".to_owned()));
    }
    if path.starts_with("/admin/webhooks") {
        // Not the name of the webhook in the path.
        let more = webhook_fields(subjects.made + 100_000);
        fields.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    if path.starts_with("/admin/upstream") {
        let slug = format!("made-{}", subjects.made);
        let more = upstream::fields(&slug, "https://upstream.test");
        fields.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        fields.push(("claims".to_owned(), "{}".to_owned()));
    }
    if path == "/admin/webhooks/{id}/redeliver" {
        let log = subjects.world.cli(&["webhook", "log", &format!("hook-{}", subjects.made)]);
        let line = log["items"][0]["id"].as_str().expect("a line of the log").to_owned();
        fields.push(("delivery".to_owned(), line));
    }
    if path == "/admin/api-keys" {
        let more = [("user", "the-owner"), ("days", "7"), ("scope", "doorward.users:read")];
        fields.retain(|(name, _)| name != "scope");
        fields.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    if path == "/admin/keys/retire" {
        fields.push(("kid".to_owned(), subjects.key().await));
    }
    fields
}

async fn visit(browser: &Browser, method: &str, path: &str, fields: &[(String, String)]) -> Page {
    if method == "GET" {
        return browser.get(path).await;
    }
    let csrf = csrf_on(&browser.get("/account").await);
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    post(browser, path, &all).await
}

fn check(page: &Page, wanted: Expected, what: &str) {
    let status = page.status.as_u16();
    let fits = match wanted {
        Expected::Answer => {
            status == 200 || (status == 303 && page.location().path().starts_with("/admin"))
        }
        Expected::Forbidden => status == 403,
        Expected::SignIn => {
            let to = page.try_location();
            status == 303
                && to.is_some_and(|to| to.path() == "/login" && to.query() == Some("next=admin"))
        }
    };
    assert!(fits, "{what}: not {wanted:?} but {}", page.describe());
}

on_both_backends! {
    async fn every_address_answers_each_role_as_the_table_of_rights_says(backend: Backend) {
        let world = unhurried(backend).await;
        let owner = admin(&world, "owner").await;
        create(&world, "subject", None);
        let the_manager = manager(&world, &["crew"]).await;
        world.cli(&["group", "add-member", "crew", "subject"]);
        let mut subjects = Subjects { world: &world, owner: &owner, made: 0 };
        // The weakest first: what owners do changes what the others may.
        for role in Role::ALL.into_iter().rev() {
            let visitor = match role {
                Role::GroupManager => &the_manager,
                Role::Owner => &enter(&world, "the-owner").await,
                Role::Operator | Role::Auditor => &admin(&world, role.as_str()).await,
            };
            let (mut seen, mut before) = (0, String::new());
            for (method, path, right) in addresses() {
                let wanted = expected(role, right);
                let at = subjects.path(path).await;
                let mut fields = fields(&subjects, path).await;
                // Two kinds of forms do not say what they were made from.
                let says = !path.contains("/roles") && !path.contains("/upstream");
                let form = at.strip_suffix("/edit").filter(|_| says);
                if let (Some(page), Expected::Answer) = (form, wanted) {
                    fields.push(("seen".to_owned(), visitor.seen_on(page).await));
                }
                if wanted == Expected::Forbidden {
                    before = state(&world).await;
                }
                let answer = visit(&visitor.browser, method, &at, &fields).await;
                check(&answer, wanted, &format!("{role:?}: {method} {at}"));
                if wanted == Expected::Forbidden {
                    assert_eq!(state(&world).await, before, "{role:?}: {method} {at}");
                }
                seen += 1;
            }
            assert!(seen > 30, "the table is not empty");
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn the_console_is_closed_to_everybody_else(backend: Backend) {
        let world = unhurried(backend).await;
        let owner = admin(&world, "owner").await;
        create(&world, "subject", None);
        create(&world, "second-owner", Some("owner"));
        manager(&world, &["crew"]).await;
        let mut subjects = Subjects { world: &world, owner: &owner, made: 0 };
        let mut paths = Vec::new();
        for (method, path, _) in addresses() {
            let at = subjects.path(path).await;
            paths.push((method, at, fields(&subjects, path).await));
        }
        // An ordinary session of an owner is not enough: the console asks for the password itself.
        let visitors = [
            ("nobody", world.browser(), Expected::SignIn),
            ("a person", sign_in(&world, "subject").await, Expected::Forbidden),
            ("an owner not signed in here", sign_in(&world, "second-owner").await, Expected::SignIn),
        ];
        let before = state(&world).await;
        for (who, browser, wanted) in &visitors {
            for (method, path, fields) in &paths {
                let answer = visit(browser, method, path, fields).await;
                check(&answer, *wanted, &format!("{who}: {method} {path}"));
            }
        }
        assert_eq!(state(&world).await, before);
    }

    async fn operators_do_not_touch_people_who_have_a_role(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "the-auditor", Some("auditor"));
        let operator = admin(&world, "operator").await;
        let before = state(&world).await;
        for username in ["the-owner", "the-auditor", "the-operator"] {
            let id = world.cli(&["user", "show", username])["id"].as_str().unwrap().to_owned();
            let path = format!("/admin/users/{id}");
            let edit = [("name", "Mine"), ("email", "mallory@example.test")];
            for step in ["edit", "disable", "enable", "reset-link", "delete"] {
                operator.post(&format!("{path}/{step}"), &edit).await.assert_status(403);
                let by_name = format!("/admin/users/{username}/{step}");
                operator.post(&by_name, &edit).await.assert_status(403);
            }
            let page = operator.page(&path).await;
            assert!(!page.has("main form"), "no form for what is not allowed: {}", page.describe());
        }
        let sessions = sessions_on(&owner.page("/admin/sessions?user=the-owner").await);
        let end = format!("/admin/sessions/{}/end", sessions[0]);
        operator.post(&end, &[]).await.assert_status(403);
        assert_eq!(state(&world).await, before);
        let refused = owner.page("/admin/audit?kind=console.refused&user=the-owner").await;
        let rows = refused.texts("tbody tr");
        assert!(rows[0].contains("the-operator") && rows[0].contains("Failed"), "{rows:?}");
    }

    async fn operators_cannot_give_out_roles(world: World) {
        let owner = admin(&world, "owner").await;
        let operator = admin(&world, "operator").await;
        let id = owner.add_person("grace").await;
        let before = state(&world).await;
        assert!(!operator.page("/admin/users/new").await.form("user").names().contains(&"role"));
        for role in ["owner", "operator", "auditor", "none"] {
            let fields = [("username", "mallory"), ("role", role)];
            operator.post("/admin/users", &fields).await.assert_status(403);
            operator.post(&format!("/admin/users/{id}/edit"), &fields).await.assert_status(403);
            let twice = [("role", ""), ("role", role)];
            operator.post(&format!("/admin/users/{id}/edit"), &twice).await.assert_status(403);
        }
        assert_eq!(state(&world).await, before);
        let saved = operator.edit(&format!("/admin/users/{id}"), &[("name", "Grace")]).await;
        assert_eq!(operator.message_after(&saved).await, "Grace is saved.");
    }

    async fn of_two_owners_who_demote_each_other_at_once_one_stays(world: World) {
        let owners = [admin(&world, "owner").await, {
            create(&world, "second-owner", Some("owner"));
            enter(&world, "second-owner").await
        }];
        let mut edits = Vec::new();
        for owner in &owners {
            let id = world.cli(&["user", "show", &owner.username])["id"].as_str().unwrap().to_owned();
            edits.push((format!("/admin/users/{id}"), owner.csrf().await));
        }
        let [(first, own_csrf), (second, their_csrf)] = &edits[..] else { panic!("two owners") };
        for round in 0..8 {
            let role = if round % 2 == 0 { "operator" } else { "none" };
            let fields = |csrf, seen| [("csrf", csrf), ("seen", seen), ("role", role)];
            let (of_second, of_first) = (owners[0].seen_on(second).await, owners[1].seen_on(first).await);
            let one = fields(own_csrf.as_str(), of_second.as_str());
            let other = fields(their_csrf.as_str(), of_first.as_str());
            let (at_second, at_first) = (format!("{second}/edit"), format!("{first}/edit"));
            let (one, other) = tokio::join!(
                post(&owners[0].browser, &at_second, &one),
                post(&owners[1].browser, &at_first, &other),
            );
            let outcome = format!("round {round}: {} and {}", one.describe(), other.describe());
            let is_owner = |owner: &Admin| world.cli(&["user", "show", &owner.username])["role"] == "owner";
            let stays: Vec<_> = owners.iter().map(is_owner).collect();
            // Whoever comes second is none any more, or would leave nobody in charge.
            assert_eq!(stays.iter().filter(|stays| **stays).count(), 1, "{outcome}");
            let (winner, loser) = if stays[0] { (0, second) } else { (1, first) };
            let again = owners[winner].edit(loser, &[("role", "owner")]).await;
            assert_eq!(again.status.as_u16(), 303, "{outcome}; {}", again.describe());
        }
        assert!(world.cli(&["user", "list"])["items"].as_array().unwrap().len() == 2);
    }

    async fn a_role_that_is_taken_away_closes_the_console_at_once(world: World) {
        let owner = admin(&world, "owner").await;
        let operator = admin(&world, "operator").await;
        let id = world.cli(&["user", "show", "the-operator"])["id"].as_str().unwrap().to_owned();
        let page = owner.page(&format!("/admin/users/{id}")).await;
        page.form("user").set("role", "none").submit().await.assert_status(303);
        operator.browser.get("/admin").await.assert_status(403);
        operator.post("/admin/users", &[("username", "late")]).await.assert_status(403);
        assert!(can_sign_in(&world, "the-operator", PASSWORD).await);
    }

    async fn the_last_owner_stays(world: World) {
        let owner = admin(&world, "owner").await;
        let id = world.cli(&["user", "show", "the-owner"])["id"].as_str().unwrap().to_owned();
        let path = format!("/admin/users/{id}");
        let before = state(&world).await;
        for role in ["none", "operator"] {
            let page = owner.page(&path).await;
            let refused = page.form("user").set("role", role).submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), ["#role"]);
        }
        for step in ["disable", "delete"] {
            let question = owner.page(&format!("{path}/{step}")).await;
            let refused = question.form_to(&format!("{path}/{step}")).submit().await;
            let message = owner.message_after(&refused).await;
            assert!(message.starts_with("This is the last owner."), "{message}");
        }
        assert_eq!(state(&world).await, before);
        create(&world, "second-owner", Some("owner"));
        let question = owner.page(&format!("{path}/delete")).await;
        question.form_to(&format!("{path}/delete")).submit().await.assert_status(303);
        assert_eq!(owner.browser.get("/admin").await.location().path(), "/login");
    }
}
