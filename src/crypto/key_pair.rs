//! One private key, parsed once: generating, storing and signing with it, for each algorithm.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
    EllipticCurveKeyType, Jwk, OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
    RSAKeyParameters, RSAKeyType, ThumbprintHash,
};
use zeroize::Zeroizing;

use crate::protocol::types::SigningAlg;

/// The private half never leaves this type except through [`KeyPair::to_pkcs8`].
pub(super) enum KeyPair {
    /// RSA, and which padding its signatures have: one key never signs in two ways.
    Rsa(Box<RsaKeyPair>, RsaPadding),
    P256(Box<EcdsaKeyPair>),
    P384(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// The padding of RSA signatures (RFC 7518 sections 3.3 and 3.5).
#[derive(Clone, Copy)]
pub(super) enum RsaPadding {
    Pkcs1,
    Pss,
}

impl KeyPair {
    /// A fresh key: RSA with 2048 bits (about 80 ms), P-256, P-384 or Ed25519.
    pub(super) fn generate(alg: SigningAlg) -> Result<Self, Unspecified> {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).map(Box::new);
        let ec = |curve| EcdsaKeyPair::generate(curve).map(Box::new);
        Ok(match alg {
            SigningAlg::Rs256 => Self::Rsa(rsa()?, RsaPadding::Pkcs1),
            SigningAlg::Ps256 => Self::Rsa(rsa()?, RsaPadding::Pss),
            SigningAlg::Es256 => Self::P256(ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            SigningAlg::Es384 => Self::P384(ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            SigningAlg::EdDsa => Self::Ed25519(Box::new(Ed25519KeyPair::generate()?)),
        })
    }

    /// Reads a PKCS #8 document (RFC 5208), checking that it holds a key for `alg`.
    pub(super) fn from_pkcs8(alg: SigningAlg, der: &[u8]) -> Result<Self, KeyRejected> {
        let rsa = || RsaKeyPair::from_pkcs8(der).map(Box::new);
        let ec = |curve| EcdsaKeyPair::from_pkcs8(curve, der).map(Box::new);
        Ok(match alg {
            SigningAlg::Rs256 => Self::Rsa(rsa()?, RsaPadding::Pkcs1),
            SigningAlg::Ps256 => Self::Rsa(rsa()?, RsaPadding::Pss),
            SigningAlg::Es256 => Self::P256(ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            SigningAlg::Es384 => Self::P384(ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            SigningAlg::EdDsa => Self::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8(der)?)),
        })
    }

    /// The private key as a PKCS #8 document, to be sealed at once.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        Ok(Zeroizing::new(match self {
            Self::Rsa(pair, _) => AsDer::<Pkcs8V1Der<'_>>::as_der(&**pair)?.as_ref().to_vec(),
            Self::P256(pair) | Self::P384(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        }))
    }

    /// A signature in the form JWS wants (RFC 7518 section 3): for ECDSA the fixed-length r || s.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(pair, padding) => {
                let padding: &dyn RsaEncoding = match padding {
                    RsaPadding::Pkcs1 => &RSA_PKCS1_SHA256,
                    RsaPadding::Pss => &RSA_PSS_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(pair) | Self::P384(pair) => {
                Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// The algorithm this pair signs with.
    pub(super) fn alg(&self) -> SigningAlg {
        match self {
            Self::Rsa(_, RsaPadding::Pkcs1) => SigningAlg::Rs256,
            Self::Rsa(_, RsaPadding::Pss) => SigningAlg::Ps256,
            Self::P256(_) => SigningAlg::Es256,
            Self::P384(_) => SigningAlg::Es384,
            Self::Ed25519(_) => SigningAlg::EdDsa,
        }
    }

    /// The public half as it is published: with `use`, `alg`, and the RFC 7638 thumbprint as `kid`.
    /// `None` if the library hands out a public key of an impossible shape.
    pub(super) fn public_jwk(&self) -> Option<Jwk> {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(algorithm(self.alg()).into()),
            ..CommonParameters::default()
        };
        let mut jwk = Jwk { common, algorithm: self.public_parameters()? };
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).ok()?);
        Some(jwk)
    }

    fn public_parameters(&self) -> Option<AlgorithmParameters> {
        Some(match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                AlgorithmParameters::RSA(RSAKeyParameters {
                    key_type: RSAKeyType::RSA,
                    n: BASE64URL_NOPAD.encode(public.modulus().big_endian_without_leading_zero()),
                    e: BASE64URL_NOPAD.encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::P256(pair) => point::<32>(pair, EllipticCurve::P256)?,
            Self::P384(pair) => point::<48>(pair, EllipticCurve::P384)?,
            Self::Ed25519(pair) => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: BASE64URL_NOPAD.encode(pair.public_key().as_ref()),
            }),
        })
    }
}

/// The public half of a pair on a curve whose coordinates have `N` bytes.
fn point<const N: usize>(pair: &EcdsaKeyPair, curve: EllipticCurve) -> Option<AlgorithmParameters> {
    // An uncompressed point (SEC 1 section 2.3.3): 4, x, y.
    let point = pair.public_key().as_ref().strip_prefix(&[4])?;
    let (x, y) = point.split_first_chunk::<N>()?;
    Some(AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
        key_type: EllipticCurveKeyType::EC,
        curve,
        x: BASE64URL_NOPAD.encode(x),
        y: BASE64URL_NOPAD.encode(y),
    }))
}

/// The same algorithm in jsonwebtoken's words.
pub(super) fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::Rs256 => Algorithm::RS256,
        SigningAlg::Es256 => Algorithm::ES256,
        SigningAlg::EdDsa => Algorithm::EdDSA,
        SigningAlg::Ps256 => Algorithm::PS256,
        SigningAlg::Es384 => Algorithm::ES384,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_8037_pair() -> KeyPair {
        // RFC 8037 appendix A.1.
        let d = BASE64URL_NOPAD.decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let x = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        KeyPair::Ed25519(Box::new(Ed25519KeyPair::from_seed_and_public_key(&d, &x).unwrap()))
    }

    #[test]
    fn an_ed25519_key_signs_as_in_rfc_8037_appendix_a_4() {
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert_eq!(
            BASE64URL_NOPAD.encode(&rfc_8037_pair().sign(message).unwrap()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B\
             hVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn an_ed25519_key_has_the_kid_of_rfc_8037_appendix_a_3() {
        let jwk = serde_json::to_value(rfc_8037_pair().public_jwk().unwrap()).unwrap();
        assert_eq!(
            jwk,
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            })
        );
    }

    #[test]
    fn an_rsa_key_has_the_thumbprint_of_rfc_7638_section_3_1() {
        let jwk: Jwk = serde_json::from_value(serde_json::json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\
                  oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65Y\
                  GjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdk\
                  t-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqD\
                  Kgw",
        }))
        .unwrap();
        assert_eq!(
            jwk.thumbprint(ThumbprintHash::SHA256).unwrap(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_key_written_as_pkcs_8_reads_back_as_the_same_key_and_only_for_its_algorithm() {
        for alg in SigningAlg::ALL {
            let pair = KeyPair::generate(alg).unwrap();
            let der = pair.to_pkcs8().unwrap();
            let again = KeyPair::from_pkcs8(alg, &der).unwrap();
            assert_eq!(pair.public_jwk(), again.public_jwk());
            // Both kinds of RSA signature are made with the same kind of key; the stored name tells.
            let is_rsa = |alg| matches!(alg, SigningAlg::Rs256 | SigningAlg::Ps256);
            let same_kind = |other| other == alg || is_rsa(alg) && is_rsa(other);
            for other in SigningAlg::ALL.into_iter().filter(|other| !same_kind(*other)) {
                assert!(KeyPair::from_pkcs8(other, &der).is_err(), "{alg:?} read as {other:?}");
            }
        }
    }

    #[test]
    fn an_ecdsa_signature_has_the_fixed_length_rfc_7518_section_3_4_demands() {
        for (alg, length) in [(SigningAlg::Es256, 64), (SigningAlg::Es384, 96)] {
            let pair = KeyPair::generate(alg).unwrap();
            for message in [b"".as_slice(), b"a", b"ab"] {
                assert_eq!(pair.sign(message).unwrap().len(), length);
            }
        }
    }
}
