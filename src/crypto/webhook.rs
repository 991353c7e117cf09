//! Signatures of Standard Webhooks 1.0.0 ("Signature scheme"): HMAC-SHA256 under a secret that the
//! receiver has, too.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::secret::{Secret, random_bytes};

/// What a secret in text form begins with.
const PREFIX: &str = "whsec_";

/// Bytes of a new secret; the standard asks for 24 to 64.
const LENGTH: usize = 32;

/// A secret shared with one receiver. Wiped from memory when dropped.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// A fresh secret of 256 random bits.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes::<LENGTH>().to_vec()))
    }

    /// Reads `whsec_` and base64; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// The secret as receivers are given it.
    pub fn to_text(&self) -> Secret {
        Secret::from_text(format!("{PREFIX}{}", BASE64.encode(&self.0)))
    }

    /// The signature of a message for the header `webhook-signature`: `v1,` and base64. `timestamp` is
    /// the value of `webhook-timestamp`.
    pub fn sign(&self, (id, timestamp): (&str, i64), body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_in_the_example_of_the_reference_libraries() {
        let secret = WebhookSecret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signature = secret.sign(message, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_the_same_after_it_was_written_down_and_is_not_shown_by_mistake() {
        let secret = WebhookSecret::generate();
        let text = secret.to_text();
        assert!(text.expose().starts_with("whsec_") && text.expose().len() == 50);
        let again = WebhookSecret::from_text(text.expose()).unwrap();
        assert_eq!(again.sign(("a", 1), b"x"), secret.sign(("a", 1), b"x"));
        assert_ne!(WebhookSecret::generate().sign(("a", 1), b"x"), secret.sign(("a", 1), b"x"));
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
        for bad in ["", "whsec", "whsec_%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(WebhookSecret::from_text(bad).is_none(), "{bad:?}");
        }
    }
}
