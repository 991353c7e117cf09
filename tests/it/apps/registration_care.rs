//! Apps that registered themselves and whoever looks after them: what an administrator has done is not
//! undone by the app, what nobody used is removed, what somebody used is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward::clock::{Clock, UnixTime};
use doorward::protocol::client::RevocationChoice;
use doorward::protocol::types::ClientId;
use doorward::service::maintenance;
use doorward::store::clients;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::audit::noted;
use crate::kit::client_signer::{ClientKey, jwks, now};
use crate::kit::fixtures::{ALICE, Bed, unique};
use crate::kit::node::node;
use crate::kit::registration::{
    Registered, assert_refused, clients as count, open_bed, open_world, register, request,
};
use crate::support::tls_peer::{Answer, TlsPeer, reachable};

/// The client as it is stored.
async fn stored(bed: &Bed, id: &str) -> doorward::protocol::client::Client {
    let store = bed.store().await;
    let client = clients::by_id(&store.db, &ClientId::new(id)).await.expect("a query");
    store.db.close().await;
    client.expect("the client is stored")
}

on_both_backends! {
    async fn a_change_that_takes_its_time_does_not_bring_an_old_secret_back(backend: Backend) {
        let peer = TlsPeer::start();
        let world = reachable(open_world(backend), &[&peer]).start().await;
        let bed = Bed::new(world, &[]).await;
        let app = Registered::new(&bed.world, json!({})).await;
        // The app's sector document comes only once the secret has been replaced.
        let replaced = Arc::new(AtomicBool::new(false));
        let (go, uri) = (Arc::clone(&replaced), app.rp.redirect_uri.clone());
        peer.serve_with("/sector.json", move |_| {
            while !go.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Answer::json(&json!([uri]))
        });
        let body = app.replacement(json!({ "sector_identifier_uri": peer.url("/sector.json") }));
        let meanwhile = async {
            peer.wait_for("/sector.json", 1).await;
            let store = bed.store().await;
            let new = ["the-hash-of-the-new-secret".to_owned()];
            let id = ClientId::new(&app.rp.id);
            let now = Clock::System.now();
            assert!(clients::set_secret_hashes(&store.db, &id, &new, now).await.unwrap());
            store.db.close().await;
            replaced.store(true, Ordering::SeqCst);
        };
        let (page, ()) = tokio::join!(app.manage(Method::PUT, Some(&body)), meanwhile);
        let client = stored(&bed, &app.rp.id).await;
        assert_eq!(client.secret_hashes, ["the-hash-of-the-new-secret"], "{}", page.describe());
        assert_eq!(page.json().get("client_secret"), None);
        assert!(peer.hits("/sector.json") >= 1);
    }

    async fn what_an_administrator_has_set_outlasts_a_change_by_the_app(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({ "scope": "openid email" })).await;
        let narrow = ["--scope", "openid", "--grant-type", "authorization_code"];
        let form = ["--access-token-format", "opaque"];
        let update = ["client", "update", app.rp.id.as_str()];
        bed.world.cli(&[&update[..], &narrow, &form].concat());
        let wide = app.replacement(json!({
            "client_name": "Renamed", "scope": "openid email profile",
            "grant_types": ["authorization_code", "refresh_token"],
        }));
        let told = app.manage(Method::PUT, Some(&wide)).await.assert_status(200).json();
        assert_eq!(told["client_name"], "Renamed", "the rest is the app's own");
        assert_eq!((&told["scope"], &told["grant_types"]),
            (&json!("openid"), &json!(["authorization_code"])));
        let client = stored(bed, &app.rp.id).await;
        assert_eq!(client.metadata.revocation, RevocationChoice::Opaque);
        // What no administrator has touched can be widened as before.
        let other = Registered::new(&bed.world, json!({ "scope": "openid email" })).await;
        let wide = other.replacement(json!({ "scope": "openid email profile" }));
        let told = other.manage(Method::PUT, Some(&wide)).await.assert_status(200).json();
        assert_eq!(told["scope"], "openid email profile");
    }

    async fn an_administrator_can_take_an_apps_registration_token_away(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let rotated = bed.world.run(&["client", "rotate-secret", &app.rp.id]);
        assert!(rotated.status.success());
        let said = String::from_utf8_lossy(&rotated.stderr).into_owned();
        assert!(said.contains("revoke-registration"), "{said}");
        bed.world.cli(&["client", "revoke-registration", &app.rp.id]);
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = app.replacement(json!({ "client_name": "Mine again" }));
            let page = app.manage(method, Some(&body)).await;
            assert_refused(&page, 401, "invalid_token");
        }
        assert_eq!(stored(bed, &app.rp.id).await.metadata.client_name, "Self-made");
        let refused = bed.world.run(&["client", "revoke-registration", "conf-basic"]);
        assert!(!refused.status.success(), "an administrator made it");
    }

    async fn a_change_that_changes_nothing_leaves_everything_as_it_is(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let before = bed.audit_count("client.updated").await;
        let told = app.manage(Method::PUT, Some(&app.replacement(json!({})))).await;
        assert_eq!(told.assert_status(200).json()["registration_access_token"], app.token());
        assert_eq!(bed.audit_count("client.updated").await, before);
    }

    async fn an_app_changes_itself_only_so_often(backend: Backend) {
        let world = open_world(backend).env("DOORWARD_REGISTRATION__CHANGES_PER_HOUR", "2");
        let bed = Bed::new(world.start().await, &[]).await;
        let mut app = Registered::new(&bed.world, json!({})).await;
        for name in ["One", "Two"] {
            let body = app.replacement(json!({ "client_name": name }));
            let told = app.manage(Method::PUT, Some(&body)).await.assert_status(200).json();
            app.json["registration_access_token"] = told["registration_access_token"].clone();
        }
        let body = app.replacement(json!({ "client_name": "Three" }));
        let page = app.manage(Method::PUT, Some(&body)).await;
        assert_refused(&page, 429, "temporarily_unavailable");
        assert!(page.header("retry-after").parse::<u32>().is_ok());
        let changed = |before: &str, after: &str| json!({ "changed": ["client_name"],
            "before": { "client_name": before }, "after": { "client_name": after } });
        let mut told = noted(&bed.world, "client.updated");
        // Two of one second may stand either way.
        told.sort_by_key(|detail| detail["after"].to_string());
        assert_eq!(told, [changed("Self-made", "One"), changed("One", "Two")]);
        // Looking, and going, it may all the same; and others are not held up.
        app.manage(Method::GET, None).await.assert_status(200);
        let other = Registered::new(&bed.world, json!({})).await;
        let body = other.replacement(json!({ "client_name": "Other" }));
        other.manage(Method::PUT, Some(&body)).await.assert_status(200);
        app.manage(Method::DELETE, None).await.assert_status(204);
    }

    async fn an_app_is_vouched_for_as_long_as_it_says_what_was_vouched_for(backend: Backend) {
        let issuer = "https://statements.test";
        let key = ClientKey::new("ES256", "s1");
        let mut world = open_world(backend).prepare().await;
        let file = world.path("statements.json");
        std::fs::write(&file, json!({ issuer: jwks(&[&key]) }).to_string()).expect("a file");
        world.set("DOORWARD_REGISTRATION__SOFTWARE_STATEMENT_KEYS_FILE", &file.display().to_string());
        world.start_server().await;
        let bed = Bed::new(world, &[]).await;
        let statement = key.jwt(&json!({ "iss": issuer, "client_name": "Vouched for",
            "iat": now(), "exp": now() + 600 }));
        let asked = request(json!({ "software_statement": statement }));
        let mut app = Registered::of(&bed.world, &register(&bed.world, None, &asked).await);
        let vouched = async |app: &Registered| {
            let store = bed.store().await;
            let id = ClientId::new(&app.rp.id);
            let known = doorward::store::clients::registrations::of(&store.db, &id).await.unwrap();
            store.db.close().await;
            known.unwrap().statement_by
        };
        assert_eq!(vouched(&app).await.as_deref(), Some(issuer));
        // With its statement it may change the rest, and is still vouched for.
        let body = app.replacement(json!({ "tos_uri": "https://rp.test/tos" }));
        let told = app.manage(Method::PUT, Some(&body)).await.assert_status(200).json();
        assert_eq!(told["client_name"], "Vouched for");
        assert_eq!(vouched(&app).await.as_deref(), Some(issuer));
        app.json["registration_access_token"] = told["registration_access_token"].clone();
        let mut body = app.replacement(json!({ "client_name": "Something else" }));
        body.as_object_mut().unwrap().remove("software_statement");
        app.manage(Method::PUT, Some(&body)).await.assert_status(200);
        assert_eq!(vouched(&app).await, None, "nobody vouches for what it says now");
    }

    async fn an_app_that_was_used_once_is_not_removed_for_what_it_lost(backend: Backend) {
        let mut world = open_world(backend).start().await;
        let bed_world = &world;
        let (used, unused) = (
            Registered::new(bed_world, json!({})).await,
            Registered::new(bed_world, json!({})).await,
        );
        let bed = Bed::new(world, &[]).await;
        used.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        // It shows another face, so nobody has allowed it anything at the moment.
        let body = used.replacement(json!({ "client_name": "New name" }));
        used.manage(Method::PUT, Some(&body)).await.assert_status(200);
        world = bed.world;
        world.stop();
        // A month later everything that was issued is long gone.
        let clock = Clock::manual(UnixTime(Clock::System.now().0 + 3_000_000));
        let app = node(&world, &clock).await;
        for _ in 0..2 {
            maintenance::clean_up(&app).await.expect("a clean-up");
        }
        let client = async |which: &Registered| {
            clients::by_id(&app.store.db, &ClientId::new(&which.rp.id)).await.unwrap()
        };
        assert!(client(&used).await.is_some(), "somebody once allowed it something");
        assert!(client(&unused).await.is_none());
        let gone = doorward::store::audit::AuditFilter {
            kind: Some("client.deleted".into()), limit: 10, ..Default::default()
        };
        let events = doorward::store::audit::list(&app.store.db, &gone).await.unwrap();
        let named: Vec<_> = events.iter().filter_map(|event| event.client_id.clone()).collect();
        assert_eq!(named, [unused.rp.id], "and the log says which");
        assert_eq!(events[0].detail, json!({ "client_name": "Self-made", "reason": "unused" }));
        app.store.db.close().await;
    }

    async fn one_network_does_not_take_every_place(backend: Backend) {
        let world = open_world(backend).env("DOORWARD_REGISTRATION__MAX_CLIENTS", "30");
        let bed = Bed::new(world.start().await, &[]).await;
        for _ in 0..20 {
            register(&bed.world, None, &request(json!({}))).await.assert_status(201);
        }
        let page = register(&bed.world, None, &request(json!({}))).await;
        assert_refused(&page, 403, "access_denied");
        assert_eq!(count(&bed).await, 20);
        let permission = bed.world.cli(&["registration-token", "create", "--max-uses", "50"]);
        let token = permission["token"].as_str();
        for _ in 0..10 {
            register(&bed.world, token, &request(json!({}))).await.assert_status(201);
        }
        let page = register(&bed.world, token, &request(json!({}))).await;
        assert_refused(&page, 403, "access_denied");
        // What nobody used since yesterday makes room.
        let store = bed.store().await;
        let sql = "update clients set created_at = created_at - 100000";
        store.db.query(sql).execute().await.expect("an update");
        store.db.close().await;
        register(&bed.world, token, &request(json!({}))).await.assert_status(201);
        assert_eq!((count(&bed).await, bed.audit_count("client.deleted").await), (30, 1));
    }

    async fn keys_are_stored_without_what_is_no_part_of_them(backend: Backend) {
        let bed = &Bed::new(open_world(backend).start().await, &[]).await;
        let before = count(bed).await;
        for odd in [
            json!({ "keys": [], "x": "\u{0}" }),
            json!({ "keys": [{ "kty": "EC", "kid": "a\u{0}" }] }),
            json!({ "keys": [{ "kty": "EC", "a\u{0}b": 1 }] }),
        ] {
            let asked = request(json!({ "token_endpoint_auth_method": "none", "jwks": odd }));
            assert_refused(&register(&bed.world, None, &asked).await, 400, "invalid_client_metadata");
        }
        assert_eq!(count(bed).await, before);
        let key = ClientKey::new("ES256", "k1");
        let mut swollen = jwks(&[&key]);
        swollen["padding"] = json!([0, 0, 0, 0]);
        swollen["keys"][0]["padding"] = json!({ "a": [0, 0] });
        let app = Registered::new(&bed.world, json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": swollen,
        }))
        .await;
        assert_eq!(app.json["jwks"], jwks(&[&key]));
        assert_eq!(stored(bed, &app.rp.id).await.metadata.jwks, Some(jwks(&[&key])));
        let body = app.replacement(json!({ "jwks": { "keys": [], "x": "\u{0}" } }));
        assert_refused(&app.manage(Method::PUT, Some(&body)).await, 400, "invalid_client_metadata");
    }

    async fn a_name_is_stored_as_it_is_counted(backend: Backend) {
        let bed = open_bed(backend).await;
        let name = format!("{}Padded {}", "\u{85}".repeat(9_000), "\u{2028}".repeat(9_000));
        let app = Registered::new(&bed.world, json!({ "client_name": name })).await;
        assert_eq!(app.json["client_name"], "Padded");
        assert_eq!(stored(bed, &app.rp.id).await.metadata.client_name, "Padded");
        for disguised in ["Goo\u{200b}gle", "Bank\u{61c}", "a\u{2029}b", "\u{feff}Bank", "B\u{e0041}"] {
            let page = register(&bed.world, None, &request(json!({ "client_name": disguised }))).await;
            assert_refused(&page, 400, "invalid_client_metadata");
        }
        // The list for administrators goes through, whatever names there are.
        let list = bed.world.command(&["client", "list", "--limit", "1000"]).output().unwrap();
        assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    }

    async fn nobody_joins_the_circle_of_a_host_whose_answers_go_elsewhere(backend: Backend) {
        let bed = open_bed(backend).await;
        let native = |uris: Value| request(json!({
            "application_type": "native", "token_endpoint_auth_method": "none",
            "redirect_uris": uris, "subject_type": "pairwise",
        }));
        for mixed in ["http://127.0.0.1/cb", "com.evil.app:/cb", "com.evil.app://bank.test/cb"] {
            let asked = native(json!(["https://bank.test/cb", mixed]));
            let page = register(&bed.world, None, &asked).await;
            assert_refused(&page, 400, "invalid_client_metadata");
            let text = page.json()["error_description"].as_str().unwrap().to_owned();
            assert!(text.contains("sector_identifier_uri"), "{text}");
        }
        let alone = native(json!(["com.evil.app://bank.test/cb"]));
        let app = Registered::of(&bed.world, &register(&bed.world, None, &alone).await);
        let client = stored(bed, &app.rp.id).await;
        let circle = doorward::protocol::client::subject::circle(&client);
        assert_eq!(circle, Some(format!("client:{}", app.rp.id)));
    }

    async fn a_host_is_written_so_that_everybody_reads_the_same(backend: Backend) {
        let bed = open_bed(backend).await;
        for odd in [
            "https:/rp.test/cb", "https:rp.test/cb", "https:///rp.test/cb", "https://a;x/cb",
            "https://a,b/cb", "https://%2a/cb", "https://a'b/cb",
        ] {
            let page = register(&bed.world, None, &request(json!({ "redirect_uris": [odd] }))).await;
            assert_refused(&page, 400, "invalid_redirect_uri");
            let name = unique("odd-host");
            let create = ["client", "create", "--name", &name, "--type", "web", "--redirect-uri", odd];
            assert!(!bed.world.run(&create).status.success(), "{odd}");
        }
        for hidden in ["javascript:alert(1)#", "http://evil.test/#", "https://bank@evil.test/#"] {
            let page = register(&bed.world, None, &request(json!({ "policy_uri": hidden }))).await;
            assert_refused(&page, 400, "invalid_client_metadata");
        }
    }
}
