//! Forged tokens: what an attacker can make of public keys and of a token they once saw, and what
//! nobody but the provider itself can sign.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use doorward::crypto::seal::{MasterKey, Purpose, Sealer};
use doorward::store::keys;
use serde_json::{Value, json};

use crate::kit::fixtures::{Bed, jose_header, payload};
use crate::support::backends::Backend;

/// A key of the attacker's.
static STRANGER: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));

fn encode(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

fn rs256(key: &RsaKeyPair, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// The same header, `kid` included, and the same claims, signed with the attacker's key.
pub fn signed_by_a_stranger(genuine: &str) -> String {
    rs256(&STRANGER, &jose_header(genuine).to_string(), &payload(genuine).to_string())
}

/// The header with these members added or replaced.
fn header_with(genuine: &str, members: &Value) -> String {
    let mut header = jose_header(genuine);
    for (name, value) in members.as_object().expect("members") {
        header[name] = value.clone();
    }
    header.to_string()
}

/// Forgeries that need nothing but a genuine token and the public keys (rows 37 to 40), each with
/// a word about what it is. `canary` is where a careless verifier would look for keys.
pub fn forgeries(genuine: &str, jwk: &Value, canary: &str) -> Vec<(String, String)> {
    let claims = payload(genuine).to_string();
    let mut all = Vec::new();
    let mut add = |what: &str, token: String| all.push((what.to_owned(), token));
    for none in ["none", "None", "NONE", "nOnE", "", "null"] {
        let header = header_with(genuine, &json!({ "alg": none }));
        let unsigned = format!("{}.{}.", encode(&header), encode(&claims));
        add(&format!("alg {none:?} without a signature"), unsigned.clone());
        add(&format!("alg {none:?} with some signature"), format!("{unsigned}AAAA"));
    }
    let (signed, signature) = genuine.rsplit_once('.').expect("a JWT");
    add("an empty signature", format!("{signed}."));
    add("no signature", signed.to_owned());
    add("half a signature", format!("{signed}.{}", &signature[..signature.len() / 2 / 4 * 4]));
    add("a signature of zeroes", format!("{signed}.{}", BASE64URL_NOPAD.encode(&[0; 256])));
    for (name, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for (form, secret) in public_key_texts(jwk) {
            let header = header_with(genuine, &json!({ "alg": name }));
            let signed = format!("{}.{}", encode(&header), encode(&claims));
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), signed.as_bytes());
            let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()));
            add(&format!("{name} keyed with our public {form}"), token);
        }
    }
    for (what, members) in hostile_headers(canary) {
        add(&what, rs256(&STRANGER, &header_with(genuine, &members), &claims));
    }
    add("a stranger's signature", signed_by_a_stranger(genuine));
    let other = claims.replacen("\"sub\":\"", "\"sub\":\"x", 1);
    let (head, _) = genuine.split_once('.').expect("a JWT");
    add("changed claims", format!("{head}.{}.{signature}", encode(&other)));
    all
}

/// Rows 39 and 40.
pub fn hostile_headers(canary: &str) -> Vec<(String, Value)> {
    let modulus = STRANGER.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let own = json!({ "kty": "RSA", "e": "AQAB", "n": BASE64URL_NOPAD.encode(&modulus),
        "kid": "stranger", "alg": "RS256", "use": "sig" });
    let mut all = vec![
        json!({ "jwk": own }),
        json!({ "jwk": own, "kid": "stranger" }),
        json!({ "jku": format!("{canary}/jwks.json"), "kid": "stranger" }),
        json!({ "jku": format!("{canary}/jwks.json") }),
        json!({ "x5u": format!("{canary}/cert.pem") }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "b64": false }),
        json!({ "zip": "DEF" }),
        json!({ "typ": "logout+jwt" }),
    ];
    for kid in [
        json!("../../../../dev/null"),
        json!("x' or '1'='1"),
        json!("k".repeat(9_000)),
        json!(""),
        json!(7),
        json!(null),
        json!(["a"]),
        json!(canary),
    ] {
        all.push(json!({ "kid": kid }));
    }
    let named = |members: Value| {
        let text: String = members.to_string().chars().take(60).collect();
        (format!("header {text}"), members)
    };
    all.into_iter().map(named).collect()
}

/// An RSA key as an attacker would feed it to HMAC.
fn public_key_texts(jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |name: &str| {
        BASE64URL_NOPAD.decode(jwk[name].as_str().expect("text").as_bytes()).expect("base64url")
    };
    let integer = |mut bytes: Vec<u8>| {
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        der(2, &bytes)
    };
    let inner = der(0x30, &[integer(bytes("n")), integer(bytes("e"))].concat());
    let algorithm = [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0];
    let key = der(0x30, &[der(0x30, &algorithm), der(3, &[vec![0], inner].concat())].concat());
    let lines: Vec<String> = BASE64
        .encode(&key)
        .as_bytes()
        .chunks(64)
        .map(|l| String::from_utf8_lossy(l).into())
        .collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
    vec![
        ("PEM", format!("{pem}\n").into_bytes()),
        ("PEM without the last line end", pem.into_bytes()),
        ("DER", key),
        ("JWK", jwk.to_string().into_bytes()),
        ("modulus", bytes("n")),
    ]
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short value").to_be_bytes();
    let mut all = vec![tag, 0x82, length[0], length[1]];
    all.extend_from_slice(content);
    all
}

/// The provider's own RS256 key, as only its operator could read it: with it a test makes tokens
/// that are wrong in nothing but the claims.
pub struct OwnKey(RsaKeyPair);

impl OwnKey {
    /// Reads it with the master key.
    pub async fn of(bed: &Bed) -> Self {
        let text = match bed.world.backend {
            Backend::Embedded => {
                let path = bed.world.data_dir().join("master.key");
                std::fs::read_to_string(path).expect("the master key")
            }
            Backend::Production => {
                bed.world.setting("DOORWARD_SECRETS__MASTER_KEY").expect("set").to_owned()
            }
        };
        let sealer = Sealer::new(&MasterKey::from_text(text.trim_end()).expect("a master key"));
        let store = bed.store().await;
        let rows = keys::all(&store.db).await.expect("the keys");
        store.db.close().await;
        let row = rows
            .into_iter()
            .find(|row| row.public_jwk["alg"] == "RS256" && row.state == "active")
            .expect("an active RS256 key");
        let der = sealer.open(Purpose::SigningKey, &row.sealed_private).expect("a sealed key");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("a PKCS #8 key");
        Self(pair)
    }

    /// Signs any header and payload.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        rs256(&self.0, header, payload)
    }

    /// The genuine token's header with these claims as text in the place of its own.
    pub fn with_claims(&self, genuine: &str, claims: &str) -> String {
        self.sign(&jose_header(genuine).to_string(), claims)
    }

    /// The genuine token with one claim replaced by this JSON text, or removed when it is empty.
    pub fn with_claim(&self, genuine: &str, name: &str, json: &str) -> String {
        let mut claims = payload(genuine);
        claims.as_object_mut().expect("claims").remove(name);
        let mut text = claims.to_string();
        if !json.is_empty() {
            text.truncate(text.len() - 1);
            text = format!("{text},\"{name}\":{json}}}");
        }
        self.with_claims(genuine, &text)
    }
}

/// The claims of row 41 that no verifier may take for good: name and JSON text; an empty text means
/// that the claim is missing.
pub fn malformed_claims() -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    for bad in ["\"9999999999\"", "1e400", "-1e400", "null", "[]", "{}", "true", "1.5e300", ""] {
        all.push(("exp", bad));
    }
    for bad in ["\"0\"", "1e400", "null", "[]", "true"] {
        all.extend([("nbf", bad), ("iat", bad)]);
    }
    for bad in ["{}", "[]", "7", "null", "[7]", "[null]", ""] {
        all.push(("aud", bad));
    }
    for bad in ["[\"x\"]", "7", "null", "{}", "\"https://evil.test\"", "\"\"", ""] {
        all.push(("iss", bad));
    }
    for bad in ["7", "null", "[]", "{}", ""] {
        all.push(("sub", bad));
    }
    all
}
