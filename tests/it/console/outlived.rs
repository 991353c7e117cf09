//! What must not outlive the power it was made with: links to a new password, and API keys.

use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, is, make_key, refused, service};
use crate::kit::console::{admin, create};
use crate::kit::flow::{Answer, execute};
use crate::support::browser_like::Page;
use crate::support::world::World;

const NEW: &str = "another-fine-phrase-7";
/// What making a link takes.
const FEW: [&str; 2] = ["doorward.users:read", "doorward.users:write"];

async fn link(api: &Api, who: &str) -> String {
    let made = is(api.command(Method::POST, &format!("/users/{who}/reset-link")).await, 200);
    made.json()["url"].as_str().expect("a link").to_owned()
}

/// Opens a link and sends its form with a new password.
async fn use_link(world: &World, url: &str) -> Page {
    let path = url.strip_prefix(&world.issuer).expect("a link of ours");
    let page = world.browser().get(path).await;
    if page.status != 200 {
        return page;
    }
    page.form("reset-password").set("password", NEW).submit().await
}

async fn sees(api: &Api) -> Answer {
    api.get("/users").await
}

on_both_backends! {
    async fn a_link_works_only_while_whoever_made_it_may_change_the_account(world: World) {
        admin(&world, "owner").await;
        let owner = Api::with_key(&world, "the-owner", &all_scopes());
        admin(&world, "operator").await;
        let operator = Api::with_key(&world, "the-operator", &all_scopes());
        for name in ["ada", "bob", "carl"] {
            create(&world, name, None);
        }
        // The account has more power than when the link was made.
        let of_ada = link(&operator, "ada").await;
        is(owner.patch_now("/users/ada", &json!({ "role": "owner" })).await, 200);
        assert!(use_link(&world, &of_ada).await.status.is_client_error());
        // A group manager's person is in another group now.
        crate::kit::console::manager(&world, &["wiki"]).await;
        let manager = Api::with_key(&world, "the-manager", &["doorward.users:read", "doorward.users:write"]);
        world.cli(&["group", "add-member", "wiki", "bob"]);
        let of_bob = link(&manager, "bob").await;
        world.cli(&["group", "create", "board"]);
        is(owner.command(Method::PUT, "/groups/board/members/bob").await, 204);
        assert!(use_link(&world, &of_bob).await.status.is_client_error());
        // Whoever made it has lost their role.
        let of_carl = link(&operator, "carl").await;
        is(owner.patch_now("/users/the-operator", &json!({ "role": null })).await, 200);
        assert!(use_link(&world, &of_carl).await.status.is_client_error());
        // And one that stands on what is still so.
        let works = link(&owner, "carl").await;
        let answer = use_link(&world, &works).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }

    async fn a_link_works_only_while_the_service_that_made_it_does(world: World) {
        admin(&world, "owner").await;
        let owner = Api::with_key(&world, "the-owner", &all_scopes());
        create(&world, "ada", None);
        let less = json!({ "metadata": { "scope": ["doorward.users:read"] } });
        for id in ["disabled", "deleted", "narrowed", "untouched"] {
            let robot = service(&world, id, &FEW);
            let of_ada = link(&Api::of_service(&world, &robot).await, "ada").await;
            let path = format!("/clients/{id}");
            match id {
                "disabled" => drop(is(owner.command(Method::POST, &format!("{path}/disable")).await, 204)),
                "deleted" => drop(is(owner.delete(&path).await, 204)),
                "narrowed" => drop(is(owner.patch_now(&path, &less).await, 200)),
                _ => {}
            }
            let answer = use_link(&world, &of_ada).await;
            assert_eq!(answer.status.as_u16() < 400, id == "untouched", "{id}: {}", answer.describe());
        }
    }

    async fn a_link_works_only_while_the_key_it_was_made_with_does(world: World) {
        admin(&world, "owner").await;
        let owner = Api::with_key(&world, "the-owner", &all_scopes());
        create(&world, "ada", None);
        create(&world, "bob", None);
        let fresh = || {
            let (id, text) = make_key(&world, "the-owner", &FEW);
            (id, Api::new(&world, &text))
        };
        let (id, key) = fresh();
        let revoked = link(&key, "ada").await;
        world.cli(&["api-key", "revoke", &id]);
        assert!(use_link(&world, &revoked).await.status.is_client_error());
        let (id, key) = fresh();
        let expired = link(&key, "ada").await;
        execute(&world, &format!("update api_keys set expires_at = 1 where id = '{id}'")).await;
        assert!(use_link(&world, &expired).await.status.is_client_error());
        // Its owner may change an administrator, and the key may not.
        let (_, key) = fresh();
        let (of_ada, of_bob) = (link(&key, "ada").await, link(&key, "bob").await);
        is(owner.patch_now("/users/bob", &json!({ "role": "auditor" })).await, 200);
        assert!(use_link(&world, &of_bob).await.status.is_client_error());
        let answer = use_link(&world, &of_ada).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }

    async fn keys_end_with_what_their_owner_has_lost(world: World) {
        admin(&world, "owner").await;
        let owner = Api::with_key(&world, "the-owner", &all_scopes());
        admin(&world, "auditor").await;
        let key = || Api::with_key(&world, "the-auditor", &["doorward.users:read"]);
        let path = |step: &str| format!("/users/the-auditor{step}");

        let before = key();
        is(sees(&before).await, 200);
        for step in ["/disable", "/enable"] {
            is(owner.command(Method::POST, &path(step)).await, 204);
        }
        assert_eq!(sees(&before).await.status, 401, "disabled in between");

        let before = key();
        is(owner.post(&path("/sign-out"), &json!({ "connections": true })).await, 200);
        assert_eq!(sees(&before).await.status, 401, "everything was ended");

        let before = key();
        is(owner.post(&path("/sign-out"), &json!({})).await, 200);
        is(sees(&before).await, 200);
        is(owner.patch_now(&path(""), &json!({ "role": null })).await, 200);
        is(owner.patch_now(&path(""), &json!({ "role": "owner" })).await, 200);
        assert_eq!(sees(&before).await.status, 401, "there was no role in between");
        let events = world.cli(&["audit", "list", "--kind", "api_key.revoked"]);
        assert_eq!(events["items"].as_array().map(Vec::len), Some(3), "{events}");
    }

    async fn groups_are_changed_with_their_own_scope_alone(world: World) {
        admin(&world, "owner").await;
        let people = Api::with_key(&world, "the-owner", &["doorward.users:read", "doorward.users:write"]);
        world.cli(&["group", "create", "board"]);
        create(&world, "bob", None);
        let change = json!({ "groups": ["board", "brand new"] });
        refused(people.patch_now("/users/bob", &change).await, 403, "insufficient_scope");
        let new = json!({ "username": "carl", "groups": ["brand new"] });
        refused(people.post("/users", &new).await, 403, "insufficient_scope");
        is(people.patch_now("/users/bob", &json!({ "name": "Bob", "groups": [] })).await, 200);
        assert_eq!(world.cli(&["group", "list"])["items"].as_array().map(Vec::len), Some(1));
    }

    async fn a_comma_in_a_group_s_name_takes_nobody_anywhere_else(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        is(api.post("/groups", &json!({ "name": "R&D, board" })).await, 201);
        let bob = create(&world, "bob", None);
        is(api.command(Method::PUT, &format!("/groups/{}/members/bob", "R%26D%2C%20board")).await, 204);
        let path = format!("/admin/users/{bob}");
        let page = owner.page(&path).await.form("user").set("name", "Bob").submit().await;
        page.assert_status(303);
        assert_eq!(world.cli(&["user", "show", "bob"])["groups"], json!(["R&D, board"]));
        let page = owner.page(&path).await.form("user").set("groups", "staff, wiki").submit().await;
        page.assert_status(422);
        assert!(page.text().contains("Write one group a line"), "{}", page.describe());
        let typed = [("username", "carl"), ("groups", "staff, wiki")];
        owner.post("/admin/users", &typed).await.assert_status(422);
        assert_eq!(world.cli(&["group", "list"])["items"].as_array().map(Vec::len), Some(1));
    }
}
