//! A sign-in tried with Doorward as an app of itself: the whole walk in a browser without scripts, whose answer
//! is taken, and what is never shown.

use serde_json::Value;

use crate::kit::audit::noted;
use crate::kit::console::{Admin, admin, create, enter};
use crate::kit::flow::{PASSWORD, is_signed_in, sign_in};
use crate::support::browser_like::Page;
use crate::support::world::World;

const APP: &str = "doorward-try-it";
const RESULT: &str = "/admin/try/result";

/// Makes the app with the button.
async fn set_up(admin: &Admin) {
    let made = admin.page("/admin/try").await.form("try-app").submit().await;
    assert_eq!(admin.message_after(&made).await, "The app is there. Try a sign-in.");
}

/// Begins with the form as it is; gives the redirect to the authorization endpoint.
async fn start(admin: &Admin) -> Page {
    let begun = admin.page("/admin/try").await.form("try").submit().await;
    assert_eq!(begun.location().path(), "/oauth2/authorize", "{}", begun.describe());
    begun
}

/// Answers the question of the app; gives the redirect back to it.
async fn answer(begun: Page, decision: &str) -> Page {
    let question = begun.follow_within().await.form("consent");
    let answered = question.press("decision", decision).submit().await;
    assert_eq!(answered.location().path(), "/admin/try/callback", "{}", answered.describe());
    answered
}

/// The whole way to the page with the result.
async fn walk(admin: &Admin) -> Page {
    let answered = answer(start(admin).await, "allow").await;
    let taken = answered.follow().await;
    assert_eq!(taken.location().path(), RESULT, "{}", taken.describe());
    taken.follow().await
}

/// What a field of the page holds.
fn shown(page: &Page, id: &str) -> Value {
    let texts = page.texts(&format!("textarea#{id}"));
    let text = texts.first().unwrap_or_else(|| panic!("no {id} on {}", page.describe()));
    serde_json::from_str(text).expect("JSON")
}

/// The checks that failed.
fn failures(page: &Page) -> Vec<String> {
    page.texts("tr:has(.badge.bad) th")
}

/// Nothing that is a JWT, and no refresh token.
fn assert_no_token(page: &Page) {
    assert!(!page.body.contains("eyJ"), "{}", page.describe());
    page.assert_page_headers();
}

fn id_of(world: &World, username: &str) -> Value {
    world.cli(&["user", "show", username])["id"].clone()
}

on_both_backends! {
    async fn the_whole_way_from_making_the_app_to_signing_out(world: World) {
        let owner = admin(&world, "owner").await;
        assert!(owner.page(RESULT).await.text().contains("Nothing is kept"));
        set_up(&owner).await;
        let app = world.cli(&["client", "show", APP]);
        assert_eq!(app["token_endpoint_auth_method"], "none", "{app}");
        assert_eq!(noted(&world, "client.created").len(), 1);
        assert!(owner.page("/admin/clients").await.text().contains(APP));

        let begun = start(&owner).await;
        let sent = |name: &str| begun.location_parameter(name).unwrap_or_default();
        let (nonce, state) = (sent("nonce"), sent("state"));
        assert_eq!((sent("code_challenge_method").as_str(), sent("prompt").as_str()), ("S256", ""));
        assert_eq!(sent("scope"), "openid profile email offline_access");
        let answered = answer(begun, "allow").await;
        let code = answered.location_parameter("code").expect("a code");
        let taken = answered.follow().await;
        assert_eq!((taken.location().path(), taken.location().query()), (RESULT, None));
        let page = taken.follow().await;
        page.assert_status(200);
        assert_no_token(&page);
        assert_eq!(failures(&page), Vec::<String>::new());
        assert_eq!(page.texts("tbody .badge.good").len(), 7, "{}", page.describe());
        let id = id_of(&world, "the-owner");
        let (claims, userinfo) = (shown(&page, "id-token"), shown(&page, "userinfo"));
        assert_eq!((&claims["sub"], &userinfo["sub"]), (&id, &id));
        assert_eq!((&claims["nonce"], &claims["aud"]), (&Value::from(nonce), &Value::from(APP)));
        assert_eq!(userinfo["email"], "the-owner@example.test");
        assert_eq!(shown(&page, "introspection")["active"], true);
        assert_eq!(shown(&page, "access-token")["client_id"], APP);
        assert_eq!(shown(&page, "id-token-header")["alg"], "RS256");

        // Neither the state nor the code is good once more, and what is kept stays.
        answered.follow().await.assert_status(400).assert_page_headers();
        assert_eq!(shown(&owner.page(RESULT).await, "introspection")["active"], true);

        let refreshed = page.form("try-refresh").submit().await;
        assert_eq!(refreshed.location().path(), RESULT);
        let page = refreshed.follow().await;
        assert_no_token(&page);
        assert!(page.text().contains("used and replaced by another one"), "{}", page.describe());
        assert_eq!(failures(&page), Vec::<String>::new());
        assert_eq!(shown(&page, "id-token")["sub"], id);

        let left = page.form("try-sign-out").submit().await;
        assert_eq!(left.location().path(), "/oauth2/logout");
        let end = left.follow_all().await;
        assert_eq!(end.url.path(), "/login", "{}", end.describe());
        assert!(!is_signed_in(&owner.browser).await);
        let again = enter(&world, "the-owner").await;
        assert!(again.page(RESULT).await.text().contains("Nothing is kept"));
        world.assert_log_is_clean(&[PASSWORD, &code, &state]);
    }

    async fn after_a_new_sign_in_on_the_way_the_console_asks_and_then_shows_it(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        let form = owner.page("/admin/try").await.form("try").check("again", "on");
        let begun = form.set("max_age", "60").submit().await;
        assert_eq!(begun.location_parameter("prompt").as_deref(), Some("login"));
        assert_eq!(begun.location_parameter("max_age").as_deref(), Some("60"));
        let asked = begun.follow_within().await.form("sign-in").set("password", PASSWORD);
        let answered = answer(asked.submit().await, "allow").await;
        let taken = answered.follow().await;
        assert_eq!(taken.location().path(), "/login", "{}", taken.describe());
        let asked = taken.follow().await.form("sign-in").set("password", PASSWORD);
        let page = asked.submit().await.follow_within().await;
        assert_eq!(page.url.path(), RESULT, "{}", page.describe());
        assert_eq!(failures(&page), Vec::<String>::new());
        assert_eq!(shown(&page, "id-token")["sub"], id_of(&world, "the-owner"));
    }

    async fn only_who_began_it_may_take_the_answer(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        create(&world, "other-owner", Some("owner"));
        let other = enter(&world, "other-owner").await;
        create(&world, "grace", None);
        let grace = sign_in(&world, "grace").await;
        let answered = answer(start(&owner).await, "allow").await;
        let address = answered.location().to_string();
        for stranger in [&other.browser, &grace] {
            let page = stranger.get(&address).await;
            page.assert_status(403).assert_page_headers();
            assert_no_token(&page);
        }
        let nobody = world.browser().get(&address).await;
        assert_eq!(nobody.location().path(), "/login", "{}", nobody.describe());
        assert!(other.page(RESULT).await.text().contains("Nothing is kept"));
        // Nobody has spent it for them.
        assert_eq!(answered.follow().await.location().path(), RESULT);
        assert_eq!(shown(&owner.page(RESULT).await, "id-token")["sub"], id_of(&world, "the-owner"));
        assert!(other.page(RESULT).await.text().contains("Nothing is kept"));
    }

    async fn tokens_of_somebody_else_are_given_back_and_not_shown(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        create(&world, "other-owner", Some("owner"));
        let other = enter(&world, "other-owner").await;
        // Somebody signs in at the very request of the owner, and brings them the answer.
        let request = start(&owner).await.location().to_string();
        let theirs = answer(other.browser.get(&request).await, "allow").await;
        let page = owner.browser.get(theirs.location().as_str()).await;
        page.assert_status(403).assert_page_headers();
        assert!(owner.page(RESULT).await.text().contains("Nothing is kept"));
        assert_eq!(noted(&world, "token.revoked").len(), 1);
        let listed = world.cli(&["user", "apps", "other-owner"]);
        assert!(!listed.to_string().contains("eyJ"), "{listed}");
    }

    async fn an_answer_to_nothing_is_refused(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        let never = "A".repeat(43);
        for query in ["", "?code=x", "?state=&code=x", "?state=x&code=x", "?state=a&state=b",
            &format!("?code=x&state={never}"), "?error=access_denied", "?%00=%ff"] {
            let page = owner.browser.get(&format!("/admin/try/callback{query}")).await;
            page.assert_status(400).assert_page_headers();
        }
        // Another issuer's answer, and one without a code.
        let answered = answer(start(&owner).await, "allow").await;
        let wrong = answered.location().to_string().replace("iss=", "iss=https%3A%2F%2Fevil.test&was=");
        owner.browser.get(&wrong).await.assert_status(400).assert_page_headers();
        let state = start(&owner).await.location_parameter("state").expect("a state");
        let iss: String = url::form_urlencoded::byte_serialize(world.issuer.as_bytes()).collect();
        let bare = owner.browser.get(&format!("/admin/try/callback?state={state}&iss={iss}")).await;
        assert_eq!(bare.location().path(), RESULT, "{}", bare.describe());
        assert!(bare.follow().await.text().contains("The app got an error"));
        owner.post("/admin/try/callback", &[]).await.assert_status(405);
    }

    async fn an_error_is_told_in_words(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        let answered = answer(start(&owner).await, "deny").await;
        assert_eq!(answered.location_parameter("error").as_deref(), Some("access_denied"));
        let page = answered.follow().await.follow().await;
        page.assert_status(200).assert_page_headers();
        assert!(page.texts(".flash")[0].contains("Somebody said no"), "{}", page.describe());
        assert_eq!(page.texts("main code"), ["access_denied"]);
        assert!(!page.has("textarea") && !page.has_form("try-refresh"), "{}", page.describe());
        let refused = owner.post("/admin/try/refresh", &[]).await;
        assert!(owner.message_after(&refused).await.contains("nothing kept"));
        let refused = owner.post("/admin/try/sign-out", &[]).await;
        assert!(owner.message_after(&refused).await.contains("nothing kept"));
        for wrong in ["an hour", "-1", "99999999999999999999", "1.5"] {
            let page = owner.page("/admin/try").await.form("try").set("max_age", wrong).submit().await;
            page.assert_status(422).assert_page_headers();
            assert_eq!(page.attributes(".summary a", "href"), ["#max_age"], "{wrong}");
        }
    }

    async fn operators_try_it_and_auditors_only_see_that_they_may_not(world: World) {
        let auditor = admin(&world, "auditor").await;
        let page = auditor.page("/admin/try").await;
        assert!(page.text().contains("An owner or operator can make it"), "{}", page.describe());
        assert!(!page.has("main form"), "{}", page.describe());
        for step in ["app", "start", "refresh", "sign-out"] {
            auditor.post(&format!("/admin/try/{step}"), &[]).await.assert_status(403);
        }
        auditor.browser.get(RESULT).await.assert_status(403);
        let operator = admin(&world, "operator").await;
        let early = operator.post("/admin/try/start", &[]).await;
        assert!(operator.message_after(&early).await.contains("not there"));
        set_up(&operator).await;
        assert_eq!(shown(&walk(&operator).await, "id-token")["sub"], id_of(&world, "the-operator"));
        let page = auditor.page("/admin/try").await;
        assert!(page.text().contains("may only look") && !page.has("main form"));
        create(&world, "grace", None);
        let grace = sign_in(&world, "grace").await;
        grace.get("/admin/try").await.assert_status(403);
    }

    async fn an_app_that_does_not_fit_is_said_and_mended(world: World) {
        let owner = admin(&world, "owner").await;
        set_up(&owner).await;
        world.cli(&["client", "update", APP, "--redirect-uri", "https://old.example.com/admin/try/callback"]);
        let page = owner.page("/admin/try").await;
        assert!(page.text().contains("Was the issuer another one"), "{}", page.describe());
        set_up(&owner).await;
        world.cli(&["client", "update", APP, "--revocation", "opaque"]);
        let page = walk(&owner).await;
        assert!(!page.has("textarea#access-token"), "{}", page.describe());
        assert!(page.text().contains("only introspection says"), "{}", page.describe());
        assert_eq!(shown(&page, "introspection")["client_id"], APP);
        // Its tokens end with it, which the page says.
        owner.post(&format!("/admin/clients/{APP}/disable"), &[]).await.assert_status(303);
        assert_eq!(shown(&owner.page(RESULT).await, "introspection")["active"], false);
        let page = owner.page("/admin/try").await;
        assert!(page.text().contains("is disabled"), "{}", page.describe());
        world.cli(&["client", "delete", APP, "--yes"]);
        assert!(owner.page("/admin/try").await.has_form("try-app"));
    }

    async fn a_sign_in_that_is_tried_is_the_first_one_and_its_app_nobodys_first(world: World) {
        let owner = admin(&world, "owner").await;
        let link = owner.page("/admin").await.attributes(".steps li.open a[href='/admin/try']", "href");
        assert_eq!(link, ["/admin/try"]);
        set_up(&owner).await;
        walk(&owner).await;
        let done = owner.page("/admin").await.texts(".steps li.done strong");
        assert_eq!(done, ["Make the first administrator", "Try a sign-in"]);
        assert!(owner.page("/admin/clients").await.attributes("main a", "href").contains(&"/admin/try".to_owned()));
    }
}
