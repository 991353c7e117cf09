//! For which organisation somebody acts: what apps are told, how a person chooses, and that nothing is told or
//! alive any more once they have left.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::audit::noted;
use crate::kit::flow::{
    App, LIVING, PATIENCE, REDIRECT, claim, count, create_user, execute, sign_in,
};
use crate::kit::grant::EXCHANGE_GRANT;
use crate::kit::race::redeemed_while;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const ORG: (&str, &str) = ("scope", "openid org offline_access");

/// An organisation of this name; gives its id.
fn organisation(world: &World, name: &str, called: &str) -> String {
    let made = world.cli(&["organisation", "create", name, "--display-name", called]);
    made["id"].as_str().expect("an id").to_owned()
}

fn join(world: &World, name: &str, who: &str) {
    world.cli(&["organisation", "add", name, who]);
}

fn leave(world: &World, name: &str, who: &str) {
    world.cli(&["organisation", "remove", name, who]);
}

/// What ID token, access token, introspection and userinfo say of the organisation, which is the same.
async fn told(app: &App, access: &str, id: &str) -> (String, String) {
    let userinfo = app.userinfo(access).await.json();
    let introspected = app.introspect(access).await.json();
    let text = |from: &Value, name: &str| from[name].as_str().unwrap_or_default().to_owned();
    let [one, two] = ["org_id", "org_name"].map(|name| {
        let all = [claim(id, name), claim(access, name), text(&userinfo, name)];
        assert!(all.iter().all(|said| *said == text(&introspected, name)), "{name}: {all:?}");
        claim(id, name)
    });
    (one, two)
}

#[track_caller]
fn assert_error(page: &Page, error: &str) {
    assert!(page.location().as_str().starts_with(REDIRECT), "{}", page.describe());
    assert_eq!(page.location_parameter("error").as_deref(), Some(error), "{}", page.describe());
    assert!(page.location_parameter("error_description").is_some());
    assert_eq!(page.location_parameter("code"), None);
}

/// Alice, who is in acme and in birch, and an app.
async fn two(world: &World) -> (Browser, App, [String; 2]) {
    create_user(world, "alice");
    let ids = [organisation(world, "acme", "Acme & Co"), organisation(world, "birch", "Birch")];
    for name in ["acme", "birch"] {
        join(world, name, "alice");
    }
    (sign_in(world, "alice").await, App::register(world, "desk", &[]), ids)
}

/// Presses the button of this organisation on the account page.
async fn use_this(browser: &Browser, id: &str) -> Page {
    let page = browser.get("/account").await;
    let csrf = page.attributes("input[name=csrf]", "value").swap_remove(0);
    let fields = [("csrf", csrf.as_str()), ("organisation", id)];
    crate::kit::console::post(browser, "/account/organisations", &fields).await
}

on_both_backends! {
    async fn who_has_left_has_nothing_left_that_was_given_for_it(world: World) {
        let (browser, app, [acme, birch]) = two(&world).await;
        let plain = app.tokens(&browser).await;
        let hers = app.tokens_with(&browser, &[ORG, ("org_id", &acme)]).await;
        let others = app.tokens_with(&browser, &[ORG, ("org_id", &birch)]).await;
        let late = app.code_with(&browser, &[ORG, ("org_id", &acme)]).await;
        use_this(&browser, &acme).await.assert_status(303);
        app.assert_alive(&hers).await;
        leave(&world, "acme", "alice");
        app.assert_dead(&hers).await;
        app.redeem(&late).await.assert_error(400, "invalid_grant");
        for tokens in [&plain, &others] {
            app.assert_alive(tokens).await;
        }
        assert_eq!(told(&app, &others.access, &others.id).await.0, birch);
        let ended = noted(&world, "access.ended");
        assert_eq!(ended, [json!({ "organisation": "acme", "organisation_id": acme })]);
        let chosen = "select count(*) from sessions where organisation_id is not null";
        assert_eq!(count(&world, chosen).await, 0);
        // She is in one alone now, and acts for that.
        let next = app.tokens_with(&browser, &[ORG]).await;
        assert_eq!(told(&app, &next.access, &next.id).await.0, birch);
        // Who comes back begins anew.
        join(&world, "acme", "alice");
        app.assert_dead(&hers).await;
        let asked = browser.get(&app.authorize_path(&[ORG])).await;
        assert!(asked.has_form("choose-organisation"), "{}", asked.describe());
        world.assert_log_is_clean(&[&hers.access, &hers.refresh]);
    }

    async fn nothing_is_alive_after_somebody_left_while_codes_were_redeemed(world: World) {
        let (browser, app, [acme, _]) = two(&world).await;
        let wanted = [ORG, ("org_id", acme.as_str())];
        let mut refused = 0;
        for round in 0..8 {
            let codes = join_all((0..5).map(|_| app.code_with(&browser, &wanted))).await;
            let take = world.command(&["organisation", "remove", "acme", "alice"]);
            // A little later each time, so that they meet at every stage.
            let later = Duration::from_millis(20 * round);
            refused += redeemed_while(&app, (take, later), &codes).await;
            assert_eq!(count(&world, LIVING).await, 0, "round {round}");
            join(&world, "acme", "alice");
        }
        assert!(refused >= 8, "a code was good for somebody outside");
    }

    async fn an_organisation_that_is_deleted_ends_what_was_given_for_it(world: World) {
        let (browser, app, [acme, birch]) = two(&world).await;
        create_user(&world, "bob");
        join(&world, "acme", "bob");
        let bobs = app.tokens_with(&sign_in(&world, "bob").await, &[ORG]).await;
        assert_eq!(told(&app, &bobs.access, &bobs.id).await, (acme.clone(), "Acme & Co".into()));
        let hers = app.tokens_with(&browser, &[ORG, ("org_id", &acme)]).await;
        let others = app.tokens_with(&browser, &[ORG, ("org_id", &birch)]).await;
        world.cli(&["--yes", "organisation", "delete", "acme"]);
        for tokens in [&bobs, &hers] {
            app.assert_dead(tokens).await;
        }
        app.assert_alive(&others).await;
        assert_eq!(noted(&world, "organisation.deleted").len(), 1);
        assert_error(&browser.get(&app.authorize_path(&[("org_id", &acme)])).await, "access_denied");
        // Deleting a person leaves nothing of them in it.
        world.cli(&["--yes", "user", "delete", "alice"]);
        assert_eq!(count(&world, "select count(*) from organisation_members").await, 0);
    }

    async fn apps_are_told_what_they_may_know_and_by_every_token(world: World) {
        create_user(&world, "alice");
        let acme = organisation(&world, "acme", "Acme & Co");
        let app = App::register(&world, "desk", &[]);
        let browser = sign_in(&world, "alice").await;
        // In none there is nothing to tell.
        let none = app.tokens_with(&browser, &[ORG]).await;
        assert_eq!(told(&app, &none.access, &none.id).await, Default::default());
        join(&world, "acme", "alice");
        let tokens = app.tokens_with(&browser, &[ORG]).await;
        assert_eq!(told(&app, &tokens.access, &tokens.id).await, (acme.clone(), "Acme & Co".into()));
        // What was given before says what it said.
        assert_eq!(told(&app, &none.access, &none.id).await, Default::default());
        // Without the scope nothing is told, and still nobody else gets in.
        let quiet = app.tokens_with(&browser, &[("org_id", &acme)]).await;
        assert_eq!(told(&app, &quiet.access, &quiet.id).await, Default::default());
        // A new name is told with the next token; the id stays.
        world.cli(&["organisation", "update", "acme", "--name", "new-acme", "--display-name", "New"]);
        let next = app.refresh(&tokens.refresh).await.tokens();
        assert_eq!(app.introspect(&next.access).await.json()["org_name"], "New");
        assert_eq!(app.introspect(&next.access).await.json()["org_id"], acme.as_str());
        let told_by_userinfo = app.userinfo(&tokens.access).await.json();
        assert_eq!(told_by_userinfo["org_name"], "New");
        leave(&world, "new-acme", "alice");
        for tokens in [&next, &quiet] {
            app.assert_dead(tokens).await;
        }
        let metadata = browser.get("/.well-known/openid-configuration").await.json();
        assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("org")));
        for name in ["org_id", "org_name"] {
            assert!(metadata["claims_supported"].as_array().unwrap().contains(&json!(name)));
        }
    }

    async fn a_person_in_several_chooses_and_it_stays_chosen(world: World) {
        let (browser, app, [acme, birch]) = two(&world).await;
        let silent = app.authorize_path(&[ORG, ("prompt", "none")]);
        assert_error(&browser.get(&silent).await, "interaction_required");
        // An app that does not ask is none of it.
        app.tokens(&browser).await;
        let page = browser.get(&app.authorize_path(&[ORG])).await;
        page.assert_status(200).assert_page_headers();
        assert_eq!(page.texts("#choose-organisation button"), ["Acme & Co", "Birch"]);
        let answer = page.form("choose-organisation").press("organisation", &birch).submit().await;
        let code = answer.location_parameter("code").expect("a code");
        let tokens = app.redeem(&code).await.tokens();
        assert_eq!(told(&app, &tokens.access, &tokens.id).await, (birch.clone(), "Birch".into()));
        // It counts for every app, and for one that may show no page.
        let other = App::register(&world, "other", &[]);
        let tokens = other.tokens_with(&browser, &[ORG, ("prompt", "none")]).await;
        assert_eq!(told(&other, &tokens.access, &tokens.id).await.0, birch);
        // Elsewhere she has not chosen yet.
        let elsewhere = sign_in(&world, "alice").await;
        assert_error(&elsewhere.get(&silent).await, "interaction_required");
        // The account page shows it, and takes another.
        let account = browser.get("/account").await;
        assert!(account.text().contains("Your organisations"), "{}", account.describe());
        use_this(&browser, &acme).await.assert_status(303);
        let tokens = app.tokens_with(&browser, &[ORG]).await;
        assert_eq!(told(&app, &tokens.access, &tokens.id).await.0, acme);
        // An app that names one gets an answer for that, and the choice stays.
        let tokens = app.tokens_with(&browser, &[ORG, ("org_id", &birch)]).await;
        assert_eq!(told(&app, &tokens.access, &tokens.id).await.0, birch);
        let tokens = app.tokens_with(&browser, &[ORG, ("prompt", "none")]).await;
        assert_eq!(told(&app, &tokens.access, &tokens.id).await.0, acme);
        // Each choice is noted once, and the one that it was already is none.
        use_this(&browser, &acme).await.assert_status(303);
        let first = json!({ "organisation": "birch", "organisation_id": birch });
        let second =
            json!({ "organisation": "acme", "organisation_id": acme, "organisation_id_before": birch });
        assert_eq!(noted(&world, "organisation.chosen"), [second, first]);
        let listed = world.cli(&["audit", "list", "--kind", "organisation.chosen"]);
        let event = &listed["items"][0];
        assert_eq!(event["user_id"], world.cli(&["user", "show", "alice"])["id"]);
        assert!(event["session_id"].is_string() && event["address"].is_string(), "{event}");
    }

    async fn nobody_chooses_or_is_let_in_for_one_they_are_not_in(world: World) {
        let (browser, app, [acme, _]) = two(&world).await;
        let cedar = organisation(&world, "cedar", "Cedar");
        let hostile = [cedar.as_str(), "acme", "", "\0", "' or 1=1 --", "<b>", "%", &"x".repeat(5_000)];
        for id in hostile {
            assert_eq!(use_this(&browser, id).await.status.as_u16(), 404, "{id:?}");
            if id.is_empty() {
                // As good as not sent (RFC 6749 section 3.1).
                continue;
            }
            for prompt in [&[][..], &[("prompt", "none")][..]] {
                let path = app.authorize_path(&[&[("org_id", id)], prompt].concat());
                assert_error(&browser.get(&path).await, "access_denied");
            }
        }
        let twice = app.authorize_path(&[("org_id", &acme), ("org_id", &acme)]);
        assert_error(&browser.get(&twice).await, "invalid_request");
        // A forged answer brings the page again, and one without its token changes nothing.
        let page = browser.get(&app.authorize_path(&[ORG])).await;
        let form = page.form("choose-organisation");
        let sent = |name| form.value(name).expect("a hidden field");
        let fields = [("flow", sent("flow")), ("csrf", sent("csrf")), ("organisation", &cedar)];
        let again = crate::kit::console::post(&browser, "/login/organisation", &fields).await;
        assert!(again.has_form("choose-organisation"), "{}", again.describe());
        let forged = form.clone().forge("csrf", "x").press("organisation", &acme).submit().await;
        assert!(forged.try_location().is_none(), "{}", forged.describe());
        let fields = [("csrf", "x"), ("organisation", acme.as_str())];
        let forged = crate::kit::console::post(&browser, "/account/organisations", &fields).await;
        assert_eq!(forged.status.as_u16(), 403, "{}", forged.describe());
        let chosen = "select count(*) from sessions where organisation_id is not null";
        assert_eq!(count(&world, chosen).await, 0);
        assert!(noted(&world, "organisation.chosen").is_empty());
        assert_eq!(count(&world, LIVING).await, 0);
    }

    async fn an_exchanged_token_ends_with_the_membership_as_well(world: World) {
        create_user(&world, "alice");
        organisation(&world, "acme", "Acme");
        join(&world, "acme", "alice");
        let file = world.path("front.json");
        std::fs::write(&file, json!({ "audience": ["back"] }).to_string()).expect("write the file");
        let front = App::register(&world, "front", &["--metadata", &file.display().to_string()]);
        let grants = ["--grant-type", "authorization_code", "--grant-type", EXCHANGE_GRANT];
        let back = App::register(&world, "back", &grants);
        let browser = sign_in(&world, "alice").await;
        let token = front.tokens_with(&browser, &[ORG]).await.access;
        let fields = [("grant_type", EXCHANGE_GRANT), ("subject_token", token.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "openid org")];
        let exchanged = back.try_post("/oauth2/token", &fields).await.expect("an answer").tokens();
        assert!(back.access_lives(&exchanged.access).await);
        leave(&world, "acme", "alice");
        assert!(!back.access_lives(&exchanged.access).await);
    }

    async fn somebody_is_in_fifty_organisations_at_most(world: World) {
        let id = create_user(&world, "alice");
        organisation(&world, "last", "Last");
        for n in 0..50 {
            let made = format!("insert into organisations (id, name, display_name, \
                display_name_lower, version, created_at, updated_at) \
                values ('o-{n}', 'o-{n}', 'O', 'o', 0, 1, 1)");
            execute(&world, &made).await;
            let joined = format!("insert into organisation_members \
                (organisation_id, user_id, username, created_at) values ('o-{n}', '{id}', 'alice', 1)");
            execute(&world, &joined).await;
        }
        let refused = world.run(&["organisation", "add", "last", "alice"]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("50 organisations"), "{said}");
        leave(&world, "o-7", "alice");
        join(&world, "last", "alice");
        // Once more is no mistake, and leaves no trace.
        join(&world, "last", "alice");
        assert_eq!(noted(&world, "organisation.member_added").len(), 1);
        let all = world.cli(&["organisation", "list", "--user", "alice"]);
        assert_eq!(all["items"].as_array().expect("a list").len(), 50);
        let app = App::register(&world, "desk", &[]);
        let browser = sign_in(&world, "alice").await;
        wait_until_async("the app being known", PATIENCE, async || {
            browser.get(&app.authorize_path(&[ORG])).await.has_form("choose-organisation")
        }).await;
    }
}
