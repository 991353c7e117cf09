//! Signing in on a device without a browser (RFC 8628): the codes, the page, the polling.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::answers::Tokens;
use crate::kit::checks::{assert_alive, assert_dead, assert_id_token};
use crate::kit::fixtures::{ALICE, BOB, Bed, MALLORY, Rp};
use crate::kit::flow::{PATIENCE, count, execute};
use crate::kit::grant::{Clients, DEVICE_GRANT, Device, Kit, sign_in_on};
use crate::support::backends::Backend;
use crate::support::process::{START_LIMIT, wait_until_async};
use crate::support::servers::Persistence;
use crate::support::world::World;

/// A world of its own with alice, bob and a television.
pub(crate) async fn living_room(world: World) -> (Bed, Rp) {
    let bed = Bed::new(world, &[]).await;
    let mut clients = Clients::default();
    clients.register(&bed.world, "tv", ("device", json!({})));
    let tv = clients.rp(&bed.world, "tv");
    (bed, tv)
}

on_both_backends! {
    async fn a_device_gets_codes_and_the_page_to_type_them_in(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid profile").await;
        let code = device.text("user_code");
        let letters = |text: &str| text.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b));
        assert!(code.len() == 9 && code.split('-').all(|half| half.len() == 4 && letters(half)));
        assert!(device.text("device_code").len() >= 43);
        let page = format!("{}/device", kit.bed.world.issuer);
        assert_eq!(device.text("verification_uri"), page);
        assert_eq!(device.text("verification_uri_complete"), format!("{page}?user_code={code}"));
        assert_eq!(device.codes["expires_in"], 600);
        assert_eq!(device.codes["interval"], 5);
        let discovery = kit.rp("tv").bare().get("/.well-known/openid-configuration").await.json();
        let endpoint = format!("{}/oauth2/device_authorization", kit.bed.world.issuer);
        assert_eq!(discovery["device_authorization_endpoint"], endpoint);
        assert!(discovery["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_GRANT)));
    }

    async fn authorization_details_are_refused_and_not_ignored(backend: Backend) {
        let kit = Kit::shared(backend).await;
        for details in [r#"[{"type":"payment_initiation"}]"#, "[]", "x"] {
            let fields = [("scope", "openid"), ("authorization_details", details)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let page = kit.rp("tv").post("/oauth2/device_authorization", &fields).await;
            page.assert_oauth_error(400, "invalid_authorization_details");
        }
    }

    async fn a_person_lets_a_device_in(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid profile offline_access").await;
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        // The link leads through signing in to the question, which shows what to compare.
        let browser = kit.bed.world.browser();
        let page = device.question(&browser).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let question = sign_in_on(&page, &ALICE).await;
        for shown in ["tv", device.text("user_code"), "127.0.0.1", ALICE.email, "your name"] {
            assert!(question.text().contains(shown), "{shown}: {}", question.text());
        }
        assert!(question.text().contains("started this yourself"), "{}", question.text());
        let answer = question.form("device-question").press("decision", "allow").submit().await;
        answer.assert_status(303);
        assert!(answer.follow().await.text().contains("The device is let in"));
        let tokens = Tokens::of(&device.poll().await);
        let claims = assert_id_token(&device.rp, tokens.id.as_deref().unwrap(),
            jsonwebtoken::Algorithm::RS256).await;
        assert!(claims.get("nonce").is_none() && claims.get("sid").is_none(), "{claims}");
        assert_alive(&device.rp, &tokens.access).await;
        let again = Tokens::of(&device.rp.refresh(tokens.refresh()).await);
        assert_alive(&device.rp, &again.access).await;
    }

    async fn a_code_is_typed_in_any_form_and_a_wrong_one_is_asked_for_again(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        let browser = kit.bed.signed_in(&ALICE).await;
        let entry = browser.get("/device").await;
        assert!(entry.has("input#user_code[autocomplete=off][autocapitalize=characters]"));
        let typed = device.text("user_code").to_lowercase().replace('-', " \u{2013} ");
        let question = entry.form("device").set("user_code", &format!(" {typed}\t")).submit().await;
        let question = question.follow().await;
        assert!(question.has_form("device-question"), "{}", question.describe());
        for wrong in ["", "BCDF", "ABCDEFGH", "1234-5678", "BCDF-GHJK-L", &"B".repeat(3_000)] {
            let page = browser.get("/device").await.form("device").set("user_code", wrong);
            let page = page.submit().await;
            page.assert_status(422).assert_page_headers();
            assert!(page.title().starts_with("Error: ") && page.has_form("device"));
        }
        device.poll().await.assert_oauth_error(400, "authorization_pending");
    }

    async fn the_person_may_keep_a_device_out(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        let browser = kit.bed.signed_in(&BOB).await;
        let page = device.answer(&browser, "deny").await.follow().await;
        assert!(page.text().contains("The device is kept out"), "{}", page.text());
        device.poll().await.assert_oauth_error(400, "access_denied");
        // The answer stands: nobody can give another.
        let page = device.question(&browser).await;
        page.assert_status(404);
        assert!(!page.has_form("device-question"));
    }

    async fn a_device_code_works_once_and_its_second_use_ends_what_the_first_one_gave(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        let tokens = device.tokens(&kit.bed.signed_in(&ALICE).await).await;
        assert_alive(&device.rp, &tokens.access).await;
        device.poll().await.assert_oauth_error(400, "invalid_grant");
        assert_dead(&device.rp, &tokens).await;
    }

    async fn nobody_else_gets_anything_for_a_device_code(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        let browser = kit.bed.signed_in(&ALICE).await;
        device.answer(&browser, "allow").await.assert_status(303);
        for thief in ["tv-two", "printer"] {
            device.poll_as(&kit.rp(thief)).await.assert_oauth_error(400, "invalid_grant");
        }
        let mut liar = kit.rp("printer");
        liar.secret = Some("wrong".into());
        device.poll_as(&liar).await.assert_oauth_error(401, "invalid_client");
        device.poll_as(&kit.bed.rp("spa")).await.assert_oauth_error(400, "unauthorized_client");
        for bad in ["x", "\u{0}", &"y".repeat(5_000)] {
            let fields = [("grant_type", DEVICE_GRANT), ("device_code", bad)];
            device.rp.token_request(&fields).await.assert_oauth_error(400, "invalid_grant");
        }
        device.rp.token_request(&[("grant_type", DEVICE_GRANT)]).await
            .assert_oauth_error(400, "invalid_request");
        Tokens::of(&device.poll().await);
    }

    async fn only_a_registered_client_gets_device_codes_and_only_its_scopes(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let path = "/oauth2/device_authorization";
        let scope = |scope: &str| [("scope".to_owned(), scope.to_owned())];
        kit.bed.rp("conf-basic").post(path, &scope("openid")).await
            .assert_oauth_error(400, "unauthorized_client");
        let mut unknown = kit.rp("tv");
        unknown.id = "nobody".into();
        unknown.post(path, &scope("openid")).await.assert_oauth_error(401, "invalid_client");
        let printer = kit.rp("printer");
        let mut liar = printer.clone();
        liar.secret = Some("wrong".into());
        liar.post(path, &scope("openid")).await.assert_oauth_error(401, "invalid_client");
        for bad in ["warp", "\"", "\u{e9}"] {
            printer.post(path, &scope(bad)).await.assert_oauth_error(400, "invalid_scope");
        }
        let twice = [scope("openid"), scope("email")].concat();
        printer.post(path, &twice).await.assert_oauth_error(400, "invalid_request");
        let target = [("resource".to_owned(), "https://evil.test".to_owned())];
        printer.post(path, &target).await.assert_oauth_error(400, "invalid_target");
        // Without refresh tokens there is no offline access to ask for.
        let device = Device::ask(printer, "openid offline_access warp").await;
        let tokens = device.tokens(&kit.bed.signed_in(&ALICE).await).await;
        assert_eq!((tokens.json["scope"].as_str(), &tokens.refresh), (Some("openid"), &None));
    }

    async fn whoever_polls_too_fast_is_told_to_slow_down(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        for _ in 0..3 {
            device.poll().await.assert_oauth_error(400, "slow_down");
        }
        let flood = join_all((0..20).map(|_| device.poll())).await;
        assert!(flood.iter().all(|page| page.json()["error"] == "slow_down"));
        // The answer is told all the same.
        device.tokens(&kit.bed.signed_in(&ALICE).await).await;
    }

    async fn device_codes_expire(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_TOKENS__DEVICE_CODE_LIFETIME", "5").start();
        let (bed, tv) = living_room(world.await).await;
        let browser = bed.signed_in(&ALICE).await;
        let (late, allowed) = (Device::ask(tv.clone(), "openid").await, Device::ask(tv, "openid").await);
        assert_eq!(late.codes["expires_in"], 5);
        allowed.answer(&browser, "allow").await.assert_status(303);
        tokio::time::sleep(Duration::from_millis(5_100)).await;
        late.question(&browser).await.assert_status(404);
        late.poll().await.assert_oauth_error(400, "expired_token");
        allowed.poll().await.assert_oauth_error(400, "expired_token");
    }

    async fn of_fifty_parallel_polls_exactly_one_gets_a_lineage(world: World) {
        let (bed, tv) = living_room(world).await;
        let browser = bed.signed_in(&ALICE).await;
        for round in 1..=10 {
            let device = Device::ask(tv.clone(), "openid offline_access").await;
            device.answer(&browser, "allow").await.assert_status(303);
            let answers = join_all((0..50).map(|_| device.poll())).await;
            let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|p| p.status == 200);
            assert_eq!(good.len(), 1, "{} polls succeeded", good.len());
            for page in bad {
                page.assert_oauth_error(400, "invalid_grant");
            }
            assert_eq!(count(&bed.world, "select count(*) from grants").await, round);
            assert_eq!(count(&bed.world, "select count(*) from refresh_families").await, round);
            // Whoever else held the code may be a thief, so nobody keeps anything.
            assert_dead(&tv, &Tokens::of(&good[0])).await;
        }
        assert_eq!(bed.audit_count("device_code_replay").await, 10);
        bed.assert_log_is_clean();
    }

    async fn of_many_answers_at_once_one_counts(world: World) {
        let (bed, tv) = living_room(world).await;
        let (alice, bob) = (bed.signed_in(&ALICE).await, bed.signed_in(&BOB).await);
        for _ in 0..10 {
            let device = Device::ask(tv.clone(), "openid").await;
            let mut forms = Vec::new();
            for (browser, decision) in [(&alice, "allow"), (&bob, "allow"), (&alice, "deny"), (&bob, "deny")] {
                let question = device.question(browser).await;
                forms.push(question.form("device-question").press("decision", decision));
            }
            let statuses = join_all(forms.into_iter().map(crate::support::form::Form::submit)).await;
            let counted = statuses.iter().filter(|page| page.status == 303).count();
            assert_eq!(counted, 1, "{:?}", statuses.iter().map(|p| p.status).collect::<Vec<_>>());
            let told = device.poll().await.status.as_u16();
            let allowed = statuses.iter().any(|p| p.status == 303 && p.header("location").contains("allowed"));
            assert_eq!(told == 200, allowed);
        }
    }

    async fn a_device_outlives_the_browser_and_not_the_person(backend: Backend) {
        let (bed, tv) = living_room(World::start(backend).await).await;
        let browser = bed.signed_in(&ALICE).await;
        let device = Device::ask(tv.clone(), "openid").await;
        let tokens = device.tokens(&browser).await;
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        assert_alive(&tv, &tokens.access).await;
        let tokens = Tokens::of(&tv.refresh(tokens.refresh()).await);
        // An answer that was not fetched before the person was signed out everywhere is void.
        let waiting = Device::ask(tv.clone(), "openid").await;
        waiting.answer(&bed.signed_in(&ALICE).await, "allow").await.assert_status(303);
        bed.world.cli(&["user", "disable", "alice"]);
        bed.world.cli(&["user", "enable", "alice"]);
        waiting.poll().await.assert_oauth_error(400, "access_denied");
        // A server hears of what a command did within a second.
        wait_until_async("the tokens ending", START_LIMIT, async || {
            tv.userinfo(&tokens.access).await.status == 401
        })
        .await;
        assert_dead(&tv, &tokens).await;
    }

    async fn a_consent_taken_back_before_the_device_asks_is_a_no(world: World) {
        let (bed, tv) = living_room(world).await;
        let device = Device::ask(tv, "openid").await;
        device.answer(&bed.signed_in(&ALICE).await, "allow").await.assert_status(303);
        execute(&bed.world, "delete from consents").await;
        device.poll().await.assert_oauth_error(400, "access_denied");
        assert_eq!(count(&bed.world, "select count(*) from grants").await, 0);
    }

    async fn an_answer_that_was_taken_back_is_not_brought_back_by_another_one(world: World) {
        let (bed, tv) = living_room(world).await;
        let browser = bed.signed_in(&ALICE).await;
        let [thief, own] = [Device::ask(tv.clone(), "openid").await, Device::ask(tv, "openid").await];
        thief.answer(&browser, "allow").await.assert_status(303);
        bed.world.cli(&["user", "remove-app", ALICE.username, "tv", "--yes"]);
        own.answer(&browser, "allow").await.assert_status(303);
        thief.poll().await.assert_oauth_error(400, "access_denied");
        Tokens::of(&own.poll().await);
    }

    async fn what_was_begun_before_the_app_was_disabled_stays_ended(world: World) {
        let bed = Bed::new(world, &["conf-basic"]).await;
        let mut clients = Clients::default();
        clients.register(&bed.world, "tv", ("device", json!({})));
        let (tv, rp) = (clients.rp(&bed.world, "tv"), bed.rp("conf-basic"));
        let browser = bed.signed_in(&ALICE).await;
        let [open, answered] = [Device::ask(tv.clone(), "openid").await, Device::ask(tv.clone(), "openid").await];
        answered.answer(&browser, "allow").await.assert_status(303);
        let code = rp.code(&browser, &ALICE, &[]).await;
        for id in ["tv", "conf-basic"] {
            bed.world.cli(&["client", "update", id, "--disable"]);
            bed.world.cli(&["client", "update", id, "--enable"]);
        }
        // Known again to the server once it has heard of it.
        wait_until_async("a new sign-in to the app", PATIENCE, async || {
            rp.authorize(&browser, &[("prompt", "none")]).await.location_parameter("code").is_some()
        })
        .await;
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        for device in [&open, &answered] {
            device.poll().await.assert_oauth_error(400, "invalid_grant");
        }
        let again = Device::ask(tv, "openid").await;
        again.answer(&browser, "allow").await.assert_status(303);
        Tokens::of(&again.poll().await);
        Tokens::of(&rp.redeem(&rp.code(&browser, &ALICE, &[]).await).await);
    }

    async fn of_two_devices_let_in_at_once_each_gets_what_it_asked_for(world: World) {
        let (bed, tv) = living_room(world).await;
        let browser = bed.signed_in(&ALICE).await;
        for _ in 0..5 {
            let devices =
                join_all(["openid email", "openid phone"].map(|s| Device::ask(tv.clone(), s))).await;
            let questions = join_all(devices.iter().map(|device| device.question(&browser))).await;
            let answers = questions
                .iter()
                .map(|page| page.form("device-question").press("decision", "allow").submit());
            for answer in join_all(answers).await {
                answer.assert_status(303);
            }
            for device in &devices {
                Tokens::of(&device.poll().await);
            }
            execute(&bed.world, "delete from consents").await;
        }
    }

    async fn an_app_that_wants_a_recent_sign_in_wants_it_for_its_devices_too(world: World) {
        let bed = Bed::new(world, &[]).await;
        let mut clients = Clients::default();
        clients.register(&bed.world, "strict-tv", ("device", json!({ "default_max_age": 0 })));
        let browser = bed.signed_in(&ALICE).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let device = Device::ask(clients.rp(&bed.world, "strict-tv"), "openid").await;
        let page = device.question(&browser).await;
        assert!(page.has_form("sign-in") && !page.has_form("device-question"));
        let entry = browser.get("/device").await;
        let fields = [("user_code", device.text("user_code")), ("decision", "allow")];
        let csrf = entry.form("device").value("csrf").unwrap().to_owned();
        let fields = [&fields[..], &[("csrf", &csrf)]].concat();
        assert!(browser.post("/device", &fields).await.has_form("sign-in"), "nothing was decided");
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        let question = sign_in_on(&page, &ALICE).await;
        question.form("device-question").press("decision", "allow").submit().await.assert_status(303);
        Tokens::of(&device.poll().await);
    }

    async fn guessing_codes_is_slowed_down(backend: Backend) {
        let (bed, tv) = living_room(World::start(backend).await).await;
        let device = Device::ask(tv, "openid").await;
        let browser = bed.signed_in(&BOB).await;
        let mut throttled = None;
        for number in 0..40_u8 {
            let letters: Vec<_> = (0..8).map(|n| b"BCDFGHJKLMNPQRSTVWXZ"[usize::from((number + n * 3) % 20)]).collect();
            let page = browser.get(&format!("/device?user_code={}", String::from_utf8(letters).unwrap())).await;
            if page.status == 429 {
                throttled = Some(page);
                break;
            }
            page.assert_status(404);
        }
        let page = throttled.expect("a throttle");
        assert!(!page.header("retry-after").is_empty());
        // The right code gives no tell meanwhile, and others are not stopped.
        device.question(&browser).await.assert_status(429);
        assert!(device.question(&bed.signed_in(&ALICE).await).await.has_form("device-question"));
    }

    async fn a_device_is_let_in_only_from_the_page(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let device = Device::ask(kit.rp("tv"), "openid").await;
        let browser = kit.bed.signed_in(&ALICE).await;
        let code = device.text("user_code");
        let stranger = kit.bed.signed_in(&BOB).await.get("/device").await;
        let foreign = stranger.form("device").value("csrf").unwrap().to_owned();
        for csrf in ["", "x", &foreign] {
            let fields = [("user_code", code), ("decision", "allow"), ("csrf", csrf)];
            browser.post("/device", &fields).await.assert_status(403);
        }
        let form = device.question(&browser).await.form("device-question").press("decision", "allow");
        let url = browser.resolve("/device");
        let request = browser.request(reqwest::Method::POST, &url).form(&form.pairs());
        browser.send(request.header("Sec-Fetch-Site", "cross-site")).await.assert_status(403);
        device.question(&browser).await.form("device-question").press("decision", "allow")
            .forge("decision", "perhaps").submit().await.assert_status(400);
        // Looking and a GET with an answer decide nothing.
        browser.get(&format!("/device?user_code={code}&decision=allow")).await.assert_status(200);
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        // Signed out meanwhile: the form asks to sign in, and nothing is decided.
        let question = device.question(&browser).await;
        let leave = browser.get("/logout").await.form("sign-out").press("decision", "logout");
        leave.submit().await;
        let page = question.form("device-question").press("decision", "allow").submit().await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let question = sign_in_on(&page, &ALICE).await;
        assert!(question.has_form("device-question"), "{}", question.describe());
        kit.bed.assert_log_is_clean();
    }

    async fn one_network_cannot_fill_the_store_with_device_codes(backend: Backend) {
        let (bed, tv) = living_room(World::start(backend).await).await;
        let path = "/oauth2/device_authorization";
        let answers = join_all((0..80).map(|_| tv.post(path, &[]))).await;
        let given = answers.iter().filter(|page| page.status == 200).count();
        assert_eq!(given, 60);
        answers.iter().find(|p| p.status != 200).unwrap().assert_oauth_error(400, "slow_down");
        drop(bed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_or_dies_lets_no_device_in() {
    let world = World::builder(Backend::Production).own_redis(Persistence::Snapshot).start().await;
    let (mut bed, tv) = living_room(world).await;
    bed.add_person(&MALLORY, &[]);
    let browser = bed.signed_in(&ALICE).await;
    let (answered, waiting) =
        (Device::ask(tv.clone(), "openid").await, Device::ask(tv.clone(), "openid").await);
    answered.answer(&browser, "allow").await.assert_status(303);
    let snapshot = bed.world.redis().save_snapshot();
    let tokens = Tokens::of(&answered.poll().await);
    bed.world.redis().kill9();
    for device in [&answered, &waiting] {
        let page = device.poll().await;
        assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
    }
    let page = tv.post("/oauth2/device_authorization", &[]).await;
    assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
    assert_eq!(waiting.question(&browser).await.status.as_u16(), 503);
    // Back with old data: the spent code stays spent, by SQL.
    bed.world.redis().restore_snapshot(&snapshot);
    let page = crate::kit::grant::settled(async || answered.poll().await).await;
    page.assert_oauth_error(400, "invalid_grant");
    assert_dead(&tv, &tokens).await;
    // Emptied: what was known is gone, and that is no answer.
    let fresh = Device::ask(tv, "openid").await;
    fresh.answer(&browser, "allow").await.assert_status(303);
    bed.world.redis().flush();
    for device in [&fresh, &waiting] {
        device.poll().await.assert_oauth_error(400, "invalid_grant");
    }
}
