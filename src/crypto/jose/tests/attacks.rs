//! Forgeries: each test is one attack known from the field (RFC 8725 section 2).

use aws_lc_rs::hmac;
use proptest::prelude::*;

use super::*;

// No signature, or none of ours.

#[test]
fn alg_none_is_refused_in_every_spelling() {
    let payload = BASE64URL_NOPAD.encode(claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", "nOnE", "", " none"] {
        let header = BASE64URL_NOPAD.encode(header(&json!({ "alg": alg })).as_bytes());
        for token in [format!("{header}.{payload}."), format!("{header}.{payload}.AAAA")] {
            assert_eq!(access(&token), Err(JoseError::Algorithm), "{alg}");
        }
        assert_eq!(access(&format!("{header}.{payload}")), Err(JoseError::Malformed));
    }
}

#[test]
fn an_empty_cut_or_foreign_signature_is_refused() {
    for alg in SigningAlg::ALL {
        let token = sign(key(alg), TokenType::AccessToken, &claims()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(access(&format!("{signed}.")), Err(JoseError::Signature));
        assert_eq!(access(signed), Err(JoseError::Malformed));
        for kept in [4, signature.len() / 2 / 4 * 4, signature.len() - signature.len() % 4 - 4] {
            let cut = format!("{signed}.{}", &signature[..kept]);
            assert_eq!(access(&cut), Err(JoseError::Signature), "{alg:?} {kept}");
        }
        let foreign = FOREIGN.active(alg).unwrap().signature(signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(&foreign));
        assert_eq!(access(&token), Err(JoseError::Signature));
    }
}

#[test]
fn a_signature_of_all_zeroes_is_refused() {
    for (alg, len) in [(SigningAlg::Rs256, 256), (SigningAlg::Es256, 64), (SigningAlg::EdDsa, 64)] {
        let token = sign(key(alg), TokenType::AccessToken, &claims()).unwrap();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let zeroes = BASE64URL_NOPAD.encode(&vec![0; len]);
        assert_eq!(access(&format!("{signed}.{zeroes}")), Err(JoseError::Signature));
    }
}

#[test]
fn a_token_keyed_with_our_public_key_as_an_hmac_secret_is_refused() {
    for alg in SigningAlg::ALL {
        for secret in public_key_texts(alg) {
            for (name, function) in [
                ("HS256", hmac::HMAC_SHA256),
                ("HS384", hmac::HMAC_SHA384),
                ("HS512", hmac::HMAC_SHA512),
            ] {
                let header = json!({ "alg": name, "kid": key(alg).kid, "typ": "at+jwt" });
                let signed = format!(
                    "{}.{}",
                    BASE64URL_NOPAD.encode(header.to_string().as_bytes()),
                    BASE64URL_NOPAD.encode(claims().to_string().as_bytes())
                );
                let tag = hmac::sign(&hmac::Key::new(function, &secret), signed.as_bytes());
                let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()));
                assert_eq!(access(&token), Err(JoseError::Algorithm));
            }
        }
    }
}

/// The public key as an attacker would feed it to HMAC: the JWK text, its decoded members (which
/// hold the raw key), and those again in PEM armour.
fn public_key_texts(alg: SigningAlg) -> Vec<Vec<u8>> {
    let set: Value = serde_json::from_str(KEYRING.jwks()).unwrap();
    let jwk =
        set["keys"].as_array().unwrap().iter().find(|jwk| jwk["alg"] == alg.as_str()).unwrap();
    let raw = BASE64URL_NOPAD
        .decode(jwk.get("n").or_else(|| jwk.get("x")).unwrap().as_str().unwrap().as_bytes())
        .unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        data_encoding::BASE64.encode(&raw)
    );
    vec![jwk.to_string().into_bytes(), raw, pem.into_bytes()]
}

#[test]
fn a_token_naming_one_of_our_keys_with_the_algorithm_of_another_is_refused() {
    for (named, used) in [("RS256", SigningAlg::Es256), ("ES256", SigningAlg::Rs256)] {
        let header = json!({ "alg": named, "kid": key(used).kid, "typ": "at+jwt" });
        assert_eq!(
            access(&signed_with_header(&header.to_string(), &claims())),
            Err(JoseError::Algorithm)
        );
    }
}

// Hostile headers.

#[test]
fn a_header_that_brings_its_own_key_is_refused() {
    let set: Value = serde_json::from_str(FOREIGN.jwks()).unwrap();
    for extra in [
        json!({ "jwk": set["keys"][0] }),
        json!({ "jku": "https://evil.test/jwks.json" }),
        json!({ "x5u": "https://evil.test/cert.pem" }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "x5t": "AAAA" }),
        json!({ "x5t#S256": "AAAA" }),
    ] {
        assert_eq!(told_header(&extra), Err(JoseError::Header), "{extra}");
    }
}

#[test]
fn a_kid_that_is_hostile_or_no_string_is_refused() {
    for (kid, reason) in [
        (json!("../../../../dev/null"), JoseError::UnknownKey),
        (json!("x' or '1'='1"), JoseError::UnknownKey),
        (json!("k".repeat(10_000)), JoseError::UnknownKey),
        (json!(""), JoseError::UnknownKey),
        (json!(7), JoseError::Header),
        (json!(null), JoseError::Header),
        (json!([]), JoseError::Header),
    ] {
        let told = told_header(&json!({ "kid": kid }));
        assert_eq!(told, Err(reason), "{kid}");
    }
    let missing = json!({ "alg": "EdDSA", "typ": "at+jwt" }).to_string();
    assert_eq!(access(&signed_with_header(&missing, &claims())), Err(JoseError::Header));
}

#[test]
fn critical_extensions_and_unencoded_payloads_are_refused() {
    for extra in [
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "crit": [] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "zip": "DEF" }),
        json!({ "cty": "JWT" }),
    ] {
        assert_eq!(told_header(&extra), Err(JoseError::Header), "{extra}");
    }
}

#[test]
fn a_header_of_the_wrong_shape_is_refused() {
    let kid = &key(SigningAlg::EdDsa).kid;
    for header in [
        format!(r#"["EdDSA","{kid}","at+jwt"]"#),
        format!(r#"{{"alg":"none","alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#),
        header(&json!({ "typ": null })),
        header(&json!({ "typ": ["at+jwt"] })),
        header(&json!({ "alg": null })),
        "{}".into(),
        "null".into(),
        String::new(),
    ] {
        let told = access(&signed_with_header(&header, &claims()));
        assert_eq!(told, Err(JoseError::Header), "{header}");
    }
}

// Hostile spellings.

#[test]
fn a_token_has_exactly_one_spelling() {
    let token = sign(key(SigningAlg::EdDsa), TokenType::AccessToken, &claims()).unwrap();
    assert!(access(&token).is_ok());
    let last = token.chars().last().unwrap();
    // 64 bytes end with four unused bits: only A, Q, g and w are canonical.
    let stray = char::from_u32(last as u32 + 1).unwrap();
    for changed in [
        format!("{}{stray}", &token[..token.len() - 1]),
        format!("{token}=="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}."),
        format!(".{token}"),
        token.replacen('.', "..", 1),
        token.replacen('.', "=.", 1),
        format!("{token}.{token}"),
        String::new(),
        "..".into(),
    ] {
        let told = access(&changed).unwrap_err();
        assert!(matches!(told, JoseError::Malformed | JoseError::Header), "{changed}: {told:?}");
    }
}

#[test]
fn a_token_over_16_kb_is_refused_unread_and_one_below_is_read() {
    let long = |n: usize| told(&with("padding", "x".repeat(n).into()));
    assert!(long(11_000).is_ok());
    assert_eq!(long(12_500), Err(JoseError::Malformed));
}

#[test]
fn a_deeply_nested_payload_is_refused() {
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let token = signed(&good_header(), &format!(r#"{{"iss":"{ISSUER}","x":{deep}}}"#));
    assert_eq!(access(&token), Err(JoseError::Malformed));
}

proptest! {
    #[test]
    fn verifying_never_panics_and_never_accepts_arbitrary_text(text in ".*") {
        prop_assert!(access(&text).is_err());
    }

    #[test]
    fn verifying_never_panics_on_arbitrary_headers_and_payloads(
        header in ".*", payload in ".*", signature in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let parts = [encode(header.as_bytes()), encode(payload.as_bytes()), encode(&signature)];
        prop_assert!(access(&parts.join(".")).is_err());
    }

    #[test]
    fn verifying_never_panics_on_arbitrary_signed_payloads(payload in ".*") {
        prop_assert!(access(&signed(&good_header(), &payload)).is_err());
    }

    #[test]
    fn a_token_with_any_character_changed_is_refused(
        position in any::<prop::sample::Index>(),
        replacement in any::<char>(),
        alg in prop::sample::select(&SigningAlg::ALL[..]),
    ) {
        let token = sign(key(alg), TokenType::AccessToken, &claims()).unwrap();
        let mut characters: Vec<char> = token.chars().collect();
        let at = position.index(characters.len());
        prop_assume!(characters[at] != replacement);
        characters[at] = replacement;
        prop_assert!(access(&characters.into_iter().collect::<String>()).is_err());
    }
}
