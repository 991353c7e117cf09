//! Who may use an app: only people in the groups it names get anything by it, and who leaves the last of
//! these has nothing left of it at once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::client_signer::{ClientKey, jwks};
use crate::kit::fixtures::unique;
use crate::kit::flow::{App, PATIENCE, REDIRECT, Tokens, count, create_user, sign_in};
use crate::kit::grant::{BEARER_GRANT, EXCHANGE_GRANT};
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const LIVING: &str = "select count(*) from grants where revoked_at is null";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Alice, who is in the group staff, and an app for staff and board.
async fn club(world: &World) -> (Browser, App) {
    create_user(world, "alice");
    for group in ["staff", "board", "choir"] {
        world.cli(&["group", "create", group]);
    }
    move_alice(world, "add-member", "staff");
    let app = App::register(world, "club", &["--allow-group", "staff", "--allow-group", "board"]);
    (sign_in(world, "alice").await, app)
}

fn move_alice(world: &World, how: &str, group: &str) {
    world.cli(&["group", how, group, "alice"]);
}

/// What was noted of this kind: the detail of each.
fn noted(world: &World, kind: &str) -> Vec<Value> {
    let listed = world.cli(&["audit", "list", "--kind", kind, "--limit", "1000"]);
    let events = listed["items"].as_array().expect("events").iter();
    events.map(|event| event["detail"].clone()).collect()
}

#[track_caller]
fn assert_denied(world: &World, page: &Page) {
    assert!(page.location().as_str().starts_with(REDIRECT), "{}", page.describe());
    let said = |name| page.location_parameter(name);
    assert_eq!(said("error").as_deref(), Some("access_denied"), "{}", page.describe());
    assert_eq!(said("state").as_deref(), Some("st-4711"));
    assert_eq!(said("iss"), Some(world.issuer.clone()));
    assert_eq!(said("code"), None);
}

/// Sends the form of the page with the answer that it does not offer.
async fn allowed_by_hand(browser: &Browser, page: &Page, (path, what): (&str, &str)) -> Page {
    let form = page.form("shut-out");
    let sent = |name| form.value(name).expect("a hidden field");
    let fields = [(what, sent(what)), ("csrf", sent("csrf")), ("decision", "allow")];
    crate::kit::console::post(browser, path, &fields).await
}

/// Waits until the app has another answer for this browser.
async fn wait_for(browser: &Browser, app: &App, status: u16) -> Page {
    let mut last = None;
    wait_until_async("the server hearing of it", PATIENCE, async || {
        let page = browser.get(&app.authorize_path(&[])).await;
        let there = page.status == status;
        last = Some(page);
        there
    })
    .await;
    last.expect("a page")
}

on_both_backends! {
    async fn nothing_is_alive_after_the_group_was_taken_while_codes_were_redeemed(world: World) {
        let (browser, app) = club(&world).await;
        let mut refused = 0;
        for round in 0..12 {
            let codes = join_all((0..5).map(|_| app.code(&browser))).await;
            let (late, codes) = codes.split_first().expect("five");
            let arguments = ["group", "remove-member", "staff", "alice"];
            let mut command = world.command(&arguments);
            let take = async {
                let run = tokio::task::spawn_blocking(move || command.output());
                let output = run.await.expect("a thread").expect("the program");
                assert!(output.status.success(), "{output:?}");
            };
            // A little later each time, so that they meet at every stage.
            let redeem = async {
                tokio::time::sleep(Duration::from_millis(15 * round)).await;
                join_all(codes.iter().map(|code| app.redeem(code))).await
            };
            let ((), mut answers) = tokio::join!(take, redeem);
            answers.push(app.redeem(late).await);
            for answer in answers {
                if answer.status == 200 {
                    app.assert_dead(&answer.tokens()).await;
                } else {
                    answer.assert_error(400, "invalid_grant");
                    refused += 1;
                }
            }
            assert_eq!(count(&world, LIVING).await, 0, "round {round}");
            move_alice(&world, "add-member", "staff");
            let tokens = app.tokens(&browser).await;
            app.assert_alive(&tokens).await;
            assert_eq!(app.revoke(&tokens.refresh).await.status, 200);
        }
        assert!(refused >= 12, "a code was good for somebody outside");
    }

    async fn somebody_outside_is_told_by_a_page_and_the_app_by_an_error(world: World) {
        let (_, app) = club(&world).await;
        create_user(&world, "bob");
        world.cli(&["group", "add-member", "choir", "bob"]);
        let bob = sign_in(&world, "bob").await;
        let page = bob.get(&app.authorize_path(&[])).await;
        page.assert_status(403).assert_page_headers();
        assert!(page.text().contains("You may not use club"), "{}", page.describe());
        assert!(page.text().contains("Ask your administrator"), "{}", page.describe());
        assert!(page.text().contains("bob@example.test"), "{}", page.describe());
        assert_denied(&world, &page.form("shut-out").press("decision", "deny").submit().await);
        // Nobody allows by hand what the page does not offer.
        let forged = allowed_by_hand(&bob, &page, ("/consent", "flow")).await;
        assert!(forged.location_parameter("code").is_none(), "{}", forged.describe());
        forged.follow().await.assert_status(403);

        let silent = bob.get(&app.authorize_path(&[("prompt", "none")])).await;
        assert_denied(&world, &silent);
        let refusals = noted(&world, "access.refused");
        assert!(refusals.len() >= 2, "{refusals:?}");
        assert!(refusals.iter().all(|detail| detail["at"] == "sign_in"), "{refusals:?}");
        assert!(noted(&world, "consent.denied").is_empty());
        // The request id on the page leads to the event.
        let request = page.header("x-request-id").to_owned();
        let why = world.cli(&["audit", "list", "--request-id", &request]);
        assert_eq!(why["items"][0]["kind"], "access.refused", "{why}");
        assert_eq!(count(&world, "select count(*) from grants").await, 0);
    }

    async fn signing_in_on_the_way_leads_to_that_page_and_another_account_gets_in(world: World) {
        let (_, app) = club(&world).await;
        create_user(&world, "bob");
        let browser = world.browser();
        let form = browser.get(&app.authorize_path(&[])).await.form("sign-in");
        let form = form.set("username", "bob").set("password", crate::kit::flow::PASSWORD);
        let page = form.submit().await.follow().await;
        page.assert_status(403);
        assert_eq!(noted(&world, "access.refused").len(), 1, "noted once");
        let another = page.attributes("main .account a", "href").swap_remove(0);
        let page = browser.get(&another).await;
        let page = if page.has_form("choose-account") {
            page.form("choose-account").press("account", "another").submit().await
        } else {
            page
        };
        let form = page.form("sign-in").set("username", "alice");
        let answer = form.set("password", crate::kit::flow::PASSWORD).submit().await;
        assert!(answer.location_parameter("code").is_some(), "{}", answer.describe());
    }

    async fn whoever_leaves_the_last_of_the_groups_has_nothing_left_of_the_app(world: World) {
        let (browser, app) = club(&world).await;
        let other = App::register(&world, "other", &[]);
        let (first, elsewhere) = (app.tokens(&browser).await, other.tokens(&browser).await);
        // One of the groups is enough.
        move_alice(&world, "add-member", "board");
        move_alice(&world, "remove-member", "staff");
        app.assert_alive(&first).await;
        let next = app.refresh(&first.refresh).await.tokens();
        move_alice(&world, "remove-member", "board");
        app.assert_dead(&next).await;
        assert!(!app.access_lives(&first.access).await);
        other.assert_alive(&elsewhere).await;
        other.refresh(&elsewhere.refresh).await.tokens();
        assert_eq!(noted(&world, "access.ended").len(), 1);
        wait_for(&browser, &app, 403).await;
        // Who comes back begins anew.
        move_alice(&world, "add-member", "staff");
        app.assert_dead(&next).await;
        wait_for(&browser, &app, 303).await;
        app.assert_alive(&app.tokens(&browser).await).await;
        world.assert_log_is_clean(&[&next.access, &next.refresh]);
    }

    async fn a_code_and_another_way_of_changing_groups_count_as_well(world: World) {
        let (browser, app) = club(&world).await;
        let (code, tokens) = (app.code(&browser).await, app.tokens(&browser).await);
        let without = json!({ "users": [{ "username": "alice", "groups": ["choir"] }] });
        let file = world.path("people.json");
        std::fs::write(&file, without.to_string()).expect("write the file");
        world.cli(&["apply", "--file", &file.display().to_string()]);
        app.assert_dead(&tokens).await;
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        let refusals = noted(&world, "access.refused");
        assert_eq!(refusals, [json!({ "at": "token" })]);
    }

    async fn an_app_that_is_restricted_later_ends_what_it_has(world: World) {
        create_user(&world, "alice");
        create_user(&world, "bob");
        world.cli(&["group", "create", "staff"]);
        world.cli(&["group", "create", "board"]);
        move_alice(&world, "add-member", "staff");
        let app = App::register(&world, "later", &[]);
        let (alice, bob) = (sign_in(&world, "alice").await, sign_in(&world, "bob").await);
        let (hers, his) = (app.tokens(&alice).await, app.tokens(&bob).await);
        let code = app.code(&bob).await;
        world.cli(&["client", "update", "later", "--allow-group", "staff"]);
        for tokens in [&hers, &his] {
            assert!(!app.access_lives(&tokens.access).await);
        }
        wait_for(&bob, &app, 403).await;
        for tokens in [&hers, &his] {
            app.assert_dead(tokens).await;
        }
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        assert_eq!(count(&world, LIVING).await, 0);
        let hers = app.tokens(&alice).await;
        // A group more, or everybody, ends nothing.
        let more = ["--allow-group", "staff", "--allow-group", "board"];
        world.cli(&[&["client", "update", "later"], &more[..]].concat());
        app.assert_alive(&hers).await;
        world.cli(&["client", "update", "later", "--allow-everyone"]);
        wait_for(&bob, &app, 303).await;
        app.assert_alive(&hers).await;
        // Taking a group off the list does.
        world.cli(&[&["client", "update", "later"], &more[..]].concat());
        wait_for(&bob, &app, 403).await;
        let hers = app.tokens(&alice).await;
        world.cli(&["client", "update", "later", "--allow-group", "board"]);
        app.wait_until_dead(&hers).await;
        wait_for(&alice, &app, 403).await;
        let told = noted(&world, "client.updated");
        assert!(told.iter().any(|detail| {
            detail["allowed_groups_before"] == json!(["board", "staff"])
                && detail["allowed_groups"] == json!(["board"])
        }), "{told:?}");
    }

    async fn a_deleted_group_opens_nothing_and_a_renamed_one_goes_on(world: World) {
        let (browser, app) = club(&world).await;
        let tokens = app.tokens(&browser).await;
        world.cli(&["client", "update", "club", "--allow-group", "staff"]);
        wait_until_async("the app being heard of", PATIENCE, async || {
            !app.access_lives(&tokens.access).await
        }).await;
        wait_for(&browser, &app, 303).await;
        let tokens = app.tokens(&browser).await;
        let owner = crate::kit::console::admin(&world, "owner").await;
        let path = crate::kit::console::group_path("staff");
        let fields = [("name", "team"), ("description", "")];
        owner.edit(&path, &fields).await.assert_status(303);
        assert_eq!(world.cli(&["client", "show", "club"])["allowed_groups"], json!(["team"]));
        app.assert_alive(&tokens).await;
        let tokens = app.refresh(&tokens.refresh).await.tokens();
        world.cli(&["--yes", "group", "delete", "team"]);
        app.assert_dead(&tokens).await;
        wait_for(&browser, &app, 403).await;
        assert_eq!(world.cli(&["client", "show", "club"])["allowed_groups"], json!(["team"]));
        let page = owner.page("/admin/clients/club").await;
        assert!(page.text().contains("deleted: nobody gets in by it"), "{}", page.describe());
        // What else the app is can still be changed.
        world.cli(&["client", "update", "club", "--name", "Club"]);
        create_user(&world, "bob");
        wait_for(&sign_in(&world, "bob").await, &app, 403).await;
    }

    async fn the_console_asks_who_may_use_an_app(world: World) {
        let owner = crate::kit::console::admin(&world, "owner").await;
        world.cli(&["group", "create", "team/wiki"]);
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}");
        let page = owner.page(&path).await;
        let form = page.form("client").uncheck("access").check("access", "groups");
        for (typed, words) in [("", "needs a group"), ("nobody-knows", "is no group here")] {
            let wrong = form.clone().set("allowed_groups", typed).submit().await;
            wrong.assert_status(422).assert_page_headers();
            assert!(wrong.text().contains(words), "{}", wrong.describe());
            assert!(wrong.has("#access-groups[checked]"), "{}", wrong.describe());
        }
        let saved = form.set("allowed_groups", " team/wiki \r\n\r\nteam/wiki").submit().await;
        saved.assert_status(303);
        let shown = || world.cli(&["client", "show", &id])["allowed_groups"].clone();
        assert_eq!(shown(), json!(["team/wiki"]));
        let page = owner.page(&path).await;
        assert!(page.text().contains("People in team/wiki"), "{}", page.describe());
        // A form that leaves the question out changes nothing about it.
        owner.edit(&path, &crate::kit::console::app_fields("Wiki")).await.assert_status(303);
        assert_eq!(shown(), json!(["team/wiki"]));
        let opened = page.form("client").uncheck("access").check("access", "everyone");
        let opened = opened.submit().await;
        opened.assert_status(303);
        assert_eq!(shown(), Value::Null);
        // Whoever may not change apps may not change this.
        let helper = crate::kit::console::manager(&world, &["doormen"]).await;
        let fields = [("name", "Wiki"), ("access", "groups"), ("allowed_groups", "doormen")];
        let refused = helper.post(&format!("{path}/edit"), &fields).await;
        assert_eq!(refused.status.as_u16(), 403);
        assert_eq!(shown(), Value::Null);
    }

    async fn what_is_no_list_of_groups_is_refused(world: World) {
        create_user(&world, "alice");
        world.cli(&["group", "create", "staff"]);
        App::register(&world, "club", &["--allow-group", "staff", "--allow-group", "staff"]);
        assert_eq!(world.cli(&["client", "show", "club"])["allowed_groups"], json!(["staff"]));
        let long = "x".repeat(101);
        for bad in ["nobody", "", " staff", "STAFF", "sta\u{202e}ff", &long] {
            let refused = world.run(&["client", "update", "club", "--allow-group", bad]);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && said.contains("allowed_groups"), "{bad:?}: {said}");
        }
        let file = world.path("hostile.json");
        let many: Vec<String> = (0..101).map(|n| format!("group-{n}")).collect();
        for bad in [json!([]), json!("staff"), json!([7]), json!({}), json!(many), json!([["a"]])] {
            let metadata = json!({ "allowed_groups": bad, "redirect_uris": [REDIRECT] });
            std::fs::write(&file, metadata.to_string()).expect("write the file");
            let file = file.display().to_string();
            let refused = world.run(&["client", "update", "club", "--metadata", &file]);
            assert!(!refused.status.success(), "{bad}");
        }
        assert_eq!(world.cli(&["client", "show", "club"])["allowed_groups"], json!(["staff"]));
    }

    async fn a_device_is_let_in_by_nobody_outside(world: World) {
        use crate::kit::fixtures::ALICE;
        use crate::kit::grant::Device;
        let (bed, tv) = crate::tokens::living_room(world).await;
        let world = &bed.world;
        world.cli(&["group", "create", "viewers"]);
        world.cli(&["client", "update", "tv", "--allow-group", "viewers"]);
        let browser = bed.signed_in(&ALICE).await;
        let device = Device::ask(tv.clone(), "openid offline_access").await;
        wait_until_async("the server hearing of it", PATIENCE, async || {
            device.question(&browser).await.status == 403
        }).await;
        let page = device.question(&browser).await;
        assert!(page.text().contains("You may not use tv"), "{}", page.describe());
        let forged = allowed_by_hand(&browser, &page, ("/device", "user_code")).await;
        forged.assert_status(403);
        let refused = page.form("shut-out").press("decision", "deny").submit().await;
        refused.assert_status(303);
        device.poll().await.assert_oauth_error(400, "access_denied");
        // In the group when they answer, and no more when the device asks.
        world.cli(&["group", "add-member", "viewers", ALICE.username]);
        let device = Device::ask(tv.clone(), "openid offline_access").await;
        device.answer(&browser, "allow").await.assert_status(303);
        world.cli(&["group", "remove-member", "viewers", ALICE.username]);
        device.poll().await.assert_oauth_error(400, "access_denied");
        world.cli(&["group", "add-member", "viewers", ALICE.username]);
        let tokens = Device::ask(tv.clone(), "openid offline_access").await.tokens(&browser).await;
        world.cli(&["group", "remove-member", "viewers", ALICE.username]);
        crate::kit::checks::assert_dead(&tv, &tokens).await;
        bed.assert_log_is_clean();
    }

    async fn neither_an_exchange_nor_an_assertion_leads_around_it(world: World) {
        create_user(&world, "alice");
        world.cli(&["group", "create", "staff"]);
        let file = world.path("front.json");
        std::fs::write(&file, json!({ "audience": ["back"] }).to_string()).expect("write the file");
        let front = App::register(&world, "front", &["--metadata", &file.display().to_string()]);
        let grants = ["--grant-type", "authorization_code", "--grant-type", EXCHANGE_GRANT,
            "--grant-type", BEARER_GRANT, "--allow-group", "staff"];
        let back = App::register(&world, "back", &grants);
        let token = front.tokens(&sign_in(&world, "alice").await).await.access;
        let exchange = async || {
            let fields = [("grant_type", EXCHANGE_GRANT), ("subject_token", token.as_str()),
                ("subject_token_type", ACCESS_TOKEN), ("scope", "openid")];
            back.try_post("/oauth2/token", &fields).await.expect("an answer")
        };
        exchange().await.assert_error(400, "invalid_request");
        move_alice(&world, "add-member", "staff");
        let exchanged = exchange().await.tokens().access;
        assert!(back.access_lives(&exchanged).await);
        move_alice(&world, "remove-member", "staff");
        assert!(!back.access_lives(&exchanged).await);
        assert_eq!(noted(&world, "access.refused"), [json!({ "at": "exchange" })]);

        let key = ClientKey::new("ES256", "k1");
        let file = world.path("outside.json");
        std::fs::write(&file, jwks(&[&key]).to_string()).expect("write the keys");
        world.cli(&["issuer", "create", "--name", "outside", "--issuer", "https://outside.test",
            "--jwks-file", &file.display().to_string(), "--client", "back",
            "--match", "tenant=acme", "--identity", "username", "--scope", "openid"]);
        let says = || {
            let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time");
            let claims = json!({ "iss": "https://outside.test", "aud": world.issuer, "sub": "alice",
                "tenant": "acme", "exp": now + 300, "jti": unique("jti") });
            key.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }), &claims.to_string())
        };
        let bearer = async || {
            let assertion = says();
            let fields = [("grant_type", BEARER_GRANT), ("assertion", assertion.as_str())];
            back.try_post("/oauth2/token", &fields).await.expect("an answer")
        };
        bearer().await.assert_error(400, "invalid_grant");
        move_alice(&world, "add-member", "staff");
        let vouched: Tokens = bearer().await.tokens();
        assert!(back.access_lives(&vouched.access).await);
        move_alice(&world, "remove-member", "staff");
        assert!(!back.access_lives(&vouched.access).await);
    }
}
