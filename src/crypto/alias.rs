//! Names that differ from one circle of apps to the next: an identifier of ours, encrypted so that
//! the same identifier in the same circle always gives the same text, and in another circle one that
//! cannot be told to belong to it (OpenID Connect Core section 8.1). Only we can read them back, so
//! no table has to remember them.
//!
//! AES-256-GCM-SIV (RFC 8452) under a nonce that is a keyed hash of circle and identifier: what the
//! construction is made for, and a nonce met twice would only show that two texts are equal.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::seal::{Sealer, derive};
use super::secret::random_bytes;

/// Enters key derivation: changing it changes every alias.
pub(super) const LABEL: &str = "alias";

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasOf {
    /// A person: the pairwise `sub`.
    Person,
    /// A session: a `sid` that two circles cannot compare.
    Session,
}

impl AliasOf {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Person => b"doorward/v1/alias/person",
            Self::Session => b"doorward/v1/alias/session",
        }
    }
}

/// The keys of all aliases.
pub(super) struct AliasKeys {
    /// `None` only if the library refused a key of the right length, which it has no reason to.
    aead: Option<LessSafeKey>,
    nonce: hmac::Key,
}

impl AliasKeys {
    pub(super) fn derive(prk: &hkdf::Prk) -> Self {
        let aead = derive(prk, "aead", LABEL)
            .and_then(|key| UnboundKey::new(&AES_256_GCM_SIV, key.as_slice()).ok());
        // Without a derived key, a random one: its aliases are read back, but not met again.
        let nonce = derive(prk, "mac", LABEL).unwrap_or_else(|| Zeroizing::new(random_bytes()));
        Self {
            aead: aead.map(LessSafeKey::new),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, nonce.as_slice()),
        }
    }

    /// The keys of another master key: what encrypts, and what makes the nonces.
    pub(super) fn inherited(aead: &[u8], nonce: &[u8]) -> Option<Self> {
        let aead = UnboundKey::new(&AES_256_GCM_SIV, aead).ok()?;
        Some(Self {
            aead: Some(LessSafeKey::new(aead)),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, nonce),
        })
    }

    fn nonce(&self, of: AliasOf, circle: &str, id: &str) -> Option<[u8; NONCE_LEN]> {
        let mut context = hmac::Context::with_key(&self.nonce);
        // Each part is preceded by its length, so that no two sets of parts are the same bytes.
        for part in [of.label(), circle.as_bytes(), id.as_bytes()] {
            context.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().first_chunk().copied()
    }
}

impl Sealer {
    /// The name of `id` inside `circle`: base64url of its length and 28 bytes more. `None` only if
    /// the library fails.
    pub fn alias(&self, of: AliasOf, circle: &str, id: &str) -> Option<String> {
        let keys = &self.aliases;
        let nonce = keys.nonce(of, circle, id)?;
        let mut in_out = id.as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let key = keys.aead.as_ref()?;
        key.seal_in_place_append_tag(unique, Aad::from(of.label()), &mut in_out).ok()?;
        Some(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &in_out].concat()))
    }

    /// What an alias of ours stands for, whatever its circle; `None` for every other text.
    pub fn unalias(&self, of: AliasOf, alias: &str) -> Option<String> {
        let bytes = BASE64URL_NOPAD.decode(alias.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut in_out = sealed.to_vec();
        let key = self.aliases.aead.as_ref()?;
        let nonce = Nonce::from(nonce);
        let plain = key.open_in_place(nonce, Aad::from(of.label()), &mut in_out).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::MasterKey;
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&MasterKey::generate()));

    fn alias(circle: &str, id: &str) -> String {
        SEALER.alias(AliasOf::Person, circle, id).unwrap()
    }

    #[test]
    fn an_alias_is_the_same_every_time_and_after_a_restart() {
        let key = MasterKey::generate();
        let again = MasterKey::from_text(key.to_text().expose()).unwrap();
        let of = |key| Sealer::new(key).alias(AliasOf::Person, "host:rp.test", "alice").unwrap();
        assert_eq!(of(&key), of(&key));
        assert_eq!(of(&key), of(&again));
    }

    #[test]
    fn another_circle_person_kind_or_master_key_gives_another_alias() {
        let one = alias("host:rp.test", "alice");
        let other = Sealer::new(&MasterKey::generate());
        for different in [
            alias("host:rp2.test", "alice"),
            alias("host:rp.test", "bob"),
            // The same bytes, divided elsewhere.
            alias("host:rp.testa", "lice"),
            SEALER.alias(AliasOf::Session, "host:rp.test", "alice").unwrap(),
            other.alias(AliasOf::Person, "host:rp.test", "alice").unwrap(),
        ] {
            assert_ne!(one, different);
        }
    }

    #[test]
    fn only_an_unchanged_alias_of_this_kind_and_key_is_read_back() {
        let one = alias("host:rp.test", "alice");
        assert_eq!(SEALER.unalias(AliasOf::Person, &one).as_deref(), Some("alice"));
        assert_eq!(SEALER.unalias(AliasOf::Session, &one), None);
        let other = Sealer::new(&MasterKey::generate());
        assert_eq!(other.unalias(AliasOf::Person, &one), None);
        for damaged in [&one[1..], &format!("{one}A"), "", "alice", "AAAA"] {
            assert_eq!(SEALER.unalias(AliasOf::Person, damaged), None, "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn every_alias_reads_back_and_fits_into_a_subject(circle in ".{0,60}", id in "[a-z0-9-]{1,40}") {
            let alias = alias(&circle, &id);
            prop_assert!(alias.len() <= 255 && alias.is_ascii());
            prop_assert_eq!(SEALER.unalias(AliasOf::Person, &alias), Some(id));
        }

        #[test]
        fn reading_back_never_panics(text in "\\PC{0,120}") {
            prop_assert_eq!(SEALER.unalias(AliasOf::Person, &text), None);
        }
    }
}
