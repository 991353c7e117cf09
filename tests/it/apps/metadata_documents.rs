//! Clients whose id is the URL of a document: fetched with care, believed within limits, remembered
//! only once somebody allowed them something.

use doorward::clock::Clock;
use doorward::protocol::types::ClientId;
use doorward::service::clients::metadata_document;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, is, refused};
use crate::kit::audit::{logged, noted};
use crate::kit::checks::assert_error_page;
use crate::kit::client_signer::ClientKey;
use crate::kit::document::App;
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp, Tokens, fill_in, unique};
use crate::kit::flow::PATIENCE;
use crate::kit::node::node;
use crate::kit::registration::{open_bed, open_world};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};

/// An answer in place of the document an app has.
type Defect = Box<dyn Fn(&App) -> Answer>;

on_both_backends! {
    async fn an_app_described_by_a_document_signs_people_in(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = App::publish(bed, &json!({ "logo_uri": "https://elsewhere.test/bank.png" }));
        let browser = bed.world.browser();
        let sign_in = app.rp.authorize(&browser, &[]).await.follow_within().await;
        assert!(!sign_in.has(".logo"), "a picture of somebody else's is not shown");
        let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
        assert!(consent.has(".notice.warning"), "{}", consent.describe());
        assert_eq!(consent.texts(".notice.warning strong"), ["localhost"]);
        assert!(!app.is_stored(bed), "nothing is stored before somebody says yes");
        let page = consent.form("consent").press("decision", "allow").submit().await;
        let code = page.follow_within().await.location_parameter("code").expect("a code");
        assert!(app.is_stored(bed));
        let tokens = Tokens::of(&app.rp.redeem(&code).await);
        assert_eq!(tokens.id_claims()["aud"], app.rp.id.as_str());
        Tokens::of(&app.rp.refresh(tokens.refresh()).await);
        app.rp.userinfo(&tokens.access).await.assert_status(200);
        assert_eq!(app.hits(), 1, "kept as long as its server says");
        let shown = bed.world.cli(&["client", "show", &app.rp.id]);
        assert_eq!((&shown["origin"], &shown["pkce"]), (&json!("document"), &json!("required")));
        let silent = app.rp.authorize(&browser, &[("prompt", "none")]).await;
        assert!(silent.location_parameter("code").is_some(), "a yes is remembered");
        bed.assert_log_is_clean();
    }

    async fn a_document_that_cannot_be_used_makes_no_client(backend: Backend) {
        let bed = open_bed(backend).await;
        let peer = TlsPeer::shared();
        let bad = |changes: Value| move |app: &App| Answer::json(&app.document(&changes));
        let answers: Vec<Defect> = vec![
            Box::new(bad(json!({ "client_id": "https://localhost/other.json" }))),
            Box::new(bad(json!({ "client_secret": "x" }))),
            Box::new(bad(json!({ "token_endpoint_auth_method": "client_secret_basic" }))),
            Box::new(bad(json!({ "redirect_uris": ["https://evil.test/cb"] }))),
            Box::new(bad(json!({ "redirect_uris": [] }))),
            Box::new(bad(json!({ "jwks_uri": "https://127.0.0.1:1/jwks" }))),
            Box::new(bad(json!({ "client_name": "Bank\u{202e}" }))),
            Box::new(bad(json!({ "filler": "x".repeat(17_000) }))),
            Box::new(|app| Answer::new(200, "text/html", app.document(&json!({})).to_string())),
            Box::new(|_| Answer::new(200, "application/json", "[]")),
            Box::new(|app| Answer { status: 201, ..Answer::json(&app.document(&json!({}))) }),
            Box::new(|_| Answer::status(404)),
            Box::new(|_| Answer::redirect("https://rp.test/client.json")),
        ];
        for (number, answer) in answers.iter().enumerate() {
            let app = App::publish(bed, &json!({}));
            app.serve(answer(&app));
            for _ in 0..2 {
                let page = app.rp.authorize(&bed.world.browser(), &[]).await;
                assert_error_page(&page);
                assert!(page.text().contains("document"), "{number}: {}", page.text());
            }
            assert_eq!(app.hits(), 1, "{number}: not asked again at once");
            let fields = [("grant_type", "authorization_code"), ("code", "x")];
            app.rp.token_request(&fields).await.assert_oauth_error(401, "invalid_client");
            assert!(!app.is_stored(bed), "{number}");
        }
        let page = Rp::new(&bed.world, &peer.url("/nobody/serves/this.json"));
        assert_error_page(&page.authorize(&bed.world.browser(), &[]).await);
    }

    async fn other_spellings_of_a_url_are_not_asked_for(backend: Backend) {
        let bed = open_bed(backend).await;
        let canary = TlsPeer::start();
        let base = canary.url("");
        for id in [
            format!("{base}/"), format!("{base}/a/../b"), format!("{base}/c#x"),
            format!("{base}/%2e%2e/c"), base.replace("https://", "https://u:p@") + "/c",
            base.replace("https", "HTTPS") + "/c", "https://127.1/c".to_owned(),
            canary.url("/c"), "https://169.254.169.254/c".to_owned(), "https://[::1]/c".to_owned(),
            format!("https://rp.test/{}", "x".repeat(600)),
        ] {
            let rp = Rp { redirect_uri: format!("{base}/cb"), ..Rp::new(&bed.world, &id) };
            assert_error_page(&rp.authorize(&bed.world.browser(), &[]).await);
        }
        assert_eq!(canary.connections(), 0);
    }

    async fn a_changed_document_is_followed_and_people_are_asked_again(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let app = App::publish(&bed, &json!({}));
        let browser = bed.world.browser();
        let before = app.rp.tokens(&browser, &ALICE, &[]).await;
        app.serve(Answer::json(&app.document(&json!({ "client_name": "Your bank" }))));
        let silent = [("prompt", "none")];
        let page = app.rp.authorize(&browser, &silent).await;
        assert!(page.location_parameter("code").is_some(), "still fresh");
        // A restarted server has forgotten what it read.
        let mut bed = bed;
        bed.world.restart().await;
        let page = app.rp.authorize(&browser, &silent).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("consent_required"));
        assert_eq!(bed.world.cli(&["client", "show", &app.rp.id])["client_name"], "Your bank");
        // What the old app was given is not the new one's.
        crate::kit::checks::assert_dead(&app.rp, &before).await;
        // A stored client goes on for a while when its document is gone.
        let after = app.rp.tokens(&browser, &ALICE, &[]).await;
        crate::kit::checks::assert_alive(&app.rp, &after.access).await;
        app.serve(Answer::status(503));
        bed.world.restart().await;
        let page = app.rp.authorize(&browser, &silent).await;
        assert!(page.location_parameter("code").is_some(), "{}", page.describe());
        forget_the_fetch(&bed, &app).await;
        bed.world.restart().await;
        assert_error_page(&app.rp.authorize(&browser, &silent).await);
    }

    async fn what_another_node_has_read_since_counts(backend: Backend) {
        let (bed, app, browser, moved) = moved(backend).await;
        let other = node(&bed.world, &Clock::System).await;
        let id = ClientId::new(&app.rp.id);
        let read = metadata_document::resolve(&other, &id).await.expect("the document");
        assert_eq!(read.unwrap().metadata.redirect_uris, [moved]);
        other.store.db.close().await;
        wait_until_async("the old address being refused", PATIENCE, async || {
            app.rp.authorize(&browser, &[]).await.status.is_client_error()
        })
        .await;
        assert_eq!(app.hits(), 2, "each node has read it once");
    }

    async fn invented_addresses_keep_no_app_from_being_read_that_people_use(backend: Backend) {
        let mut bed = Bed::new(open_world(backend).start().await, &[]).await;
        let app = App::publish(&bed, &json!({}));
        let browser = bed.world.browser();
        app.rp.tokens(&browser, &ALICE, &[]).await;
        for n in 0..60 {
            let id = TlsPeer::shared().url(&format!("/invented/{}/{n}.json", unique("x")));
            assert_error_page(&Rp::new(&bed.world, &id).authorize(&browser, &[]).await);
        }
        let fresh = App::publish(&bed, &json!({}));
        let page = fresh.rp.authorize(&browser, &[]).await;
        assert!(page.text().contains("too often"), "{}", page.text());
        // A restarted server has to read its document again.
        bed.world.restart().await;
        let page = app.rp.authorize(&browser, &[("prompt", "none")]).await;
        assert!(page.location_parameter("code").is_some(), "{}", page.describe());
    }

    async fn people_are_not_sent_on_by_an_app_that_comes_by_itself(backend: Backend) {
        let bed = open_bed(backend).await;
        let elsewhere = json!({ "post_logout_redirect_uris": ["https://phish.test/"] });
        let app = App::publish(bed, &elsewhere);
        assert_error_page(&app.rp.authorize(&bed.world.browser(), &[]).await);
        let own = TlsPeer::shared().url("/bye");
        let app = App::publish(bed, &json!({ "post_logout_redirect_uris": [own] }));
        let browser = bed.world.browser();
        let hint = app.rp.tokens(&browser, &ALICE, &[]).await.id.expect("an ID token");
        let end = |parameters: &[(&str, &str)]| {
            let query = serde_urlencoded::to_string(parameters).expect("a query");
            format!("/oauth2/logout?{query}&{}", url::form_urlencoded::Serializer::new(String::new())
                .append_pair("post_logout_redirect_uri", &own).finish())
        };
        let page = bed.world.browser().get(&end(&[("client_id", &app.rp.id)])).await;
        page.assert_status(200).assert_no_header("location");
        let page = browser.get(&end(&[("id_token_hint", &hint)])).await.follow_within().await;
        assert_eq!(page.location().as_str(), own);
    }

    async fn an_administrator_sees_such_an_app_and_can_switch_it_off(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let app = App::publish(&bed, &json!({}));
        let tokens = app.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let admin = crate::kit::console::admin(&bed.world, "owner").await;
        let list = admin.page("/admin/clients").await;
        let link = list.attributes("th a", "href");
        let link = link.iter().find(|href| href.contains("https%3A%2F%2F")).expect("a link");
        let page = admin.page(link).await;
        assert!(page.text().contains("Its document") && !page.has_form("client"), "{}", page.text());
        let question = admin.page(&format!("{link}/disable")).await;
        let answer = question.form_to(&format!("{link}/disable")).submit().await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.describe());
        crate::kit::checks::assert_access_token_dead(&app.rp, &tokens.access).await;
        assert_error_page(&app.rp.authorize(&bed.world.browser(), &[]).await);
        let update = ["client", "update", &app.rp.id, "--name", "Mine now"];
        assert!(!bed.world.run(&update).status.success(), "its document says what it is");
    }

    async fn an_administrator_has_a_document_read_again(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let app = App::publish(&bed, &json!({}));
        let before = app.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let path = in_a_path(&app);
        let admin = crate::kit::console::admin(&bed.world, "owner").await;
        let page = format!("/admin/clients/{path}");
        let asks = format!("/clients/{path}/refresh");
        let api = Api::with_key(&bed.world, "the-owner", &["doorward.clients:write"]);
        let press = async || {
            let button = admin.page(&page).await;
            let answer = button.form_to(&format!("{page}/refresh")).submit().await;
            admin.message_after(&answer).await
        };
        let name = |name: &str| app.serve(Answer::json(&app.document(&json!({ "client_name": name }))));
        let shown = || bed.world.cli(&["client", "show", &app.rp.id]);

        assert!(press().await.contains("says what it said"));
        crate::kit::checks::assert_alive(&app.rp, &before.access).await;
        name("By button");
        assert!(press().await.contains("Changed: client_name"));
        assert_eq!(shown()["client_name"], "By button");
        // What people allowed had another name.
        crate::kit::checks::assert_dead(&app.rp, &before).await;
        name("By program");
        let answer = is(api.command(Method::POST, &asks).await, 200);
        assert_eq!(answer.json()["metadata"]["client_name"], "By program");
        name("By command");
        let answer = bed.world.cli(&["client", "refresh", &app.rp.id]);
        assert_eq!(answer["client_name"], "By command");
        let sign_in = app.rp.authorize(&bed.world.browser(), &[]).await.follow_within().await;
        assert!(sign_in.text().contains("By command"), "{}", sign_in.text());

        // Two of one second may stand either way.
        let changed = |kind: &str| {
            let noted = noted(&bed.world, kind);
            let mut changed: Vec<_> = noted.iter().map(|detail| detail["changed"].to_string()).collect();
            changed.sort();
            changed
        };
        let one = r#"["client_name"]"#;
        assert_eq!(changed("client.updated"), [one; 3]);
        assert_eq!(changed("client.document_read"), [one, one, one, "[]"]);
        bed.assert_log_is_clean();
    }

    async fn a_document_that_cannot_be_read_again_changes_nothing(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let app = App::publish(&bed, &json!({}));
        let tokens = app.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let path = in_a_path(&app);
        let admin = crate::kit::console::admin(&bed.world, "owner").await;
        let page = format!("/admin/clients/{path}");
        let api = Api::with_key(&bed.world, "the-owner", &["doorward.clients:write"]);
        let shown = || bed.world.cli(&["client", "show", &app.rp.id]);
        let before = shown();
        for answer in [
            Answer::status(503), Answer::json(&json!({ "client_id": "https://rp.test/other.json" })),
            Answer::json(&app.document(&json!({ "redirect_uris": ["https://evil.test/cb"] }))),
        ] {
            app.serve(answer);
            let answer = api.command(Method::POST, &format!("/clients/{path}/refresh")).await;
            refused(answer, 409, "document_unusable");
            assert!(!bed.world.run(&["client", "refresh", &app.rp.id]).status.success());
            let button = admin.page(&page).await.form_to(&format!("{page}/refresh")).submit().await;
            assert!(admin.message_after(&button).await.contains("stays as it was"));
            assert_eq!(shown(), before);
        }
        assert_eq!(logged(&bed.world, "client.document_read").len(), 9, "each is noted");
        crate::kit::checks::assert_alive(&app.rp, &tokens.access).await;
        let (id, _) = admin.add_app("Ordinary").await;
        let answer = api.command(Method::POST, &format!("/clients/{id}/refresh")).await;
        refused(answer, 409, "not_described");
        let answer = admin.post(&format!("/admin/clients/{id}/refresh"), &[]).await;
        assert!(admin.message_after(&answer).await.contains("No document describes this app"));
        let auditor = crate::kit::console::admin(&bed.world, "auditor").await;
        assert!(!auditor.page(&page).await.text().contains("Refresh"), "not theirs to press");
        assert_eq!(auditor.post(&format!("{page}/refresh"), &[]).await.status.as_u16(), 403);
    }

    async fn a_refresh_counts_at_every_node(backend: Backend) {
        let (bed, app, browser, _) = moved(backend).await;
        // Done by another node, which has read no document yet.
        bed.world.cli(&["client", "refresh", &app.rp.id]);
        assert_error_page(&app.rp.authorize(&browser, &[]).await);
    }

    async fn documents_are_ignored_where_they_are_not_switched_on(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::publish(bed, &json!({}));
        assert_error_page(&app.rp.authorize(&bed.world.browser(), &[]).await);
        assert_eq!(app.hits(), 0);
    }

    async fn an_app_may_prove_itself_with_keys_from_its_document(backend: Backend) {
        let bed = open_bed(backend).await;
        let key = ClientKey::new("ES256", "k1");
        let app = App::with_key(bed, &key);
        let code = app.rp.code(&bed.world.browser(), &BOB, &[]).await;
        let fields = app.rp.redeem_fields(&code, &[]);
        app.rp.post("/oauth2/token", &fields).await.assert_oauth_error(401, "invalid_client");
        Tokens::of(&app.post("/oauth2/token", &fields, &key).await);
    }

    async fn no_more_apps_are_remembered_than_allowed(backend: Backend) {
        let world = open_world(backend).env("DOORWARD_REGISTRATION__MAX_DOCUMENTS", "1");
        let bed = Bed::new(world.start().await, &[]).await;
        let (one, two) = (App::publish(&bed, &json!({})), App::publish(&bed, &json!({})));
        let browser = bed.world.browser();
        one.rp.tokens(&browser, &ALICE, &[]).await;
        let page = two.rp.authorize(&browser, &[]).await.follow_within().await;
        let page = page.form("consent").press("decision", "allow").submit().await;
        assert_error_page(&page.follow_within().await);
        assert!(!two.is_stored(&bed));
        one.rp.tokens(&browser, &ALICE, &[]).await;
    }
}

/// An app that people use and whose publisher has taken its address away, of which the server knows nothing: it
/// has the document in memory for some time yet. Where it has moved to, as well.
async fn moved(backend: Backend) -> (Bed, App, Browser, String) {
    let bed = Bed::new(open_world(backend).start().await, &[]).await;
    let app = App::publish(&bed, &json!({}));
    let browser = bed.world.browser();
    app.rp.tokens(&browser, &ALICE, &[]).await;
    let moved = TlsPeer::shared().url("/elsewhere");
    app.serve(Answer::json(&app.document(&json!({ "redirect_uris": [moved] }))));
    assert!(app.rp.authorize(&browser, &[]).await.try_location().is_some());
    (bed, app, browser, moved)
}

/// The id of an app as one part of a path.
fn in_a_path(app: &App) -> String {
    app.rp.id.replace(':', "%3A").replace('/', "%2F")
}

/// Makes the last reading of a document two days old.
async fn forget_the_fetch(bed: &Bed, app: &App) {
    let store = bed.store().await;
    let sql = "update client_documents set fetched_at = fetched_at - 172800 where client_id = $1";
    store.db.query(sql).bind(app.rp.id.as_str()).execute().await.expect("an update");
    store.db.close().await;
}
