//! Pairwise subjects: every sector knows a person by a name of its own, everywhere a name appears.

use serde_json::{Value, json};

use crate::kit::client_signer::register;
use crate::kit::fixtures::{AFTER_LOGOUT, ALICE, BOB, Bed, Rp, Tokens, unique};
use crate::support::tls_peer::{Answer, TlsPeer};

/// A confidential client of this host that gets pairwise subjects.
fn pairwise(bed: &Bed, host: &str, changes: &Value) -> Rp {
    let id = unique("pairwise");
    let redirect_uri = format!("https://{host}/cb");
    let mut metadata = json!({
        "redirect_uris": [redirect_uri], "subject_type": "pairwise",
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    for (name, value) in changes.as_object().expect("metadata") {
        metadata[name] = value.clone();
    }
    let made = register(&bed.world, &id, "web", &metadata);
    let secret = made["client_secret"].as_str().map(ToOwned::to_owned);
    Rp { secret, auth: crate::kit::fixtures::Auth::Basic, redirect_uri, ..Rp::new(&bed.world, &id) }
}

fn subject(tokens: &Tokens) -> String {
    tokens.id_claims()["sub"].as_str().expect("a sub").to_owned()
}

/// The id that Doorward itself knows somebody by.
fn own_id(bed: &Bed, username: &str) -> String {
    bed.world.cli(&["user", "show", username])["id"].as_str().expect("an id").to_owned()
}

on_both_backends! {
    async fn a_sector_knows_a_person_by_a_name_of_its_own(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (one, same, other) = (
            pairwise(bed, "one.test", &json!({})),
            pairwise(bed, "one.test", &json!({})),
            pairwise(bed, "other.test", &json!({})),
        );
        let alice = bed.world.browser();
        let mut subjects = Vec::new();
        for rp in [&one, &same, &other, &bed.rp("conf-basic")] {
            subjects.push(subject(&rp.tokens(&alice, &ALICE, &[]).await));
        }
        let again = subject(&one.tokens(&bed.world.browser(), &ALICE, &[]).await);
        let bob = subject(&one.tokens(&bed.world.browser(), &BOB, &[]).await);
        assert_eq!(subjects[0], again, "the same in another session");
        assert_eq!(subjects[0], subjects[1], "the same in one sector");
        assert_ne!(subjects[0], subjects[2], "another one in another sector");
        assert_ne!(subjects[0], bob, "another one for somebody else");
        let public = own_id(bed, ALICE.username);
        assert_eq!(subjects[3], public);
        assert!(subjects[..3].iter().all(|sub| *sub != public && sub.len() <= 255 && sub.is_ascii()));
    }

    async fn a_hint_issued_to_another_sector_tells_nobody_whether_it_is_the_same_person(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let (one, same, other) = (
            pairwise(bed, "hints.test", &json!({})),
            pairwise(bed, "hints.test", &json!({})),
            pairwise(bed, "prying.test", &json!({})),
        );
        let (alice, bob) = (bed.world.browser(), bed.world.browser());
        let hers = one.tokens(&alice, &ALICE, &[]).await.id.unwrap();
        let his = one.tokens(&bob, &BOB, &[]).await.id.unwrap();
        let open = bed.rp("conf-basic").tokens(&alice, &ALICE, &[]).await.id.unwrap();
        other.tokens(&alice, &ALICE, &[]).await;
        same.tokens(&alice, &ALICE, &[]).await;
        bed.rp("second").tokens(&alice, &ALICE, &[]).await;
        let ask = async |rp: &Rp, hint: &str| {
            let page = rp.authorize(&alice, &[("prompt", "none"), ("id_token_hint", hint)]).await;
            let error = page.location_parameter("error");
            error.unwrap_or_else(|| page.location_parameter("code").map(|_| "code".into()).unwrap())
        };
        // The answer is the same for her and for anybody else.
        for hint in [&hers, &his, &open] {
            assert_eq!(ask(&other, hint).await, "invalid_request");
        }
        assert_eq!(ask(&bed.rp("second"), &hers).await, "invalid_request");
        // Those who share names learn nothing new from each other.
        assert_eq!(ask(&same, &hers).await, "code");
        assert_eq!(ask(&same, &his).await, "login_required");
        assert_eq!(ask(&bed.rp("second"), &open).await, "code");
    }

    async fn the_name_is_the_same_wherever_the_client_looks(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let public = own_id(bed, ALICE.username);
        let (browser, own) = (bed.world.browser(), bed.rp("conf-basic"));
        let open = own.tokens(&browser, &ALICE, &[]).await.id_claims();
        for format in ["jwt", "opaque"] {
            let rp = pairwise(bed, "where.test", &json!({ "access_token_format": format }));
            let tokens = rp.tokens(&browser, &ALICE, &[("scope", "openid offline_access")]).await;
            let claims = tokens.id_claims();
            let sub = claims["sub"].clone();
            let userinfo = rp.userinfo(&tokens.access).await;
            assert_eq!(userinfo.assert_status(200).json()["sub"], sub);
            let told = rp.introspect(&tokens.access).await;
            assert_eq!((&told["active"], &told["sub"]), (&json!(true), &sub), "{format}");
            let told = rp.introspect(tokens.refresh()).await;
            assert_eq!((&told["active"], &told["sub"]), (&json!(true), &sub), "{format}");
            let refreshed = Tokens::of(&rp.refresh(tokens.refresh()).await);
            assert_eq!(refreshed.id_claims()["sub"], sub);
            // Neither the person's own id nor the session's may show through anywhere.
            assert_ne!(claims["sid"], open["sid"], "a shared sid would show that it is one person");
            for text in [&tokens.json, &refreshed.json, &told, &userinfo.json()] {
                let shown = decoded(text);
                assert!(!shown.contains(&public), "{shown}");
                assert!(!shown.contains(open["sid"].as_str().unwrap()), "{shown}");
            }
        }
    }

    async fn tokens_with_such_names_die_like_all_others(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = pairwise(bed, "die.test", &json!({}));
        let browser = bed.world.browser();
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        rp.userinfo(&tokens.access).await.assert_status(200);
        // Signing out ends the session whose name the token hides.
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        crate::kit::checks::assert_access_token_dead(&rp, &tokens.access).await;
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        rp.revoke(tokens.refresh()).await.assert_status(200);
        crate::kit::checks::assert_dead(&rp, &tokens).await;
    }

    async fn a_hint_under_such_a_name_is_understood(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = pairwise(bed, "hint.test", &json!({}));
        let (alice, bob) = (bed.world.browser(), bed.world.browser());
        let hint = rp.tokens(&alice, &ALICE, &[]).await.id.unwrap();
        rp.tokens(&bob, &BOB, &[]).await;
        let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
        let page = rp.authorize(&alice, &silent).await;
        assert!(page.location_parameter("code").is_some(), "{}", page.describe());
        let page = rp.authorize(&bob, &silent).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
        // The hint of this very session spares the question at sign-out.
        let end = format!("/oauth2/logout?id_token_hint={hint}&post_logout_redirect_uri={AFTER_LOGOUT}&state=s");
        let page = alice.get(&end).await.follow_within().await;
        assert_eq!(page.location().as_str(), format!("{AFTER_LOGOUT}?state=s"));
        let page = rp.authorize(&alice, &[("prompt", "none")]).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
        // Somebody else's hint does not.
        assert!(bob.get(&end).await.has_form("sign-out"));
    }

    async fn a_logout_token_names_person_and_session_as_the_id_token_does(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let peer = TlsPeer::shared();
        let path = format!("/{}", unique("pairwise-logout"));
        peer.serve(&path, Answer::status(200));
        let rp = pairwise(bed, "notice.test", &json!({
            "backchannel_logout_uri": peer.url(&path), "backchannel_logout_session_required": true,
        }));
        let browser = bed.world.browser();
        let claims = rp.tokens(&browser, &ALICE, &[]).await.id_claims();
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        let sent = peer.wait_for(&path, 1).await;
        let notice = crate::kit::fixtures::payload(&sent[0].field("logout_token")[0]);
        assert_eq!((&notice["sub"], &notice["sid"]), (&claims["sub"], &claims["sid"]));
    }

    async fn apps_of_one_sector_document_share_their_names(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let peer = TlsPeer::shared();
        let path = format!("/{}.json", unique("shared-sector"));
        peer.serve(&path, Answer::json(&json!(["https://left.test/cb", "https://right.test/cb"])));
        let sector = json!({ "sector_identifier_uri": peer.url(&path) });
        let (left, right) = (pairwise(bed, "left.test", &sector), pairwise(bed, "right.test", &sector));
        let browser = bed.world.browser();
        let one = subject(&left.tokens(&browser, &ALICE, &[]).await);
        assert_eq!(one, subject(&right.tokens(&browser, &ALICE, &[]).await));
        assert_ne!(one, subject(&pairwise(bed, "left.test", &json!({})).tokens(&browser, &ALICE, &[]).await));
    }
}

/// A JSON document with the payloads of the JWTs in it.
fn decoded(document: &Value) -> String {
    let mut text = document.to_string();
    let members = document.as_object().into_iter().flat_map(|members| members.values());
    for token in members.filter_map(Value::as_str).filter(|text| text.matches('.').count() == 2) {
        text.push_str(&crate::kit::fixtures::payload(token).to_string());
    }
    text
}
