use std::sync::LazyLock;

use serde_json::json;

use super::own::{DecryptionKey, EncryptionKey};
use super::*;
use crate::crypto::foreign::ForeignKeys;
use crate::crypto::keyring::KeyError;
use crate::crypto::seal::{MasterKey, Sealer};

static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&MasterKey::generate()));

/// One key of each algorithm in use, and one on the way out.
struct Ours {
    ring: Keyring,
    active: Vec<EncryptionKey>,
    retiring: Vec<EncryptionKey>,
}

static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let made = || KeyEncryptionAlg::ALL.map(|alg| own::generate(alg, &SEALER).unwrap()).to_vec();
    let (active, retiring) = (made(), made());
    let ring = Keyring::load(vec![], &SEALER).unwrap();
    let ring = ring.with_encryption_keys((active.clone(), retiring.clone()), &SEALER).unwrap();
    Ours { ring, active, retiring }
});

/// What a client finds in a JWK Set with these keys.
fn recipients(keys: &[EncryptionKey]) -> ForeignKeys {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk.clone()).collect();
    ForeignKeys::from_set(&json!({ "keys": keys })).unwrap()
}

fn recipient(jwk: &Value) -> Option<Recipient> {
    Recipient::from_jwk(jwk.as_object().unwrap())
}

fn token(alg: KeyEncryptionAlg, enc: ContentEncryptionAlg) -> String {
    let keys = recipients(&OURS.active);
    encrypt(&keys.recipient(alg).unwrap(), enc, Plaintext::SignedToken("a.b.c")).unwrap()
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(header.as_bytes()).unwrap()).unwrap()
}

/// The token with another header, its tag no longer right.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()))
}

#[test]
fn the_token_of_rfc_7520_section_5_5_decrypts() {
    const TOKEN: &str = "eyJhbGciOiJFQ0RILUVTIiwia2lkIjoibWVyaWFkb2MuYnJhbmR5YnVja0BidWNrbGFuZC5leGFt\
        cGxlIiwiZXBrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoibVBVS1RfYkFXR0hJaGcwVHBqanFWc1AxclhXUXVfdnd\
        WT0hIdE5rZFlvQSIsInkiOiI4QlFBc0ltR2VBUzQ2ZnlXdzVNaFlmR1RUMElqQnBGdzJTUzM0RHY0SXJzIn0sImVuYyI6IkExMj\
        hDQkMtSFMyNTYifQ..yc9N8v5sYyv3iGQT926IUg.BoDlwPnTypYq-ivjmQvAYJLb5Q6l-F3LIgQomlz87yW4OPKbWE1zSTEFjDf\
        hU9IPIOSA9Bml4m7iDFwA-1ZXvHteLDtw4R1XRGMEsDIqAYtskTTmzmzNa-_q4F_evAPUmwlO-ZG45Mnq4uhM1fm_D9rBtWolqZ\
        SF3xGNNkpOMQKF1Cl8i8wjzRli7-IXgyirlKQsbhhqRzkv8IcY6aHl24j03C-AR2le1r7URUhArM79BY8soZU0lzwI-sD5PZ3l4\
        NDCCei9XkoIAfsXJWmySPoeRb2Ni5UZL4mYpvKDiwmyzGd65KqVw7MsFfI_K767G9C9Azp73gKZD0DyUn1mn0WW5LmyX_yJ-3AR\
        Oq8p1WZBfG-ZyJ6195_JGG2m9Csg.WCCkNa-x4BeB9hIDIfFuhg";
    let d = BASE64URL_NOPAD.decode(b"r_kHyZ-a06rmxM3yESK84r1otSg-aQcVStkRhA-iCM8").unwrap();
    let key = DecryptionKey::of_p256("meriadoc.brandybuck@buckland.example", &d);
    let (encoded_header, sealed) = take_apart(TOKEN).unwrap();
    let header = object(encoded_header).unwrap();
    let (alg, enc, kid) = check_header(&header).unwrap();
    assert_eq!((alg, enc), (KeyEncryptionAlg::EcdhEs, ContentEncryptionAlg::A128CbcHs256));
    assert_eq!(kid, Some("meriadoc.brandybuck@buckland.example"));
    let content_key = key.content_key(enc, (&header, &sealed.encrypted_key)).unwrap();
    assert_eq!(BASE64URL_NOPAD.encode(&content_key), "hzHdlfQIAEehb8Hrd_mFRhKsKLEzPfshfXs9l6areCc");
    let plaintext = content::open(enc, &content_key, (encoded_header.as_bytes(), &sealed.content));
    let text = String::from_utf8(plaintext.unwrap()).unwrap();
    assert!(
        text.starts_with("You can trust us to stick with you through thick and thin"),
        "{text}"
    );
    assert!(text.ends_with("We are your friends, Frodo."), "{text}");
}

#[test]
fn whatever_is_encrypted_for_one_of_our_keys_is_read_whole() {
    for alg in KeyEncryptionAlg::ALL {
        for enc in ContentEncryptionAlg::ALL {
            for keys in [&OURS.active, &OURS.retiring] {
                let keys = recipients(keys);
                let to = keys.recipient(alg).unwrap();
                let token = encrypt(&to, enc, Plaintext::SignedToken("a.b.c")).unwrap();
                assert!(is_encrypted(&token));
                let opened = decrypt(&OURS.ring, &token).unwrap();
                assert_eq!(opened.plaintext, b"a.b.c", "{alg:?} {enc:?}");
                assert_eq!(opened.header["cty"], "JWT");
                assert_eq!(opened.header.get("kid").and_then(Value::as_str), to.kid());
                for claims in [b"{}".as_slice(), b"", &[7; 15], &[7; 16], &[7; 5000]] {
                    let token = encrypt(&to, enc, Plaintext::Claims(claims)).unwrap();
                    let opened = decrypt(&OURS.ring, &token).unwrap();
                    assert_eq!(opened.plaintext, claims);
                    assert_eq!(opened.header.get("cty"), None);
                }
            }
        }
    }
}

#[test]
fn p_384_keys_of_clients_are_encrypted_for() {
    let jwk = json!({ "kty": "EC", "crv": "P-384", "kid": "peregrin", "use": "enc",
        "x": "YU4rRUzdmVqmRtWOs2OpDE_T5fsNIodcG8G5FWPrTPMyxpzsSOGaQLpe2FpxBmu2",
        "y": "A8-yxCHxkfBz3hKZfI1jUYMjUhsEveZ9THuwFjH2sCNdtksRJU7D5-SkgaFL1ETP" });
    let to = recipient(&jwk).unwrap();
    assert_eq!(to.alg(), KeyEncryptionAlg::EcdhEs);
    let token = encrypt(&to, ContentEncryptionAlg::A256Gcm, Plaintext::Claims(b"{}")).unwrap();
    let header = header_of(&token);
    assert_eq!((&header["kid"], &header["epk"]["crv"]), (&json!("peregrin"), &json!("P-384")));
    // Our own key is on another curve.
    assert_eq!(decrypt(&OURS.ring, &token), Err(JweError::UnknownKey));
    let mut renamed = header;
    renamed.as_object_mut().unwrap().remove("kid");
    assert_eq!(decrypt(&OURS.ring, &with_header(&token, &renamed)), Err(JweError::Decryption));
}

#[test]
fn compression_other_algorithms_and_keys_in_the_header_are_refused() {
    for alg in KeyEncryptionAlg::ALL {
        let good = token(alg, ContentEncryptionAlg::A256Gcm);
        let refused = |name: &str, value: Value| {
            let mut header = header_of(&good);
            header[name] = value;
            decrypt(&OURS.ring, &with_header(&good, &header)).unwrap_err()
        };
        assert_eq!(refused("zip", json!("DEF")), JweError::Header);
        assert_eq!(refused("crit", json!(["exp"])), JweError::Header);
        for name in ["jku", "jwk", "x5u", "x5c", "b64", "p2s", "p2c"] {
            assert_eq!(refused(name, json!("x")), JweError::Header, "{name}");
        }
        for kid in [json!(7), json!(null), json!("k".repeat(1025))] {
            assert_eq!(refused("kid", kid), JweError::Header);
        }
        assert_eq!(refused("kid", json!("../../dev/null")), JweError::UnknownKey);
        for bad in ["RSA1_5", "RSA-OAEP", "dir", "none", "A256KW", "ECDH-ES+A256KW", "ecdh-es", ""]
        {
            assert_eq!(refused("alg", json!(bad)), JweError::Algorithm, "{bad}");
        }
        for bad in ["A128CBC-HS512", "A192GCM", "a256gcm", "none", ""] {
            assert_eq!(refused("enc", json!(bad)), JweError::Algorithm, "{bad}");
        }
        assert_eq!(refused("alg", json!(null)), JweError::Algorithm);
    }
}

#[test]
fn a_token_changed_anywhere_tells_only_that_it_does_not_decrypt() {
    for alg in KeyEncryptionAlg::ALL {
        for enc in ContentEncryptionAlg::ALL {
            let good = token(alg, enc);
            let parts: Vec<&str> = good.split('.').collect();
            for (index, part) in parts.iter().enumerate().skip(1) {
                let mut bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
                match bytes.first_mut() {
                    Some(first) => *first ^= 1,
                    // Direct agreement has no encrypted key; one that is there anyway is refused.
                    None => bytes.push(1),
                }
                let mut changed: Vec<String> = parts.iter().map(ToString::to_string).collect();
                changed[index] = BASE64URL_NOPAD.encode(&bytes);
                let changed = changed.join(".");
                assert_eq!(decrypt(&OURS.ring, &changed), Err(JweError::Decryption), "{index}");
            }
            let mut header = header_of(&good);
            header["iss"] = "https://evil.test".into();
            let changed = with_header(&good, &header);
            assert_eq!(decrypt(&OURS.ring, &changed), Err(JweError::Decryption));
        }
    }
}

#[test]
fn an_ephemeral_key_that_is_missing_or_hostile_gives_nothing() {
    let good = token(KeyEncryptionAlg::EcdhEs, ContentEncryptionAlg::A256Gcm);
    let zeroes = BASE64URL_NOPAD.encode(&[0; 32]);
    for epk in [
        json!(null),
        json!({}),
        json!("x"),
        json!({ "kty": "EC", "crv": "P-256", "x": zeroes, "y": zeroes }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": zeroes }),
    ] {
        let mut header = header_of(&good);
        header["epk"] = epk;
        let changed = with_header(&good, &header);
        assert_eq!(decrypt(&OURS.ring, &changed), Err(JweError::Decryption), "{header}");
    }
    for (name, bad) in [("apu", json!(7)), ("apv", json!("=")), ("apu", json!("A".repeat(513)))] {
        let mut header = header_of(&good);
        header[name] = bad;
        let changed = with_header(&good, &header);
        assert_eq!(decrypt(&OURS.ring, &changed), Err(JweError::Decryption), "{header}");
    }
}

#[test]
fn what_is_no_compact_jwe_is_malformed() {
    let good = token(KeyEncryptionAlg::RsaOaep256, ContentEncryptionAlg::A128CbcHs256);
    let (head, tag) = good.rsplit_once('.').unwrap();
    for bad in [
        head,
        &format!("{good}.AA"),
        &format!("{good}="),
        &format!("{head}. {tag}"),
        &good.replacen('.', "..", 1),
        &"x".repeat(MAX_TOKEN_LEN + 1),
    ] {
        let error = decrypt(&OURS.ring, bad).unwrap_err();
        assert!(matches!(error, JweError::Malformed | JweError::Header), "{bad:.80} {error:?}");
    }
    for bad in ["", ".", "....", "a.b.c", "W10.AA.AA.AA.AA", "bnVsbA.AA.AA.AA.AA"] {
        let error = decrypt(&OURS.ring, bad).unwrap_err();
        assert!(matches!(error, JweError::Malformed | JweError::Header), "{bad} {error:?}");
    }
    let twice = r#"{"alg":"ECDH-ES","enc":"A128GCM","alg":"RSA-OAEP-256"}"#;
    let twice = format!("{}....", BASE64URL_NOPAD.encode(twice.as_bytes()));
    assert_eq!(decrypt(&OURS.ring, &twice), Err(JweError::Header));
    let long = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "x": "x".repeat(4000) });
    assert_eq!(decrypt(&OURS.ring, &with_header(&good, &long)), Err(JweError::Header));
}

#[test]
fn a_recipient_is_chosen_by_use_and_algorithm() {
    let [rsa, ec] = [&OURS.active[0].public_jwk, &OURS.active[1].public_jwk];
    assert_eq!(recipient(rsa).unwrap().alg(), KeyEncryptionAlg::RsaOaep256);
    let changed = |jwk: &Value, name: &str, value: Value| {
        let mut members = jwk.as_object().unwrap().clone();
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.to_owned(), value),
        };
        Value::Object(members)
    };
    for jwk in [rsa, ec] {
        for (name, value) in [
            ("use", json!("sig")),
            ("use", json!(7)),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("ECDH-ES+A128KW")),
            ("key_ops", json!(["verify"])),
            ("key_ops", json!("encrypt")),
            ("kty", json!("oct")),
        ] {
            assert!(recipient(&changed(jwk, name, value.clone())).is_none(), "{name} {value}");
        }
        for operation in ["wrapKey", "encrypt", "deriveKey", "deriveBits"] {
            assert!(recipient(&changed(jwk, "key_ops", json!([operation]))).is_some());
        }
        assert!(recipient(&changed(jwk, "alg", json!(null))).is_some());
    }
    for bad in ["AQ", "", "="] {
        assert!(recipient(&changed(rsa, "e", json!(bad))).is_none(), "exponent {bad:?}");
        assert!(recipient(&changed(rsa, "n", json!(bad))).is_none(), "modulus {bad:?}");
    }
    // A key that says nothing about its use is taken only when none says it is for encryption.
    let vague =
        changed(&changed(&OURS.retiring[0].public_jwk, "use", json!(null)), "kid", json!("v"));
    let keys = ForeignKeys::from_set(&json!({ "keys": [vague, rsa] })).unwrap();
    let chosen = keys.recipient(KeyEncryptionAlg::RsaOaep256).unwrap();
    assert_eq!(chosen.kid(), rsa["kid"].as_str());
    assert!(keys.recipient(KeyEncryptionAlg::EcdhEs).is_none());
    let keys = ForeignKeys::from_set(&json!({ "keys": [vague] })).unwrap();
    assert_eq!(keys.recipient(KeyEncryptionAlg::RsaOaep256).unwrap().kid(), Some("v"));
}

#[test]
fn keys_in_use_are_published_with_their_purpose_and_those_on_the_way_out_are_not() {
    let set: Value = serde_json::from_str(OURS.ring.jwks()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for (key, alg) in keys.iter().zip(KeyEncryptionAlg::ALL) {
        assert_eq!((&key["use"], &key["alg"]), (&json!("enc"), &json!(alg)));
        assert!(key.get("d").is_none() && key.get("p").is_none(), "{key}");
    }
    // Neither verifies anything.
    assert!(recipients(&OURS.active).is_empty());
}

#[test]
fn an_encryption_key_planted_in_storage_or_sealed_for_another_purpose_is_refused() {
    let good = &OURS.active[1];
    let load = |key: EncryptionKey| {
        let ring = Keyring::load(vec![], &SEALER).unwrap();
        ring.with_encryption_keys((vec![key], vec![]), &SEALER).map(drop).unwrap_err()
    };
    let other = OURS.retiring[1].clone();
    let kid = good.kid.clone();
    let planted = EncryptionKey { public_jwk: other.public_jwk, ..good.clone() };
    assert_eq!(load(planted), KeyError::Mismatch { kid: kid.clone() });
    let planted = EncryptionKey { kid: "mine".into(), ..good.clone() };
    assert_eq!(load(planted), KeyError::Mismatch { kid: "mine".into() });
    let wrong = EncryptionKey { alg: KeyEncryptionAlg::RsaOaep256, ..good.clone() };
    assert!(matches!(load(wrong), KeyError::NoEncryptionKey { .. }));
    let pair =
        crate::crypto::key_pair::KeyPair::generate(crate::protocol::types::SigningAlg::Es256);
    let der = pair.unwrap().to_pkcs8().unwrap();
    let sealed = SEALER.seal(crate::crypto::seal::Purpose::SigningKey, &der);
    let swapped = EncryptionKey { sealed_private: sealed, ..good.clone() };
    assert_eq!(load(swapped), KeyError::Sealed { kid });
}

#[test]
fn a_key_whose_numbers_are_those_of_no_key_gives_no_token() {
    let [rsa, ec] = [&OURS.active[0].public_jwk, &OURS.active[1].public_jwk];
    let mut even = rsa.clone();
    let mut modulus = BASE64URL_NOPAD.decode(rsa["n"].as_str().unwrap().as_bytes()).unwrap();
    *modulus.last_mut().unwrap() ^= 1;
    even["n"] = BASE64URL_NOPAD.encode(&modulus).into();
    let mut off = ec.clone();
    off["y"] = off["x"].clone();
    for jwk in [even, off] {
        let to = recipient(&jwk).unwrap();
        assert!(to.begin(ContentEncryptionAlg::A128Gcm).is_none(), "{jwk}");
    }
}
