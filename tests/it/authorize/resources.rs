//! Resource indicators (RFC 8707): a token is for the APIs it was asked for, and for no other.

use serde_json::{Value, json};

use crate::kit::checks::assert_client_error;
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, Tokens, payload};
use crate::kit::flow::PATIENCE;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;

const A: &str = "https://api.rp.test/a";
const B: &str = "https://api.rp.test/b";

/// An authorization request that names these resources.
async fn naming(rp: &Rp, browser: &Browser, resources: &[&str]) -> Page {
    let pairs: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
    let query = serde_urlencoded::to_string(pairs).unwrap();
    browser.get(&format!("{}&{query}", rp.authorize_url(&[]))).await
}

fn audience(tokens: &Tokens) -> Value {
    payload(&tokens.access)["aud"].clone()
}

on_both_backends! {
    async fn the_resources_of_the_request_are_the_audience_of_the_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        for (resources, expected) in [
            (vec![], json!([A, B])), (vec![A], json!(A)), (vec![B, A], json!([B, A])),
            (vec![A, A], json!(A)),
        ] {
            let callback = Callback::of(&naming(&rp, &browser, &resources).await);
            let tokens = Tokens::of(&rp.redeem(&callback.code()).await);
            assert_eq!(audience(&tokens), expected, "{resources:?}");
        }
    }

    async fn the_token_endpoint_narrows_and_never_widens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        let both = naming(&rp, &browser, &[A, B]).await;
        let code = Callback::of(&both).code();
        // A refused target does not burn the code.
        let other = [("resource", "https://api.rp.test/c")];
        rp.redeem_with(&code, &other).await.assert_oauth_error(400, "invalid_target");
        let tokens = Tokens::of(&rp.redeem_with(&code, &[("resource", B)]).await);
        assert_eq!(audience(&tokens), json!(B));
        // The grant is still for both.
        let refreshed = rp.refresh_with(tokens.refresh(), &[("resource", A)]).await;
        let refreshed = Tokens::of(&refreshed);
        assert_eq!(audience(&refreshed), json!(A));
        let again = rp.refresh_with(refreshed.refresh(), &other).await;
        again.assert_oauth_error(400, "invalid_target");
        let one = Callback::of(&naming(&rp, &browser, &[A]).await).code();
        let one = Tokens::of(&rp.redeem(&one).await);
        let wider = rp.refresh_with(one.refresh(), &[("resource", B)]).await;
        wider.assert_oauth_error(400, "invalid_target");
        assert_eq!(audience(&Tokens::of(&rp.refresh(one.refresh()).await)), json!(A));
    }

    async fn any_other_resource_is_an_invalid_target(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.signed_in(&ALICE).await);
        for bad in [
            "https://api.rp.test/c", "https://api.rp.test/a/", "https://api.rp.test/a#x", "/a",
            "a", "javascript:alert(1)", "https://evil.test",
        ] {
            for resources in [vec![bad], vec![A, bad]] {
                let page = naming(&rp, &browser, &resources).await;
                assert_client_error(&page, &rp, "invalid_target");
            }
        }
        let flood: Vec<String> = (0..40).map(|n| format!("urn:x:{n}")).collect();
        let flood: Vec<&str> = flood.iter().map(String::as_str).collect();
        assert_client_error(&naming(&rp, &browser, &flood).await, &rp, "invalid_target");
    }

    /// What an administrator takes from an app is taken from what people have granted it, too.
    async fn what_an_app_is_no_longer_registered_for_its_grants_no_longer_give(backend: Backend) {
        let bed = Bed::own(backend, &["rich"]).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        let all = [("scope", "openid email api"), ("resource", "")];
        let first = rp.tokens(&browser, &ALICE, &all).await;
        let code = rp.code(&browser, &ALICE, &all).await;
        let named = Callback::of(&naming(&rp, &browser, &[A, B]).await).code();
        let mut named = Tokens::of(&rp.redeem(&named).await);
        let update = |audience: &[&str], scopes: &[&str]| {
            let file = bed.world.path("update.json");
            let metadata = json!({ "audience": audience, "redirect_uris": [rp.redirect_uri] });
            std::fs::write(&file, metadata.to_string()).unwrap();
            let file = file.display().to_string();
            let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]).collect::<Vec<_>>();
            let fixed = ["client", "update", "rich", "--name", "rich", "--metadata", &file];
            bed.world.cli(&[&fixed[..], &scopes].concat());
        };
        update(&[B, "https://api.rp.test/new"], &["openid", "email"]);
        // The server hears of it within a second.
        let mut tokens = first;
        wait_until_async("the scope being gone", PATIENCE, async || {
            tokens = Tokens::of(&rp.refresh(tokens.refresh()).await);
            tokens.json["scope"] == "openid email"
        })
        .await;
        assert_eq!(audience(&tokens), json!([B, "https://api.rp.test/new"]));
        assert_eq!(rp.introspect(tokens.refresh()).await["scope"], "openid email");
        for (more, error) in [(("scope", "api"), "invalid_scope"), (("resource", A), "invalid_target")] {
            rp.refresh_with(tokens.refresh(), &[more]).await.assert_oauth_error(400, error);
        }
        assert_eq!(Tokens::of(&rp.redeem(&code).await).json["scope"], "openid email");
        named = Tokens::of(&rp.refresh(named.refresh()).await);
        assert_eq!(audience(&named), json!(B), "of the two that were agreed on");
        // Where nothing of it is left there is no token, and asking for one uses nothing up.
        update(&["https://api.rp.test/new"], &["openid"]);
        wait_until_async("the resource being gone", PATIENCE, async || {
            let page = rp.refresh(named.refresh()).await;
            let gone = page.status == 400;
            if !gone {
                named = Tokens::of(&page);
            }
            gone
        })
        .await;
        rp.refresh(named.refresh()).await.assert_oauth_error(400, "invalid_target");
        update(&[A, B], &["openid", "email", "api"]);
        wait_until_async("all of it being back", PATIENCE, async || {
            rp.refresh(named.refresh()).await.status == 200
        })
        .await;
        assert_eq!(Tokens::of(&rp.refresh(tokens.refresh()).await).json["scope"], "openid email api");
    }
}
