//! Direct key agreement, ECDH-ES (RFC 7518 section 4.6), on the two curves Doorward knows.

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::content::key_len;
use crate::protocol::types::ContentEncryptionAlg;

/// A curve keys are agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// Bytes of one coordinate.
    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    pub(super) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
        }
    }
}

/// A public key: its curve, and the uncompressed point (SEC 1 section 2.3.3). Whether the point is
/// on the curve is checked whenever it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub curve: Curve,
    bytes: Vec<u8>,
}

impl Point {
    /// Reads the members of a JWK (RFC 7518 section 6.2.1); coordinates of another length than the
    /// curve's are refused, as the section demands.
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("kty")? != "EC" {
            return None;
        }
        let curve = Curve::from_name(text("crv")?)?;
        let coordinate = |name| {
            let bytes = BASE64URL_NOPAD.decode(text(name)?.as_bytes()).ok()?;
            (bytes.len() == curve.size()).then_some(bytes)
        };
        let bytes = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        Some(Self { curve, bytes })
    }

    /// The public half of a private key.
    pub(super) fn of(curve: Curve, key: &PrivateKey) -> Option<Self> {
        let bytes = key.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self { curve, bytes })
    }

    /// As a JWK without any other member.
    pub(super) fn to_jwk(&self) -> Option<Value> {
        let (x, y) = self.bytes.strip_prefix(&[4])?.split_at_checked(self.curve.size())?;
        Some(json!({
            "kty": "EC",
            "crv": self.curve.name(),
            "x": BASE64URL_NOPAD.encode(x),
            "y": BASE64URL_NOPAD.encode(y),
        }))
    }
}

/// The content key both sides arrive at. `None` if the point is not on the curve of the private
/// key, which is what an attacker after that key would send.
pub(super) fn content_key(
    own: &PrivateKey,
    other: &Point,
    enc: ContentEncryptionAlg,
    parties: (&[u8], &[u8]),
) -> Option<Zeroizing<Vec<u8>>> {
    let other = UnparsedPublicKey::new(other.curve.algorithm(), &other.bytes);
    agree(own, other, (), |secret| concat_kdf(secret, enc, parties).ok_or(())).ok()
}

/// The Concat KDF of NIST SP 800-56A section 5.8.1 as RFC 7518 section 4.6.2 fills it in. No content
/// key here is longer than one SHA-256, so one round is all of it.
fn concat_kdf(
    secret: &[u8],
    enc: ContentEncryptionAlg,
    (producer, consumer): (&[u8], &[u8]),
) -> Option<Zeroizing<Vec<u8>>> {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&1_u32.to_be_bytes());
    hash.update(secret);
    for info in [enc.as_str().as_bytes(), producer, consumer] {
        hash.update(&u32::try_from(info.len()).ok()?.to_be_bytes());
        hash.update(info);
    }
    let length = key_len(enc);
    hash.update(&u32::try_from(length * 8).ok()?.to_be_bytes());
    hash.finish().as_ref().get(..length).map(|key| Zeroizing::new(key.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    }

    fn point(jwk: &Value) -> Option<Point> {
        Point::from_jwk(jwk.as_object().unwrap())
    }

    #[test]
    fn both_sides_derive_the_key_of_rfc_7518_appendix_c() {
        let alice = json!({ "kty": "EC", "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps" });
        let bob = json!({ "kty": "EC", "crv": "P-256",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck" });
        let private = |d| PrivateKey::from_private_key(&ECDH_P256, &bytes(d)).unwrap();
        let alice_private = private("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
        let bob_private = private("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
        assert_eq!(Point::of(Curve::P256, &alice_private).unwrap().to_jwk().unwrap(), alice);
        let parties = (b"Alice".as_slice(), b"Bob".as_slice());
        for (own, other) in [(&alice_private, &bob), (&bob_private, &alice)] {
            let other = point(other).unwrap();
            let key = content_key(own, &other, ContentEncryptionAlg::A128Gcm, parties).unwrap();
            assert_eq!(*key, bytes("VqqN6vgjbSBcIijNcacQGg"));
        }
    }

    #[test]
    fn a_point_off_the_curve_or_on_another_one_gives_no_key() {
        let own = PrivateKey::generate(&ECDH_P256).unwrap();
        let enc = ContentEncryptionAlg::A256Gcm;
        let good = Point::of(Curve::P256, &PrivateKey::generate(&ECDH_P256).unwrap()).unwrap();
        assert!(content_key(&own, &good, enc, (b"", b"")).is_some());
        let mut off = good.clone();
        *off.bytes.last_mut().unwrap() ^= 1;
        assert!(content_key(&own, &off, enc, (b"", b"")).is_none());
        let zero = Point { curve: Curve::P256, bytes: [vec![4], vec![0; 64]].concat() };
        assert!(content_key(&own, &zero, enc, (b"", b"")).is_none());
        let other = Point::of(Curve::P384, &PrivateKey::generate(&ECDH_P384).unwrap()).unwrap();
        assert!(content_key(&own, &other, enc, (b"", b"")).is_none());
    }

    #[test]
    fn a_jwk_with_a_coordinate_of_another_length_is_no_point() {
        let good = Point::of(Curve::P256, &PrivateKey::generate(&ECDH_P256).unwrap()).unwrap();
        let jwk = good.to_jwk().unwrap();
        assert_eq!(point(&jwk), Some(good));
        for (name, bad) in [
            ("kty", json!("RSA")),
            ("crv", json!("P-384")),
            ("crv", json!("P-521")),
            ("x", json!("AAAA")),
            ("y", json!("")),
            ("y", json!(7)),
            ("x", json!("=")),
        ] {
            let mut broken = jwk.clone();
            broken[name] = bad;
            assert_eq!(point(&broken), None, "{broken}");
        }
    }
}
