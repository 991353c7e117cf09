//! Where a revoked access token is dead at once, as each client chose (decision 15).

use serde_json::json;

use crate::kit::checks::{assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, Bed, Rp, Tokens};
use crate::kit::flow::count;
use crate::kit::grant::Clients;
use crate::support::backends::Backend;
use crate::support::world::World;

const CHOICES: [&str; 3] = ["stateless", "checked", "opaque"];

/// A world where tokens live half an hour, with a client of each choice that bears its name.
async fn bed(backend: Backend) -> (Bed, Vec<Rp>) {
    let world = World::builder(backend).env("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "1800");
    let bed = Bed::new(world.start().await, &["daemon"]).await;
    let mut clients = Clients::default();
    for choice in CHOICES {
        clients.register(&bed.world, choice, ("web", json!({ "revocation": choice })));
    }
    let apps = CHOICES.map(|choice| clients.rp(&bed.world, choice)).into();
    (bed, apps)
}

async fn revocations(bed: &Bed) -> i64 {
    count(&bed.world, "select revocations from sync_state").await
}

on_both_backends! {
    async fn whatever_was_chosen_our_own_endpoints_refuse_it_at_once(backend: Backend) {
        let (bed, apps) = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let mut held = Vec::new();
        for rp in &apps {
            let tokens = rp.tokens(&browser, &ALICE, &[]).await;
            assert_eq!(tokens.access.contains('.'), rp.id != "opaque", "{}", rp.id);
            assert_alive(rp, &tokens.access).await;
            held.push(tokens);
        }
        let form = browser.get("/account").await.form_to("/logout");
        form.press("decision", "logout").submit().await.assert_status(200);
        for (rp, tokens) in apps.iter().zip(&held) {
            assert_dead(rp, tokens).await;
        }
    }

    async fn a_token_nobody_asks_about_is_short_and_is_not_handed_back(backend: Backend) {
        let (bed, apps) = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for rp in &apps {
            let answer = rp.redeem(&rp.code(&browser, &ALICE, &[]).await).await;
            let life = if rp.id == "stateless" { 600 } else { 1800 };
            assert_eq!(answer.json()["expires_in"], life, "{}", rp.id);
            let tokens = Tokens::of(&answer);
            let before = revocations(&bed).await;
            let handed_back = rp.revoke(&tokens.access).await;
            if rp.id == "stateless" {
                handed_back.assert_oauth_error(400, "unsupported_token_type");
                assert_eq!(revocations(&bed).await, before, "no tombstone for a single token");
                assert_alive(rp, &tokens.access).await;
                // The refresh token stands for the grant, and ends it.
                rp.revoke(tokens.refresh()).await.assert_status(200);
            } else {
                handed_back.assert_status(200);
            }
            assert_eq!(revocations(&bed).await, before + 1);
            assert_dead(rp, &tokens).await;
        }
        // Another client's token is still nobody else's business.
        let daemon = bed.rp("daemon");
        let own = Tokens::of(&daemon.token_request(&[("grant_type", "client_credentials")]).await);
        apps[0].revoke(&own.access).await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(daemon.introspect(&own.access).await["active"], true);
    }

    async fn the_former_name_of_the_choice_is_still_understood(world: World) {
        let file = world.path("app.json");
        let path = file.display().to_string();
        for (written, revocation, format) in [
            (r#"{ "access_token_format": "jwt" }"#, "checked", "jwt"),
            (r#"{ "access_token_format": "opaque" }"#, "opaque", "opaque"),
            (r#"{ "revocation": "stateless" }"#, "stateless", "jwt"),
        ] {
            std::fs::write(&file, written).unwrap();
            let create = ["client", "create", "--name", "App", "--type", "machine"];
            let made = world.cli(&[&create[..], &["--metadata", &path]].concat());
            assert_eq!((&made["revocation"], &made["access_token_format"]),
                (&json!(revocation), &json!(format)), "{written}");
            let id = made["client_id"].as_str().unwrap();
            // Naming the form alone changes no more than that.
            let jwt = world.cli(&["client", "update", id, "--access-token-format", "jwt"]);
            let kept = if revocation == "opaque" { "checked" } else { revocation };
            assert_eq!(jwt["revocation"], kept, "{written}");
        }
        std::fs::write(&file, r#"{ "access_token_format": "jwt", "revocation": "opaque" }"#).unwrap();
        let create = ["client", "create", "--name", "App", "--type", "machine", "--metadata", &path];
        assert_eq!(world.run(&create).status.code(), Some(1));
        let both = ["client", "update", "x", "--revocation", "opaque", "--access-token-format", "jwt"];
        assert_eq!(world.run(&both).status.code(), Some(2));
    }
}
