//! Token revocation (RFC 7009).

use futures_util::future::join_all;
use reqwest::Method;

use crate::kit::checks::{assert_access_token_dead, assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, Bed, Tokens};
use crate::kit::flow::count;

on_both_backends! {
    async fn revoking_either_token_ends_the_grant_and_no_other(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for id in ["conf-basic", "conf-post", "spa", "opaque"] {
            let rp = bed.rp(id);
            let other = rp.tokens(&browser, &ALICE, &[]).await;
            for which in ["access", "refresh"] {
                let tokens = rp.tokens(&browser, &ALICE, &[]).await;
                let token = if which == "access" { &tokens.access } else { tokens.refresh() };
                let page = rp.revoke(token).await;
                page.assert_status(200).assert_header("cache-control", "no-store");
                assert_dead(&rp, &tokens).await;
                // Revoking what is revoked is no error.
                rp.revoke(token).await.assert_status(200);
            }
            assert_alive(&rp, &other.access).await;
        }
    }

    async fn nobody_revokes_another_client_s_tokens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        for token in [&tokens.access, tokens.refresh()] {
            for stranger in ["evil", "spa", "rs"] {
                let page = bed.rp(stranger).revoke(token).await;
                page.assert_oauth_error(400, "invalid_grant");
            }
            let url = rp.bare().resolve("/oauth2/revoke");
            for fields in [vec![("token", token)],
                vec![("token", token), ("client_id", "conf-basic")],
                vec![("token", token), ("client_id", "conf-basic"), ("client_secret", "x")],
            ] {
                let request = rp.bare().request(Method::POST, &url).form(&fields);
                rp.bare().send(request).await.assert_oauth_error(401, "invalid_client");
            }
        }
        assert_alive(&rp, &tokens.access).await;
        Tokens::of(&rp.refresh(tokens.refresh()).await);
    }

    async fn unknown_tokens_are_as_good_as_revoked(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        for text in ["x", "a.b.c", "\0", "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(20_000)] {
            rp.revoke(text).await.assert_status(200);
        }
        rp.revoke("").await.assert_oauth_error(400, "invalid_request");
        // An ID token is no token that can be revoked.
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        rp.revoke(tokens.id.as_deref().unwrap()).await.assert_status(200);
        assert_alive(&rp, &tokens.access).await;
    }
    async fn a_script_of_the_app_s_own_origin_may_read_every_answer(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let spa = bed.rp("spa");
        for (token, status) in [("unknown", 200), ("", 400)] {
            let request = spa.http.request(Method::POST, &spa.http.resolve("/oauth2/revoke"));
            let request = request.form(&[("client_id", "spa"), ("token", token)]);
            let page = spa.http.send(request.header("Origin", "https://spa.test")).await;
            page.assert_status(status);
            page.assert_header("access-control-allow-origin", "https://spa.test");
        }
    }

    async fn revoking_again_and_again_leaves_one_trace(backend: Backend) {
        let bed = Bed::own(backend, &["spa", "daemon"]).await;
        let (spa, daemon) = (bed.rp("spa"), bed.rp("daemon"));
        let browser = bed.signed_in(&ALICE).await;
        let (one, two) = (
            spa.tokens(&browser, &ALICE, &[]).await,
            spa.tokens(&browser, &ALICE, &[]).await,
        );
        let own = Tokens::of(&daemon.token_request(&[("grant_type", "client_credentials")]).await);
        let revocations = "select revocations from sync_state";
        let before = count(&bed.world, revocations).await;
        for _ in 0..5 {
            for (rp, token) in [(&spa, one.refresh()), (&spa, &two.access), (&daemon, &own.access)] {
                rp.revoke(token).await.assert_status(200);
            }
            join_all((0..4).map(|_| daemon.revoke(&own.access))).await;
        }
        for (rp, token) in [(&spa, &one.access), (&spa, &two.access), (&daemon, &own.access)] {
            assert_access_token_dead(rp, token).await;
        }
        assert_eq!(bed.audit_count("token.revoked").await, 3);
        assert_eq!(count(&bed.world, revocations).await, before + 3);
        let named = "select count(*) from audit_events e join users u on u.id = e.user_id \
                     where e.kind = 'token.revoked' and u.username = 'alice'";
        assert_eq!(count(&bed.world, named).await, 2, "whose tokens they were is told");
    }
}
