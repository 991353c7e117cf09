//! SHA-256 of what comes piece by piece.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;

/// A hash being made.
pub struct Digest(digest::Context);

impl Default for Digest {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Digest {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash as base64url.
    #[must_use]
    pub fn finish(self) -> String {
        BASE64URL_NOPAD.encode(self.0.finish().as_ref())
    }
}

/// A hash over any number of texts that does not depend on their order: the sum of their hashes, as one
/// number of 256 bits. It shows what was lost or changed by mistake; whoever may choose the texts can make
/// others with the same sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapDigest([u64; 4]);

impl HeapDigest {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let (words, _) = hash.as_ref().as_chunks::<8>();
        let mut carried = false;
        for (sum, word) in self.0.iter_mut().zip(words) {
            let (with_carry, first) = sum.overflowing_add(u64::from(carried));
            let (total, second) = with_carry.overflowing_add(u64::from_le_bytes(*word));
            (*sum, carried) = (total, first || second);
        }
    }

    /// The sum as base64url.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        BASE64URL_NOPAD.encode(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::SecretHash;

    fn of(texts: &[&str]) -> String {
        let mut digest = HeapDigest::default();
        for text in texts {
            digest.add(text);
        }
        digest.text()
    }

    #[test]
    fn pieces_have_the_hash_of_the_whole() {
        let mut digest = Digest::default();
        digest.update(b"a");
        digest.update(b"bc");
        assert_eq!(digest.finish(), SecretHash::of("abc").as_str());
    }

    #[test]
    fn a_heap_is_known_by_what_is_in_it_and_how_often_and_not_by_the_order() {
        assert_eq!(of(&["a"]), SecretHash::of("a").as_str());
        assert_eq!(of(&["a", "b", "c"]), of(&["c", "a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "b", "b"]));
        assert_ne!(of(&["a", "a"]), of(&[]));
    }
}
