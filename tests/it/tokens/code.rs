//! Authorization codes: spent once, by their owner, in time (security catalogue, part C).

use crate::kit::checks::{assert_access_token_dead, assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, Auth, Bed, Rp, Tokens};

on_both_backends! {
    async fn a_code_redeemed_twice_kills_what_the_first_redemption_got(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "spa", "opaque"]).await;
        let browser = bed.signed_in(&ALICE).await;
        for (count, id) in (1..).zip(["conf-basic", "spa", "opaque"]) {
            let rp = bed.rp(id);
            let code = rp.code(&browser, &ALICE, &[]).await;
            let tokens = Tokens::of(&rp.redeem(&code).await);
            assert_alive(&rp, &tokens.access).await;
            rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
            assert_dead(&rp, &tokens).await;
            assert_eq!(bed.audit_count("code_replay").await, count);
            // A third time changes nothing, and a new sign-in works.
            rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
            assert_alive(&rp, &rp.tokens(&browser, &ALICE, &[]).await.access).await;
        }
        bed.assert_log_is_clean();
    }

    async fn a_code_refreshed_meanwhile_still_kills_the_newest_tokens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = Tokens::of(&rp.redeem(&code).await);
        let newest = Tokens::of(&rp.refresh(tokens.refresh()).await);
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        assert_dead(&rp, &newest).await;
        assert_access_token_dead(&rp, &tokens.access).await;
    }

    async fn a_code_is_worth_nothing_to_another_client(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for owner in ["conf-basic", "spa"] {
            let rp = bed.rp(owner);
            let code = rp.code(&browser, &ALICE, &[]).await;
            for thief in ["evil", "conf-post", "native"] {
                let thief = bed.rp(thief);
                thief.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
                // Nor with the owner's redirect URI and verifier.
                let stolen = Rp { redirect_uri: rp.redirect_uri.clone(), ..thief };
                stolen.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
            }
            // The thieves' tries count against nobody but themselves.
            Tokens::of(&rp.redeem(&code).await);
        }
    }

    async fn a_thief_s_tries_never_burn_a_code(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let code = rp.code(&browser, &ALICE, &[]).await;
        let evil = bed.rp("evil");
        let unauthenticated = Rp { secret: Some("wrong".into()), ..rp.clone() };
        for _ in 0..10 {
            evil.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
            unauthenticated.redeem(&code).await.assert_oauth_error(401, "invalid_client");
        }
        Tokens::of(&rp.redeem(&code).await);
    }

    async fn an_edited_code_or_another_redirect_uri_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let code = rp.code(&browser, &ALICE, &[]).await;
        let (head, last) = code.split_at(code.len() - 1);
        let next = if last == "A" { "B" } else { "A" };
        for edited in [
            format!("{head}{next}"), head.to_owned(), format!("{code}A"), format!("{code}="),
            format!(" {code}"), format!("{code}\0"), code.to_lowercase().replace('a', "b"),
            "x".repeat(9000), "'; drop table grants; --".into(), "../../etc/passwd".into(),
        ] {
            rp.redeem(&edited).await.assert_oauth_error(400, "invalid_grant");
        }
        let two = [("code", code.as_str()), ("code", code.as_str())];
        rp.redeem_with("", &two).await.assert_oauth_error(400, "invalid_request");
        rp.redeem("").await.assert_oauth_error(400, "invalid_request");
        for uri in ["", "https://rp.test/cb/", "https://rp.test/other"] {
            let page = rp.redeem_with(&code, &[("redirect_uri", uri)]).await;
            page.assert_oauth_error(400, "invalid_grant");
        }
        Tokens::of(&rp.redeem(&code).await);
    }

    async fn one_of_many_parallel_redemptions_wins_and_then_loses(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        for _ in 0..5 {
            let code = rp.code(&browser, &ALICE, &[]).await;
            let tries = (0..20).map(|_| { let rp = rp.clone(); let code = code.clone();
                tokio::spawn(async move { rp.redeem(&code).await }) });
            let tries: Vec<_> = tries.collect();
            let mut won = Vec::new();
            for attempt in tries {
                let page = attempt.await.unwrap();
                match page.status.as_u16() {
                    200 => won.push(Tokens::of(&page)),
                    _ => { page.assert_oauth_error(400, "invalid_grant"); }
                }
            }
            assert_eq!(won.len(), 1);
            // The nineteen others were replays.
            assert_dead(&rp, &won[0]).await;
        }
    }

    async fn a_client_without_the_refresh_grant_gets_no_refresh_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("no-refresh");
        assert_eq!(rp.auth, Auth::Basic);
        let changes = [("scope", "openid offline_access")];
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &changes).await;
        assert_eq!(tokens.refresh, None);
        assert_eq!(tokens.json["scope"], "openid");
    }
}
