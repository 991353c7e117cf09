//! Base64, strictly: no white space, no stray bits, and for headers with or without padding.

use aws_lc_rs::digest;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

/// Decodes standard base64 as HTTP Basic uses it (RFC 7617), with or without padding.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).or_else(|_| BASE64_NOPAD.decode(text.as_bytes())).ok()
}

/// Decodes base64url without padding (RFC 7515 section 2).
#[must_use]
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// Encodes bytes as base64url without padding.
#[must_use]
pub fn encode_base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// What tells two public texts apart: the SHA-256 of the text as base64url.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    encode_base64url(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}
