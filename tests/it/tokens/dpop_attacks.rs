//! Every defect a DPoP proof can have, at the token endpoint and at the resource (security
//! catalogue, row 128, and rows 37 to 42 on proofs).

use data_encoding::BASE64URL_NOPAD;
use doorward::crypto::secret::SecretHash;
use serde_json::{Value, json};

use crate::kit::dpop::{
    Key, assert_resource_error, bed, bound_tokens, changed, claims, endpoint, now, post, redeem,
    userinfo,
};
use crate::kit::fixtures::{ALICE, Bed, Rp, Tokens};
use crate::support::browser_like::Page;

/// Where proofs are sent in these tests.
struct Place {
    method: &'static str,
    url: String,
    /// `ath`, at the resource.
    hash: Option<String>,
}

impl Place {
    fn claims(&self, changes: &[(&str, Value)]) -> Value {
        let ath = self.hash.as_ref().map_or(Value::Null, |hash| json!(hash));
        changed(changed(claims(self.method, &self.url), &[("ath", ath)]), changes)
    }
}

/// Rows 37 to 40: headers and signatures.
fn forged(key: &Key, place: &Place) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |what: String, proof: String| all.push((what, proof));
    let good = || place.claims(&[]);
    for none in ["none", "None", "NONE", "nOnE", "", "null"] {
        let proof = key.proof_with(&[("alg", json!(none))], &good());
        let (head, _) = proof.rsplit_once('.').unwrap();
        add(format!("alg {none:?}"), proof.clone());
        add(format!("alg {none:?} unsigned"), format!("{head}."));
    }
    for alg in ["HS256", "HS512", "RS256", "RS512", "ES384", "EdDSA", "es256"] {
        add(format!("alg {alg}"), key.proof_with(&[("alg", json!(alg))], &good()));
    }
    let rsa = Key::of("RS256");
    add("RS256, well signed".into(), rsa.proof_with(&[], &good()));
    let hmac_header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": key.jwk });
    add("HS256 keyed with the public key".into(), hs256(&hmac_header, &good(), &key.jwk));
    let oct = json!({ "kty": "oct", "k": BASE64URL_NOPAD.encode(b"secret") });
    add("a symmetric jwk".into(), key.proof_with(&[("jwk", oct)], &good()));
    for (name, value) in odd_headers() {
        let what =
            format!("header {name} {}", value.to_string().chars().take(30).collect::<String>());
        add(what, key.proof_with(&[(name, value)], &good()));
    }
    for secret in ["d", "k", "p", "q"] {
        let jwk = changed(key.jwk.clone(), &[(secret, json!("AAAA"))]);
        add(format!("a private jwk with {secret}"), key.proof_with(&[("jwk", jwk)], &good()));
    }
    let other = Key::new();
    let jwk = [("jwk", other.jwk.clone())];
    add("signed by another key than its jwk".into(), key.proof_with(&jwk, &good()));
    let proof = key.proof_with(&[], &good());
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    add("no signature".into(), signed.to_owned());
    add("an empty signature".into(), format!("{signed}."));
    add("half a signature".into(), format!("{signed}.{}", &signature[..40]));
    add("a signature of zeroes".into(), format!("{signed}.{}", BASE64URL_NOPAD.encode(&[0; 64])));
    let (head, _) = signed.split_once('.').unwrap();
    let others = BASE64URL_NOPAD.encode(good().to_string().as_bytes());
    add("other claims".into(), format!("{head}.{others}.{signature}"));
    for text in ["", "x", "..", "a.b.c", "null", "e30.e30.e30", "{}", "€"] {
        add(format!("{text:?} for a proof"), text.to_owned());
    }
    all
}

fn odd_headers() -> Vec<(&'static str, Value)> {
    vec![
        ("typ", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("at+jwt")),
        ("typ", json!(7)),
        ("alg", Value::Null),
        ("alg", json!(7)),
        ("jwk", Value::Null),
        ("jwk", json!("key")),
        ("jwk", json!({})),
        ("jwk", json!([])),
        ("jku", json!("https://evil.test/jwks")),
        ("x5u", json!("https://evil.test/cert")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("kid", json!(7)),
        ("kid", json!("k".repeat(9_000))),
    ]
}

fn hs256(header: &Value, claims: &Value, jwk: &Value) -> String {
    use aws_lc_rs::hmac;
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, jwk.to_string().as_bytes());
    let tag = hmac::sign(&secret, text.as_bytes());
    format!("{text}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

/// Row 41, and what a proof alone can get wrong.
fn misstated(key: &Key, place: &Place) -> Vec<(String, String)> {
    let mut changes: Vec<(&str, Value)> = Vec::new();
    for name in ["jti", "htm", "htu", "iat"] {
        for bad in [Value::Null, json!([]), json!({}), json!(true), json!("")] {
            changes.push((name, bad));
        }
    }
    for iat in [now() - 3_600, now() + 3_600, 0, -1] {
        changes.push(("iat", json!(iat)));
    }
    changes.extend([("iat", json!(now().to_string())), ("iat", json!(1.5e300))]);
    changes.extend([("exp", json!(now() - 3_600)), ("exp", json!("x")), ("nbf", json!([]))]);
    changes.push(("nonce", json!(7)));
    changes.push(("jti", json!("j".repeat(2_000))));
    for method in ["PUT", "get", "post", "DELETE"] {
        changes.push(("htm", json!(method)));
    }
    let elsewhere = place.url.replace("localhost", "evil.test");
    for htu in [
        elsewhere,
        format!("{}/", place.url),
        format!("{}x", place.url),
        "/oauth2/token".into(),
        place.url.replace("http:", "https:"),
        place.url.to_uppercase(),
        "not an address".into(),
        place.url.replace("/oauth2", "/oauth2/x"),
        place.url.replace("//", "//user@"),
    ] {
        changes.push(("htu", json!(htu)));
    }
    if place.hash.is_some() {
        let other = SecretHash::of("another token").as_str().to_owned();
        for bad in [Value::Null, json!(""), json!(7), json!(other)] {
            changes.push(("ath", bad));
        }
    }
    let proof = |(name, value): &(&str, Value)| {
        let what = format!("{name} {}", value.to_string().chars().take(40).collect::<String>());
        (what, key.proof_with(&[], &place.claims(&[(name, value.clone())])))
    };
    let mut all: Vec<_> = changes.iter().map(proof).collect();
    let header = json!({ "typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk }).to_string();
    let text = place.claims(&[]).to_string();
    let twice = format!("{},\"jti\":\"again\"}}", &text[..text.len() - 1]);
    all.push(("jti twice".into(), key.sign_text(&header, &twice)));
    all.push(("no claims".into(), key.sign_text(&header, "[]")));
    all.push(("no JSON".into(), key.sign_text(&header, "{")));
    all
}

/// What counts in spite of its looks.
fn unusual_but_good(key: &Key, place: &Place) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for htu in [
        format!("{}?a=b", place.url),
        format!("{}#part", place.url),
        place.url.replace("http://localhost", "HTTP://LocalHost"),
    ] {
        all.push((htu.clone(), key.proof_with(&[], &place.claims(&[("htu", json!(htu))]))));
    }
    for (name, value) in [
        ("iat", json!(now() - 10)),
        ("iat", json!(now() + 10)),
        ("exp", json!(now() + 300)),
        ("nbf", json!(now())),
        ("colour", json!("blue")),
        ("aud", json!(["x"])),
    ] {
        let claims = place.claims(&[(name, value.clone())]);
        all.push((format!("{name} {value}"), key.proof_with(&[], &claims)));
    }
    let typ = [("typ", json!("application/DPoP+JWT"))];
    all.push(("typ in full".into(), key.proof_with(&typ, &place.claims(&[]))));
    all.push(("a kid".into(), key.proof_with(&[("kid", json!("../x"))], &place.claims(&[]))));
    all
}

fn userinfo_place(rp: &Rp, tokens: &Tokens) -> Place {
    let hash = Some(SecretHash::of(&tokens.access).as_str().to_owned());
    Place { method: "GET", url: endpoint(rp, "/oauth2/userinfo"), hash }
}

fn token_place(rp: &Rp) -> Place {
    Place { method: "POST", url: endpoint(rp, "/oauth2/token"), hash: None }
}

async fn own_token(rp: &Rp, proofs: &[String]) -> Page {
    let fields = [("grant_type".to_owned(), "client_credentials".to_owned())];
    post(rp, "/oauth2/token", &fields, proofs).await
}

/// A token bound to a key.
async fn bound(bed: &Bed) -> (Rp, Key, Tokens) {
    let (rp, key) = (bed.rp("spa"), Key::new());
    let code = rp.code(&bed.signed_in(&ALICE).await, &ALICE, &[]).await;
    let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
    (rp, key, tokens)
}

on_both_backends! {
    async fn a_defective_proof_gets_no_token(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        let place = token_place(&rp);
        for (what, proof) in forged(&key, &place).into_iter().chain(misstated(&key, &place)) {
            let page = own_token(&rp, &[proof]).await;
            assert_eq!(page.status.as_u16(), 400, "{what}: {}", page.describe());
            page.assert_oauth_error(400, "invalid_dpop_proof");
        }
        for (what, proof) in unusual_but_good(&key, &place) {
            let page = own_token(&rp, &[proof]).await;
            assert_eq!(page.status.as_u16(), 200, "{what}: {}", page.describe());
        }
        bed.assert_log_is_clean();
    }

    async fn fapi2_security_profile_final_dpop_negative_tests(backend: Backend) {
        use crate::kit::fapi2::{Variant, banks, bed};
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let tokens = bank.tokens(&browser, &[]).await;
            let (rp, key, place) = (&bank.rp, &bank.holder, userinfo_place(&bank.rp, &tokens));
            let authorization = format!("DPoP {}", tokens.access);
            for (what, proof) in forged(key, &place).into_iter().chain(misstated(key, &place)) {
                let page = userinfo(rp, &authorization, &[proof]).await;
                assert_eq!(page.status.as_u16(), 401, "{what}: {}", page.describe());
                assert_resource_error(&page, "invalid_dpop_proof");
            }
            for (what, proof) in unusual_but_good(key, &place) {
                let page = userinfo(rp, &authorization, &[proof]).await;
                assert_eq!(page.status.as_u16(), 200, "{what}: {}", page.describe());
            }
            let proof = || key.proof_with(&[], &place.claims(&[]));
            let two = userinfo(rp, &authorization, &[proof(), proof()]).await;
            assert_resource_error(&two, "invalid_dpop_proof");
            assert_resource_error(&userinfo(rp, &authorization, &[]).await, "invalid_dpop_proof");
            let other = Key::new().proof_with(&[], &place.claims(&[]));
            assert_resource_error(&userinfo(rp, &authorization, &[other]).await, "invalid_token");
            let downgraded = userinfo(rp, &format!("Bearer {}", tokens.access), &[proof()]).await;
            assert_resource_error(&downgraded, "invalid_token");
            let once = proof();
            userinfo(rp, &authorization, std::slice::from_ref(&once)).await.assert_status(200);
            let again = userinfo(rp, &authorization, &[once]).await;
            assert_resource_error(&again, "invalid_dpop_proof");
        }
        bed.assert_log_is_clean();
    }

    async fn a_proof_counts_once_and_so_does_its_jti(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        let claims = token_place(&rp).claims(&[]);
        let proof = key.proof_with(&[], &claims);
        let tries: Vec<_> = (0..12).map(|_| {
            let (rp, proof) = (rp.clone(), proof.clone());
            tokio::spawn(async move { own_token(&rp, &[proof]).await })
        }).collect();
        let mut answered = Vec::new();
        for attempt in tries {
            answered.push(attempt.await.unwrap().status.as_u16());
        }
        assert_eq!(answered.iter().filter(|status| **status == 200).count(), 1, "{answered:?}");
        assert!(answered.iter().all(|status| matches!(status, 200 | 400)), "{answered:?}");
        // Another signature over the same statement is the same proof; another key's is not.
        let page = own_token(&rp, &[key.proof_with(&[], &claims)]).await;
        page.assert_oauth_error(400, "invalid_dpop_proof");
        own_token(&rp, &[Key::new().proof_with(&[], &claims)]).await.assert_status(200);
    }

    async fn two_proofs_are_none(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        let proof = || key.proof("POST", &endpoint(&rp, "/oauth2/token"));
        let page = own_token(&rp, &[proof(), proof()]).await;
        page.assert_oauth_error(400, "invalid_dpop_proof");
        let joined = format!("{}, {}", proof(), proof());
        own_token(&rp, &[joined]).await.assert_oauth_error(400, "invalid_dpop_proof");
    }

    async fn other_tokens_are_no_proofs(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, key, tokens) = bound(bed).await;
        for swapped in [&tokens.access, tokens.id.as_ref().unwrap()] {
            let page = own_token(&bed.rp("daemon"), std::slice::from_ref(swapped)).await;
            page.assert_oauth_error(400, "invalid_dpop_proof");
        }
        // Nor is a proof an access token, and one for the token endpoint none for the resource.
        let proof = key.proof_for_token("POST", &endpoint(&rp, "/oauth2/token"), &tokens.access);
        let page = userinfo(&rp, &format!("DPoP {proof}"), std::slice::from_ref(&proof)).await;
        assert_resource_error(&page, "invalid_token");
        let page = userinfo(&rp, &format!("DPoP {}", tokens.access), &[proof]).await;
        assert_resource_error(&page, "invalid_dpop_proof");
    }

    async fn the_host_a_request_names_does_not_decide_what_a_proof_is_for(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        let url = rp.http.resolve(&endpoint(&rp, "/oauth2/token"));
        let ask = async |htu: &str| {
            let request = rp.http.request(reqwest::Method::POST, &url).header("Host", "evil.test");
            let request = request.basic_auth(&rp.id, rp.secret.clone());
            let request = request.header("DPoP", key.proof("POST", htu));
            rp.http.send(request.form(&[("grant_type", "client_credentials")])).await
        };
        let page = ask("http://evil.test/oauth2/token").await;
        page.assert_oauth_error(400, "invalid_dpop_proof");
        ask(url.as_str()).await.assert_status(200);
    }
}
