//! What is accepted, and the claims that are not; `attacks` holds the forgeries. The verifier under
//! test holds one key of every algorithm.

use std::sync::LazyLock;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::json;

use super::*;
use crate::crypto::keyring::{KeyState, NewKey, StoredKey, generate};
use crate::crypto::seal::{MasterKey, Sealer};

mod attacks;

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime(1_800_000_000);

static KEYRING: LazyLock<Keyring> = LazyLock::new(keyring);
static FOREIGN: LazyLock<Keyring> = LazyLock::new(keyring);

fn keyring() -> Keyring {
    let sealer = Sealer::new(&MasterKey::generate());
    let keys = SigningAlg::ALL.map(|alg| {
        let NewKey { kid, alg, sealed_private, public_jwk } = generate(alg, &sealer).unwrap();
        StoredKey { kid, alg, state: KeyState::Active, sealed_private, public_jwk }
    });
    Keyring::load(keys.to_vec(), &sealer).unwrap()
}

fn key(alg: SigningAlg) -> &'static SigningKey {
    KEYRING.active(alg).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": "rs", "jti": "1",
        "iat": NOW.0, "exp": NOW.0 + 600,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

const fn expect(typ: TokenType) -> Expect<'static> {
    Expect { typ, issuer: ISSUER, audience: Some("rs"), now: NOW, expiry: Expiry::Enforced }
}

fn access(token: &str) -> Result<Map<String, Value>, JoseError> {
    verify(&KEYRING, token, &expect(TokenType::AccessToken))
}

/// What an access token with these claims, rightly signed, is told.
fn told(claims: &Value) -> Result<Map<String, Value>, JoseError> {
    access(&sign(key(SigningAlg::EdDsa), TokenType::AccessToken, claims).unwrap())
}

/// A token with any header and payload, rightly signed by our own key: more than any attacker has.
fn signed(header: &str, payload: &str) -> String {
    let signed = format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(header.as_bytes()),
        BASE64URL_NOPAD.encode(payload.as_bytes())
    );
    let signature = key(SigningAlg::EdDsa).signature(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn signed_with_header(header: &str, payload: &Value) -> String {
    signed(header, &payload.to_string())
}

/// The header of a good access token.
fn good_header() -> String {
    header(&json!({}))
}

fn header(extra: &Value) -> String {
    let mut header = json!({ "alg": "EdDSA", "kid": key(SigningAlg::EdDsa).kid, "typ": "at+jwt" });
    for (name, value) in extra.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

fn told_header(extra: &Value) -> Result<Map<String, Value>, JoseError> {
    access(&signed_with_header(&header(extra), &claims()))
}

// What is good.

#[test]
fn a_token_of_every_algorithm_and_type_verifies_with_its_claims_intact() {
    for alg in SigningAlg::ALL {
        for typ in [TokenType::IdToken, TokenType::AccessToken] {
            let token = sign(key(alg), typ, &claims()).unwrap();
            let found = verify(&KEYRING, &token, &expect(typ)).unwrap();
            assert_eq!(Value::Object(found), claims());
        }
    }
}

#[test]
fn a_client_that_only_has_the_published_key_set_can_verify_every_algorithm() {
    let set: JwkSet = serde_json::from_str(KEYRING.jwks()).unwrap();
    for alg in SigningAlg::ALL {
        let token = sign(key(alg), TokenType::AccessToken, &claims()).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(algorithm(alg));
        validation.set_audience(&["rs"]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false; // the test's clock stands still
        let key = DecodingKey::from_jwk(jwk).unwrap();
        let found = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(found.claims, claims());
    }
}

#[test]
fn an_id_token_may_lack_a_type_but_not_have_another() {
    let key = key(SigningAlg::EdDsa);
    let plain = json!({ "alg": "EdDSA", "kid": key.kid }).to_string();
    let untyped = signed_with_header(&plain, &claims());
    assert!(verify(&KEYRING, &untyped, &expect(TokenType::IdToken)).is_ok());
    assert_eq!(access(&untyped), Err(JoseError::Type));
    for typ in ["jwt", "JWT ", "", "at+jwt", "application/jwt", "logout+jwt"] {
        let token = signed_with_header(&header(&json!({ "typ": typ })), &claims());
        let told = verify(&KEYRING, &token, &expect(TokenType::IdToken));
        assert_eq!(told, Err(JoseError::Type), "{typ}");
    }
}

#[test]
fn only_a_json_object_can_be_signed() {
    for claims in [json!([1]), json!("text"), json!(null)] {
        let refused = sign(key(SigningAlg::EdDsa), TokenType::IdToken, &claims);
        assert_eq!(refused, Err(JoseError::Signing));
    }
}

// Malformed is not absent.

#[test]
fn times_that_are_no_whole_numbers_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1800000600"),
            json!(1_800_000_600.5),
            json!(1_800_000_600.0),
            json!(1e300),
            json!(u64::MAX),
            json!(-1),
            json!(null),
            json!(true),
            json!([1_800_000_600]),
            json!({}),
        ] {
            let refused = told(&with(name, value.clone()));
            assert_eq!(refused, Err(JoseError::Claim(name)), "{name} {value}");
        }
    }
}

#[test]
fn a_number_beyond_all_bounds_is_refused() {
    for name in ["exp", "nbf", "iat"] {
        let payload = without(name).to_string().replacen('{', &format!("{{\"{name}\":1e400,"), 1);
        let told = access(&signed(&good_header(), &payload)).unwrap_err();
        assert!(matches!(told, JoseError::Malformed | JoseError::Claim(_)), "{told:?}");
    }
}

#[test]
fn a_token_without_exp_iss_or_aud_is_refused() {
    for name in ["exp", "iss", "aud"] {
        assert_eq!(told(&without(name)), Err(JoseError::Claim(name)));
    }
    for name in ["iat", "nbf", "sub"] {
        assert!(told(&without(name)).is_ok(), "{name} is not required here");
    }
}

#[test]
fn an_audience_that_is_neither_a_string_nor_several_is_refused() {
    let refused =
        [json!({ "rs": 1 }), json!([]), json!(null), json!(7), json!(["rs", 7]), json!([["rs"]])];
    for value in refused {
        assert_eq!(told(&with("aud", value.clone())), Err(JoseError::Claim("aud")), "{value}");
    }
    assert!(told(&with("aud", json!(["other", "rs"]))).is_ok());
}

#[test]
fn an_issuer_or_subject_that_is_no_string_is_refused() {
    for name in ["iss", "sub"] {
        for value in [json!([ISSUER]), json!(7), json!(null), json!({})] {
            assert_eq!(told(&with(name, value.clone())), Err(JoseError::Claim(name)), "{value}");
        }
    }
}

#[test]
fn an_audience_need_not_be_expected_but_must_be_well_formed() {
    let any = Expect { audience: None, ..expect(TokenType::AccessToken) };
    let token =
        |claims: &Value| sign(key(SigningAlg::EdDsa), TokenType::AccessToken, claims).unwrap();
    assert!(verify(&KEYRING, &token(&with("aud", "whoever".into())), &any).is_ok());
    let malformed = verify(&KEYRING, &token(&with("aud", json!([]))), &any);
    assert_eq!(malformed, Err(JoseError::Claim("aud")));
}

// The wrong purpose, reader, writer or time.

#[test]
fn an_id_token_is_no_access_token_and_the_other_way_round() {
    for alg in SigningAlg::ALL {
        let id_token = sign(key(alg), TokenType::IdToken, &claims()).unwrap();
        assert_eq!(access(&id_token), Err(JoseError::Type));
        let access_token = sign(key(alg), TokenType::AccessToken, &claims()).unwrap();
        let as_hint = Expect { expiry: Expiry::Ignored, ..expect(TokenType::IdToken) };
        assert_eq!(verify(&KEYRING, &access_token, &as_hint), Err(JoseError::Type));
    }
}

#[test]
fn a_logout_token_is_neither_an_id_token_nor_an_access_token() {
    for alg in SigningAlg::ALL {
        let token = sign(key(alg), TokenType::LogoutToken, &claims()).unwrap();
        assert_eq!(access(&token), Err(JoseError::Type));
        let as_hint = Expect { expiry: Expiry::Ignored, ..expect(TokenType::IdToken) };
        assert_eq!(verify(&KEYRING, &token, &as_hint), Err(JoseError::Type));
        assert!(verify(&KEYRING, &token, &expect(TokenType::LogoutToken)).is_ok());
    }
}

#[test]
fn another_audience_or_issuer_is_refused() {
    for value in [json!("rs2"), json!("r"), json!("RS"), json!(""), json!(["a", "b"])] {
        assert_eq!(told(&with("aud", value)), Err(JoseError::Audience));
    }
    for issuer in ["https://id.example/", "https://ID.example", "https://evil.test", ""] {
        assert_eq!(told(&with("iss", issuer.into())), Err(JoseError::Issuer));
    }
}

#[test]
fn a_token_of_another_issuer_that_claims_our_kid_is_refused() {
    let foreign = FOREIGN.active(SigningAlg::EdDsa).unwrap();
    let signed = format!(
        "{}.{}",
        key(SigningAlg::EdDsa).header(TokenType::AccessToken).unwrap(),
        BASE64URL_NOPAD.encode(claims().to_string().as_bytes())
    );
    let signature = BASE64URL_NOPAD.encode(&foreign.signature(signed.as_bytes()).unwrap());
    assert_eq!(access(&format!("{signed}.{signature}")), Err(JoseError::Signature));
    let honest = sign(foreign, TokenType::AccessToken, &claims()).unwrap();
    assert_eq!(access(&honest), Err(JoseError::UnknownKey));
}

#[test]
fn expiry_and_beginning_tolerate_30_seconds_and_no_more() {
    assert!(told(&with("exp", json!(NOW.0 - 29))).is_ok());
    assert_eq!(told(&with("exp", json!(NOW.0 - 30))), Err(JoseError::Expired));
    assert!(told(&with("nbf", json!(NOW.0 + 30))).is_ok());
    assert_eq!(told(&with("nbf", json!(NOW.0 + 31))), Err(JoseError::NotYetValid));
    assert!(told(&with("exp", json!(i64::MAX))).is_ok());
}

#[test]
fn an_expired_token_is_good_where_expiry_is_ignored_but_only_if_it_has_one() {
    let lenient = Expect { expiry: Expiry::Ignored, ..expect(TokenType::IdToken) };
    let token = |claims: &Value| sign(key(SigningAlg::EdDsa), TokenType::IdToken, claims).unwrap();
    assert!(verify(&KEYRING, &token(&with("exp", json!(1))), &lenient).is_ok());
    let missing = verify(&KEYRING, &token(&without("exp")), &lenient);
    assert_eq!(missing, Err(JoseError::Claim("exp")));
}

#[test]
fn tokens_of_a_retiring_key_are_good_until_the_key_is_removed() {
    let sealer = Sealer::new(&MasterKey::generate());
    let NewKey { kid, alg, sealed_private, public_jwk } =
        generate(SigningAlg::Es256, &sealer).unwrap();
    let stored = |state| StoredKey {
        kid: kid.clone(),
        alg,
        state,
        sealed_private: sealed_private.clone(),
        public_jwk: public_jwk.clone(),
    };
    let active = Keyring::load(vec![stored(KeyState::Active)], &sealer).unwrap();
    let signer = active.active(alg).unwrap();
    let token = sign(signer, TokenType::AccessToken, &claims()).unwrap();
    let retiring = Keyring::load(vec![stored(KeyState::Retiring)], &sealer).unwrap();
    let retired = Keyring::load(vec![stored(KeyState::Retired)], &sealer).unwrap();
    assert!(verify(&retiring, &token, &expect(TokenType::AccessToken)).is_ok());
    let told = verify(&retired, &token, &expect(TokenType::AccessToken));
    assert_eq!(told, Err(JoseError::UnknownKey));
    let hint = sign(signer, TokenType::IdToken, &claims()).unwrap();
    for (typ, expiry, is_good) in [
        (TokenType::IdToken, Expiry::Ignored, true),
        (TokenType::IdToken, Expiry::Enforced, false),
        (TokenType::AccessToken, Expiry::Ignored, false),
    ] {
        let token = if typ == TokenType::IdToken { &hint } else { &token };
        let found = verify(&retired, token, &Expect { expiry, ..expect(typ) });
        assert_eq!(found.is_ok(), is_good, "{typ:?} {expiry:?}: {found:?}");
    }
    let removed = Keyring::load(vec![], &sealer).unwrap();
    let told = verify(&removed, &token, &expect(TokenType::AccessToken));
    assert_eq!(told, Err(JoseError::UnknownKey));
}

#[test]
fn left_half_hashes_are_those_of_openid_connect_core_appendix_a() {
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
    assert_eq!(left_half_hash(SigningAlg::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(left_half_hash(SigningAlg::Es256, code), "LDktKdoQak3Pk0cnXxCltA");
    assert_eq!(left_half_hash(SigningAlg::EdDsa, token).len(), 43);
}
