//! Protecting the content of an encrypted token (RFC 7518 section 5).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use crate::crypto::secret::random_bytes;
use crate::protocol::types::ContentEncryptionAlg;

/// Every tag here has 128 bits; a shorter one would be easier to guess.
const TAG_LEN: usize = 16;
const CBC_IV_LEN: usize = 16;
/// Both halves of the key of A128CBC-HS256.
const HALF_KEY_LEN: usize = 16;

/// The three last parts of a compact JWE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protected {
    pub iv: Vec<u8>,
    pub ciphertext: Vec<u8>,
    pub tag: Vec<u8>,
}

/// The length of a content key in bytes.
pub(super) fn key_len(enc: ContentEncryptionAlg) -> usize {
    match enc {
        ContentEncryptionAlg::A128Gcm => 16,
        ContentEncryptionAlg::A128CbcHs256 | ContentEncryptionAlg::A256Gcm => 32,
    }
}

/// Encrypts `plaintext` and authenticates it together with `aad`, under a fresh initialization
/// vector. `None` if the key has the wrong length or the library fails.
pub(super) fn seal(
    enc: ContentEncryptionAlg,
    key: &[u8],
    (aad, plaintext): (&[u8], &[u8]),
) -> Option<Protected> {
    match enc {
        ContentEncryptionAlg::A128CbcHs256 => seal_cbc(key, random_bytes(), (aad, plaintext)),
        ContentEncryptionAlg::A128Gcm | ContentEncryptionAlg::A256Gcm => {
            seal_gcm(&gcm_key(enc, key)?, random_bytes(), (aad, plaintext))
        }
    }
}

/// The plaintext, once the tag is found right. `None` for everything else.
pub(super) fn open(
    enc: ContentEncryptionAlg,
    key: &[u8],
    (aad, sealed): (&[u8], &Protected),
) -> Option<Vec<u8>> {
    if sealed.tag.len() != TAG_LEN {
        return None;
    }
    match enc {
        ContentEncryptionAlg::A128CbcHs256 => open_cbc(key, (aad, sealed)),
        ContentEncryptionAlg::A128Gcm | ContentEncryptionAlg::A256Gcm => {
            let nonce = Nonce::try_assume_unique_for_key(&sealed.iv).ok()?;
            let mut both = [sealed.ciphertext.as_slice(), &sealed.tag].concat();
            let opened = gcm_key(enc, key)?.open_in_place(nonce, Aad::from(aad), &mut both).ok()?;
            let length = opened.len();
            both.truncate(length);
            Some(both)
        }
    }
}

fn gcm_key(enc: ContentEncryptionAlg, key: &[u8]) -> Option<LessSafeKey> {
    let algorithm = if enc == ContentEncryptionAlg::A256Gcm { &AES_256_GCM } else { &AES_128_GCM };
    Some(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?))
}

/// RFC 7518 section 5.3. A key encrypts one content only, so its nonce cannot repeat.
fn seal_gcm(
    key: &LessSafeKey,
    iv: [u8; NONCE_LEN],
    (aad, plaintext): (&[u8], &[u8]),
) -> Option<Protected> {
    let mut ciphertext = plaintext.to_vec();
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut ciphertext).ok()?;
    Some(Protected { iv: iv.to_vec(), ciphertext, tag: tag.as_ref().to_vec() })
}

/// RFC 7518 section 5.2.2.1: encrypt with the second half of the key, then authenticate with the
/// first.
fn seal_cbc(
    key: &[u8],
    iv: [u8; CBC_IV_LEN],
    (aad, plaintext): (&[u8], &[u8]),
) -> Option<Protected> {
    let (mac_key, cipher_key) = halves(key)?;
    let cipher_key = UnboundCipherKey::new(&AES_128, cipher_key).ok()?;
    let mut ciphertext = plaintext.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    PaddedBlockEncryptingKey::cbc_pkcs7(cipher_key)
        .ok()?
        .less_safe_encrypt(&mut ciphertext, context)
        .ok()?;
    let tag = cbc_tag(mac_key, aad, &[&iv, ciphertext.as_slice()])?;
    Some(Protected { iv: iv.to_vec(), ciphertext, tag })
}

/// RFC 7518 section 5.2.2.2: the tag first, in constant time, so that the padding of a text that
/// somebody changed is never looked at.
fn open_cbc(key: &[u8], (aad, sealed): (&[u8], &Protected)) -> Option<Vec<u8>> {
    let (mac_key, cipher_key) = halves(key)?;
    let tag = cbc_tag(mac_key, aad, &[&sealed.iv, &sealed.ciphertext])?;
    verify_slices_are_equal(&tag, &sealed.tag).ok()?;
    let cipher_key = UnboundCipherKey::new(&AES_128, cipher_key).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::try_from(sealed.iv.as_slice()).ok()?);
    let mut text = sealed.ciphertext.clone();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher_key).ok()?;
    let length = key.decrypt(&mut text, context).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn halves(key: &[u8]) -> Option<(&[u8], &[u8])> {
    (key.len() == 2 * HALF_KEY_LEN).then(|| key.split_at(HALF_KEY_LEN))
}

/// The first half of the HMAC over `aad`, IV, ciphertext and the length of `aad` in bits.
fn cbc_tag(key: &[u8], aad: &[u8], texts: &[&[u8]; 2]) -> Option<Vec<u8>> {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    mac.update(aad);
    for text in texts {
        mac.update(text);
    }
    let bits = u64::try_from(aad.len()).ok()?.checked_mul(8)?;
    mac.update(&bits.to_be_bytes());
    mac.sign().as_ref().first_chunk::<TAG_LEN>().map(|tag| tag.to_vec())
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.replace(' ', "").as_bytes()).unwrap()
    }

    fn base64url(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn a128cbc_hs256_is_as_in_rfc_7518_appendix_b_1() {
        let key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        let iv: [u8; 16] = hex("1af38c2dc2b96ffdd86694092341bc04").try_into().unwrap();
        let plaintext = b"A cipher system must not be required to be secret, and it must be able \
                          to fall into the hands of the enemy without inconvenience";
        let aad = b"The second principle of Auguste Kerckhoffs";
        let sealed = seal_cbc(&key, iv, (aad, plaintext)).unwrap();
        assert_eq!(
            sealed.ciphertext,
            hex("c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9
                 a94ac9b47ad2655c5f10f9aef71427e2fc6f9b3f399a221489f16362c7032336
                 09d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b
                 384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade5
                 4b8851ffb598f7f80074b9473c82e2db"
                .replace('\n', "")
                .as_str())
        );
        assert_eq!(sealed.tag, hex("652c3fa36b0a7c5b3219fab3a30bc1c4"));
        let opened = open(ContentEncryptionAlg::A128CbcHs256, &key, (aad, &sealed));
        assert_eq!(opened.unwrap(), plaintext);
    }

    #[test]
    fn a128cbc_hs256_is_as_in_rfc_7516_appendix_a_3() {
        let key = [
            4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124,
            212, 45, 111, 107, 9, 219, 200, 177, 0, 240, 143, 156, 44, 207,
        ];
        let iv: [u8; 16] = base64url("AxY8DCtDaGlsbGljb3RoZQ").try_into().unwrap();
        let aad = b"eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0";
        let sealed = seal_cbc(&key, iv, (aad, b"Live long and prosper.")).unwrap();
        assert_eq!(sealed.ciphertext, base64url("KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY"));
        assert_eq!(sealed.tag, base64url("U0m_YmjN04DJvceFICbCVQ"));
    }

    #[test]
    fn a256gcm_is_as_in_rfc_7516_appendix_a_1() {
        let key = [
            177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7,
            110, 91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
        ];
        let enc = ContentEncryptionAlg::A256Gcm;
        let iv: [u8; 12] = base64url("48V1_ALb6US04U3b").try_into().unwrap();
        let aad = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
        let plaintext = b"The true sign of intelligence is not knowledge but imagination.";
        let sealed = seal_gcm(&gcm_key(enc, &key).unwrap(), iv, (aad, plaintext)).unwrap();
        let ciphertext = "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3\
                          ajwQzaBtQD_A";
        assert_eq!(sealed.ciphertext, base64url(ciphertext));
        assert_eq!(sealed.tag, base64url("XFBoMYUZodetZdvTiFvSkQ"));
        assert_eq!(open(enc, &key, (aad, &sealed)).unwrap(), plaintext);
    }

    #[test]
    fn nothing_opens_that_was_changed_anywhere_or_has_a_part_of_another_length() {
        for enc in ContentEncryptionAlg::ALL {
            let key = &random_bytes::<32>()[..key_len(enc)];
            let good = seal(enc, key, (b"header", b"a secret")).unwrap();
            assert_eq!(open(enc, key, (b"header", &good)).unwrap(), b"a secret");
            assert_eq!(open(enc, key, (b"headers", &good)), None, "{enc:?}");
            let parts: [fn(&mut Protected) -> &mut Vec<u8>; 3] =
                [|p| &mut p.iv, |p| &mut p.ciphertext, |p| &mut p.tag];
            for part in parts {
                let mut changed = good.clone();
                part(&mut changed)[0] ^= 1;
                assert_eq!(open(enc, key, (b"header", &changed)), None, "{enc:?}");
                let mut shorter = good.clone();
                part(&mut shorter).pop();
                assert_eq!(open(enc, key, (b"header", &shorter)), None, "{enc:?}");
                let mut longer = good.clone();
                part(&mut longer).push(0);
                assert_eq!(open(enc, key, (b"header", &longer)), None, "{enc:?}");
                let mut empty = good.clone();
                part(&mut empty).clear();
                assert_eq!(open(enc, key, (b"header", &empty)), None, "{enc:?}");
            }
            assert_eq!(open(enc, &key[1..], (b"header", &good)), None, "{enc:?}");
        }
    }
}
