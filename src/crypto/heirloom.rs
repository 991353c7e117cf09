//! Exchanging the master key. What is sealed is sealed again; what cannot be made again, because others
//! know it by now, outlives the key as an [`Heirloom`]: the keys of pairwise names, without which apps would
//! not recognise anybody, and those under which the audit log was chained, whose places nobody may write
//! anew. Neither tells anything about the master key it was derived from.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::alias::{self, AliasKeys};
use super::seal::{MasterKey, Purpose, Sealer, derive, extract};

/// There is one pair of keys for pairwise names, however often the master key is exchanged.
const ALIASES: &str = "aliases";

/// Before the name of each key of the audit chain.
const CHAIN: &str = "audit-chain:";

/// Bytes of each key: one of the audit chain, and both of the two of pairwise names.
const KEY_LEN: usize = 32;

/// A key that outlives the master key it was derived from.
pub struct Heirloom {
    /// The same for the same key. It is no secret.
    pub name: String,
    pub key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Heirloom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heirloom").field("name", &self.name).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// The keys of pairwise names. `None` only if the library fails.
    pub fn alias_heirloom(&self) -> Option<Heirloom> {
        let prk = extract(self);
        let aead = derive(&prk, "aead", alias::LABEL)?;
        let nonce = derive(&prk, "mac", alias::LABEL)?;
        let key = Zeroizing::new([aead.as_slice(), nonce.as_slice()].concat());
        Some(Heirloom { name: ALIASES.to_owned(), key })
    }

    /// The key under which the audit log is chained. `None` only if the library fails.
    pub fn chain_heirloom(&self) -> Option<Heirloom> {
        let key = derive(&extract(self), "mac", Purpose::AuditChain.label())?;
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), b"its name");
        let name = format!("{CHAIN}{}", BASE64URL_NOPAD.encode(signed.as_ref()));
        Some(Heirloom { name, key: Zeroizing::new(key.to_vec()) })
    }
}

/// What became of a sealed value when it was looked at anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resealed {
    /// It is sealed under the present key already.
    Present,
    /// The same value, sealed under the present key.
    Anew(String),
    /// Neither key opens it.
    Unreadable,
}

impl Sealer {
    /// Takes over a key of an earlier master key; `false` if it is none that this version knows, or not whole.
    pub fn inherit(&mut self, heirloom: &Heirloom) -> bool {
        if heirloom.name == ALIASES {
            let whole = heirloom.key.len() == 2 * KEY_LEN;
            let parts = heirloom.key.split_at_checked(KEY_LEN).filter(|_| whole);
            let keys = parts.and_then(|(aead, nonce)| AliasKeys::inherited(aead, nonce));
            let Some(keys) = keys else { return false };
            self.aliases = keys;
            return true;
        }
        if !heirloom.name.starts_with(CHAIN) || heirloom.key.len() != KEY_LEN {
            return false;
        }
        self.former_chains.push(hmac::Key::new(hmac::HMAC_SHA256, &heirloom.key));
        true
    }

    /// Whether a place in the audit log was signed under this master key or any before it.
    pub fn chain_matches(&self, message: &[u8], presented: &str) -> bool {
        self.mac_matches(Purpose::AuditChain, message, presented)
            || self.former_chains.iter().any(|key| {
                let code = BASE64URL_NOPAD.encode(hmac::sign(key, message).as_ref());
                code.as_bytes().ct_eq(presented.as_bytes()).into()
            })
    }

    /// Whether the present key opens this, without the previous one.
    pub fn opens_now(&self, purpose: Purpose, sealed: &str) -> bool {
        self.open_now(purpose, sealed).is_some()
    }

    /// Seals a value under the present key, unless it is. Sealing it another time changes nothing.
    pub fn reseal(&self, purpose: Purpose, sealed: &str) -> Resealed {
        if self.opens_now(purpose, sealed) {
            return Resealed::Present;
        }
        let Some(plain) = self.open(purpose, sealed).map(Zeroizing::new) else {
            return Resealed::Unreadable;
        };
        let anew = self.seal(purpose, &plain);
        // The empty text is what sealing gives when the library fails: nothing may be lost to that.
        if anew.is_empty() { Resealed::Unreadable } else { Resealed::Anew(anew) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::alias::AliasOf;
    use super::*;

    fn both() -> (Sealer, Sealer, Sealer) {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        (Sealer::new(&old), Sealer::new(&new), Sealer::new(&new).with_previous(&old))
    }

    #[test]
    fn two_keys_open_what_either_has_sealed_and_seal_under_the_present_one() {
        let (old, new, both) = both();
        for one in [&old, &new] {
            let sealed = one.seal(Purpose::RefreshToken, b"x");
            assert_eq!(both.open(Purpose::RefreshToken, &sealed), Some(b"x".to_vec()));
            assert_eq!(both.open(Purpose::Flow, &sealed), None, "for its own purpose alone");
            assert!(both.mac_matches(Purpose::Csrf, b"x", &one.mac(Purpose::Csrf, b"x")));
        }
        let sealed = both.seal(Purpose::Flow, b"x");
        assert_eq!(new.open(Purpose::Flow, &sealed), Some(b"x".to_vec()));
        assert_eq!(old.open(Purpose::Flow, &sealed), None);
        assert_eq!(both.mac(Purpose::Csrf, b"x"), new.mac(Purpose::Csrf, b"x"));
        assert!(!both.mac_matches_now(Purpose::Csrf, b"x", &old.mac(Purpose::Csrf, b"x")));
        let stranger = Sealer::new(&MasterKey::generate()).seal(Purpose::Flow, b"x");
        assert_eq!(both.open(Purpose::Flow, &stranger), None);
    }

    #[test]
    fn what_is_sealed_again_opens_without_the_previous_key_and_stays_from_then_on() {
        let (old, new, both) = both();
        let sealed = old.seal(Purpose::SigningKey, b"x");
        let Resealed::Anew(anew) = both.reseal(Purpose::SigningKey, &sealed) else {
            panic!("it was sealed before");
        };
        assert_eq!(new.open(Purpose::SigningKey, &anew), Some(b"x".to_vec()));
        assert_eq!(both.reseal(Purpose::SigningKey, &anew), Resealed::Present);
        assert_eq!(both.reseal(Purpose::Letter, &sealed), Resealed::Unreadable);
        assert_eq!(both.reseal(Purpose::SigningKey, ""), Resealed::Unreadable);
    }

    #[test]
    fn pairwise_names_and_the_chain_outlive_the_key() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let before = Sealer::new(&old);
        let mut after = Sealer::new(&new);
        let name = |sealer: &Sealer| sealer.alias(AliasOf::Person, "host:rp.test", "alice");
        let signed = before.mac(Purpose::AuditChain, b"a place");
        assert_ne!(name(&before), name(&after));
        assert!(!after.chain_matches(b"a place", &signed));
        assert!(after.inherit(&old.alias_heirloom().unwrap()));
        assert!(after.inherit(&old.chain_heirloom().unwrap()));
        assert_eq!(name(&before), name(&after));
        assert!(after.chain_matches(b"a place", &signed));
        assert!(!after.chain_matches(b"another place", &signed));
        // It signs nothing, and opens nothing.
        assert!(!after.mac_matches(Purpose::AuditChain, b"a place", &signed));
        let heirloom = Heirloom { name: "else".to_owned(), key: Zeroizing::new(vec![1; 32]) };
        assert!(!after.inherit(&heirloom));
    }

    #[test]
    fn a_key_that_is_not_whole_is_not_taken_over() {
        let old = MasterKey::generate();
        let mut after = Sealer::new(&MasterKey::generate());
        let name = after.alias(AliasOf::Person, "host:rp.test", "alice");
        for whole in [old.alias_heirloom().unwrap(), old.chain_heirloom().unwrap()] {
            let long = [whole.key.as_slice(), &[1]].concat();
            for key in [Vec::new(), vec![1], long.split_at(whole.key.len() - 1).0.to_vec(), long] {
                let heirloom = Heirloom { name: whole.name.clone(), key: Zeroizing::new(key) };
                assert!(!after.inherit(&heirloom), "{} bytes", heirloom.key.len());
            }
        }
        assert_eq!(after.alias(AliasOf::Person, "host:rp.test", "alice"), name);
        assert!(after.former_chains.is_empty());
    }

    #[test]
    fn the_name_of_a_key_is_its_own_and_the_same_each_time() {
        let (one, other) = (MasterKey::generate(), MasterKey::generate());
        let name = |key: &MasterKey| key.chain_heirloom().unwrap().name;
        assert_eq!(name(&one), name(&one));
        assert_ne!(name(&one), name(&other));
    }
}
