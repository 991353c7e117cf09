//! What strangers can make the server do and keep: many pushed requests, requests full of nonsense,
//! lists without end (security catalogue row A1, and the rule that nothing is stored for an anonymous
//! request).

use serde_json::json;

use crate::kit::dpop::{Key, endpoint, post};
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, unique};
use crate::kit::request::{Signer, request_uri};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, TlsPeer, reachable};
use crate::support::world::World;

/// A server at which every app without a secret may push this often in a minute.
async fn patient(backend: Backend, pushes: &str) -> Bed {
    let world = World::builder(backend)
        .env("DOORWARD_AUTHORIZATION__PUSHED_REQUESTS_PER_MINUTE", pushes)
        .start()
        .await;
    Bed::new(world, &["spa", "conf-basic"]).await
}

async fn push(rp: &Rp, changes: &[(&str, &str)]) -> Page {
    rp.post("/oauth2/par", &rp.parameters(changes)).await
}

/// Different scopes of one to three characters: as many as a request can hold.
fn endless_scope() -> String {
    let letters: Vec<char> = ('a'..='z').chain('0'..='9').collect();
    let mut scope = "openid".to_owned();
    for a in &letters {
        for b in &letters {
            for c in letters.iter().take(12) {
                scope.extend([' ', *a, *b, *c]);
            }
        }
    }
    scope
}

on_both_backends! {
    async fn an_app_without_a_secret_pushes_so_many_requests_a_minute_and_no_more(
        backend: Backend
    ) {
        let bed = patient(backend, "3").await;
        let (spa, web) = (bed.rp("spa"), bed.rp("conf-basic"));
        for _ in 0..3 {
            request_uri(&push(&spa, &[]).await);
        }
        let page = push(&spa, &[]).await;
        page.assert_oauth_error(429, "temporarily_unavailable").assert_header("retry-after", "60");
        // Whoever proves to be another app is not held up by it.
        for _ in 0..5 {
            request_uri(&push(&web, &[]).await);
        }
    }

    async fn what_nobody_reads_of_a_pushed_request_is_not_kept(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (app, browser) = (Signer::register(bed, "ES256", &json!({})), bed.signed_in(&ALICE).await);
        let junk = unique("junk").repeat(4_000);
        let uri = app.pushed(&[("x", &junk)]).await;
        let page = app.take(&browser, &uri, &[]).await;
        Callback::of(&page).code();
        // What is read has a limit, too, counted as it is kept.
        let long = [("state", "\u{fffd}".repeat(3_000))];
        let long: Vec<_> = long.iter().map(|(n, v)| (*n, v.as_str())).collect();
        app.push(&app.parameters(&long)).await.assert_oauth_error(400, "invalid_request");
    }

    async fn a_page_carries_only_what_is_read_of_a_request(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let plain = rp.authorize(&bed.world.browser(), &[]).await;
        let junk = rp.authorize(&bed.world.browser(), &[("x", &"y".repeat(3_000))]).await;
        assert!(plain.has_form("sign-in") && junk.has_form("sign-in"));
        assert!(junk.body.len() < plain.body.len() + 1_000, "{}", junk.body.len());
        let long = rp.parameters(&[("state", &"s".repeat(25_000))]);
        let page = rp.bare().post("/oauth2/authorize", &pairs(&long)).await;
        assert_eq!(Callback::of(&page).get("error"), Some("invalid_request"));
    }

    async fn a_scope_without_end_is_refused_before_it_costs_anything(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("spa");
        let endless = endless_scope();
        let few = (0..300).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        for scope in [&endless[..20_000], few.as_str()] {
            let fields = rp.parameters(&[("scope", scope)]);
            let page = rp.bare().post("/oauth2/authorize", &pairs(&fields)).await;
            assert_eq!(Callback::of(&page).get("error"), Some("invalid_scope"));
            push(&rp, &[("scope", scope)]).await.assert_oauth_error(400, "invalid_scope");
        }
        let fields = rp.parameters(&[("scope", endless.as_str())]);
        let page = rp.bare().post("/oauth2/authorize", &pairs(&fields)).await;
        assert_eq!(Callback::of(&page).get("error"), Some("invalid_request"));
        for scope in [endless.as_str(), few.as_str()] {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("scope", scope)];
            rp.token_request(&fields).await.assert_oauth_error(400, "invalid_scope");
        }
    }

    async fn a_request_object_with_resources_without_end_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        for (most, error) in [(200, "invalid_request_object"), (20, "invalid_target")] {
            let resources: Vec<_> = (0..most).map(|n| format!("urn:{n}")).collect();
            let object = app.object(&json!({ "resource": resources }));
            app.push_object(&object).await.assert_oauth_error(400, error);
        }
    }

    async fn what_a_request_uri_names_is_fetched_so_often_and_kept_as_long_as_allowed(
        backend: Backend
    ) {
        let peer = TlsPeer::shared();
        let world = reachable(World::builder(backend), &[peer]).start().await;
        let bed = Bed::new(world, &[]).await;
        let browser = bed.signed_in(&ALICE).await;
        let paths = ["kept", "asked"].map(|name| format!("/{}", unique(name)));
        let uris = [peer.url(&paths[0]), peer.url(&paths[1])];
        let app = Signer::register(&bed, "ES256", &json!({ "request_uris": uris }));
        let object = Answer::new(200, "application/oauth-authz-req+jwt", app.object(&json!({})));
        peer.serve(&paths[0], object.clone().header("Cache-Control", "max-age=300"));
        peer.serve(&paths[1], object);
        for _ in 0..5 {
            Callback::of(&app.take(&browser, &uris[0], &[]).await).code();
        }
        assert_eq!(peer.hits(&paths[0]), 1);
        let mut refused = 0;
        for n in 0..70 {
            let page = app.take(&browser, &format!("{}#{n}", uris[1]), &[]).await;
            refused += usize::from(page.try_location().is_none());
        }
        assert_eq!((peer.hits(&paths[1]), refused), (59, 11), "60 a minute at one host");
        // What is kept needs no asking.
        Callback::of(&app.take(&browser, &uris[0], &[]).await).code();
    }

    async fn a_refused_push_does_not_use_its_proof_up(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("spa");
        let proof = [Key::new().proof("POST", &endpoint(&rp, "/oauth2/par"))];
        // The kit adds the client's name.
        let bad = rp.parameters(&[("client_id", ""), ("scope", "warp")]);
        post(&rp, "/oauth2/par", &bad, &proof).await.assert_oauth_error(400, "invalid_scope");
        let good = rp.parameters(&[("client_id", "")]);
        request_uri(&post(&rp, "/oauth2/par", &good, &proof).await);
        let again = post(&rp, "/oauth2/par", &good, &proof).await;
        again.assert_oauth_error(400, "invalid_dpop_proof");
    }
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
