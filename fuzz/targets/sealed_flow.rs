//! The sealed request that a page carries: only what we sealed opens, and only for its purpose.
//!
//! Input: a sealed text made by an attacker; also the plain bytes of a flow, and a place to damage
//! once they are sealed.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use doorward::crypto::seal::{MasterKey, Purpose, Sealer};
use doorward::service::authorize::flow::Flow;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&MasterKey::generate()));

const PURPOSES: [Purpose; 7] = [
    Purpose::Flow,
    Purpose::RefreshToken,
    Purpose::Successor,
    Purpose::SigningKey,
    Purpose::EncryptionKey,
    Purpose::Csrf,
    Purpose::Flash,
];

pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(SEALER.open(Purpose::Flow, text), None, "an invented text opens");
    }
    // With a version and a length that could be right.
    let shaped = BASE64URL_NOPAD.encode(&[&[1], data].concat());
    assert_eq!(SEALER.open(Purpose::Flow, &shaped), None, "invented bytes open");
    if let Some((damage, plain)) = data.split_first_chunk::<3>() {
        sealed(plain, *damage);
    }
    flow(data);
}

fn sealed(plain: &[u8], [high, low, flip]: [u8; 3]) {
    let text = SEALER.seal(Purpose::Flow, plain);
    for purpose in PURPOSES {
        let expected = (purpose == Purpose::Flow).then(|| plain.to_vec());
        assert_eq!(SEALER.open(purpose, &text), expected, "{purpose:?}");
    }
    let mut bytes = BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url");
    let place = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
    bytes[place] ^= flip.max(1);
    let damaged = BASE64URL_NOPAD.encode(&bytes);
    assert_eq!(SEALER.open(Purpose::Flow, &damaged), None, "a damaged text opens");
}

/// What is inside is only ever our own writing; still, reading it must not depend on luck.
fn flow(data: &[u8]) {
    let Ok(flow) = serde_json::from_slice::<Flow>(data) else { return };
    let written = serde_json::to_vec(&flow).expect("a flow is written");
    let again: Flow = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, flow);
}
