//! Apps that a document describes, where no browser comes first: pushed requests (RFC 9126) and
//! devices (RFC 8628). The document is fetched, kept and throttled as at the authorization endpoint.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::kit::client_signer::ClientKey;
use crate::kit::document::{App, WITH_DEVICES, device_bed};
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, Rp, STATE, Tokens, walk};
use crate::kit::grant::{DEVICE_GRANT, Device};
use crate::kit::registration::{open_bed, open_world};
use crate::kit::request::request_uri;
use crate::support::tls_peer::{Answer, TlsPeer, reachable};

const PAR: &str = "/oauth2/par";
const DEVICES: &str = "/oauth2/device_authorization";

fn take(app: &App, request_uri: &str) -> String {
    let fields = [("client_id", app.rp.id.as_str()), ("request_uri", request_uri)];
    format!("/oauth2/authorize?{}", serde_urlencoded::to_string(fields).unwrap())
}

on_both_backends! {
    async fn an_app_described_by_a_document_pushes_its_request(backend: Backend) {
        let bed = open_bed(backend).await;
        let key = ClientKey::new("ES256", "k1");
        let app = App::with_key(bed, &key);
        let fields = app.rp.parameters(&[]);
        app.rp.post(PAR, &fields).await.assert_oauth_error(401, "invalid_client");
        let stranger = ClientKey::new("ES256", "k1");
        app.post(PAR, &fields, &stranger).await.assert_oauth_error(401, "invalid_client");
        let uri = request_uri(&app.post(PAR, &fields, &key).await);
        assert!(!app.is_stored(bed), "nothing is stored before somebody says yes");
        let browser = bed.world.browser();
        let callback = Callback::of(&walk(browser.get(&take(&app, &uri)).await, &ALICE).await);
        assert_eq!(callback.get("state"), Some(STATE));
        let redeem = app.rp.redeem_fields(&callback.code(), &[]);
        let tokens = Tokens::of(&app.post("/oauth2/token", &redeem, &key).await);
        assert_eq!(tokens.id_claims()["aud"], app.rp.id.as_str());
        assert!(app.is_stored(bed));
        assert_eq!(app.hits(), 1, "kept as long as its server says");
        bed.assert_log_is_clean();
    }

    async fn a_public_app_with_a_document_pushes_from_its_own_pages(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = App::publish(bed, &json!({}));
        let own = url::Url::parse(&app.rp.id).unwrap().origin().ascii_serialization();
        for (origin, readable) in [(own.as_str(), true), ("https://evil.test", false)] {
            let request = app.rp.http.request(Method::POST, &app.rp.http.resolve(PAR));
            let request = request.form(&app.rp.parameters(&[])).header("Origin", origin);
            let page = app.rp.http.send(request).await;
            request_uri(&page);
            assert_eq!(page.header("access-control-allow-origin") == origin, readable, "{origin}");
        }
        // What the document does not register is refused before anybody sees a page.
        let elsewhere = app.rp.parameters(&[("redirect_uri", "https://evil.test/cb")]);
        app.rp.post(PAR, &elsewhere).await.assert_oauth_error(400, "invalid_request");
        let unproven = app.rp.parameters(&[("code_challenge", ""), ("code_challenge_method", "")]);
        app.rp.post(PAR, &unproven).await.assert_oauth_error(400, "invalid_request");
        assert!(!app.is_stored(bed));
    }

    async fn a_document_that_cannot_be_used_pushes_nothing_and_lets_no_device_in(backend: Backend) {
        let bed = device_bed(backend).await;
        for answer in [
            Answer::status(404), Answer::new(200, "application/json", "[]"),
            Answer::redirect("https://rp.test/client.json"),
        ] {
            let app = App::publish(bed, &json!({}));
            app.serve(answer);
            for path in [PAR, DEVICES, PAR, DEVICES] {
                let page = app.rp.post(path, &app.rp.parameters(&[])).await;
                page.assert_oauth_error(401, "invalid_client");
                let told = page.json()["error_description"].to_string();
                assert!(told.contains("document"), "{told}");
            }
            assert_eq!(app.hits(), 1, "not asked again at once");
        }
        let canary = TlsPeer::start();
        let (own, base) = (App::publish(bed, &json!({})), canary.url(""));
        for id in [
            format!("{base}/"), format!("{base}/a/../b"), format!("{base}/c#x"),
            base.replace("https", "HTTPS") + "/c", canary.url("/c"),
            "https://169.254.169.254/c".to_owned(), "https://[::1]/c".to_owned(),
        ] {
            let rp = Rp { id, ..own.rp.clone() };
            for path in [PAR, DEVICES] {
                rp.post(path, &rp.parameters(&[])).await.assert_oauth_error(401, "invalid_client");
            }
        }
        assert_eq!(canary.connections(), 0);
    }

    async fn where_documents_are_off_nobody_is_asked_for_one(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::publish(bed, &json!({ "grant_types": ["authorization_code", DEVICE_GRANT] }));
        for path in [PAR, DEVICES] {
            let page = app.rp.post(path, &app.rp.parameters(&[])).await;
            page.assert_oauth_error(401, "invalid_client");
        }
        assert_eq!(app.hits(), 0);
    }

    async fn one_host_is_asked_for_so_many_documents_a_minute_and_no_more(backend: Backend) {
        let peer = TlsPeer::start();
        let world = reachable(open_world(backend), &[&peer]).start().await;
        let ask = async |number: usize| {
            let rp = Rp::new(&world, &peer.url(&format!("/nobody-{number}.json")));
            let path = if number.is_multiple_of(2) { PAR } else { DEVICES };
            rp.post(path, &[]).await.assert_oauth_error(401, "invalid_client");
        };
        join_all((0..70).map(ask)).await;
        // Some of the sixty may have given up waiting for their turn on a busy machine.
        assert!((1..=60).contains(&peer.connections()), "{}", peer.connections());
    }

    async fn one_network_has_so_many_documents_read_and_keeps_nobody_else_from_it(backend: Backend) {
        let world = open_world(backend)
            .env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .env("DOORWARD_REGISTRATION__DOCUMENTS_PER_MINUTE", "4");
        let bed = Bed::new(world.start().await, &[]).await;
        let used = App::publish(&bed, &json!({}));
        used.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        // Every one is at an address of its own, some in an authorization request, some in a push.
        let ask = async |network: &str| {
            let app = App::publish(&bed, &json!({}));
            let http = &app.rp.http;
            let url = http.resolve("/oauth2/authorize");
            let get = http.request(reqwest::Method::GET, &url).query(&app.rp.parameters(&[]));
            http.send(get.header("X-Forwarded-For", network)).await;
            let pushed = App::publish(&bed, &json!({}));
            let post = http.request(reqwest::Method::POST, &http.resolve(PAR));
            let fields = pushed.rp.parameters(&[]);
            let page = http.send(post.form(&fields).header("X-Forwarded-For", network)).await;
            (app.hits() + pushed.hits(), page.status.as_u16())
        };
        for _ in 0..2 {
            assert_eq!(ask("192.0.2.1").await, (2, 201));
        }
        assert_eq!(ask("192.0.2.1").await, (0, 401));
        assert_eq!(ask("198.51.100.1").await, (2, 201), "another network");
        // What people use is read for everybody.
        let url = used.rp.http.resolve("/oauth2/authorize");
        let get = used.rp.http.request(reqwest::Method::GET, &url);
        let get = get.query(&used.rp.parameters(&[])).header("X-Forwarded-For", "192.0.2.1");
        assert!(used.rp.http.send(get).await.follow_within().await.has_form("sign-in"));
        // A document that is read already costs nobody anything.
        assert_eq!(used.hits(), 1);
    }

    async fn a_device_of_an_app_with_a_document_is_let_in(backend: Backend) {
        let bed = device_bed(backend).await;
        let app = App::for_devices(bed);
        let device = Device::ask(app.rp.clone(), "openid profile offline_access").await;
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        assert!(!app.is_stored(bed), "nothing is stored before somebody says yes");
        let browser = bed.signed_in(&ALICE).await;
        let question = device.question(&browser).await;
        assert_eq!(question.texts(".notice.warning strong"), ["localhost"], "{}", question.text());
        assert!(!question.has(".logo"));
        let tokens = device.tokens(&browser).await;
        assert!(app.is_stored(bed));
        assert_eq!(tokens.id_claims()["aud"], app.rp.id.as_str());
        let again = Tokens::of(&app.rp.refresh(tokens.refresh()).await);
        app.rp.userinfo(&again.access).await.assert_status(200);
        device.poll().await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(app.hits(), 1);
        // The next device of the app finds it stored.
        Device::ask(app.rp.clone(), "openid").await.tokens(&bed.signed_in(&BOB).await).await;
        bed.assert_log_is_clean();
    }

    async fn a_device_kept_out_leaves_nothing_of_its_app(backend: Backend) {
        let bed = device_bed(backend).await;
        let app = App::for_devices(bed);
        let device = Device::ask(app.rp.clone(), "openid").await;
        let page = device.answer(&bed.signed_in(&BOB).await, "deny").await.follow().await;
        assert!(page.text().contains("The device is kept out"), "{}", page.text());
        device.poll().await.assert_oauth_error(400, "access_denied");
        assert!(!app.is_stored(bed));
        // Nor does it get anything by another grant, or with the code of another app.
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        app.rp.token_request(&fields).await.assert_oauth_error(401, "invalid_client");
        let other = Device::ask(App::for_devices(bed).rp, "openid").await;
        other.answer(&bed.signed_in(&ALICE).await, "allow").await.assert_status(303);
        other.poll_as(&app.rp).await.assert_oauth_error(400, "invalid_grant");
        Tokens::of(&other.poll().await);
    }

    async fn a_device_grant_needs_both_the_document_and_the_server_to_allow_it(backend: Backend) {
        let bed = device_bed(backend).await;
        let plain = App::publish(bed, &json!({}));
        plain.rp.post(DEVICES, &[]).await.assert_oauth_error(400, "unauthorized_client");
        // A server that lets such apps have no devices leaves the grant out of what they asked for.
        let bed = open_bed(backend).await;
        let grants = ["authorization_code", DEVICE_GRANT];
        let app = App::publish(bed, &json!({ "grant_types": grants }));
        app.rp.post(DEVICES, &[]).await.assert_oauth_error(400, "unauthorized_client");
        let fields = [("grant_type", DEVICE_GRANT), ("device_code", "x")];
        app.rp.token_request(&fields).await.assert_oauth_error(400, "unauthorized_client");
        let alone = App::for_devices(bed);
        let page = alone.rp.post(DEVICES, &[]).await;
        page.assert_oauth_error(400, "unauthorized_client");
    }

    async fn devices_fill_neither_the_store_nor_the_list_of_apps(backend: Backend) {
        let world = open_world(backend)
            .env(WITH_DEVICES.0, WITH_DEVICES.1)
            .env("DOORWARD_REGISTRATION__MAX_DOCUMENTS", "1");
        let bed = Bed::new(world.start().await, &[]).await;
        let (one, two) = (App::for_devices(&bed), App::for_devices(&bed));
        let browser = bed.signed_in(&ALICE).await;
        Device::ask(one.rp.clone(), "openid").await.tokens(&browser).await;
        let device = Device::ask(two.rp.clone(), "openid").await;
        crate::kit::checks::assert_error_page(&device.answer(&browser, "allow").await);
        assert!(!two.is_stored(&bed));
        device.poll().await.assert_oauth_error(400, "authorization_pending");
        // Two documents of one host are one asker: 2 of its 60 are used by now.
        let asked = (0..80).map(|n| if n % 2 == 0 { &one } else { &two });
        let answers = join_all(asked.map(|app| app.rp.post(DEVICES, &[]))).await;
        assert_eq!(answers.iter().filter(|page| page.status == 200).count(), 58);
        answers.iter().find(|p| p.status != 200).unwrap().assert_oauth_error(400, "slow_down");
    }
}
