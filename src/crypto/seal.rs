//! Values that leave the server and come back, or lie in storage, readable only with the master
//! key: AES-256-GCM for what must stay secret, HMAC-SHA256 for what must only stay unchanged.
//!
//! Each [`Purpose`] has its own keys, derived from the master key with HKDF (RFC 5869), so a value
//! sealed for one purpose can never be passed off as another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::alias::AliasKeys;
use super::secret::{Secret, random_bytes};

const KEY_LEN: usize = 32;

/// First byte of every sealed value. A new construction gets a new number.
const VERSION: u8 = 1;

/// Why a text cannot serve as the master key. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not base64 or base64url.
    #[error("the master key is not base64; make one with `openssl rand -base64 32`")]
    NotBase64,
    /// Decodes to another length.
    #[error("the master key must be 32 bytes in base64; make one with `openssl rand -base64 32`")]
    WrongLength,
    /// An example, a repeated pattern or something a person typed.
    #[error(
        "the master key looks like an example, not like 32 random bytes; make one with `openssl rand -base64 32`"
    )]
    Guessable,
}

/// The 256-bit key from which all others are derived. Wiped from memory when dropped.
pub struct MasterKey(Zeroizing<[u8; KEY_LEN]>);

impl MasterKey {
    /// A fresh random key.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// Reads base64 or base64url, padded or not, of exactly 32 bytes. Surrounding white space is
    /// ignored, because files end with a newline.
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        let plain: Zeroizing<String> =
            Zeroizing::new(text.trim().trim_end_matches('=').replace('-', "+").replace('_', "/"));
        let bytes = Zeroizing::new(
            BASE64_NOPAD.decode(plain.as_bytes()).map_err(|_| MasterKeyError::NotBase64)?,
        );
        let key: [u8; KEY_LEN] =
            bytes.as_slice().try_into().map_err(|_| MasterKeyError::WrongLength)?;
        let key = Zeroizing::new(key);
        if is_guessable(&key) { Err(MasterKeyError::Guessable) } else { Ok(Self(key)) }
    }

    /// The key as base64url, for the file it is kept in.
    pub fn to_text(&self) -> Secret {
        Secret::from_text(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Whether 32 bytes are plainly not random: a short pattern over and over (zeroes among them), a
/// run with a constant step (00 01 02 …), or all printable text ("change me"). Each happens to a
/// random key less than once in 10^13.
fn is_guessable(key: &[u8; KEY_LEN]) -> bool {
    let repeats = (1..=KEY_LEN / 2)
        .any(|period| key.iter().zip(key.iter().skip(period)).all(|(a, b)| a == b));
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    let first = steps.next();
    let counts = steps.all(|step| Some(step) == first);
    let typed = key.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    repeats || counts || typed
}

/// The purposes, written down once: the type, the list of all and the labels cannot miss one. A label enters key
/// derivation: changing it makes existing values unreadable.
macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)+) => {
        /// What a sealed or authenticated value is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$doc])* $name,)+
        }

        impl Purpose {
            /// Every purpose.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(super) fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

purposes! {
    /// A sign-in under way, carried by the browser.
    Flow = "flow",
    /// A refresh token.
    RefreshToken = "refresh-token",
    /// The successor of a just rotated refresh token, kept for the grace period.
    Successor = "successor",
    /// A private signing key at rest.
    SigningKey = "signing-key",
    /// A private encryption key at rest.
    EncryptionKey = "encryption-key",
    /// A form token against cross-site request forgery.
    Csrf = "csrf",
    /// A one-time message shown on the next page.
    Flash = "flash",
    /// The short code of a waiting device, as the key it is found by.
    UserCode = "user-code",
    /// A nonce for DPoP proofs.
    DpopNonce = "dpop-nonce",
    /// A place in the chain of the audit log.
    AuditChain = "audit-chain",
    /// The id of a client nobody knows, for counting its failures.
    StrangeClient = "strange-client",
    /// A letter that waits to be sent.
    Letter = "letter",
    /// What a request to the REST API was answered, for the same request again.
    ApiAnswer = "api-answer",
    /// The secret that signs what a webhook is sent.
    WebhookSecret = "webhook-secret",
    /// The secret by which an upstream provider knows Doorward.
    UpstreamSecret = "upstream-secret",
    /// What the try-it client of the console keeps of a sign-in, tokens included.
    TryIt = "try-it",
    /// A key that outlives the master key it was derived from.
    KeptKey = "kept-key",
}

impl Purpose {
    /// Version and purpose as additional authenticated data.
    fn aad(self) -> Vec<u8> {
        [&[VERSION], self.label().as_bytes()].concat()
    }
}

/// The keys of one purpose.
struct Keys {
    /// `None` only if the library refused a key of the right length, which it has no reason to.
    /// Sealing then fails closed: nothing opens.
    aead: Option<RandomizedNonceKey>,
    mac: hmac::Key,
}

impl Keys {
    fn derive(prk: &hkdf::Prk, purpose: Purpose) -> Self {
        let aead = derive(prk, "aead", purpose.label());
        let mac = derive(prk, "mac", purpose.label());
        Self {
            aead: aead.and_then(|key| RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()),
            // Without a derived key, a random one: what it signs will match nowhere else.
            mac: hmac::Key::new(
                hmac::HMAC_SHA256,
                mac.unwrap_or_else(|| Zeroizing::new(random_bytes())).as_slice(),
            ),
        }
    }
}

/// What every key of a master key is derived from.
pub(super) fn extract(master: &MasterKey) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward").extract(master.0.as_slice())
}

/// A key of its own for each kind and label.
pub(super) fn derive(prk: &hkdf::Prk, kind: &str, label: &str) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let info = [b"doorward/v1/".as_slice(), kind.as_bytes(), b"/", label.as_bytes()];
    let mut key = Zeroizing::new([0; KEY_LEN]);
    prk.expand(&info, hkdf::HKDF_SHA256).ok()?.fill(key.as_mut_slice()).ok()?;
    Some(key)
}

/// Seals and opens values under keys derived once from the master key. Cheap to share, and safe
/// for 2^32 values per purpose (NIST SP 800-38D section 8.3: random 96-bit nonces).
pub struct Sealer {
    flow: Keys,
    refresh_token: Keys,
    successor: Keys,
    signing_key: Keys,
    encryption_key: Keys,
    csrf: Keys,
    flash: Keys,
    user_code: Keys,
    dpop_nonce: Keys,
    audit_chain: Keys,
    strange_client: Keys,
    letter: Keys,
    api_answer: Keys,
    webhook_secret: Keys,
    upstream_secret: Keys,
    try_it: Keys,
    kept_key: Keys,
    pub(super) aliases: AliasKeys,
    /// Signs nothing any more: under these keys the audit log was chained before.
    pub(super) former_chains: Vec<hmac::Key>,
    /// Opens what was sealed before the master key was exchanged, and seals nothing.
    previous: Option<Box<Sealer>>,
}

impl Sealer {
    /// Derives all keys.
    pub fn new(master: &MasterKey) -> Self {
        let prk = extract(master);
        let keys = |purpose| Keys::derive(&prk, purpose);
        Self {
            flow: keys(Purpose::Flow),
            refresh_token: keys(Purpose::RefreshToken),
            successor: keys(Purpose::Successor),
            signing_key: keys(Purpose::SigningKey),
            encryption_key: keys(Purpose::EncryptionKey),
            csrf: keys(Purpose::Csrf),
            flash: keys(Purpose::Flash),
            user_code: keys(Purpose::UserCode),
            dpop_nonce: keys(Purpose::DpopNonce),
            audit_chain: keys(Purpose::AuditChain),
            strange_client: keys(Purpose::StrangeClient),
            letter: keys(Purpose::Letter),
            api_answer: keys(Purpose::ApiAnswer),
            webhook_secret: keys(Purpose::WebhookSecret),
            upstream_secret: keys(Purpose::UpstreamSecret),
            try_it: keys(Purpose::TryIt),
            kept_key: keys(Purpose::KeptKey),
            aliases: AliasKeys::derive(&prk),
            former_chains: Vec::new(),
            previous: None,
        }
    }

    /// Opens and verifies from now on also what was made under another key. Nothing is made under it.
    #[must_use]
    pub fn with_previous(mut self, previous: &MasterKey) -> Self {
        self.previous = Some(Box::new(Self::new(previous)));
        self
    }

    /// Encrypts `plain` so that only [`Sealer::open`] with the same purpose and master key can
    /// read it. The result is base64url; sealing twice gives two different texts.
    ///
    /// Should the library ever fail, the result is the empty text, which never opens.
    pub fn seal(&self, purpose: Purpose, plain: &[u8]) -> String {
        self.try_seal(purpose, plain).unwrap_or_else(|| {
            tracing::error!(purpose = purpose.label(), "a value could not be sealed");
            String::new()
        })
    }

    fn try_seal(&self, purpose: Purpose, plain: &[u8]) -> Option<String> {
        let key = self.keys(purpose).aead.as_ref()?;
        let mut in_out = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose.aad()), &mut in_out).ok()?;
        Some(BASE64URL_NOPAD.encode(&[&[VERSION], nonce.as_ref().as_slice(), &in_out].concat()))
    }

    /// The value sealed for this purpose, or `None` if it was changed, sealed for another purpose
    /// or under a master key that is neither this one nor the previous one, or is no sealed value at all.
    pub fn open(&self, purpose: Purpose, sealed: &str) -> Option<Vec<u8>> {
        let opened = self.open_now(purpose, sealed);
        opened.or_else(|| self.previous.as_ref()?.open(purpose, sealed))
    }

    /// What [`Sealer::open`] gives without the previous key.
    pub(super) fn open_now(&self, purpose: Purpose, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut in_out = rest.to_vec();
        let plain_len = self
            .keys(purpose)
            .aead
            .as_ref()?
            .open_in_place(Nonce::from(nonce), Aad::from(purpose.aad()), &mut in_out)
            .ok()?
            .len();
        in_out.truncate(plain_len);
        Some(in_out)
    }

    /// An authentication code over `message`: HMAC-SHA256 as base64url.
    pub fn mac(&self, purpose: Purpose, message: &[u8]) -> String {
        BASE64URL_NOPAD.encode(hmac::sign(&self.keys(purpose).mac, message).as_ref())
    }

    /// The code of `message` under this master key, and then the one under the previous key, if there is one:
    /// what is found by its code may have been put away under either.
    pub fn macs(&self, purpose: Purpose, message: &[u8]) -> Vec<String> {
        let before = self.previous.iter().flat_map(|before| before.macs(purpose, message));
        std::iter::once(self.mac(purpose, message)).chain(before).collect()
    }

    /// Whether `presented` is the code of `message` under this master key or the previous one, in time
    /// that does not depend on it.
    pub fn mac_matches(&self, purpose: Purpose, message: &[u8], presented: &str) -> bool {
        let before = self.previous.as_ref();
        self.mac_matches_now(purpose, message, presented)
            || before.is_some_and(|before| before.mac_matches(purpose, message, presented))
    }

    /// Like [`Sealer::mac_matches`] without the previous key.
    pub fn mac_matches_now(&self, purpose: Purpose, message: &[u8], presented: &str) -> bool {
        self.mac(purpose, message).as_bytes().ct_eq(presented.as_bytes()).into()
    }

    fn keys(&self, purpose: Purpose) -> &Keys {
        match purpose {
            Purpose::Flow => &self.flow,
            Purpose::RefreshToken => &self.refresh_token,
            Purpose::Successor => &self.successor,
            Purpose::SigningKey => &self.signing_key,
            Purpose::Csrf => &self.csrf,
            Purpose::EncryptionKey => &self.encryption_key,
            Purpose::Flash => &self.flash,
            Purpose::UserCode => &self.user_code,
            Purpose::DpopNonce => &self.dpop_nonce,
            Purpose::AuditChain => &self.audit_chain,
            Purpose::StrangeClient => &self.strange_client,
            Purpose::Letter => &self.letter,
            Purpose::ApiAnswer => &self.api_answer,
            Purpose::WebhookSecret => &self.webhook_secret,
            Purpose::UpstreamSecret => &self.upstream_secret,
            Purpose::TryIt => &self.try_it,
            Purpose::KeptKey => &self.kept_key,
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&MasterKey::generate()));

    #[test]
    fn a_sealed_value_opens_only_for_its_own_purpose() {
        for made_for in Purpose::ALL.iter().copied() {
            let sealed = SEALER.seal(made_for, b"hello");
            let mac = SEALER.mac(made_for, b"hello");
            for tried in Purpose::ALL.iter().copied() {
                let same = made_for == tried;
                assert_eq!(SEALER.open(tried, &sealed), same.then(|| b"hello".to_vec()));
                assert_eq!(SEALER.mac_matches(tried, b"hello", &mac), same);
            }
        }
    }

    #[test]
    fn a_value_sealed_under_another_master_key_does_not_open() {
        let other = Sealer::new(&MasterKey::generate());
        assert_eq!(other.open(Purpose::Flow, &SEALER.seal(Purpose::Flow, b"x")), None);
        assert!(!other.mac_matches(Purpose::Csrf, b"x", &SEALER.mac(Purpose::Csrf, b"x")));
    }

    #[test]
    fn the_same_master_key_opens_after_a_restart() {
        let key = MasterKey::generate();
        let sealed = Sealer::new(&key).seal(Purpose::Flash, b"kept");
        let again = MasterKey::from_text(key.to_text().expose()).unwrap();
        assert_eq!(Sealer::new(&again).open(Purpose::Flash, &sealed), Some(b"kept".to_vec()));
    }

    #[test]
    fn sealing_twice_gives_different_texts() {
        assert_ne!(SEALER.seal(Purpose::Flow, b"x"), SEALER.seal(Purpose::Flow, b"x"));
    }

    #[test]
    fn the_master_key_is_read_from_every_flavour_of_base64() {
        let bytes = [0xFB; 31].iter().chain(&[0xEF]).copied().collect::<Vec<u8>>();
        let standard = data_encoding::BASE64.encode(&bytes);
        let url = BASE64URL_NOPAD.encode(&bytes);
        assert_ne!(standard, url);
        for text in [standard.clone(), url.clone(), format!("  {standard}\n"), format!("{url}=")] {
            assert_eq!(MasterKey::from_text(&text).unwrap().to_text().expose(), url);
        }
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        for (bytes, text) in [(0, ""), (16, "AAECAwQFBgcICQoLDA0ODw")] {
            let error = MasterKey::from_text(text).unwrap_err();
            assert_eq!(error, MasterKeyError::WrongLength, "{bytes} bytes");
        }
        assert_eq!(MasterKey::from_text("not base64!").unwrap_err(), MasterKeyError::NotBase64);
    }

    #[test]
    fn a_master_key_that_is_an_example_is_refused() {
        let counting: Vec<u8> = (0..32).collect();
        let pair: Vec<u8> = [0xDE, 0xAD].repeat(16);
        let typed = b"change-me-to-something-secret-32".to_vec();
        for bytes in [vec![0; 32], vec![0xFF; 32], counting, pair, typed] {
            let error = MasterKey::from_text(&BASE64URL_NOPAD.encode(&bytes)).unwrap_err();
            assert_eq!(error, MasterKeyError::Guessable);
        }
    }

    #[test]
    fn keys_do_not_show_themselves_in_debug_output() {
        let key = MasterKey::generate();
        assert_eq!(format!("{key:?} {:?}", *SEALER), "MasterKey(…) Sealer(…)");
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_again(plain in prop::collection::vec(any::<u8>(), 0..300)) {
            let sealed = SEALER.seal(Purpose::Flow, &plain);
            prop_assert_eq!(SEALER.open(Purpose::Flow, &sealed), Some(plain));
        }

        #[test]
        fn a_sealed_value_does_not_open_when_any_byte_changes(
            plain in prop::collection::vec(any::<u8>(), 0..100),
            position in any::<prop::sample::Index>(),
            flip in 1..=u8::MAX,
        ) {
            let sealed = SEALER.seal(Purpose::Flow, &plain);
            let mut bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).unwrap();
            let at = position.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(SEALER.open(Purpose::Flow, &BASE64URL_NOPAD.encode(&bytes)), None);
            bytes[at] ^= flip;
            bytes.truncate(at);
            prop_assert_eq!(SEALER.open(Purpose::Flow, &BASE64URL_NOPAD.encode(&bytes)), None);
        }

        #[test]
        fn a_sealed_value_does_not_open_when_any_character_changes(
            position in any::<prop::sample::Index>(),
            replacement in any::<char>(),
        ) {
            let sealed = SEALER.seal(Purpose::Flow, b"four");
            let mut characters: Vec<char> = sealed.chars().collect();
            let at = position.index(characters.len());
            prop_assume!(characters[at] != replacement);
            characters[at] = replacement;
            let changed: String = characters.into_iter().collect();
            prop_assert_eq!(SEALER.open(Purpose::Flow, &changed), None);
        }

        #[test]
        fn opening_never_panics(text in ".*") {
            prop_assert_eq!(SEALER.open(Purpose::Flow, &text), None);
        }
    }
}
