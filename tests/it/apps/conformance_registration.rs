//! The modules of the certification plans that are about registration, each as a test of the same
//! name: those of `oidcc-dynamic-certification-test-plan` and of third-party-initiated login.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::checks::{assert_error_page, assert_success};
use crate::kit::client_signer::{ClientKey, jwks, with_assertion};
use crate::kit::fixtures::{ALICE, STATE, fill_in, unique};
use crate::kit::flow::{PATIENCE, get};
use crate::kit::pictures::png;
use crate::kit::registration::{
    CALLBACK, Registered, assert_refused, fetching_bed, open_bed, register, request,
};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};

on_both_backends! {
    async fn a_registration_is_answered_as_every_module_expects(backend: Backend) {
        let bed = open_bed(backend).await;
        let asked = request(json!({ "contacts": ["ops@rp.test"], "client_name#de": "Selbstgemacht" }));
        let page = register(&bed.world, None, &asked).await;
        page.assert_status(201).assert_header("cache-control", "no-store");
        assert!(page.header("content-type").starts_with("application/json"));
        let app = Registered::of(&bed.world, &page);
        for (name, value) in asked.as_object().unwrap() {
            if name != "client_name#de" {
                assert_eq!(&app.json[name], value, "{name} is told as it was asked for");
            }
        }
        assert_eq!(app.json["client_secret_expires_at"], 0);
        assert!(app.json["client_id_issued_at"].is_i64());
        assert!(app.place().starts_with(&bed.world.issuer) && app.place().ends_with(&app.rp.id));

        let callback = app.rp.ask(&bed.world.browser(), &ALICE, &[]).await;
        let code = assert_success(&callback, &app.rp, STATE);
        app.rp.redeem(&code).await.assert_status(200);

        let read = app.manage(Method::GET, None).await;
        read.assert_status(200).assert_header("cache-control", "no-store");
        let mut told = app.json.clone();
        for shown_once in ["client_secret", "client_secret_expires_at"] {
            told.as_object_mut().unwrap().remove(shown_once);
        }
        assert_eq!(read.json(), told);
        app.manage(Method::DELETE, None).await.assert_status(204);
        app.manage(Method::GET, None).await.assert_status(401);
        assert_error_page(&app.rp.authorize(&bed.world.browser(), &[]).await);
        bed.world.assert_log_is_clean(&[app.rp.secret.as_deref().unwrap(), app.token()]);
    }

    async fn an_app_registers_its_keys_and_proves_itself_with_them(backend: Backend) {
        let bed = open_bed(backend).await;
        let peer = TlsPeer::shared();
        let (key, path) = (ClientKey::new("RS256", "k1"), format!("/{}.json", unique("keys")));
        peer.serve(&path, Answer::json(&jwks(&[&key])));
        for keys in [json!({ "jwks": jwks(&[&key]) }), json!({ "jwks_uri": peer.url(&path) })] {
            let mut changes = json!({ "token_endpoint_auth_method": "private_key_jwt" });
            changes.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            let app = Registered::new(&bed.world, changes).await;
            assert_eq!(app.json.get("client_secret"), None);
            assert_eq!(app.json.get("client_secret_expires_at"), None);
            let code = app.rp.code(&bed.world.browser(), &ALICE, &[]).await;
            let fields = app.rp.redeem_fields(&code, &[]);
            let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let assertion = key.assertion(&app.rp.id, &app.rp.issuer, &json!({}));
            let fields = with_assertion(&fields, &assertion);
            app.rp.post("/oauth2/token", &fields).await.assert_status(200);
        }
        for keys in [json!({}), json!({ "jwks": { "keys": [] } })] {
            let mut changes = json!({ "token_endpoint_auth_method": "private_key_jwt" });
            changes.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            let page = register(&bed.world, None, &request(changes)).await;
            assert_refused(&page, 400, "invalid_client_metadata");
        }
    }

    async fn oidcc_ensure_redirect_uri_in_authorization_request(backend: Backend) {
        let bed = open_bed(backend).await;
        let uris = json!({ "redirect_uris": [CALLBACK, "https://rp.test/other"] });
        let app = Registered::new(&bed.world, uris).await;
        let page = app.rp.authorize(&bed.world.browser(), &[("redirect_uri", "")]).await;
        assert_error_page(&page);
    }

    async fn oidcc_redirect_uri_query_ok(backend: Backend) {
        let bed = open_bed(backend).await;
        let uri = "https://rp.test/cb?foo=bar&x=%20y";
        let app = Registered::new(&bed.world, json!({ "redirect_uris": [uri] })).await;
        let page = app.rp.authorize(&bed.world.browser(), &[]).await;
        let page = crate::kit::fixtures::walk(page, &ALICE).await;
        let location = page.location();
        assert!(location.as_str().starts_with(&format!("{uri}&code=")), "{location}");
    }

    async fn oidcc_redirect_uri_query_mismatch(backend: Backend) {
        let bed = open_bed(backend).await;
        let uri = "https://rp.test/cb?foo=bar";
        let app = Registered::new(&bed.world, json!({ "redirect_uris": [uri] })).await;
        for other in ["https://rp.test/cb?foo=baz", CALLBACK] {
            let page = app.rp.authorize(&bed.world.browser(), &[("redirect_uri", other)]).await;
            assert_error_page(&page);
        }
    }

    async fn oidcc_redirect_uri_query_added(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let added = format!("{CALLBACK}?foo=bar");
        let page = app.rp.authorize(&bed.world.browser(), &[("redirect_uri", &added)]).await;
        assert_error_page(&page);
    }

    async fn oidcc_redirect_uri_regfrag(backend: Backend) {
        let bed = open_bed(backend).await;
        let asked = request(json!({ "redirect_uris": ["https://rp.test/cb#foobar"] }));
        assert_refused(&register(&bed.world, None, &asked).await, 400, "invalid_redirect_uri");
    }

    async fn oidcc_registration_logo_uri(backend: Backend) {
        // Off by default: browsers and this server ask strangers for nothing.
        let bed = fetching_bed(backend).await;
        let (peer, path) = (TlsPeer::shared(), format!("/{}.png", unique("logo")));
        peer.serve(&path, Answer::new(200, "image/png", png(120)));
        let app = Registered::new(&bed.world, json!({ "logo_uri": peer.url(&path) })).await;
        let browser = bed.world.browser();
        wait_until_async("the logo being fetched", PATIENCE, async || {
            app.rp.authorize(&browser, &[]).await.follow_within().await.has(".logo img")
        })
        .await;
        let sign_in = app.rp.authorize(&browser, &[]).await.follow_within().await;
        let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
        assert!(sign_in.has_form("sign-in") && consent.has_form("consent"));
        for page in [sign_in, consent] {
            let policy = page.header("content-security-policy");
            let src = page.attributes(".logo img", "src").remove(0);
            assert!(src.starts_with("/branding/picture."), "{src}");
            assert!(policy.contains("img-src 'self' data:;"), "{policy}");
            assert_eq!(get(&bed.world.url(&src)).await.headers["content-type"], "image/png");
        }
        assert_eq!(peer.hits(&path), 1, "kept from then on");
        let other = Registered::new(&bed.world, json!({})).await;
        let page = other.rp.authorize(&bed.world.browser(), &[]).await.follow_within().await;
        page.assert_page_headers();
        assert!(!page.has(".logo"));
    }

    async fn oidcc_registration_policy_uri(backend: Backend) {
        let bed = open_bed(backend).await;
        the_sign_in_page_links(bed, "policy_uri").await;
    }

    async fn oidcc_registration_tos_uri(backend: Backend) {
        let bed = open_bed(backend).await;
        the_sign_in_page_links(bed, "tos_uri").await;
    }

    async fn oidcc_registration_sector_uri(backend: Backend) {
        let bed = open_bed(backend).await;
        let peer = TlsPeer::shared();
        let path = format!("/{}.json", unique("sector"));
        let members = ["https://a.test/cb", "https://b.test/cb", "https://unused.test/cb"];
        peer.serve(&path, Answer::json(&json!(members)));
        let app = Registered::new(&bed.world, json!({
            "redirect_uris": members[..2], "subject_type": "pairwise",
            "sector_identifier_uri": peer.url(&path),
        }))
        .await;
        assert_eq!(app.json["subject_type"], "pairwise");
        assert_eq!(app.json["sector_identifier_uri"], peer.url(&path).as_str());
        assert_eq!(peer.hits(&path), 1);
        let tokens = app.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let public = bed.rp("conf-basic").tokens(&bed.world.browser(), &ALICE, &[]).await;
        assert_ne!(tokens.id_claims()["sub"], public.id_claims()["sub"]);
    }

    async fn oidcc_registration_sector_bad(backend: Backend) {
        let bed = open_bed(backend).await;
        let peer = TlsPeer::shared();
        let bad = unique("sector-bad");
        let answers = [
            Answer::json(&json!(["https://other.test/cb"])),
            Answer::json(&json!({ "redirect_uris": [CALLBACK] })),
            Answer::json(&json!([CALLBACK, 1])),
            Answer::new(200, "application/json", "not json"),
            Answer::status(404),
            Answer::redirect("https://rp.test/sector.json"),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            let path = format!("/{bad}-{number}.json");
            peer.serve(&path, answer);
            for subject_type in ["pairwise", "public"] {
                let asked = request(json!({
                    "subject_type": subject_type, "sector_identifier_uri": peer.url(&path),
                }));
                let page = register(&bed.world, None, &asked).await;
                assert_refused(&page, 400, "invalid_client_metadata");
            }
        }
        // Two hosts and nobody who says that they belong together.
        let asked = request(json!({
            "subject_type": "pairwise", "redirect_uris": ["https://a.test/", "https://b.test/"],
        }));
        assert_refused(&register(&bed.world, None, &asked).await, 400, "invalid_client_metadata");
    }

    async fn oidcc_3rd_party_init_login(backend: Backend) {
        let bed = open_bed(backend).await;
        let uri = "https://rp.test/start";
        let app = Registered::new(&bed.world, json!({ "initiate_login_uri": uri })).await;
        assert_eq!(app.json["initiate_login_uri"], uri);
        let read = app.manage(Method::GET, None).await;
        assert_eq!(read.assert_status(200).json()["initiate_login_uri"], uri);
    }

    async fn oidcc_3rd_party_init_login_nohttps(backend: Backend) {
        let bed = open_bed(backend).await;
        for uri in ["http://rp.test/start", "http://localhost/start", "javascript:alert(1)"] {
            let asked = request(json!({ "initiate_login_uri": uri }));
            let page = register(&bed.world, None, &asked).await;
            assert_refused(&page, 400, "invalid_client_metadata");
        }
    }

    async fn discovery_names_the_endpoint_only_where_apps_may_register(backend: Backend) {
        let bed = open_bed(backend).await;
        let document = |base: String| async move {
            let browser = bed.world.browser();
            browser.get(&format!("{base}/.well-known/openid-configuration")).await.json()
        };
        let open = document(bed.world.issuer.clone()).await;
        assert_eq!(open["registration_endpoint"], format!("{}/oauth2/register", bed.world.issuer));
        assert_eq!(open["client_id_metadata_document_supported"], true);
        assert_eq!(open["subject_types_supported"], json!(["public", "pairwise"]));
        let closed = crate::kit::fixtures::Bed::shared(backend).await;
        let closed = document(closed.world.issuer.clone()).await;
        assert_eq!(closed.get("registration_endpoint"), None);
        assert_eq!(closed.get("client_id_metadata_document_supported"), None);
    }
}

async fn the_sign_in_page_links(bed: &crate::kit::fixtures::Bed, member: &str) {
    let uri = format!("https://rp.test/{member}");
    let app = Registered::new(&bed.world, json!({ member: uri })).await;
    assert_eq!(app.json[member], Value::from(uri.as_str()));
    let browser = bed.world.browser();
    let sign_in = app.rp.authorize(&browser, &[]).await.follow_within().await;
    let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
    for page in [sign_in, consent] {
        assert!(page.attributes("a", "href").contains(&uri), "{}", page.describe());
    }
}
