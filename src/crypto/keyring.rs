//! The signing keys: made, sealed for storage, and loaded into a [`Keyring`], an immutable snapshot
//! with every key already parsed and the JWK Set already written.
//!
//! Rotation (OpenID Connect Core section 10.1.1): a key is published as *next* before it signs, signs
//! while *active*, and stays published as *retiring* until everything it signed has expired. After that
//! it is *retired*: no longer published, and good for nothing but an ID token that comes back as a hint,
//! which may be long expired. A key removed from the ring verifies nothing from that moment on.

use std::fmt;

use jsonwebtoken::{DecodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::encoding::fingerprint;
use super::jose::TokenType;
use super::jwe::own::{DecryptionKey, EncryptionKey};
use super::key_pair::{KeyPair, algorithm};
use super::seal::{Purpose, Sealer};
use crate::protocol::types::{KeyEncryptionAlg, SigningAlg};

/// Why keys could not be made or loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The cryptographic library refused; in practice, out of memory.
    #[error("a new signing key could not be made")]
    Generation,
    /// The sealed private key does not open.
    #[error(
        "the signing key {kid} does not open with this master key; start with the master key it was stored under"
    )]
    Sealed {
        /// Which key.
        kid: String,
    },
    /// What was sealed is no private key for the stored algorithm.
    #[error("the signing key {kid} is stored as {alg}, but is no such key; restore it from a backup", alg = alg.as_str())]
    Unusable {
        /// Which key.
        kid: String,
        /// The algorithm it is stored under.
        alg: SigningAlg,
    },
    /// The same for a key that others encrypt with.
    #[error("the encryption key {kid} is stored as {alg}, but is no such key; restore it from a backup", alg = alg.as_str())]
    NoEncryptionKey {
        /// Which key.
        kid: String,
        /// The algorithm it is stored under.
        alg: KeyEncryptionAlg,
    },
    /// The stored public key or key id belongs to another private key.
    #[error(
        "the stored public key of {kid} does not belong to its private key; restore it from a backup"
    )]
    Mismatch {
        /// Which key.
        kid: String,
    },
}

/// A key that was just made, ready to be stored.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Key id: the RFC 7638 SHA-256 thumbprint, so it can be neither chosen nor reused.
    pub kid: String,
    /// What it signs with.
    pub alg: SigningAlg,
    /// The private key as PKCS #8, sealed with [`Purpose::SigningKey`].
    pub sealed_private: String,
    /// The public key as published, with `kid`, `use` and `alg` (RFC 7517 section 4).
    pub public_jwk: Value,
}

/// Makes a key. RSA takes about 80 ms of computation: call this where blocking is allowed.
pub fn generate(alg: SigningAlg, sealer: &Sealer) -> Result<NewKey, KeyError> {
    let pair = KeyPair::generate(alg).map_err(|_| KeyError::Generation)?;
    let jwk = pair.public_jwk().ok_or(KeyError::Generation)?;
    let kid = jwk.common.key_id.clone().ok_or(KeyError::Generation)?;
    let private = pair.to_pkcs8().map_err(|_| KeyError::Generation)?;
    let sealed_private = sealer.seal(Purpose::SigningKey, &private);
    if sealed_private.is_empty() {
        return Err(KeyError::Generation);
    }
    let public_jwk = serde_json::to_value(jwk).map_err(|_| KeyError::Generation)?;
    Ok(NewKey { kid, alg, sealed_private, public_jwk })
}

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs.
    Active,
    /// Published, so that clients know it before it signs.
    Next,
    /// Signs no longer, still published until everything it signed has expired.
    Retiring,
    /// Neither signs nor is published; still recognizes an ID token that comes back as an
    /// `id_token_hint`.
    Retired,
}

impl KeyState {
    pub const ALL: [Self; 4] = [Self::Active, Self::Next, Self::Retiring, Self::Retired];

    /// The name in storage and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Next => "next",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// The state with this name, compared exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A key as storage holds it. The fields are those of [`NewKey`] and the state.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Key id.
    pub kid: String,
    /// What it signs with.
    pub alg: SigningAlg,
    /// Where it stands in its life.
    pub state: KeyState,
    /// The sealed private key.
    pub sealed_private: String,
    /// The public key as published.
    pub public_jwk: Value,
}

/// A key ready to sign and verify: everything that can be prepared is.
pub struct SigningKey {
    /// Key id.
    pub kid: String,
    /// What it signs with; also the only algorithm its signatures are verified with.
    pub alg: SigningAlg,
    /// Where it stands in its life.
    pub state: KeyState,
    pair: KeyPair,
    pub(super) verifier: DecodingKey,
    /// The encoded JWS header of each type of token: the same for every token of that type.
    headers: Vec<(TokenType, String)>,
}

impl SigningKey {
    /// Opens and parses a stored key and checks that private key, public key and key id belong
    /// together, so that whoever can write to the database still cannot publish a key of their own.
    fn open(stored: &StoredKey, sealer: &Sealer) -> Result<Self, KeyError> {
        let (kid, alg) = (stored.kid.clone(), stored.alg);
        let private = sealer
            .open(Purpose::SigningKey, &stored.sealed_private)
            .map(Zeroizing::new)
            .ok_or_else(|| KeyError::Sealed { kid: kid.clone() })?;
        let unusable = || KeyError::Unusable { kid: kid.clone(), alg };
        let pair = KeyPair::from_pkcs8(alg, &private).map_err(|_| unusable())?;
        let jwk = pair.public_jwk().ok_or_else(unusable)?;
        let published = serde_json::to_value(&jwk).map_err(|_| unusable())?;
        if jwk.common.key_id.as_ref() != Some(&kid) || published != stored.public_jwk {
            return Err(KeyError::Mismatch { kid });
        }
        let verifier = DecodingKey::from_jwk(&jwk).map_err(|_| unusable())?;
        let header = |typ| Some((typ, encode_header(&kid, alg, typ)?));
        let headers = TokenType::ALL.into_iter().map(header).collect::<Option<_>>();
        Ok(Self {
            headers: headers.ok_or_else(unusable)?,
            kid,
            alg,
            state: stored.state,
            pair,
            verifier,
        })
    }

    /// The encoded JWS header of tokens of this type.
    pub(super) fn header(&self, typ: TokenType) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| *known == typ).map(|(_, header)| header.as_str())
    }

    /// The signature over `message`, `None` if the library fails.
    pub(super) fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(message).ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn encode_header(kid: &str, alg: SigningAlg, typ: TokenType) -> Option<String> {
    let mut header = Header::new(algorithm(alg));
    header.typ = Some(typ.as_str().to_owned());
    header.kid = Some(kid.to_owned());
    Some(data_encoding::BASE64URL_NOPAD.encode(&serde_json::to_vec(&header).ok()?))
}

/// All keys at one moment. Replaced as a whole when keys change.
#[derive(Debug)]
pub struct Keyring {
    keys: Vec<SigningKey>,
    decryption: Vec<DecryptionKey>,
    published: Vec<Value>,
    jwks: String,
    jwks_tag: String,
}

impl Keyring {
    /// Opens every key. One that cannot be opened is an error: going on without it would refuse
    /// tokens that are still good, or sign with the wrong key.
    pub fn load(mut stored: Vec<StoredKey>, sealer: &Sealer) -> Result<Self, KeyError> {
        // Active keys first: some clients only look at the first key.
        stored.sort_by(|a, b| (a.state, a.alg, &a.kid).cmp(&(b.state, b.alg, &b.kid)));
        let keys =
            stored.iter().map(|key| SigningKey::open(key, sealer)).collect::<Result<_, _>>()?;
        let published = stored.into_iter().filter(is_published);
        let published: Vec<Value> = published.map(|key| key.public_jwk).collect();
        Ok(Self { keys, ..Self::publishing(published) })
    }

    /// Adds the keys others encrypt with: those in use, which are published, and those on the way
    /// out, which only decrypt what was encrypted before.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn with_encryption_keys(
        self,
        (active, retiring): (Vec<EncryptionKey>, Vec<EncryptionKey>),
        sealer: &Sealer,
    ) -> Result<Self, KeyError> {
        let all = active.iter().chain(&retiring);
        let decryption =
            all.map(|key| DecryptionKey::open(key, sealer)).collect::<Result<_, _>>()?;
        let mut published = self.published;
        published.extend(active.into_iter().map(|key| key.public_jwk));
        Ok(Self { keys: self.keys, decryption, ..Self::publishing(published) })
    }

    /// Whether this ring was loaded from exactly these keys: then nothing has to be opened anew. Key
    /// ids are thumbprints, so the same ids are the same keys.
    #[must_use]
    pub fn is_of(
        &self,
        stored: &[StoredKey],
        (active, retiring): (&[EncryptionKey], &[EncryptionKey]),
    ) -> bool {
        let published = stored.iter().filter(|key| is_published(key)).count();
        let same =
            |key: &StoredKey| self.by_kid(&key.kid).is_some_and(|known| known.state == key.state);
        let known: Vec<_> = self.decryption.iter().map(DecryptionKey::kid).collect();
        let encryption: Vec<_> =
            active.iter().chain(retiring).map(|key| key.kid.as_str()).collect();
        self.keys.len() == stored.len()
            && stored.iter().all(same)
            && self.published.len() == published + active.len()
            && known == encryption
    }

    /// Nothing but the published text.
    fn publishing(published: Vec<Value>) -> Self {
        let jwks = serde_json::json!({ "keys": published }).to_string();
        let jwks_tag = fingerprint(&jwks);
        Self { keys: Vec::new(), decryption: Vec::new(), published, jwks, jwks_tag }
    }

    /// The private keys for what others encrypted for us.
    pub(super) fn decryption_keys(&self) -> &[DecryptionKey] {
        &self.decryption
    }

    /// The key that signs with this algorithm now.
    pub fn active(&self, alg: SigningAlg) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.alg == alg && key.state == KeyState::Active)
    }

    /// The key with this id, in whichever state.
    pub fn by_kid(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// What changes whenever [`Self::jwks`] does: its fingerprint.
    pub fn jwks_tag(&self) -> &str {
        &self.jwks_tag
    }

    /// The public halves of all keys that are published as a JWK Set (RFC 7517 section 5), as JSON.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

fn is_published(key: &StoredKey) -> bool {
    key.state != KeyState::Retired
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seal::MasterKey;
    use jsonwebtoken::jwk::JwkSet;

    fn stored(key: NewKey, state: KeyState) -> StoredKey {
        let NewKey { kid, alg, sealed_private, public_jwk } = key;
        StoredKey { kid, alg, state, sealed_private, public_jwk }
    }

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::generate())
    }

    #[test]
    fn the_jwk_set_lists_every_state_active_first_and_no_private_part() {
        let sealer = sealer();
        let keys = [KeyState::Retiring, KeyState::Next, KeyState::Active]
            .map(|state| stored(generate(SigningAlg::EdDsa, &sealer).unwrap(), state));
        let kids = keys.clone().map(|key| key.kid);
        let ring = Keyring::load(keys.to_vec(), &sealer).unwrap();
        let set: Value = serde_json::from_str(ring.jwks()).unwrap();
        let listed = set["keys"].as_array().unwrap();
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[0]["kid"], kids[2]);
        for key in listed {
            let mut members: Vec<&String> = key.as_object().unwrap().keys().collect();
            members.sort();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
        }
        assert_eq!(ring.active(SigningAlg::EdDsa).unwrap().kid, kids[2]);
        assert!(ring.active(SigningAlg::Rs256).is_none());
        for kid in kids {
            assert_eq!(ring.by_kid(&kid).unwrap().kid, kid);
        }
        assert!(ring.by_kid("").is_none());
    }

    #[test]
    fn every_algorithm_is_published_with_its_name_use_and_thumbprint() {
        let sealer = sealer();
        let keys = SigningAlg::ALL
            .map(|alg| stored(generate(alg, &sealer).unwrap(), KeyState::Active))
            .to_vec();
        let ring = Keyring::load(keys, &sealer).unwrap();
        let set: JwkSet = serde_json::from_str(ring.jwks()).unwrap();
        for (jwk, alg) in set.keys.iter().zip(SigningAlg::ALL) {
            let json = serde_json::to_value(jwk).unwrap();
            assert_eq!((&json["alg"], &json["use"]), (&alg.as_str().into(), &"sig".into()));
            let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
            assert_eq!(json["kid"], thumbprint);
            assert_eq!(ring.active(alg).unwrap().kid, thumbprint);
        }
    }

    #[test]
    fn a_retired_key_is_known_and_not_published() {
        let sealer = sealer();
        let [active, retired] = [KeyState::Active, KeyState::Retired]
            .map(|state| stored(generate(SigningAlg::EdDsa, &sealer).unwrap(), state));
        let ring = Keyring::load(vec![retired.clone(), active.clone()], &sealer).unwrap();
        let set: JwkSet = serde_json::from_str(ring.jwks()).unwrap();
        assert_eq!(set.keys.len(), 1);
        assert!(set.find(&active.kid).is_some());
        assert_eq!(ring.by_kid(&retired.kid).unwrap().state, KeyState::Retired);
        assert!(ring.is_of(&[active.clone(), retired.clone()], (&[], &[])));
        let before = StoredKey { state: KeyState::Retiring, ..retired };
        assert!(!ring.is_of(&[active, before], (&[], &[])));
    }

    #[test]
    fn the_wrong_master_key_is_reported_and_names_the_key() {
        let key = stored(generate(SigningAlg::Es256, &sealer()).unwrap(), KeyState::Active);
        let kid = key.kid.clone();
        assert_eq!(Keyring::load(vec![key], &sealer()).unwrap_err(), KeyError::Sealed { kid });
    }

    #[test]
    fn a_public_key_or_kid_planted_in_storage_is_refused() {
        let sealer = sealer();
        let good = stored(generate(SigningAlg::EdDsa, &sealer).unwrap(), KeyState::Active);
        let foreign = generate(SigningAlg::EdDsa, &sealer).unwrap();
        let mismatch = |key: StoredKey| {
            let kid = key.kid.clone();
            assert_eq!(Keyring::load(vec![key], &sealer).unwrap_err(), KeyError::Mismatch { kid });
        };
        mismatch(StoredKey { public_jwk: foreign.public_jwk, ..good.clone() });
        mismatch(StoredKey { sealed_private: foreign.sealed_private, ..good.clone() });
        mismatch(StoredKey { kid: "mine".into(), ..good.clone() });
        let mut annotated = good.clone();
        annotated.public_jwk["x5u"] = "https://evil.test/".into();
        mismatch(annotated);
        let wrong = StoredKey { alg: SigningAlg::Es256, ..good };
        assert!(matches!(
            Keyring::load(vec![wrong], &sealer).unwrap_err(),
            KeyError::Unusable { alg: SigningAlg::Es256, .. }
        ));
    }

    #[test]
    fn an_empty_keyring_publishes_an_empty_set() {
        assert_eq!(Keyring::load(vec![], &sealer()).unwrap().jwks(), r#"{"keys":[]}"#);
    }

    #[test]
    fn a_ring_knows_whether_it_holds_these_keys_in_these_states() {
        let sealer = sealer();
        let [one, two, three] = [KeyState::Active, KeyState::Next, KeyState::Retiring]
            .map(|state| stored(generate(SigningAlg::EdDsa, &sealer).unwrap(), state));
        let both = [one.clone(), two.clone()];
        let ring = Keyring::load(both.to_vec(), &sealer).unwrap();
        assert!(ring.is_of(&both, (&[], &[])));
        assert!(ring.is_of(&[two.clone(), one.clone()], (&[], &[])), "in any order");
        let promoted = StoredKey { state: KeyState::Active, ..two.clone() };
        for other in [vec![], vec![one.clone()], vec![one.clone(), three], vec![one, promoted]] {
            assert!(!ring.is_of(&other, (&[], &[])), "{other:?}");
        }
        let added = crate::crypto::jwe::own::generate(KeyEncryptionAlg::EcdhEs, &sealer).unwrap();
        assert!(!ring.is_of(&both, (std::slice::from_ref(&added), &[])));
        let ring = ring.with_encryption_keys((vec![added.clone()], vec![]), &sealer).unwrap();
        assert!(ring.is_of(&both, (std::slice::from_ref(&added), &[])));
        assert!(!ring.is_of(&both, (&[], std::slice::from_ref(&added))), "it is on its way out");
        assert!(!ring.is_of(&both, (&[], &[])));
    }

    #[test]
    fn key_states_are_known_by_their_names() {
        for state in KeyState::ALL {
            assert_eq!(KeyState::from_name(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(KeyState::from_name("Active"), None);
    }

    #[test]
    fn a_signing_key_does_not_show_its_private_part_in_debug_output() {
        let sealer = sealer();
        let key = stored(generate(SigningAlg::EdDsa, &sealer).unwrap(), KeyState::Active);
        let ring = Keyring::load(vec![key.clone()], &sealer).unwrap();
        let shown = format!("{:?}", ring.by_kid(&key.kid).unwrap());
        assert_eq!(
            shown,
            format!("SigningKey {{ kid: {:?}, alg: EdDsa, state: Active, .. }}", key.kid)
        );
    }
}
