//! Random secrets, what is stored of them, and random identifiers: the only user of the random
//! number generator outside the cryptographic library itself.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

use crate::clock::UnixTime;

/// A value that grants something to whoever holds it: shown once, never stored, never logged.
/// The memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A fresh secret of 256 random bits as 43 characters of base64url, which is four times the
    /// guessing resistance RFC 6749 section 10.10 asks for.
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random_bytes::<32>());
        Self::from_text(BASE64URL_NOPAD.encode(bytes.as_slice()))
    }

    /// A fresh secret that is typed off a page or a phone call: four groups of five letters, none of which
    /// looks like a digit or another letter. 23 letters to choose from make 90 random bits.
    pub fn typed() -> Self {
        const LETTERS: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";
        const LENGTH: usize = 23;
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        while text.len() < LENGTH {
            for byte in *Zeroizing::new(random_bytes::<32>()) {
                // The bytes from 230 on would make some letters likelier than others.
                let letter = LETTERS.get(usize::from(byte % 23)).filter(|_| byte < 230);
                if let Some(letter) = letter.filter(|_| text.len() < LENGTH) {
                    if text.len() % 6 == 5 {
                        text.push('-');
                    }
                    text.push(char::from(*letter));
                }
            }
        }
        Self(text)
    }

    /// Whether a text could be one of [`Secret::generate`]: what cannot need not be looked up.
    pub fn looks_like_one(text: &str) -> bool {
        text.len() == 43
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    /// Takes a secret that already exists, such as one read from a configuration file.
    pub fn from_text(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. The name is a warning: whatever it is written to must be secret too.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored in place of this secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a random secret, as 43 characters of base64url. A fast hash is enough because
/// 256 random bits cannot be guessed; passwords go through [`super::password`] instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a value that somebody presented.
    pub fn of(presented: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, presented.as_bytes());
        Self(BASE64URL_NOPAD.encode(hash.as_ref()))
    }

    /// A hash read back from storage.
    pub fn from_stored(stored: String) -> Self {
        Self(stored)
    }

    /// The hash as text, for a column or a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is the secret behind this hash, in time that does not depend on it.
    pub fn matches(&self, presented: &str) -> bool {
        Self::of(presented).0.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

/// The SHA-256 of everything that can be read, by which a file is known again.
///
/// # Errors
/// What reading says.
pub fn file_digest(input: &mut impl std::io::Read) -> std::io::Result<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = [0; 8192];
    loop {
        let length = input.read(&mut part)?;
        let Some(read) = part.get(..length).filter(|read| !read.is_empty()) else { break };
        context.update(read);
    }
    Ok(BASE64URL_NOPAD.encode(context.finish().as_ref()))
}

/// `N` unpredictable bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(bytes.as_mut_slice());
    bytes
}

/// An identifier for a row or a `jti`: a version 7 UUID (RFC 9562 section 5.7) made at `now`.
/// Text order is time order, and within one process also the order of creation, although
/// [`UnixTime`] only counts seconds: the bits after the timestamp begin with a counter (RFC 9562
/// section 6.2, method 1).
pub fn new_id(now: UnixTime) -> String {
    // Starting at random below half of the 42 bits keeps processes apart and leaves room to count.
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(u64::from_be_bytes(random_bytes()) >> 23));
    ordered_id(now, NEXT.fetch_add(1, Ordering::Relaxed), u32::from_be_bytes(random_bytes()))
}

/// Time, then the lower 42 bits of `count`, then `random`.
fn ordered_id(now: UnixTime, count: u64, random: u32) -> String {
    let millis = u64::try_from(now.0).unwrap_or(0).saturating_mul(1000);
    // 80 bits follow the time. The version overwrites the first four and the variant the two after
    // the twelfth of the counter, so those are left empty.
    let (high, low) = (u128::from((count >> 30) & 0xFFF), u128::from(count & 0x3FFF_FFFF));
    let tail = high << 64 | low << 32 | u128::from(random);
    let [_, _, _, _, _, _, tail @ ..] = tail.to_be_bytes();
    text(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
}

fn text(id: Uuid) -> String {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// An identifier that says nothing, not even when it was made: a version 4 UUID. Used for `sub`,
/// which clients see and keep.
pub fn opaque_id() -> String {
    text(Builder::from_random_bytes(random_bytes()).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_has_43_characters_and_is_never_the_same_twice() {
        let (one, other) = (Secret::generate(), Secret::generate());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.expose(), other.expose());
    }

    #[test]
    fn a_typed_secret_is_four_groups_of_letters_that_cannot_be_mistaken() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let secret = Secret::typed();
            let groups: Vec<_> = secret.expose().split('-').collect();
            assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [5; 4]);
            let letters: Vec<_> = groups.concat().chars().collect();
            assert!(letters.iter().all(|l| l.is_ascii_lowercase() && !"ilo".contains(*l)));
            seen.extend(letters);
        }
        assert_eq!(seen.len(), 23, "every letter comes up");
    }

    #[test]
    fn a_secret_does_not_show_itself_in_debug_output() {
        assert_eq!(format!("{:?}", Secret::from_text("hunter2".into())), "Secret(…)");
    }

    #[test]
    fn the_hash_of_a_secret_is_its_sha_256() {
        // FIPS 180-2 appendix B.1: the digest of "abc".
        assert_eq!(SecretHash::of("abc").as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn a_hash_matches_its_secret_and_nothing_else() {
        let secret = Secret::generate();
        let hash = SecretHash::from_stored(secret.hash().as_str().to_owned());
        assert!(hash.matches(secret.expose()));
        assert!(!hash.matches(""));
        assert!(!hash.matches(&secret.expose()[1..]));
        assert!(!hash.matches(hash.as_str()));
        assert!(!SecretHash::from_stored(String::new()).matches(""));
    }

    #[test]
    fn ids_made_in_the_same_second_sort_in_the_order_they_were_made() {
        let ids: Vec<String> = (0..1000).map(|_| new_id(UnixTime(1_700_000_000))).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        assert!(*ids.last().unwrap() < new_id(UnixTime(1_700_000_001)));
    }

    #[test]
    fn every_bit_of_the_counter_orders_ids() {
        for bit in 0..42 {
            let count = 1 << bit;
            let before = ordered_id(UnixTime(1), count - 1, u32::MAX);
            assert!(before < ordered_id(UnixTime(1), count, 0), "bit {bit}");
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_that_carries_its_time() {
        let id = uuid::Uuid::parse_str(&new_id(UnixTime(1_700_000_000))).unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_700_000_000);
    }

    #[test]
    fn an_opaque_id_is_a_version_4_uuid() {
        assert_eq!(uuid::Uuid::parse_str(&opaque_id()).unwrap().get_version_num(), 4);
    }
}
