//! Registration under attack: URLs that lead inside, words that try to become code, statements
//! nobody vouches for (security catalogue, rows B13, G51, G54, E37 to E42 for software statements).

use serde_json::{Value, json};

use crate::kit::client_signer::{ClientKey, jwks, now};
use crate::kit::fixtures::{ALICE, Bed, fill_in, unique};
use crate::kit::forge::{forgeries, malformed_claims};
use crate::kit::registration::{
    Registered, assert_refused, clients, open_bed, open_world, register, request, send,
};
use crate::support::tls_peer::TlsPeer;

/// Members that are URLs.
const URLS: [&str; 11] = [
    "jwks_uri",
    "sector_identifier_uri",
    "request_uris",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "client_uri",
    "initiate_login_uri",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "post_logout_redirect_uris",
];

/// Places inside, in every notation, and schemes that are none of the web.
const INSIDE: [&str; 20] = [
    "https://127.0.0.1/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::1]/x",
    "https://0.0.0.0/x",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/x",
    "https://172.16.0.1/x",
    "https://192.168.1.1/x",
    "https://127.1/x",
    "https://0x7f.1/x",
    "https://0177.0.0.1/x",
    "https://2130706433/x",
    "https://localhost./x",
    "https://a.localhost/x",
    "https://rp.test:25/x",
    "https://user:pw@rp.test/x",
    "file:///etc/passwd",
    "gopher://rp.test/x",
    "javascript:alert(1)",
    "http://rp.test/x",
];

fn with_url(member: &str, url: &str) -> Value {
    let list = member.ends_with('s');
    request(if list { json!({ member: [url] }) } else { json!({ member: url }) })
}

on_both_backends! {
    async fn no_url_of_an_app_leads_inside(backend: Backend) {
        let canary = TlsPeer::start();
        let world = open_world(backend).start().await;
        let bed = Bed::new(world, &[]).await;
        let own_port = canary.url("/canary");
        let before = clients(&bed).await;
        for member in URLS {
            // People's browsers go to redirect URIs; where those lead is their networks' matter.
            let followed_only = member == "post_logout_redirect_uris";
            for url in INSIDE.into_iter().chain([own_port.as_str()]) {
                let harmless = followed_only && url.starts_with("https://") && !url.contains('@');
                if harmless {
                    continue;
                }
                let page = register(&bed.world, None, &with_url(member, url)).await;
                assert_refused(&page, 400, "invalid_client_metadata");
                let text = page.json()["error_description"].as_str().unwrap().to_owned();
                assert!(text.starts_with(member), "{url}: {text}");
                assert!(!text.contains("passwd") && !text.contains("169.254"), "{text}");
            }
        }
        assert_eq!(clients(&bed).await, before, "no row");
        assert_eq!(canary.connections(), 0, "the canary lives");
        bed.assert_log_is_clean();
    }

    async fn no_url_of_an_app_leads_inside_after_a_change_either(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        for member in URLS {
            for url in ["https://169.254.169.254/x", "https://[::ffff:10.0.0.1]/x", "file:///x",
                "https://localhost./x", "javascript:alert(1)"] {
                if member == "post_logout_redirect_uris" && url.starts_with("https://") {
                    continue;
                }
                let list = member.ends_with('s');
                let value = if list { json!([url]) } else { json!(url) };
                let body = app.replacement(json!({ member: value }));
                let page = app.manage(reqwest::Method::PUT, Some(&body)).await;
                assert_refused(&page, 400, "invalid_client_metadata");
                let text = page.json()["error_description"].as_str().unwrap().to_owned();
                assert!(text.starts_with(member), "{url}: {text}");
            }
        }
        let read = app.manage(reqwest::Method::GET, None).await.assert_status(200).json();
        assert_eq!(read["client_name"], "Self-made");
    }

    async fn dangerous_redirect_uris_cannot_be_registered_by_apps_either(backend: Backend) {
        let bed = open_bed(backend).await;
        for uri in [
            "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd",
            "http://rp.test/cb", "https://*.rp.test/cb", "https://rp.test/*",
            "https://rp.test/cb#x", "https://user@rp.test/cb", "https://user:pw@rp.test/cb",
            "/cb", "", "myapp:/cb", "https://rp.test/c b", "https://rp.test/\\cb", "vbscript:x",
        ] {
            for kind in ["web", "native"] {
                let asked = request(json!({ "redirect_uris": [uri], "application_type": kind }));
                let page = register(&bed.world, None, &asked).await;
                assert_refused(&page, 400, "invalid_redirect_uri");
            }
        }
        for wrong in [json!("https://rp.test/cb"), json!([1]), json!([]), json!(null), json!({})] {
            let page = register(&bed.world, None, &request(json!({ "redirect_uris": wrong }))).await;
            assert_refused(&page, 400, "invalid_redirect_uri");
        }
    }

    async fn hostile_words_of_an_app_stay_words(backend: Backend) {
        let bed = open_bed(backend).await;
        for disguised in ["Bank\u{202e}knaB", "a\u{2066}b", "a\nb", "\u{0}", "", " "] {
            let asked = request(json!({ "client_name": disguised }));
            let page = register(&bed.world, None, &asked).await;
            if disguised.trim().is_empty() && disguised != "\u{0}" {
                let named = Registered::of(&bed.world, &page);
                assert_eq!(named.json["client_name"], "rp.test", "called by its host");
            } else {
                assert_refused(&page, 400, "invalid_client_metadata");
            }
        }
        for name in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{7*7}}"] {
            let app = Registered::new(&bed.world, json!({
                "client_name": name, "contacts": [name], "software_id": name,
                "policy_uri": "https://rp.test/p?%22%3E%3Cscript%3E", "logo_uri": "https://rp.test/l?x=';script-src",
            }))
            .await;
            let browser = bed.world.browser();
            let sign_in = app.rp.authorize(&browser, &[]).await.follow_within().await;
            let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
            assert!(consent.has_form("consent"));
            for page in [sign_in, consent] {
                assert!(page.text().contains(name), "{}", page.text());
                assert!(!page.has("img[onerror]"), "{}", page.body);
                assert!(page.texts("script").iter().all(String::is_empty), "{}", page.body);
                let policy = page.header("content-security-policy");
                assert_eq!(policy.matches("script-src").count(), 1, "{policy}");
                assert!(policy.contains("img-src 'self' data:;"), "{policy}");
            }
        }
    }

    async fn nonsense_as_a_request_is_told_so(backend: Backend) {
        let bed = open_bed(backend).await;
        let browser = bed.world.browser();
        let url = browser.resolve("/oauth2/register");
        let deep = format!("{{\"jwks\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let twice = r#"{"client_name":"a","client_name":"b","redirect_uris":["https://rp.test/"]}"#;
        let many = (0..5_000).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(",");
        for body in ["", "null", "[]", "1", "{", "\u{feff}{}", twice, &deep, &format!("{{{many}}}")] {
            let sent = browser.request(reqwest::Method::POST, &url);
            let sent = sent.header("Content-Type", "application/json").body(body.to_owned());
            let page = browser.send(sent).await;
            assert_eq!(page.status.as_u16(), 400, "{body:.60}: {}", page.describe());
        }
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            let sent = browser.request(reqwest::Method::POST, &url);
            let sent = sent.header("Content-Type", media_type).body(request(json!({})).to_string());
            assert_refused(&browser.send(sent).await, 400, "invalid_request");
        }
        for authorization in ["Bearer", "Bearer ", "Basic eDp5", "Token abc"] {
            let sent = browser.request(reqwest::Method::POST, &url);
            let sent = sent.header("Authorization", authorization).json(&request(json!({})));
            assert_eq!(browser.send(sent).await.status.as_u16(), 401, "{authorization}");
        }
        let place = "/oauth2/register/%00%2e%2e%2f";
        let page = send(&browser, (reqwest::Method::GET, place), (Some("x"), None)).await;
        assert_eq!(page.status.as_u16(), 401);
        bed.world.assert_log_is_clean(&[]);
    }

    async fn every_member_of_a_wrong_type_is_refused_by_name(backend: Backend) {
        let bed = open_bed(backend).await;
        for (member, value) in [
            ("client_name", json!(1)), ("contacts", json!("x")), ("default_max_age", json!("1")),
            ("require_auth_time", json!("true")), ("grant_types", json!("authorization_code")),
            ("response_types", json!([1])), ("scope", json!(["openid"])), ("jwks", json!("x")),
            ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })),
            ("id_token_signed_response_alg", json!("none")),
            ("id_token_signed_response_alg", json!("HS256")),
            ("subject_type", json!("secret")), ("default_max_age", json!(-1)),
            ("id_token_encrypted_response_enc", json!("A128GCM")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("software_statement", json!(1)),
        ] {
            let page = register(&bed.world, None, &request(json!({ member: value }))).await;
            assert_refused(&page, 400, "invalid_client_metadata");
            let text = page.json()["error_description"].as_str().unwrap().to_owned();
            assert!(text.contains(member), "{member} {value}: {text}");
        }
        let private = ClientKey::new("ES256", "k").jwk();
        let mut private = json!({ "keys": [private] });
        private["keys"][0]["d"] = json!("AAAA");
        let asked = request(json!({ "jwks": private }));
        assert_refused(&register(&bed.world, None, &asked).await, 400, "invalid_client_metadata");
    }

    async fn software_statements_count_when_a_trusted_issuer_signed_them(backend: Backend) {
        let issuer = "https://statements.test";
        let key = ClientKey::new("ES256", "s1");
        let mut world = open_world(backend).prepare().await;
        let file = world.path("statements.json");
        std::fs::write(&file, json!({ issuer: jwks(&[&key]) }).to_string()).expect("a file");
        world.set("DOORWARD_REGISTRATION__SOFTWARE_STATEMENT_KEYS_FILE", &file.display().to_string());
        world.start_server().await;
        let bed = Bed::new(world, &[]).await;
        let claims = |changes: Value| {
            let mut claims = json!({
                "iss": issuer, "software_id": "wiki", "client_name": "Vouched for",
                "iat": now(), "exp": now() + 60,
            });
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            claims
        };
        let good = key.jwt(&claims(json!({})));
        let asked = |token: &str| request(json!({ "software_statement": token, "software_id": "mine" }));
        let app = Registered::of(&bed.world, &register(&bed.world, None, &asked(&good)).await);
        assert_eq!(app.json["client_name"], "Vouched for", "the statement wins");
        assert_eq!(app.json["software_id"], "wiki");
        assert_eq!(app.json["software_statement"], good.as_str(), "echoed as it was");
        let expired = key.jwt(&claims(json!({ "exp": now() - 1 })));
        let text_time = key.jwt(&claims(json!({ "exp": "tomorrow" })));
        let nameless = key.jwt(&claims(json!({ "iss": 1 })));
        let stranger = ClientKey::new("ES256", "s1").jwt(&claims(json!({})));
        let none = key.sign(&json!({ "alg": "none" }), &claims(json!({})).to_string());
        let elsewhere = key.jwt(&claims(json!({ "aud": ["https://other.test", "https://more.test"] })));
        let bare = key.jwt(&claims(json!({ "aud": [] })));
        for bad in [&expired, &text_time, &nameless, &stranger, &none, &elsewhere, &bare, "x.y.z", "",
            &good[..good.len() - 4]] {
            let page = register(&bed.world, None, &asked(bad)).await;
            assert_refused(&page, 400, "invalid_software_statement");
        }
        // For this server among others, by either of its names; or for nobody in particular, for good.
        let endpoint = format!("{}/oauth2/register", bed.world.issuer);
        for aud in [json!(bed.world.issuer), json!(["https://other.test", endpoint])] {
            let named = key.jwt(&claims(json!({ "aud": aud })));
            register(&bed.world, None, &asked(&named)).await.assert_status(201);
        }
        let mut lasting = claims(json!({}));
        lasting.as_object_mut().unwrap().remove("exp");
        register(&bed.world, None, &asked(&key.jwt(&lasting))).await.assert_status(201);
        let other = key.jwt(&claims(json!({ "iss": "https://elsewhere.test" })));
        let page = register(&bed.world, None, &asked(&other)).await;
        assert_refused(&page, 400, "unapproved_software_statement");
        // What it says is checked as everything else is.
        let evil = key.jwt(&claims(json!({ "redirect_uris": ["javascript:alert(1)"] })));
        assert_refused(&register(&bed.world, None, &asked(&evil)).await, 400, "invalid_redirect_uri");
    }

    async fn a_forged_statement_is_worth_nothing(backend: Backend) {
        let issuer = "https://statements.test";
        let canary = TlsPeer::start();
        let (rsa, curve) = (ClientKey::new("RS256", "s1"), ClientKey::new("ES256", "s2"));
        let mut world = open_world(backend).prepare().await;
        let file = world.path("statements.json");
        std::fs::write(&file, json!({ issuer: jwks(&[&rsa, &curve]) }).to_string()).expect("a file");
        world.set("DOORWARD_REGISTRATION__SOFTWARE_STATEMENT_KEYS_FILE", &file.display().to_string());
        world.start_server().await;
        let bed = Bed::new(world, &["conf-basic"]).await;
        let claims = json!({ "iss": issuer, "sub": "wiki", "aud": bed.world.issuer,
            "client_name": "Vouched for", "iat": now(), "exp": now() + 600 });
        let ask = async |token: &str| {
            register(&bed.world, None, &request(json!({ "software_statement": token }))).await
        };
        let genuine = rsa.jwt(&claims);
        ask(&genuine).await.assert_status(201);
        let before = clients(&bed).await;
        // Rows 37 to 40.
        for (what, token) in forgeries(&genuine, &rsa.jwk(), &canary.url("")) {
            let page = ask(&token).await;
            assert_eq!(page.status.as_u16(), 400, "{what}: {}", page.describe());
            assert_eq!(page.json()["error"], "invalid_software_statement", "{what}");
        }
        // Row 41: what is there has to be of its type.
        let mut bad: Vec<_> = malformed_claims();
        bad.retain(|(name, json)| *name == "iss" || !json.is_empty());
        for (name, json) in bad {
            let mut rest = claims.clone();
            rest.as_object_mut().unwrap().remove(name);
            let mut text = rest.to_string();
            if !json.is_empty() {
                text.truncate(text.len() - 1);
                text = format!("{text},\"{name}\":{json}}}");
            }
            let token = rsa.sign(&json!({ "alg": "RS256", "kid": "s1" }), &text);
            let page = ask(&token).await;
            assert_eq!(page.status.as_u16(), 400, "{name} {json}: {}", page.describe());
        }
        // Row 42: another token of the same key, and the key of another algorithm under this name.
        let typed = rsa.sign(&json!({ "alg": "RS256", "kid": "s1", "typ": "at+jwt" }), &claims.to_string());
        let swapped = curve.sign(&json!({ "alg": "ES256", "kid": "s1" }), &claims.to_string());
        let assertion = rsa.assertion("wiki", &bed.world.issuer, &json!({}));
        for token in [typed, swapped, assertion] {
            assert_eq!(ask(&token).await.status.as_u16(), 400);
        }
        let id_token = bed.rp("conf-basic").tokens(&bed.world.browser(), &ALICE, &[]).await.id;
        assert_refused(&ask(&id_token.unwrap()).await, 400, "unapproved_software_statement");
        assert_eq!(clients(&bed).await, before);
        assert_eq!(canary.connections(), 0, "no key is fetched from where a token says");
        bed.assert_log_is_clean();
    }

    async fn a_statement_is_refused_where_nobody_is_trusted(backend: Backend) {
        let bed = open_bed(backend).await;
        let token = ClientKey::new("ES256", "s1").jwt(&json!({ "iss": unique("https://x.test/") }));
        let page = register(&bed.world, None, &request(json!({ "software_statement": token }))).await;
        assert_refused(&page, 400, "unapproved_software_statement");
    }
}
