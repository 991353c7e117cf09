//! Decrypting: nothing opens that was not encrypted for us, nor after it was changed anywhere, and
//! what opens is what was put in.
//!
//! Input: one byte that chooses the algorithms, one that chooses between
//! - a whole token made by an attacker,
//! - a place and bytes to put there in a genuine token,
//! - the header of a genuine token in other words, or
//! - plain bytes that we encrypt.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use doorward::crypto::foreign::ForeignKeys;
use doorward::crypto::jwe::{self, Opened, Plaintext, own};
use doorward::crypto::keyring::Keyring;
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};
use serde_json::json;

struct Ours {
    ring: Keyring,
    /// What others know of us.
    published: ForeignKeys,
}

static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let sealer = Sealer::new(&MasterKey::generate());
    let keys = KeyEncryptionAlg::ALL.map(|alg| own::generate(alg, &sealer).expect("a key"));
    let set = json!({ "keys": keys.each_ref().map(|key| &key.public_jwk) });
    let ring = Keyring::load(vec![], &sealer).expect("a keyring");
    let ring = ring.with_encryption_keys((keys.to_vec(), vec![]), &sealer).expect("a keyring");
    Ours { ring, published: ForeignKeys::from_set(&set).expect("a key set") }
});

type Algorithms = (KeyEncryptionAlg, ContentEncryptionAlg);

pub fn check(data: &[u8]) {
    let Some(([algorithms, choice], rest)) = data.split_first_chunk::<2>() else { return };
    let (alg, enc) = (usize::from(*algorithms) % 2, usize::from(*algorithms) / 2 % 3);
    let algorithms = (KeyEncryptionAlg::ALL[alg], ContentEncryptionAlg::ALL[enc]);
    match choice % 4 {
        0 => invented(rest),
        1 => changed(algorithms, rest),
        2 => other_header(algorithms, rest),
        _ => encrypted(algorithms, rest),
    }
}

fn encrypt((alg, enc): Algorithms, plain: &[u8]) -> String {
    let to = OURS.published.recipient(alg).expect("a published key");
    jwe::encrypt(&to, enc, Plaintext::Claims(plain)).expect("a token")
}

fn open(token: &str) -> Option<Opened> {
    jwe::decrypt(&OURS.ring, token).ok()
}

fn invented(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    assert!(open(token).is_none(), "an invented token opens");
}

fn changed(algorithms: Algorithms, data: &[u8]) {
    let Some((place, replacement)) = data.split_first_chunk::<2>() else { return };
    let genuine = encrypt(algorithms, b"a genuine request");
    let place = usize::from(u16::from_be_bytes(*place)) % genuine.len();
    let mut bytes = genuine.clone().into_bytes();
    let end = (place + replacement.len()).min(bytes.len());
    bytes.splice(place..end, replacement.iter().copied());
    let Ok(token) = String::from_utf8(bytes) else { return };
    assert_eq!(open(&token).is_some(), token == genuine, "a changed token opens");
}

fn other_header(algorithms: Algorithms, data: &[u8]) {
    let genuine = encrypt(algorithms, b"a genuine request");
    let (header, rest) = genuine.split_once('.').expect("five parts");
    let other = BASE64URL_NOPAD.encode(data);
    if other != header {
        assert!(open(&format!("{other}.{rest}")).is_none(), "another header opens");
    }
}

fn encrypted(algorithms: Algorithms, data: &[u8]) {
    let opened = open(&encrypt(algorithms, data)).expect("what we encrypt opens");
    assert_eq!(opened.plaintext, data);
    assert_eq!(opened.header["alg"], json!(algorithms.0));
    assert_eq!(opened.header["enc"], json!(algorithms.1));
}
