//! Encrypted tokens between Doorward and libraries of others, jose (Node) and joserfc (Python), in
//! both directions and with every algorithm.

use std::io::Write;
use std::process::{Command, Stdio};

use doorward::crypto::jwe::{self, Plaintext, Recipient, own};
use doorward::crypto::keyring::Keyring;
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};
use serde_json::{Value, json};

use crate::apps::Library;

/// A signed token, as far as encryption cares.
const TEXT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJuYW1lIjoiWm_DqyJ9.c2lnbmF0dXJl";

/// The curve of a key and how keys are agreed with it; RSA has no curve.
const KINDS: [(KeyEncryptionAlg, Option<&str>); 3] = [
    (KeyEncryptionAlg::RsaOaep256, None),
    (KeyEncryptionAlg::EcdhEs, Some("P-256")),
    (KeyEncryptionAlg::EcdhEs, Some("P-384")),
];

/// Puts a question to the library and gives its answer.
fn ask(library: Library, question: &Value) -> Value {
    let mut command: Command = library.script("jwe");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("start the library");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(question.to_string().as_bytes()).expect("ask");
    drop(input);
    let output = child.wait_with_output().expect("an answer");
    assert!(output.status.success(), "{question}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn they_read_what_we_encrypt(library: Library) {
    for (alg, curve) in KINDS {
        let keys = ask(library, &json!({ "generate": alg, "crv": curve }));
        let mut public = keys["public"].clone();
        public["kid"] = "theirs".into();
        let to = Recipient::from_jwk(public.as_object().unwrap()).expect("a key to encrypt to");
        for enc in ContentEncryptionAlg::ALL {
            let token = jwe::encrypt(&to, enc, Plaintext::SignedToken(TEXT)).unwrap();
            let read = ask(library, &json!({ "decrypt": token, "jwk": keys["private"] }));
            assert_eq!(read["text"], TEXT, "{alg:?} {curve:?} {enc:?}");
            let header = &read["header"];
            assert_eq!((&header["kid"], &header["cty"]), (&json!("theirs"), &json!("JWT")));
        }
    }
}

fn we_read_what_they_encrypt(library: Library) {
    let sealer = Sealer::new(&MasterKey::generate());
    let ours = KeyEncryptionAlg::ALL.map(|alg| own::generate(alg, &sealer).unwrap());
    let ring = Keyring::load(vec![], &sealer).unwrap();
    let ring = ring.with_encryption_keys((ours.to_vec(), vec![]), &sealer).unwrap();
    // As published: what they find in the key set is all they get.
    let set: Value = serde_json::from_str(ring.jwks()).unwrap();
    for jwk in set["keys"].as_array().unwrap() {
        for enc in ContentEncryptionAlg::ALL {
            let question = json!({ "encrypt": TEXT, "jwk": jwk, "alg": jwk["alg"], "enc": enc });
            let answer = ask(library, &question);
            let opened = jwe::decrypt(&ring, answer["token"].as_str().unwrap()).unwrap();
            assert_eq!(opened.plaintext, TEXT.as_bytes(), "{} {enc:?}", jwk["alg"]);
        }
    }
}

#[test]
fn jose_reads_what_doorward_encrypts() {
    they_read_what_we_encrypt(Library::OpenidClient);
}

#[test]
fn doorward_reads_what_jose_encrypts() {
    we_read_what_they_encrypt(Library::OpenidClient);
}

#[test]
fn joserfc_reads_what_doorward_encrypts() {
    they_read_what_we_encrypt(Library::Authlib);
}

#[test]
fn doorward_reads_what_joserfc_encrypts() {
    we_read_what_they_encrypt(Library::Authlib);
}
