//! Refresh tokens: rotation, reuse and races (security catalogue, rows 22 and 26).

use crate::kit::checks::{assert_access_token_dead, assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, Bed, Tokens};
use crate::support::backends::Backend;
use crate::support::world::World;

/// A world in which every second use of a refresh token is a theft at once.
async fn without_grace(backend: Backend) -> Bed {
    let builder = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "0");
    Bed::new(builder.start().await, &["conf-basic", "spa", "opaque"]).await
}

on_both_backends! {
    async fn a_refresh_token_used_again_ends_the_whole_family(backend: Backend) {
        let bed = without_grace(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for (count, id) in (1..).zip(["conf-basic", "spa", "opaque"]) {
            let rp = bed.rp(id);
            let first = rp.tokens(&browser, &ALICE, &[]).await;
            let second = Tokens::of(&rp.refresh(first.refresh()).await);
            let third = Tokens::of(&rp.refresh(second.refresh()).await);
            assert_alive(&rp, &third.access).await;
            rp.refresh(first.refresh()).await.assert_oauth_error(400, "invalid_grant");
            assert_dead(&rp, &third).await;
            for older in [&first, &second] {
                assert_access_token_dead(&rp, &older.access).await;
            }
            assert_eq!(bed.audit_count("refresh_reuse").await, count);
            // Other sign-ins of the same person at the same app go on.
            assert_alive(&rp, &rp.tokens(&browser, &ALICE, &[]).await.access).await;
        }
        bed.assert_log_is_clean();
    }

    async fn within_the_grace_the_previous_token_gets_the_same_successor(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let first = rp.tokens(&browser, &ALICE, &[]).await;
        let second = Tokens::of(&rp.refresh(first.refresh()).await);
        let again = Tokens::of(&rp.refresh(first.refresh()).await);
        assert_eq!(second.refresh(), again.refresh());
        assert_eq!(second.access, again.access);
        // Once the successor was used, the first one is two generations old.
        let third = Tokens::of(&rp.refresh(second.refresh()).await);
        rp.refresh(first.refresh()).await.assert_oauth_error(400, "invalid_grant");
        assert_dead(&rp, &third).await;
    }

    async fn a_retry_that_asks_for_something_else_leaves_the_first_token_as_narrow_as_it_was(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for id in ["opaque", "conf-basic"] {
            let rp = bed.rp(id);
            let first = rp.tokens(&browser, &ALICE, &[("scope", "openid email")]).await;
            let narrow = [("scope", "openid")];
            let narrowed = Tokens::of(&rp.refresh_with(first.refresh(), &narrow).await);
            let same = Tokens::of(&rp.refresh_with(first.refresh(), &narrow).await);
            assert_eq!((same.refresh(), &same.access), (narrowed.refresh(), &narrowed.access));
            let whole = Tokens::of(&rp.refresh(first.refresh()).await);
            assert_eq!(whole.refresh(), narrowed.refresh());
            assert_ne!(whole.access, narrowed.access);
            assert_eq!(rp.introspect(&whole.access).await["scope"], "openid email");
            assert_eq!(rp.introspect(&narrowed.access).await["scope"], "openid", "{id}");
        }
    }

    async fn parallel_refreshes_make_one_lineage(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        for _ in 0..3 {
            let tokens = rp.tokens(&browser, &ALICE, &[]).await;
            let tries: Vec<_> = (0..20).map(|_| {
                let (rp, token) = (rp.clone(), tokens.refresh().to_owned());
                tokio::spawn(async move { Tokens::of(&rp.refresh(&token).await) })
            }).collect();
            let mut successors = Vec::new();
            for attempt in tries {
                successors.push(attempt.await.unwrap().refresh().to_owned());
            }
            successors.dedup();
            assert_eq!(successors.len(), 1);
            Tokens::of(&rp.refresh(&successors[0]).await);
        }
    }

    async fn a_refresh_token_belongs_to_its_client(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for owner in ["conf-basic", "spa"] {
            let rp = bed.rp(owner);
            let tokens = rp.tokens(&browser, &ALICE, &[]).await;
            for thief in ["evil", "native", "conf-post"] {
                let page = bed.rp(thief).refresh(tokens.refresh()).await;
                page.assert_oauth_error(400, "invalid_grant");
            }
            Tokens::of(&rp.refresh(tokens.refresh()).await);
        }
        // A confidential client must authenticate to refresh.
        let rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let bare = crate::kit::fixtures::Rp { secret: Some(String::new()), ..rp.clone() };
        bare.refresh(tokens.refresh()).await.assert_oauth_error(401, "invalid_client");
        Tokens::of(&rp.refresh(tokens.refresh()).await);
    }

    async fn a_refresh_may_narrow_the_scope_and_never_widen_it(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let tokens = rp.tokens(&browser, &ALICE, &[("scope", "openid email")]).await;
        for wide in ["openid profile", "openid email phone", "warp", "openid \"", "offline_access"] {
            let page = rp.refresh_with(tokens.refresh(), &[("scope", wide)]).await;
            page.assert_oauth_error(400, "invalid_scope");
        }
        let narrow = [("scope", "openid")];
        let narrowed = Tokens::of(&rp.refresh_with(tokens.refresh(), &narrow).await);
        assert_eq!(narrowed.json["scope"], "openid");
        assert!(rp.userinfo(&narrowed.access).await.json().get("email").is_none());
        // The grant itself is as wide as it was.
        let whole = Tokens::of(&rp.refresh(narrowed.refresh()).await);
        assert_eq!(whole.json["scope"], "openid email");
    }

    async fn an_edited_refresh_token_is_refused_and_harms_nobody(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let real = tokens.refresh();
        let (head, last) = real.split_at(real.len() - 1);
        for other in 'A'..='Z' {
            if other.to_string() != last {
                let page = rp.refresh(&format!("{head}{other}")).await;
                page.assert_oauth_error(400, "invalid_grant");
            }
        }
        for edited in [
            head.to_owned(), format!("{real}A"), format!("{real}="), format!("{real} "),
            real[..real.len() / 2].to_owned(), "x".into(), "x".repeat(5000), "\0".into(),
            tokens.access.clone(), tokens.id.clone().unwrap(),
        ] {
            rp.refresh(&edited).await.assert_oauth_error(400, "invalid_grant");
        }
        rp.refresh("").await.assert_oauth_error(400, "invalid_request");
        Tokens::of(&rp.refresh(real).await);
    }

    async fn an_offline_grant_outlives_the_session_and_another_does_not(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let offline = rp.tokens(&browser, &ALICE, &[("scope", "openid offline_access")]).await;
        let online = rp.tokens(&browser, &ALICE, &[]).await;
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        assert_dead(&rp, &online).await;
        let refreshed = Tokens::of(&rp.refresh(offline.refresh()).await);
        assert_alive(&rp, &refreshed.access).await;
    }
}
