//! Who may do what in the console: every address with every kind of visitor, generated from the
//! console's own table and the table of rights, and what operators may not do to those above them.

use std::collections::BTreeSet;

use doorward::http::console::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};
use serde_json::json;

use crate::kit::api::{Api, is};
use crate::kit::console::{
    Admin, admin, audited, can_sign_in, create, csrf_on, enter, manager, post, sessions_on, state,
};
use crate::kit::flow::{PASSWORD, sign_in};
use crate::kit::imports;
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

mod subjects;

use subjects::Subjects;

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

/// A world in which a walk over every address takes no longer than a fresh sign-in counts.
async fn unhurried(backend: Backend) -> World {
    let builder = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200");
    // An app that registered itself is among what addresses are about.
    builder.env("DOORWARD_REGISTRATION__MODE", "token").start().await
}

async fn visit(browser: &Browser, method: &str, path: &str, fields: &[(String, String)]) -> Page {
    if method == "GET" {
        return browser.get(path).await;
    }
    let csrf = csrf_on(&browser.get("/account").await);
    if path == imports::START {
        return imports::send_with(browser, ("people.csv", b"username\n"), &[("csrf", &csrf)])
            .await;
    }
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    post(browser, path, &all).await
}

fn check(page: &Page, wanted: Expected, what: &str) {
    let status = page.status.as_u16();
    let fits = match wanted {
        Expected::Answer => {
            // A sign-in that is tried begins where everybody's does.
            let pages = ["/admin", "/oauth2/authorize"];
            let leads_on = |to: &str| pages.iter().any(|page| to.starts_with(page));
            status == 200 || (status == 303 && leads_on(page.location().path()))
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

/// Walks every address as somebody with this role.
async fn every_address_answers(backend: Backend, role: Role) {
    let world = unhurried(backend).await;
    let owner = admin(&world, "owner").await;
    create(&world, "subject", None);
    let the_manager = manager(&world, &["crew"]).await;
    world.cli(&["group", "add-member", "crew", "subject"]);
    // Each of them has a test below.
    let visitor = match role {
        Role::GroupManager => the_manager,
        Role::Owner => enter(&world, "the-owner").await,
        Role::Operator | Role::Auditor => admin(&world, role.as_str()).await,
    };
    let (open, refused): (Vec<_>, Vec<_>) =
        addresses().partition(|(.., right)| expected(role, right) == Expected::Answer);
    let (shown, changed): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|(method, ..)| *method == "GET");
    let mut subjects = Subjects::new(&world, &owner);
    let mut walk = Walk { role, visitor: &visitor, seen: BTreeSet::new() };

    // What changes nothing comes first, with one subject of each kind for all of it.
    let mut tries = Vec::new();
    for (method, path, _) in refused {
        let subject = subjects.kept(path).await;
        tries.push((method, path, subject.at(path), subjects.fields(path, &subject).await));
    }
    let (before, noted) = (state(&world).await, audited(&world).await);
    for (method, path, at, fields) in tries {
        walk.visit((method, path), (&at, &fields), Expected::Forbidden).await;
        // This names the address of a change that is noted; the state is all there is.
        assert_eq!(audited(&world).await, noted, "{role:?}: {method} {at}");
    }
    assert_eq!(state(&world).await, before, "{role:?}");
    for (method, path, _) in shown {
        let at = subjects.kept(path).await.at(path);
        walk.visit((method, path), (&at, &[]), Expected::Answer).await;
    }
    for (method, path, _) in changed {
        let subject = subjects.fresh(path).await;
        let at = subject.at(path);
        let mut fields = subjects.fields(path, &subject).await;
        // A form says what it was made from; that of a role is on a page with the role in its query.
        let form = match at.split_once("/edit?") {
            Some((page, query)) => Some(format!("{page}?{query}")),
            None => at.strip_suffix("/edit").map(str::to_owned),
        };
        if let Some(page) = form {
            fields.push(("seen".to_owned(), visitor.seen_on(&page).await));
        }
        walk.visit((method, path), (&at, &fields), Expected::Answer).await;
    }
    assert!(walk.seen.len() > 30, "the table is not empty");
    let all: BTreeSet<_> = addresses().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(walk.seen, all);
    world.assert_log_is_clean(&[PASSWORD]);
}

/// One visitor on the way past every address.
struct Walk<'a> {
    role: Role,
    visitor: &'a Admin,
    seen: BTreeSet<(&'static str, &'static str)>,
}

impl Walk<'_> {
    async fn visit(
        &mut self,
        address: (&'static str, &'static str),
        (at, fields): (&str, &[(String, String)]),
        wanted: Expected,
    ) {
        let answer = visit(&self.visitor.browser, address.0, at, fields).await;
        check(&answer, wanted, &format!("{:?}: {} {at}", self.role, address.0));
        self.seen.insert(address);
    }
}

on_both_backends! {
    async fn every_address_answers_an_owner_as_the_table_of_rights_says(backend: Backend) {
        every_address_answers(backend, Role::Owner).await;
    }

    async fn every_address_answers_an_operator_as_the_table_of_rights_says(backend: Backend) {
        every_address_answers(backend, Role::Operator).await;
    }

    async fn every_address_answers_an_auditor_as_the_table_of_rights_says(backend: Backend) {
        every_address_answers(backend, Role::Auditor).await;
    }

    async fn every_address_answers_a_group_manager_as_the_table_of_rights_says(backend: Backend) {
        every_address_answers(backend, Role::GroupManager).await;
    }

    async fn the_console_is_closed_to_everybody_else(backend: Backend) {
        let world = unhurried(backend).await;
        let owner = admin(&world, "owner").await;
        create(&world, "subject", None);
        create(&world, "second-owner", Some("owner"));
        manager(&world, &["crew"]).await;
        let mut subjects = Subjects::new(&world, &owner);
        let mut paths = Vec::new();
        for (method, path, _) in addresses() {
            let subject = subjects.kept(path).await;
            paths.push((method, subject.at(path), subjects.fields(path, &subject).await));
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

    async fn what_a_role_does_not_allow_says_which_one_would_and_leads_back(world: World) {
        let auditor = admin(&world, "auditor").await;
        let operator = admin(&world, "operator").await;
        let keeper = manager(&world, &["crew"]).await;
        for (who, path, role, section) in [
            (&auditor, "/admin/users/new", "owner or operator", Some("/admin/users")),
            (&auditor, "/admin/registration-tokens/new", "owner or operator", Some("/admin/clients")),
            (&operator, "/admin/keys/retire?kid=x", "owner", Some("/admin/keys")),
            (&operator, "/admin/api-keys/new", "owner", Some("/admin/api-keys")),
            (&keeper, "/admin/audit", "owner or operator or auditor", None),
        ] {
            let page = who.browser.get(path).await;
            page.assert_status(403).assert_page_headers();
            assert_eq!(page.texts("main strong")[0], role, "{}", page.describe());
            let leads: Vec<_> = section.into_iter().chain(["/admin"]).map(str::to_owned).collect();
            assert_eq!(page.attributes("main .actions a", "href"), leads, "{path}");
            for to in leads {
                // The first page of somebody who looks after groups is another one.
                let to = who.browser.get(&to).await.follow_within().await;
                to.assert_status(200);
            }
        }
        // Where a part of the right is missing, the page says whose it is in words of its own.
        let id = world.cli(&["user", "show", "the-auditor"])["id"].as_str().unwrap().to_owned();
        let page = operator.browser.get(&format!("/admin/users/{id}/disable")).await;
        page.assert_status(403);
        assert!(page.text().contains("Only owners may change somebody who may use the console."));
        // No address from outside is a way back.
        let request = operator.browser.request(reqwest::Method::GET, &operator.browser.resolve("/admin/api-keys/new"));
        let page = operator.browser.send(request.header("referer", "https://evil.test/admin")).await;
        assert!(!page.assert_status(403).body.contains("evil.test"));
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
            for step in ["edit", "disable", "enable", "reset-link", "temporary-password", "delete"] {
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

    async fn a_command_gives_a_role_and_takes_it_away(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "ada", None);
        let becomes = |who: &str, role: &str| world.run(&["user", "update", who, "--role", role]);
        for given in ["auditor", "operator"] {
            let done = becomes("ada", given);
            assert_eq!(done.status.code(), Some(0), "{done:?}");
            assert_eq!(world.cli(&["user", "show", "ada"])["role"], given);
        }
        // Two of one second stand in any order.
        let events = world.cli(&["audit", "list", "--kind", "user.updated", "--limit", "2"]);
        let mut events = events["items"].as_array().expect("events").iter();
        let event = events.find(|event| event["detail"]["role_before"] == "auditor").expect("it");
        assert_eq!(event["actor"], "command-line", "{event}");
        assert_eq!(event["detail"]["changed"], json!(["role"]), "{event}");
        assert_eq!(event["detail"]["role_after"], "operator", "{event}");

        // What comes with it goes with it.
        let (ada, key) = (enter(&world, "ada").await, Api::with_key(&world, "ada", &["doorward.users:read"]));
        is(key.get("/users").await, 200);
        world.cli(&["user", "update", "ada", "--name", "Ada"]);
        is(key.get("/users").await, 200);
        let done = becomes("ada", "none");
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        ada.browser.get("/admin").await.assert_status(403);
        assert_eq!(key.get("/users").await.status, 401);
        assert!(can_sign_in(&world, "ada", PASSWORD).await);

        for less in ["none", "operator"] {
            let refused = becomes("the-owner", less);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(1), "{said}");
            assert!(said.contains("this is the last owner; make somebody else an owner first"), "{said}");
        }
        owner.page("/admin/users").await;
        let done = becomes("ada", "owner");
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        let done = becomes("the-owner", "none");
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        owner.browser.get("/admin").await.assert_status(403);
    }
}
