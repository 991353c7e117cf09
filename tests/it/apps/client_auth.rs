//! Client authentication (security catalogue, part D, rows 32 and 33).

use doorward::store::audit::{self, AuditEvent, AuditFilter, Outcome};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use crate::kit::fixtures::{ALICE, Auth, Bed, Rp, Tokens};
use crate::kit::flow::count;
use crate::support::browser_like::Page;
use crate::support::world::World;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A token request with this `Authorization` header, or none.
async fn ask(rp: &Rp, header: Option<&str>, fields: &[(&str, &str)]) -> Page {
    let url = rp.bare().resolve("/oauth2/token");
    let mut request = rp.bare().request(Method::POST, &url).form(fields);
    if let Some(header) = header {
        request = request.header(AUTHORIZATION, header);
    }
    rp.bare().send(request).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{id}:{secret}").as_bytes()))
}

#[track_caller]
fn assert_challenged(page: &Page) {
    page.assert_oauth_error(401, "invalid_client");
    assert!(page.header("www-authenticate").starts_with("Basic "), "{}", page.describe());
}

/// The failures in the audit log, newest first.
async fn failures(bed: &Bed) -> Vec<AuditEvent> {
    let kind = Some("client.authentication_failed".to_owned());
    let filter = AuditFilter { kind, limit: 200, ..AuditFilter::default() };
    let store = bed.store().await;
    let events = audit::list(&store.db, &filter).await.unwrap();
    store.db.close().await;
    events
}

on_both_backends! {
    async fn a_wrong_or_missing_secret_is_an_invalid_client(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let secret = rp.secret.clone().unwrap();
        Tokens::of(&ask(&rp, Some(&basic("daemon", &secret)), &[GRANT]).await);
        Tokens::of(&ask(&rp, Some(&basic("daemon", &secret).replace("Basic", "bAsIC")), &[GRANT]).await);
        for header in [
            basic("daemon", ""), basic("daemon", "x"), basic("daemon", &secret[1..]),
            basic("daemon", &format!("{secret}x")), basic("daemon", &secret.to_uppercase()),
            basic("", &secret), basic("nobody", &secret), basic("DAEMON", &secret),
            basic("conf-basic", &secret), "Basic".into(), "Basic ".into(), "Basic !!!!".into(),
            "Basic ZGFlbW9u".into(), format!("Bearer {secret}"), "Digest x".into(),
            basic("daemon\0", &secret), format!("Basic {}", "A".repeat(6000)),
        ] {
            assert_challenged(&ask(&rp, Some(&header), &[GRANT]).await);
        }
        for fields in [
            vec![GRANT], vec![GRANT, ("client_id", "daemon")],
            vec![GRANT, ("client_id", "daemon"), ("client_secret", "x")],
            vec![GRANT, ("client_id", "daemon"), ("client_secret", "")],
            vec![GRANT, ("client_id", "nobody"), ("client_secret", &secret)],
            vec![GRANT, ("client_secret", &secret)],
        ] {
            ask(&rp, None, &fields).await.assert_oauth_error(401, "invalid_client");
        }
        bed.assert_log_is_clean();
    }

    async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let wrong = ask(&rp, Some(&basic("daemon", "wrong")), &[GRANT]).await;
        let unknown = ask(&rp, Some(&basic("nobody", "wrong")), &[GRANT]).await;
        assert_eq!((wrong.status, wrong.body), (unknown.status, unknown.body));
    }

    async fn guessing_a_secret_is_braked_and_the_brake_tells_nothing(backend: Backend) {
        let bed = Bed::own(backend, &["daemon", "rs"]).await;
        let rp = bed.rp("daemon");
        let mut bodies = std::collections::BTreeSet::new();
        for n in 0..70 {
            let page = ask(&rp, Some(&basic("daemon", &format!("guess-{n}"))), &[GRANT]).await;
            assert_challenged(&page);
            bodies.insert(page.body);
        }
        assert_eq!(bodies.len(), 2, "wrong, and later braked: {bodies:?}");
        // The right secret does not stand out, and other clients go on.
        let right = rp.token_request(&[GRANT]).await;
        assert_challenged(&right);
        assert!(bodies.contains(&right.body), "{}", right.body);
        Tokens::of(&bed.rp("rs").token_request(&[GRANT]).await);
        let start = std::time::Instant::now();
        while rp.token_request(&[GRANT]).await.status.as_u16() != 200 {
            assert!(start.elapsed().as_secs() < 70, "never let in again");
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        bed.assert_log_is_clean();
    }

    async fn failures_are_recorded_but_a_guesser_cannot_fill_the_log(backend: Backend) {
        let bed = Bed::own(backend, &["daemon", "spa"]).await;
        let rp = bed.rp("daemon");
        let url = rp.bare().resolve("/oauth2/token");
        let guess = rp.bare().request(Method::POST, &url).form(&[GRANT]);
        let guess = guess.header(AUTHORIZATION, basic("daemon", "a-guess-of-mine"));
        let refused = rp.bare().send(guess.header("X-Request-Id", "guess-0001")).await;
        assert_challenged(&refused);
        let events = failures(&bed).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].outcome, Outcome::Failure);
        assert_eq!(events[0].client_id.as_deref(), Some("daemon"));
        // The one that the answer names, and not one that anybody may have made up.
        assert_eq!(events[0].request_id.as_deref(), Some(refused.header("x-request-id")));
        assert_ne!(events[0].request_id.as_deref(), Some("guess-0001"));
        assert_eq!(events[0].address.as_deref(), Some("127.0.0.1"));
        assert_eq!(events[0].detail["reason"], "the secret is wrong");
        assert!(!format!("{events:?}").contains("a-guess-of-mine"));
        // What is no failure of a known client leaves no trace: anybody could make any number.
        Tokens::of(&rp.token_request(&[GRANT]).await);
        assert_challenged(&ask(&rp, Some(&basic("nobody", "x")), &[GRANT]).await);
        ask(&rp, None, &[GRANT, ("client_id", "daemon")]).await.assert_oauth_error(401, "invalid_client");
        assert_eq!(failures(&bed).await.len(), 1);
        // On into the brake: neither the free guesses nor the braked ones go on being written.
        for n in 0..60 {
            assert_challenged(&ask(&rp, Some(&basic("daemon", &format!("guess-{n}"))), &[GRANT]).await);
        }
        assert_eq!(failures(&bed).await.len(), 10);
        let spa = Rp { auth: Auth::Post, secret: Some("x".into()), ..bed.rp("spa") };
        spa.token_request(&[GRANT]).await.assert_oauth_error(401, "invalid_client");
        assert_eq!(failures(&bed).await[0].client_id.as_deref(), Some("spa"));
        bed.assert_log_is_clean();
    }

    async fn credentials_are_taken_from_exactly_one_place_and_never_from_the_url(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let secret = rp.secret.clone().unwrap();
        let header = basic("daemon", &secret);
        let both = [GRANT, ("client_id", "daemon"), ("client_secret", &secret)];
        ask(&rp, Some(&header), &both).await.assert_oauth_error(400, "invalid_request");
        let other = [GRANT, ("client_id", "conf-basic")];
        assert_challenged(&ask(&rp, Some(&header), &other).await);
        Tokens::of(&ask(&rp, Some(&header), &[GRANT, ("client_id", "daemon")]).await);
        let url = rp.bare().resolve(&format!(
            "/oauth2/token?client_id=daemon&client_secret={secret}&grant_type=client_credentials"
        ));
        for request in [
            rp.bare().request(Method::POST, &url).form(&[GRANT]),
            rp.bare().request(Method::POST, &url).form(&[("client_id", "daemon")]),
        ] {
            rp.bare().send(request).await.assert_oauth_error(401, "invalid_client");
        }
        let get = rp.bare().get(url.as_str()).await;
        assert!(matches!(get.status.as_u16(), 404 | 405), "{}", get.describe());
        let twice = [GRANT, ("client_id", "daemon"), ("client_secret", "x"), ("client_secret", "y")];
        ask(&rp, None, &twice).await.assert_oauth_error(400, "invalid_request");
        let url = rp.bare().resolve("/oauth2/token");
        let two = rp.bare().request(Method::POST, &url).form(&[GRANT]);
        let two = two.header(AUTHORIZATION, &header).header(AUTHORIZATION, &header);
        rp.bare().send(two).await.assert_oauth_error(400, "invalid_request");
        bed.assert_log_is_clean();
    }

    async fn only_the_registered_method_is_accepted(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for (id, other) in [("conf-basic", Auth::Post), ("conf-post", Auth::Basic)] {
            let rp = bed.rp(id);
            let code = rp.code(&browser, &ALICE, &[]).await;
            let misused = Rp { auth: other, ..rp.clone() };
            misused.redeem(&code).await.assert_oauth_error(401, "invalid_client");
            let none = Rp { auth: Auth::None, secret: None, ..rp.clone() };
            none.redeem(&code).await.assert_oauth_error(401, "invalid_client");
            // Failing to authenticate does not burn the code.
            Tokens::of(&rp.redeem(&code).await);
        }
        // A public client that sends a secret is not what it says it is.
        let spa = bed.rp("spa");
        let code = spa.code(&browser, &ALICE, &[]).await;
        for auth in [Auth::Basic, Auth::Post] {
            let misused = Rp { auth, secret: Some("secret".into()), ..spa.clone() };
            misused.redeem(&code).await.assert_oauth_error(401, "invalid_client");
        }
        Tokens::of(&spa.redeem(&code).await);
        let assertion = [
            GRANT, ("client_id", "daemon"), ("client_assertion", "e30.e30."),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        ask(&spa, None, &assertion).await.assert_oauth_error(401, "invalid_client");
    }

    async fn basic_credentials_are_form_encoded_before_base64(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let secret = "a+b%c:d&e=f g/h?i~j*k(l)m'n!o,p;q@r".replace(' ', "-");
        let file = bed.world.path("secret");
        std::fs::write(&file, &secret).unwrap();
        bed.world.cli(&[
            "client", "create", "--name", "Odd", "--type", "machine", "--client-id", "odd",
            "--secret-file", &file.display().to_string(),
        ]);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let any = Rp::new(&bed.world, "odd");
        let rp = Rp { secret: Some(secret.clone()), auth: Auth::Post, ..any };
        Tokens::of(&ask(&rp, Some(&basic("odd", &encoded)), &[GRANT]).await);
        // Many libraries leave the encoding out.
        Tokens::of(&ask(&rp, Some(&basic("odd", &secret)), &[GRANT]).await);
        Tokens::of(&rp.token_request(&[GRANT]).await);
        let wrong = basic("odd", &encoded.replace("%2B", "%2C"));
        assert_challenged(&ask(&rp, Some(&wrong), &[GRANT]).await);
        bed.world.assert_log_is_clean(&[&secret]);
    }

    async fn a_rotated_secret_stops_working_and_a_disabled_client_is_refused(backend: Backend) {
        let bed = Bed::own(backend, &["daemon"]).await;
        let rp = bed.rp("daemon");
        let tokens = Tokens::of(&rp.token_request(&[GRANT]).await);
        let answer = bed.world.cli(&["--yes", "client", "rotate-secret", "daemon"]);
        let new = answer["client_secret"].as_str().unwrap().to_owned();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        rp.token_request(&[GRANT]).await.assert_oauth_error(401, "invalid_client");
        let rp = Rp { secret: Some(new.clone()), ..rp };
        Tokens::of(&rp.token_request(&[GRANT]).await);
        assert_eq!(rp.introspect(&tokens.access).await["active"], true);
        bed.world.cli(&["client", "update", "daemon", "--disable"]);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        rp.token_request(&[GRANT]).await.assert_oauth_error(401, "invalid_client");
        bed.world.assert_log_is_clean(&[&new]);
    }

    async fn a_grant_that_is_not_registered_or_not_offered_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let conf = bed.rp("conf-basic");
        let password = [("grant_type", "password"), ("username", "alice"), ("password", "x")];
        for (id, grant, error) in [
            ("conf-basic", GRANT, "unauthorized_client"), ("spa", GRANT, "unauthorized_client"),
            ("daemon", ("grant_type", "authorization_code"), "unauthorized_client"),
            ("daemon", ("grant_type", "refresh_token"), "unauthorized_client"),
            ("no-refresh", ("grant_type", "refresh_token"), "unauthorized_client"),
            ("conf-basic", ("grant_type", "implicit"), "unsupported_grant_type"),
            ("conf-basic", ("grant_type", "PASSWORD"), "unsupported_grant_type"),
            ("conf-basic", ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                "unauthorized_client"),
            ("conf-basic", ("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"),
                "unsupported_grant_type"),
            ("conf-basic", ("code", "x"), "invalid_request"),
        ] {
            bed.rp(id).token_request(&[grant]).await.assert_oauth_error(400, error);
        }
        conf.token_request(&password).await.assert_oauth_error(400, "unsupported_grant_type");
        let url = conf.bare().resolve("/oauth2/token");
        let json = conf.bare().request(Method::POST, &url);
        let json = json.basic_auth("conf-basic", conf.secret.as_ref());
        let json = json.json(&serde_json::json!({ "grant_type": "client_credentials" }));
        conf.bare().send(json).await.assert_oauth_error(400, "invalid_request");
    }

    async fn the_brake_does_not_tell_which_clients_exist(backend: Backend) {
        let bed = Bed::own(backend, &["daemon"]).await;
        for id in ["daemon", "nobody"] {
            let secret = Some("a-guess".to_owned());
            let rp = Rp { secret, auth: Auth::Basic, ..Rp::new(&bed.world, id) };
            let mut braked = Vec::new();
            for _ in 0..60 {
                let page = rp.token_request(&[GRANT]).await;
                assert_challenged(&page);
                let description = page.json()["error_description"].to_string();
                braked.push(description.contains("Too many failed attempts"));
            }
            assert!(braked[..50].iter().all(|braked| !braked), "{id}");
            assert!(braked[50..].iter().any(|braked| *braked), "{id}");
        }
        // Nobody's failures are nobody's audit events.
        assert_eq!(bed.audit_count("client.authentication_failed").await, 10);
        // One for each, at the moment the brake first holds.
        assert_eq!(bed.audit_count("limit.passed").await, 2);
    }

    async fn behind_a_proxy_that_writes_ports_nobody_chooses_their_own_address(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
        let bed = Bed::new(world.start().await, &["daemon"]).await;
        let rp = bed.rp("daemon");
        let url = rp.bare().resolve("/oauth2/token");
        for (number, hops) in ["198.51.100.1, 203.0.113.9:51034", "198.51.100.2, 203.0.113.9",
            "198.51.100.3, [2001:db8::1]:443", "198.51.100.4, unknown"].iter().enumerate() {
            let request = rp.bare().request(Method::POST, &url).basic_auth("daemon", Some("x"));
            let page = rp.bare().send(request.header("X-Forwarded-For", *hops).form(&[GRANT])).await;
            assert_challenged(&page);
            assert_eq!(bed.audit_count("client.authentication_failed").await, number + 1);
        }
        for (address, expected) in [("203.0.113.9", 2), ("2001:db8::1", 1), ("127.0.0.1", 1)] {
            let sql = format!("select count(*) from audit_events \
                where kind = 'client.authentication_failed' and address = '{address}'");
            assert_eq!(count(&bed.world, &sql).await, expected, "{address}");
        }
    }
}
