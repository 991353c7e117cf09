//! Resource indicators (RFC 8707): a token is for the APIs it was asked for, and for no other.

use serde_json::{Value, json};

use crate::checks::assert_client_error;
use crate::fixtures::{ALICE, Bed, Rp, Tokens, payload};
use crate::support::browser_like::{Browser, Page};

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
            let callback = crate::fixtures::Callback::of(&naming(&rp, &browser, &resources).await);
            let tokens = Tokens::of(&rp.redeem(&callback.code()).await);
            assert_eq!(audience(&tokens), expected, "{resources:?}");
        }
    }

    async fn the_token_endpoint_narrows_and_never_widens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        let both = naming(&rp, &browser, &[A, B]).await;
        let code = crate::fixtures::Callback::of(&both).code();
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
        let one = crate::fixtures::Callback::of(&naming(&rp, &browser, &[A]).await).code();
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
}
