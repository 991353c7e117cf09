//! A client or a person is deleted while a token is being made for it: the row is gone, and the
//! server has not heard of that yet. Whoever asks is refused, and nothing breaks.

use serde_json::json;

use crate::kit::client_signer::jwks;
use crate::kit::fixtures::{ALICE, Bed, unique};
use crate::kit::flow::{count, execute};
use crate::kit::grant::{BEARER_GRANT, Clients, Device, EXCHANGE_GRANT, all_is_heard};
use crate::support::browser_like::Page;

/// A command would tell the server; this is the moment before it hears. Nothing else may be on its
/// way to the server then, for hearing of anything it looks again.
async fn forget_client(bed: &Bed, id: &str) {
    execute(&bed.world, &format!("delete from clients where id = '{id}'")).await;
}

#[track_caller]
fn assert_refused(page: &Page, error: &str) {
    page.assert_oauth_error(400, error);
}

on_both_backends! {
    async fn a_code_of_a_client_that_is_gone_is_refused(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "trusted"]).await;
        let browser = bed.signed_in(&ALICE).await;
        all_is_heard(&bed.world, &bed.rp("conf-basic")).await;
        for id in ["conf-basic", "trusted"] {
            let rp = bed.rp(id);
            // What the server knows of the client it now holds in memory.
            rp.token_request(&[("grant_type", "refresh_token"), ("refresh_token", "none")]).await;
            let code = rp.code(&browser, &ALICE, &[]).await;
            forget_client(&bed, id).await;
            assert_refused(&rp.redeem(&code).await, "invalid_grant");
        }
        assert_eq!(count(&bed.world, "select count(*) from grants").await, 0);
        bed.assert_log_is_clean();
    }

    async fn a_device_of_a_client_that_is_gone_is_kept_out(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut clients = Clients::default();
        clients.register(&bed.world, "tv", ("device", json!({})));
        all_is_heard(&bed.world, &clients.rp(&bed.world, "tv")).await;
        let device = Device::ask(clients.rp(&bed.world, "tv"), "openid").await;
        let browser = bed.signed_in(&ALICE).await;
        let late = Device::ask(clients.rp(&bed.world, "tv"), "openid").await;
        let question = late.question(&browser).await.form("device-question");
        device.answer(&browser, "allow").await.assert_status(303);
        forget_client(&bed, "tv").await;
        assert_refused(&device.poll().await, "access_denied");
        let page = question.press("decision", "allow").submit().await;
        page.assert_status(404);
        bed.assert_log_is_clean();
    }

    async fn assertions_for_a_client_that_is_gone_are_refused(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut clients = Clients::default();
        let metadata = json!({ "grant_types": [BEARER_GRANT, EXCHANGE_GRANT], "scope": "openid" });
        clients.register(&bed.world, "portal", ("machine", metadata));
        let rp = clients.rp(&bed.world, "portal");
        let key = crate::kit::client_signer::ClientKey::new("ES256", "k1");
        let file = bed.world.path("outside.json");
        std::fs::write(&file, jwks(&[&key]).to_string()).unwrap();
        bed.world.cli(&["issuer", "create", "--name", "outside", "--issuer", "https://outside.test",
            "--jwks-file", &file.display().to_string(), "--client", "portal",
            "--match", "tenant=acme", "--identity", "username"]);
        let says = || {
            let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
            let claims = json!({ "iss": "https://outside.test", "aud": rp.issuer, "sub": "alice",
                "tenant": "acme", "exp": now + 300, "jti": unique("jti") });
            key.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }), &claims.to_string())
        };
        let bearer = async |assertion: String| {
            rp.token_request(&[("grant_type", BEARER_GRANT), ("assertion", &assertion)]).await
        };
        all_is_heard(&bed.world, &rp).await;
        bearer(says()).await.assert_status(200);
        forget_client(&bed, "portal").await;
        assert_refused(&bearer(says()).await, "invalid_grant");
        let token = says();
        let kind = "urn:ietf:params:oauth:token-type:jwt";
        let page = rp.token_request(&[("grant_type", EXCHANGE_GRANT), ("subject_token", &token),
            ("subject_token_type", kind)]).await;
        assert_refused(&page, "invalid_request");
        bed.assert_log_is_clean();
    }
}
