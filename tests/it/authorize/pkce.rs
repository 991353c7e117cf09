//! PKCE (security catalogue, part D, rows 28 to 30).

use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::fixtures::{ALICE, Bed, CHALLENGE, Callback, STATE, Tokens, VERIFIER, walk};

on_both_backends! {
    async fn a_missing_plain_or_malformed_challenge_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let method = "code_challenge_method";
        for id in ["spa", "native", "strict"] {
            let rp = bed.rp(id);
            let none = [("code_challenge", ""), (method, "")];
            assert_client_error(&rp.authorize(&browser, &none).await, &rp, "invalid_request");
        }
        // Wrong methods and malformed challenges are refused of every client.
        let (short, long) = (&CHALLENGE[1..], format!("{CHALLENGE}A"));
        let padded = format!("{}=", &CHALLENGE[1..]);
        for id in ["spa", "strict", "conf-basic"] {
            let rp = bed.rp(id);
            for (challenge, name) in [
                (CHALLENGE, "plain"), (CHALLENGE, ""), (CHALLENGE, "S512"), (CHALLENGE, "s256"),
                ("", "S256"), (short, "S256"), (&long, "S256"), (&padded, "S256"),
                ("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "S256"),
            ] {
                let changes = [("code_challenge", challenge), (method, name)];
                let page = rp.authorize(&browser, &changes).await;
                assert_client_error(&page, &rp, "invalid_request");
            }
        }
    }

    async fn a_wrong_verifier_gets_nothing_and_a_code_survives_a_few_tries(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("spa"), bed.signed_in(&ALICE).await);
        let code = rp.code(&browser, &ALICE, &[]).await;
        let wrong = VERIFIER.replace('d', "e");
        let with = async |verifier: &str| {
            rp.redeem_with(&code, &[("code_verifier", verifier)]).await
        };
        with(&wrong).await.assert_oauth_error(400, "invalid_grant");
        with("").await.assert_oauth_error(400, "invalid_grant");
        with(CHALLENGE).await.assert_oauth_error(400, "invalid_grant");
        // Its owner may still have it.
        Tokens::of(&rp.redeem(&code).await);
    }

    async fn a_malformed_verifier_is_an_invalid_request_or_grant(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("spa"), bed.signed_in(&ALICE).await);
        let (short, long) = ("a".repeat(42), "a".repeat(129));
        let charset = format!("{}!", &VERIFIER[1..]);
        let accent = format!("{}\u{e9}", &VERIFIER[1..]);
        for bad in [short, long, charset, accent, format!("{VERIFIER} "), format!("{VERIFIER}\0")] {
            let code = rp.code(&browser, &ALICE, &[]).await;
            let page = rp.redeem_with(&code, &[("code_verifier", &bad)]).await;
            let error = page.json()["error"].as_str().unwrap_or_default().to_owned();
            assert!(["invalid_grant", "invalid_request"].contains(&error.as_str()), "{bad}");
            page.assert_oauth_error(400, &error);
        }
    }

    async fn a_code_dies_after_five_failed_checks(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("spa"), bed.signed_in(&ALICE).await);
        let code = rp.code(&browser, &ALICE, &[]).await;
        for n in 0..5 {
            let wrong = format!("{n}{}", &VERIFIER[1..]);
            let page = rp.redeem_with(&code, &[("code_verifier", &wrong)]).await;
            page.assert_oauth_error(400, "invalid_grant");
        }
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
    }

    async fn a_verifier_for_a_code_without_a_challenge_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let page = rp.redeem_with(&code, &[("code_verifier", VERIFIER)]).await;
        page.assert_oauth_error(400, "invalid_grant");
    }

    async fn public_clients_work_with_pkce_and_without_a_secret(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for id in ["spa", "native"] {
            let (rp, browser) = (bed.rp(id), bed.world.browser());
            let page = walk(rp.authorize(&browser, &[]).await, &ALICE).await;
            let code = assert_success(&Callback::of(&page), &rp, STATE);
            let tokens = Tokens::of(&rp.redeem(&code).await);
            Tokens::of(&rp.refresh(tokens.refresh()).await);
        }
    }
}
