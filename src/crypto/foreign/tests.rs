use serde_json::json;

use super::*;
use crate::crypto::key_pair::KeyPair;

const ANY: HeaderRules<'static> = HeaderRules {
    types: &["oauth-authz-req+jwt", "JWT"],
    untyped: Untyped::Accepted,
    algs: &SigningAlg::ALL,
    embedded_key: EmbeddedKey::Refused,
};

struct Party {
    pair: KeyPair,
    jwk: Value,
}

impl Party {
    fn new(alg: SigningAlg) -> Self {
        let pair = KeyPair::generate(alg).unwrap();
        let jwk = serde_json::to_value(pair.public_jwk().unwrap()).unwrap();
        Self { pair, jwk }
    }

    fn keys(&self) -> ForeignKeys {
        ForeignKeys::from_set(&json!({ "keys": [self.jwk] })).unwrap()
    }

    fn header(&self) -> Value {
        json!({ "alg": self.jwk["alg"], "kid": self.jwk["kid"] })
    }

    fn sign(&self, header: &Value, payload: &str) -> String {
        let header = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
        let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(payload.as_bytes()));
        let signature = self.pair.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

fn verify(token: &str, rules: &HeaderRules<'_>, keys: &ForeignKeys) -> Result<(), JoseError> {
    Unverified::read(token, rules)?.verify(keys).map(drop)
}

#[test]
fn every_algorithm_is_verified_with_the_key_of_that_name_or_any_that_fits() {
    for alg in SigningAlg::ALL {
        let party = Party::new(alg);
        let token = party.sign(&party.header(), r#"{"iss":"c"}"#);
        assert_eq!(verify(&token, &ANY, &party.keys()), Ok(()), "{alg:?}");
        let unnamed = party.sign(&json!({ "alg": alg }), r#"{"iss":"c"}"#);
        assert_eq!(verify(&unnamed, &ANY, &party.keys()), Ok(()), "{alg:?}");
        let stranger = Party::new(alg);
        assert_eq!(verify(&token, &ANY, &stranger.keys()), Err(JoseError::UnknownKey));
        assert_eq!(verify(&unnamed, &ANY, &stranger.keys()), Err(JoseError::Signature));
    }
}

#[test]
fn none_and_the_hmac_family_are_no_algorithms_here() {
    let party = Party::new(SigningAlg::Es256);
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS512", "es256"] {
        let token = party.sign(&json!({ "alg": alg }), "{}");
        assert_eq!(verify(&token, &ANY, &party.keys()), Err(JoseError::Algorithm), "{alg}");
    }
    let signed = party.sign(&party.header(), "{}");
    let (unsigned, _) = signed.rsplit_once('.').unwrap();
    assert_eq!(verify(&format!("{unsigned}."), &ANY, &party.keys()), Err(JoseError::Malformed));
    assert!(verify(unsigned, &ANY, &party.keys()).is_err());
}

#[test]
fn a_key_or_place_of_the_senders_choice_is_refused() {
    let party = Party::new(SigningAlg::Es256);
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"] {
        let mut header = party.header();
        header[name] = if name == "jwk" { party.jwk.clone() } else { json!(["x"]) };
        let token = party.sign(&header, "{}");
        assert_eq!(verify(&token, &ANY, &party.keys()), Err(JoseError::Header), "{name}");
    }
    for kid in [json!(1), json!(null), json!("k".repeat(10_000))] {
        let token = party.sign(&json!({ "alg": "ES256", "kid": kid }), "{}");
        assert_eq!(verify(&token, &ANY, &party.keys()), Err(JoseError::Header));
    }
}

#[test]
fn a_token_of_another_type_is_refused() {
    let party = Party::new(SigningAlg::EdDsa);
    let typed = |typ: Value| {
        let mut header = party.header();
        header["typ"] = typ;
        verify(&party.sign(&header, "{}"), &ANY, &party.keys())
    };
    for good in ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "jwt", "JWT"] {
        assert_eq!(typed(json!(good)), Ok(()), "{good}");
    }
    assert_eq!(typed(json!("dpop+jwt")), Err(JoseError::Type));
    assert_eq!(typed(json!(7)), Err(JoseError::Header));
    let strict = HeaderRules { untyped: Untyped::Refused, ..ANY };
    let token = party.sign(&party.header(), "{}");
    assert_eq!(verify(&token, &strict, &party.keys()), Err(JoseError::Type));
}

#[test]
fn a_repeated_member_is_refused() {
    let party = Party::new(SigningAlg::EdDsa);
    let token = party.sign(&party.header(), r#"{"aud":"a","aud":"b"}"#);
    assert_eq!(verify(&token, &ANY, &party.keys()), Err(JoseError::Malformed));
    for payload in ["[]", "null", "{", "\"x\""] {
        let token = party.sign(&party.header(), payload);
        assert_eq!(verify(&token, &ANY, &party.keys()), Err(JoseError::Malformed), "{payload}");
    }
}

#[test]
fn an_algorithm_that_is_not_allowed_or_not_the_keys_is_refused() {
    let party = Party::new(SigningAlg::Rs256);
    let token = party.sign(&party.header(), "{}");
    let fapi = HeaderRules { algs: &[SigningAlg::Ps256, SigningAlg::Es256], ..ANY };
    assert_eq!(verify(&token, &fapi, &party.keys()), Err(JoseError::Algorithm));
    let other = party.sign(&json!({ "alg": "PS256", "kid": party.jwk["kid"] }), "{}");
    assert_eq!(verify(&other, &ANY, &party.keys()), Err(JoseError::UnknownKey));
}

#[test]
fn an_embedded_key_verifies_its_own_token_where_that_is_demanded() {
    let proof = HeaderRules {
        types: &["dpop+jwt"],
        untyped: Untyped::Refused,
        embedded_key: EmbeddedKey::Demanded,
        ..ANY
    };
    let party = Party::new(SigningAlg::Es256);
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": party.jwk });
    let token = party.sign(&header, "{}");
    let (_, key) = Unverified::read(&token, &proof).unwrap().verify_embedded().unwrap();
    assert_eq!(key.thumbprint(), party.jwk["kid"]);
    let stranger = Party::new(SigningAlg::Es256);
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": stranger.jwk });
    let forged = party.sign(&header, "{}");
    let result = Unverified::read(&forged, &proof).unwrap().verify_embedded();
    assert_eq!(result.unwrap_err(), JoseError::Signature);
    let bare = party.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256" }), "{}");
    assert_eq!(Unverified::read(&bare, &proof).unwrap_err(), JoseError::Header);
}

#[test]
fn private_symmetric_and_weak_keys_are_refused_and_strange_ones_ignored() {
    let party = Party::new(SigningAlg::Es256);
    let mut private = party.jwk.clone();
    private["d"] = json!("AAAA");
    let symmetric = json!({ "kty": "oct", "k": "AAAA" });
    for bad in [private, symmetric] {
        let set = json!({ "keys": [bad] });
        assert_eq!(ForeignKeys::from_set(&set).unwrap_err(), KeySetError::Private);
    }
    let weak = json!({ "kty": "RSA", "n": BASE64URL_NOPAD.encode(&[255; 128]), "e": "AQAB" });
    let weak = ForeignKeys::from_set(&json!({ "keys": [weak] }));
    assert_eq!(weak.unwrap_err(), KeySetError::RsaSize);
    let mut encryption = party.jwk.clone();
    encryption["use"] = json!("enc");
    let strange = json!({ "keys": [{ "kty": "AKP", "pub": "x" }, encryption] });
    assert!(ForeignKeys::from_set(&strange).unwrap().is_empty());
    let many = json!({ "keys": vec![party.jwk.clone(); 33] });
    assert_eq!(ForeignKeys::from_set(&many).unwrap_err(), KeySetError::TooMany);
    for malformed in [json!([]), json!({}), json!({ "keys": {} }), json!({ "keys": [1] })] {
        assert_eq!(ForeignKeys::from_set(&malformed).unwrap_err(), KeySetError::Malformed);
    }
}

#[test]
fn an_rsa_key_whose_exponent_protects_nothing_is_refused() {
    let party = Party::new(SigningAlg::Rs256);
    for bad in ["AQ", "AAE", "Ag", "AQAA", "", "AA", "="] {
        let mut jwk = party.jwk.clone();
        jwk["e"] = bad.into();
        let set = json!({ "keys": [jwk] });
        assert_eq!(ForeignKeys::from_set(&set).unwrap_err(), KeySetError::RsaExponent, "{bad:?}");
    }
    assert!(is_sound_exponent(&[3]) && is_sound_exponent(&[0, 1, 0, 1]));
}
