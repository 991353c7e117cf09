//! What else is known of a person than their name and address: kept by program, by form and by command with the
//! same rules, told to apps, and noted without the values.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::console::{Admin, admin, create, enter, manager};
use crate::kit::flow::{App, PATIENCE, sign_in};
use crate::support::form::Form;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// What the newest event of a change says was changed.
fn changed(world: &World) -> Value {
    let listed = world.cli(&["audit", "list", "--kind", "user.updated", "--limit", "1"]);
    let text = listed.to_string();
    for value in ["Ally", "+44", "Lane", "Wonderland"] {
        assert!(!text.contains(value), "{text}");
    }
    listed["items"][0]["detail"]["changed"].clone()
}

/// The form of alice, with nothing of her profile in it.
async fn page_without_section(owner: &Admin) -> Form {
    let form = owner.page("/admin/users/alice").await.form("user").without("has_profile");
    let fields = ["nickname", "formatted", "phone_number", "phone_number_verified"];
    fields.into_iter().fold(form, Form::without)
}

fn profile(world: &World, user: &str) -> Value {
    world.cli(&["user", "show", user])["profile"].clone()
}

async fn owner_and_api(world: &World) -> (Admin, Api) {
    let owner = admin(world, "owner").await;
    (owner, Api::with_key(world, "the-owner", &all_scopes()))
}

on_both_backends! {
    async fn a_program_sets_what_is_known_and_takes_it_away(world: World) {
        let (_owner, api) = owner_and_api(&world).await;
        let made = json!({
            "username": "alice",
            "profile": { "nickname": " Ally ", "website": "", "address": { "locality": "Wonderland" } },
        });
        let alice = is(api.post("/users", &made).await, 201).json();
        let kept = json!({ "nickname": "Ally", "address": { "locality": "Wonderland" } });
        assert_eq!(alice["profile"], kept);
        let patched = async |change: Value| {
            let answer = api.patch_now("/users/alice", &json!({ "profile": change })).await;
            is(answer, 200).json()["profile"].clone()
        };
        // Members that are not there stay, also within the address.
        let phone = json!({ "phone_number": "+44 1", "phone_number_verified": true });
        let after = patched(phone).await;
        assert_eq!((&after["nickname"], &after["phone_number_verified"]), (&json!("Ally"), &json!(true)));
        assert_eq!(changed(&world), json!(["profile.phone_number", "profile.phone_number_verified"]));
        let after = patched(json!({ "address": { "street_address": "1 Long Lane\nflat 2" } })).await;
        let address = json!({ "locality": "Wonderland", "street_address": "1 Long Lane\nflat 2" });
        assert_eq!(after["address"], address);
        assert_eq!(changed(&world), json!(["profile.address.street_address"]));
        // That one number was theirs says nothing of another one.
        let after = patched(json!({ "phone_number": "+44 2" })).await;
        assert_eq!((&after["phone_number"], after.get("phone_number_verified")), (&json!("+44 2"), None));
        let after = patched(json!({ "phone_number": "+44 3", "phone_number_verified": true })).await;
        assert_eq!(after["phone_number_verified"], json!(true));
        // Nobody's number is verified.
        let after = patched(json!({ "phone_number": null, "address": { "street_address": null } })).await;
        assert_eq!(after, kept);
        assert_eq!(patched(json!({ "address": { "locality": null } })).await, json!({ "nickname": "Ally" }));
        is(api.patch_now("/users/alice", &json!({ "name": "Alice" })).await, 200);
        assert_eq!(changed(&world), json!(["name"]));
        assert_eq!(is(api.get("/users/alice").await, 200).json()["profile"], json!({ "nickname": "Ally" }));
        assert_eq!(patched(Value::Null).await, json!({}));
        assert_eq!(changed(&world), json!(["profile.nickname"]));
    }

    async fn what_cannot_be_kept_is_named_and_nothing_changes(world: World) {
        let (owner, api) = owner_and_api(&world).await;
        create(&world, "alice", None);
        is(api.patch_now("/users/alice", &json!({ "profile": { "nickname": "Ally" } })).await, 200);
        let long = "a".repeat(1_001);
        for (wrong, field) in [
            (json!({ "nickname": "a\u{202e}b" }), "profile.nickname"),
            (json!({ "given_name": long }), "profile.given_name"),
            (json!({ "website": "two\nlines" }), "profile.website"),
            (json!({ "address": { "country": "a\u{7}" } }), "profile.address.country"),
            (json!({ "nick": "x" }), "nick"),
            (json!({ "address": { "town": "x" } }), "town"),
        ] {
            let change = json!({ "profile": wrong });
            let answer = refused(api.patch_now("/users/alice", &change).await, 422, "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{change}");
            let mut new = change;
            new["username"] = json!("bob");
            refused(api.post("/users", &new).await, 422, "invalid");
        }
        refused(api.patch_now("/users/alice", &json!({ "profile": "x" })).await, 422, "invalid");
        refused(api.command(Method::GET, "/users/bob").await, 404, "not_found");

        let form = owner.page("/admin/users/alice").await.form("user").set("website", &long);
        let again = form.submit().await;
        again.assert_status(422).assert_page_headers();
        assert!(again.has("form#user details[open] #website[aria-invalid=true]"), "{}", again.describe());
        assert_eq!(again.attributes(".summary a", "href"), ["#website"]);
        let form = again.form("user");
        assert_eq!((form.value("website"), form.value("nickname")), (Some(&*long), Some("Ally")));

        let refused = world.run(&["user", "update", "alice", "--country", "a\u{7}"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("profile.address.country"), "{said}");
        assert_eq!(profile(&world, "alice"), json!({ "nickname": "Ally" }));
    }

    async fn it_is_a_closed_section_of_the_form_and_auditors_read_it(world: World) {
        let (owner, api) = owner_and_api(&world).await;
        let page = owner.page("/admin/users/new").await;
        assert!(page.has("form#user details:not([open]) #nickname"));
        let form = page.form("user").set("username", "alice").set("nickname", "Ally");
        let form = form.set("formatted", "1 Long Lane\r\nWonderland").set("phone_number", "+44 1");
        form.check("phone_number_verified", "on").submit().await.assert_status(200);
        let kept = json!({
            "nickname": "Ally", "address": { "formatted": "1 Long Lane\nWonderland" },
            "phone_number": "+44 1", "phone_number_verified": true,
        });
        assert_eq!(profile(&world, "alice"), kept);

        let page = owner.page("/admin/users/alice").await;
        assert!(page.has("form#user details:not([open]) #nickname"));
        let form = page.form("user");
        form.clone().set("name", "Alice").submit().await.assert_status(303);
        assert_eq!(changed(&world), json!(["name"]));
        assert_eq!(profile(&world, "alice"), kept);
        // A page of an older version has no such section.
        let old = page_without_section(&owner).await;
        old.set("name", "Alice L.").submit().await.assert_status(303);
        assert_eq!(profile(&world, "alice"), kept);
        // Whoever comes too late sees what is stored now, in the open section.
        is(api.patch_now("/users/alice", &json!({ "profile": { "locale": "en-GB" } })).await, 200);
        let late = owner.page("/admin/users/alice").await.form("user");
        is(api.patch_now("/users/alice", &json!({ "profile": { "locale": "fr" } })).await, 200);
        let late = late.set("nickname", "Al").submit().await;
        late.assert_status(422);
        assert!(late.text().contains("Language: “fr” is stored now."), "{}", late.text());
        assert!(late.has("form#user details[open] #locale"));
        let form = owner.page("/admin/users/alice").await.form("user");
        let form = form.set("nickname", "").set("phone_number", "+44 2").uncheck("phone_number_verified");
        form.submit().await.assert_status(303);
        let said = json!([
            "profile.nickname", "profile.phone_number", "profile.phone_number_verified",
        ]);
        assert_eq!(changed(&world), said);

        let auditor = admin(&world, "auditor").await;
        let page = auditor.page("/admin/users/alice").await;
        assert!(!page.has_form("user"));
        let read = page.texts("main details dl.facts dd").join("|");
        for text in ["+44 2", "fr", "1 Long Lane"] {
            assert!(read.contains(text), "{read}");
        }
    }

    async fn whoever_looks_after_a_group_edits_it_and_vouches_for_nothing(world: World) {
        let (_owner, api) = owner_and_api(&world).await;
        let manager = manager(&world, &["crew"]).await;
        for (name, groups) in [("alice", json!(["crew"])), ("bob", json!([]))] {
            let profile = json!({ "phone_number": "+44 1", "phone_number_verified": true });
            let made = json!({ "username": name, "groups": groups, "profile": profile });
            is(api.post("/users", &made).await, 201);
        }
        let page = "/admin/users/alice";
        let form = manager.page(page).await.form("user");
        assert!(!form.names().contains(&"phone_number_verified"));
        form.set("nickname", "Ally").submit().await.assert_status(303);
        assert_eq!(profile(&world, "alice")["phone_number_verified"], true);
        let form = manager.page(page).await.form("user").set("phone_number", "+44 2");
        form.forge("phone_number_verified", "on").submit().await.assert_status(303);
        let kept = json!({ "nickname": "Ally", "phone_number": "+44 2" });
        assert_eq!(profile(&world, "alice"), kept);
        let form = manager.page("/admin/users/new").await.form("user").set("username", "eve");
        let form = form.set("groups", "crew").set("phone_number", "+44 3");
        form.forge("phone_number_verified", "on").submit().await.assert_status(200);
        assert_eq!(profile(&world, "eve"), json!({ "phone_number": "+44 3" }));
        manager.browser.get("/admin/users/bob").await.assert_status(404);
        // An auditor reads, and no more.
        create(&world, "reader", Some("auditor"));
        let auditor = enter(&world, "reader").await;
        auditor.post(&format!("{page}/edit"), &[("nickname", "Al")]).await.assert_status(403);
        assert_eq!(profile(&world, "alice"), kept);
    }

    async fn a_tick_that_was_there_is_not_about_another_address(world: World) {
        let (owner, api) = owner_and_api(&world).await;
        let made = json!({ "username": "alice", "email": "a@example.test", "email_verified": true });
        is(api.post("/users", &made).await, 201);
        let path = "/admin/users/alice";
        let is_verified = || world.cli(&["user", "show", "alice"])["email_verified"] == true;
        let page = owner.page(path).await;
        assert!(page.has("#email_verified[checked]"));
        // The same address in other letters is the same.
        let saved = page.form("user").set("email", "A@Example.test").submit().await;
        saved.assert_status(303);
        assert_eq!(saved.follow().await.texts(".flash"), ["alice is saved."]);
        assert!(is_verified());

        let saved = owner.page(path).await.form("user").set("email", "b@example.test").submit().await;
        saved.assert_status(303);
        let shown = saved.follow().await;
        let said = shown.texts(".flash").concat();
        assert!(said.contains("alice is saved. The new e-mail address is not marked as theirs"), "{said}");
        assert!(!is_verified() && !shown.has("#email_verified[checked]"));
        // Now it is said of this one; and of a new one together with it.
        let form = owner.page(path).await.form("user").check("email_verified", "on");
        let saved = form.submit().await;
        assert_eq!(saved.follow().await.texts(".flash"), ["alice is saved."]);
        assert!(is_verified());
        is(api.patch_now("/users/alice", &json!({ "email_verified": false })).await, 200);
        let form = owner.page(path).await.form("user").check("email_verified", "on");
        form.set("email", "c@example.test").submit().await.assert_status(303);
        assert!(is_verified());

        // Whoever comes too late has said nothing of the address that is there by now.
        let late = owner.page(path).await.form("user").set("email", "d@example.test");
        is(api.patch_now("/users/alice", &json!({ "email": "e@example.test" })).await, 200);
        let again = late.submit().await;
        again.assert_status(422);
        assert!(!again.has("#email_verified[checked]"), "{}", again.describe());
        again.form("user").submit().await.assert_status(303);
        let alice = world.cli(&["user", "show", "alice"]);
        assert_eq!((&alice["email"], &alice["email_verified"]), (&json!("d@example.test"), &json!(false)));
        // Without an address there is nothing to be said.
        is(api.patch_now("/users/alice", &json!({ "email_verified": true })).await, 200);
        let saved = owner.page(path).await.form("user").set("email", "").submit().await;
        assert_eq!(saved.follow().await.texts(".flash"), ["alice is saved."]);
        assert!(!is_verified());
    }

    async fn a_tick_that_was_there_is_not_about_another_number(world: World) {
        let (owner, api) = owner_and_api(&world).await;
        let path = "/admin/users/alice";
        create(&world, "alice", None);
        let number = json!({ "phone_number": "+44 1", "phone_number_verified": true });
        is(api.patch_now("/users/alice", &json!({ "profile": number })).await, 200);
        owner.page(path).await.form("user").set("nickname", "Al").submit().await.assert_status(303);
        assert_eq!(profile(&world, "alice")["phone_number_verified"], true);
        let saved = owner.page(path).await.form("user").set("phone_number", "+44 2").submit().await;
        let said = saved.follow().await.texts(".flash").concat();
        assert!(said.contains("alice is saved. The new phone number is not marked as theirs"), "{said}");
        assert_eq!(profile(&world, "alice"), json!({ "nickname": "Al", "phone_number": "+44 2" }));
        let form = owner.page(path).await.form("user").check("phone_number_verified", "on");
        form.submit().await.assert_status(303);
        assert_eq!(profile(&world, "alice")["phone_number_verified"], true);
    }

    async fn a_command_sets_what_is_known_and_takes_it_away(world: World) {
        let person = ["user", "create", "--username", "alice", "--email", "a@example.test"];
        let more = ["--email-verified", "--nickname", "Ally", "--locality", "Wonderland", "--password-file", "-"];
        let made = world.cli_with_input(&[&person[..], &more].concat(), "correct horse battery staple");
        assert_eq!(made["profile"], json!({ "nickname": "Ally", "address": { "locality": "Wonderland" } }));
        let update = |more: &[&str]| world.cli(&[&["user", "update", "alice"], more].concat());
        let after = update(&["--name", "Alice", "--phone-number", "+44 1", "--phone-number-verified", "true"]);
        assert_eq!((&after["name"], &after["email_verified"]), (&json!("Alice"), &json!(true)));
        assert_eq!(after["profile"]["phone_number_verified"], true);
        let all = json!(["name", "profile.phone_number", "profile.phone_number_verified"]);
        assert_eq!(changed(&world), all);
        let after = update(&["--locality", "", "--phone-number", "+44 2", "--email", "b@example.test"]);
        assert_eq!(after["profile"], json!({ "nickname": "Ally", "phone_number": "+44 2" }));
        assert_eq!((&after["email"], &after["email_verified"]), (&json!("b@example.test"), &json!(false)));
        let nothing = world.run(&["user", "update", "alice"]);
        assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
    }

    async fn apps_are_told_what_was_set(world: World) {
        let (_owner, api) = owner_and_api(&world).await;
        create(&world, "alice", None);
        let app = App::register(&world, "shop", &["--scope", "openid profile phone address"]);
        let mapping = "tel@userinfo=profile:phone_number";
        world.cli(&["client", "update", "shop", "--claim-mapping", mapping]);
        let browser = sign_in(&world, "alice").await;
        let scope = [("scope", "openid profile phone address")];
        let tokens = app.tokens_with(&browser, &scope).await;
        let told = async || app.userinfo(&tokens.access).await.json();
        assert!(told().await.get("nickname").is_none());
        let known = json!({
            "nickname": "Ally", "phone_number": "+44 1", "phone_number_verified": true,
            "address": { "country": "Wonderland" },
        });
        is(api.patch_now("/users/alice", &json!({ "profile": known })).await, 200);
        wait_until_async("the app being told", PATIENCE, async || told().await["nickname"] == "Ally").await;
        let said = told().await;
        assert_eq!((&said["tel"], &said["address"]), (&json!("+44 1"), &json!({ "country": "Wonderland" })));
        is(api.patch_now("/users/alice", &json!({ "profile": null })).await, 200);
        wait_until_async("nothing being told", PATIENCE, async || {
            let said = told().await;
            ["nickname", "tel", "address", "phone_number"].iter().all(|name| said.get(name).is_none())
        })
        .await;
    }
}
