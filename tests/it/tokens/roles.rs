//! What people may be in an app (RFC 9068 section 2.2.3.1): told to that app in every token and answer,
//! as it is at that moment, and to no other.

use serde_json::{Value, json};

use crate::kit::fixtures::{ALICE, Bed, Rp, Tokens, payload};
use crate::kit::flow::PATIENCE;
use crate::support::process::wait_until_async;

/// What every token and answer says of roles: ID token, access token, userinfo, introspection.
async fn told(rp: &Rp, tokens: &Tokens) -> [Value; 4] {
    let userinfo = rp.userinfo(&tokens.access).await;
    userinfo.assert_status(200);
    let said = [
        tokens.id_claims(),
        payload(&tokens.access),
        userinfo.json(),
        rp.introspect(&tokens.access).await,
    ];
    said.map(|claims| claims.get("roles").cloned().unwrap_or_default())
}

on_both_backends! {
    async fn an_app_is_told_its_own_roles_and_no_others(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "second", "opaque"]).await;
        let world = &bed.world;
        let browser = bed.signed_in(&ALICE).await;
        world.cli(&["group", "create", "editors"]);
        world.cli(&["group", "add-member", "editors", "alice"]);
        for (app, role) in [("conf-basic", "writer"), ("conf-basic", "lead"), ("second", "owner")] {
            world.cli(&["role", "create", app, role]);
        }
        world.cli(&["role", "give", "conf-basic", "writer", "--user", "alice"]);
        world.cli(&["role", "give", "conf-basic", "lead", "--group", "editors"]);
        world.cli(&["role", "give", "second", "owner", "--user", "alice"]);
        let own = json!(["lead", "writer"]);
        for (app, expected) in
            [("conf-basic", own), ("second", json!(["owner"])), ("opaque", Value::Null)]
        {
            let rp = bed.rp(app);
            let tokens = rp.tokens(&browser, &ALICE, &[("scope", "openid")]).await;
            if app == "opaque" {
                let userinfo = rp.userinfo(&tokens.access).await.json();
                assert!(userinfo.get("roles").is_none(), "{userinfo}");
                continue;
            }
            assert_eq!(told(&rp, &tokens).await, [(); 4].map(|()| expected.clone()), "{app}");
        }
        bed.assert_log_is_clean();
    }

    async fn a_change_is_in_userinfo_at_once_and_in_the_next_token(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (world, rp) = (&bed.world, bed.rp("conf-basic"));
        let browser = bed.signed_in(&ALICE).await;
        let asked = [("scope", "openid offline_access"), ("prompt", "consent")];
        let tokens = rp.tokens(&browser, &ALICE, &asked).await;
        let roles = async || rp.userinfo(&tokens.access).await.json().get("roles").cloned();
        assert_eq!(roles().await, None);
        let mut refresh = tokens.refresh().to_owned();
        world.cli(&["group", "create", "editors"]);
        world.cli(&["role", "create", "conf-basic", "writer"]);
        for (change, expected) in [
            (vec!["role", "give", "conf-basic", "writer", "--user", "alice"], Some(json!(["writer"]))),
            (vec!["role", "take", "conf-basic", "writer", "--user", "alice"], None),
            (vec!["role", "give", "conf-basic", "writer", "--group", "editors"], None),
            (vec!["group", "add-member", "editors", "alice"], Some(json!(["writer"]))),
            (vec!["role", "take", "conf-basic", "writer", "--group", "editors"], None),
            (vec!["role", "give", "conf-basic", "writer", "--group", "editors"], Some(json!(["writer"]))),
            (vec!["group", "remove-member", "editors", "alice"], None),
            (vec!["role", "give", "conf-basic", "writer", "--user", "alice"], Some(json!(["writer"]))),
            (vec!["role", "delete", "conf-basic", "writer", "--yes"], None),
        ] {
            world.cli(&change);
            // The server hears of what a command has done; a token says it when it is made.
            wait_until_async("userinfo saying it", PATIENCE, async || {
                roles().await == expected
            }).await;
            let next = Tokens::of(&rp.refresh(&refresh).await);
            assert_eq!(payload(&next.access).get("roles").cloned(), expected, "{change:?}");
            next.refresh().clone_into(&mut refresh);
        }
    }

    async fn a_token_of_an_app_with_all_the_roles_there_can_be_stays_small(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (world, rp) = (&bed.world, bed.rp("conf-basic"));
        for n in 0..40 {
            let name = format!("{n:02}-{}", "x".repeat(37));
            world.cli(&["role", "create", "conf-basic", &name]);
            world.cli(&["role", "give", "conf-basic", &name, "--user", "alice"]);
        }
        let refused = world.run(&["role", "create", "conf-basic", "one-more"]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("at most 40 roles"), "{said}");
        assert_eq!(world.cli(&["role", "list", "conf-basic"])["items"].as_array().unwrap().len(), 40);
        let tokens = rp.tokens(&world.browser(), &ALICE, &[("scope", "openid")]).await;
        assert_eq!(payload(&tokens.access)["roles"].as_array().unwrap().len(), 40);
        for token in [&tokens.access, tokens.id.as_ref().unwrap()] {
            assert!(token.len() < 4096, "{} bytes", token.len());
        }
    }
}
