//! `fapi2-security-profile-final-test-plan`: the modules about the token endpoint. Those about client
//! assertions are in `client_assertion`.

use std::time::Duration;

use crate::kit::client_signer::with_assertion;
use crate::kit::dpop::endpoint;
use crate::kit::fapi2::{Bank, Holder, Variant, assert_refused, banks, bed, builder};
use crate::kit::fixtures::{ALICE, Bed, VERIFIER, changed};
use crate::kit::flow::{PATIENCE, count, execute};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// Redeems the code of a client in the name of one client and with what authenticates another.
async fn redeem_as(bank: &Bank, code: &str, (named, shown): (&Bank, &Bank)) -> Page {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", bank.rp.redirect_uri.as_str()),
        ("code_verifier", VERIFIER),
        ("client_id", named.id.as_str()),
    ];
    if shown.identity.is_some() {
        return shown.send("/oauth2/token", &changed(&fields, &[]), &[]).await;
    }
    let proof = bank.holder.proof("POST", &endpoint(&bank.rp, "/oauth2/token"));
    shown.send("/oauth2/token", &with_assertion(&fields, &shown.assertion()), &[proof]).await
}

/// Lets so much time pass for refresh tokens, and the server clean up, as it does when it starts.
async fn clean_up_after(world: &mut World, seconds: i64) {
    let passed = format!("update refresh_families set rotated_at = rotated_at - {seconds}");
    execute(world, &passed).await;
    // Swept out after the refresh families have been looked at.
    execute(world, "insert into used_jtis (hash, expires_at) values ('over', 1)").await;
    world.restart().await;
    let over = "select count(*) from used_jtis where hash = 'over'";
    wait_until_async("the clean-up", PATIENCE, async || count(world, over).await == 0).await;
}

on_both_backends! {
    async fn fapi2_security_profile_final_ensure_client_id_in_token_endpoint(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let other = bank.another(bed);
            let code = bank.code(&browser, &[]).await;
            let page = redeem_as(&bank, &code, (&other, &bank)).await;
            assert_refused(&page, 401, &["invalid_client"]);
            let page = redeem_as(&bank, &code, (&bank, &other)).await;
            assert_refused(&page, 401, &["invalid_client"]);
            bank.bound(&bank.redeem(&code, Holder::Own).await);
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let other = bank.another(bed);
            let code = bank.code(&browser, &[]).await;
            let page = redeem_as(&bank, &code, (&other, &other)).await;
            assert_refused(&page, 400, &["invalid_grant"]);
            bank.bound(&bank.redeem(&code, Holder::Own).await);
        }
    }

    async fn fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let code = bank.code(&browser, &[]).await;
            let tokens = bank.bound(&bank.redeem(&code, Holder::Own).await);
            bank.assert_alive(&tokens).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let page = bank.redeem(&code, Holder::Own).await;
            assert_refused(&page, 400, &["invalid_grant"]);
            bank.assert_over(&tokens).await;
            let page = bank.refresh(tokens.refresh(), Holder::Own).await;
            assert_refused(&page, 400, &["invalid_grant"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
        backend: Backend
    ) {
        // The longest lifetime that can be set is the profile's 60 seconds.
        let world = builder(backend).env("DOORWARD_TOKENS__AUTHORIZATION_CODE_LIFETIME", "5");
        let bed = Bed::new(world.start().await, &[]).await;
        let too_long = [("DOORWARD_TOKENS__AUTHORIZATION_CODE_LIFETIME", "61")];
        let mut check = bed.world.command(&["config", "check"]);
        assert!(!check.envs(too_long).output().unwrap().status.success());
        let browser = bed.signed_in(&ALICE).await;
        let mut codes = Vec::new();
        for bank in banks(&bed, &Variant::ALL) {
            codes.push((bank.code(&browser, &[]).await, bank));
        }
        tokio::time::sleep(Duration::from_millis(6_100)).await;
        for (code, bank) in codes {
            let page = bank.redeem(&code, Holder::Own).await;
            assert_refused(&page, 400, &["invalid_grant"]);
        }
    }

    async fn fapi2_security_profile_final_refresh_token(backend: Backend) {
        // Even where every other client's second use of a refresh token is a theft at once.
        let world = builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "0");
        let bed = Bed::new(world.start().await, &[]).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(&bed, &Variant::ALL) {
            let other = bank.another(&bed);
            let scope = format!("{} offline_access", bank.scope());
            let first = bank.tokens(&browser, &[("scope", &scope)]).await;
            let old = first.refresh();
            // Not without the client's authentication, its key, or as another client.
            let proof = bank.holder.proof("POST", &endpoint(&bank.rp, "/oauth2/token"));
            let bare = [("grant_type", "refresh_token"), ("refresh_token", old)];
            let bare = [&bare[..], &[("client_id", &bank.id)]].concat();
            let url = bank.rp.http.resolve("/oauth2/token");
            let request = bank.rp.http.request(reqwest::Method::POST, &url).header("DPoP", proof);
            assert_refused(&bank.rp.http.send(request.form(&bare)).await, 401, &["invalid_client"]);
            bank.assert_unheld(&bank.refresh(old, Holder::Nobody).await);
            assert_refused(&other.refresh(old, Holder::Own).await, 400, &["invalid_grant"]);
            let second = bank.bound(&bank.refresh(old, Holder::Own).await);
            bank.assert_alive(&second).await;
            // A lost answer: the same token again 31 seconds later.
            execute(&bed.world, "update refresh_families set rotated_at = rotated_at - 31").await;
            let again = bank.bound(&bank.refresh(old, Holder::Own).await);
            assert_eq!(again.refresh(), second.refresh());
            bank.assert_alive(&again).await;
            bank.assert_unheld(&bank.refresh(old, Holder::Another).await);
            bank.bound(&bank.refresh(again.refresh(), Holder::Own).await);
        }
    }

    /// The plan's module waits for thirty seconds; in so long the server cleans up.
    async fn a_lost_answer_is_given_again_after_a_clean_up_and_forgotten_after_its_grace(backend: Backend) {
        let mut bed = Bed::own(backend, &[]).await;
        let bank = Bank::new(&bed);
        let browser = bed.signed_in(&ALICE).await;
        let first = bank.tokens(&browser, &[("scope", "openid offline_access")]).await;
        let second = bank.bound(&bank.refresh(first.refresh(), Holder::Own).await);
        clean_up_after(&mut bed.world, 20).await;
        let again = bank.bound(&bank.refresh(first.refresh(), Holder::Own).await);
        assert_eq!(again.refresh(), second.refresh());
        bank.assert_alive(&again).await;
        clean_up_after(&mut bed.world, 60).await;
        let kept = "select count(*) from refresh_families where successor_sealed is not null";
        assert_eq!(count(&bed.world, kept).await, 0);
        bank.bound(&bank.refresh(again.refresh(), Holder::Own).await);
    }
}
