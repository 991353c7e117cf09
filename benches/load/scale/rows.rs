//! The rows of a town: who is who by number, and how many are inserted at once.

use std::fmt::Write as _;

use data_encoding::BASE64URL_NOPAD;
use doorward::crypto::seal::{Purpose, Sealer};
use doorward::crypto::secret::SecretHash;
use serde_json::json;

/// How many rows one statement inserts.
pub(super) const AT_ONCE: usize = 500;

/// Numbers of neighbours lie far apart, as random identifiers do.
fn scattered(number: usize) -> usize {
    number.wrapping_mul(2_654_435_761) & 0xFFFF_FFFF
}

pub(super) fn user(number: usize) -> String {
    format!("{:08x}-0000-4000-8000-{number:012x}", scattered(number))
}

pub(super) fn username(number: usize) -> String {
    format!("user{number:07}")
}

/// An app that people use.
pub(super) fn web(number: usize) -> String {
    format!("w{:08x}-{number:07}", scattered(number))
}

/// An app that works by itself.
pub(super) fn machine(number: usize) -> String {
    format!("m{:08x}-{number:07}", scattered(number))
}

/// What grows in the order of time has identifiers that do.
fn timed(kind: u8, number: usize) -> String {
    format!("019aa500-{:04x}-7{kind:03x}-8000-{number:012x}", number >> 12)
}

pub(super) fn session(number: usize) -> String {
    timed(1, number)
}

pub(super) fn grant(number: usize) -> String {
    timed(2, number)
}

pub(super) fn family(number: usize) -> String {
    timed(3, number)
}

/// The value of a cookie.
pub(super) fn cookie(kind: &str, number: usize) -> String {
    // Any 43 characters of base64url will do, and a hash is at hand.
    SecretHash::of(&format!("{kind} {number}")).as_str().to_owned()
}

pub(super) fn hash(text: &str) -> String {
    SecretHash::of(text).as_str().to_owned()
}

/// A refresh token that the server will open.
pub(super) fn refresh_token(sealer: &Sealer, number: usize) -> String {
    let random = BASE64URL_NOPAD.encode(&[7; 32]);
    let token = json!({ "f": family(number), "g": 0, "u": 0, "c": 0, "r": random });
    sealer.seal(Purpose::RefreshToken, token.to_string().as_bytes())
}

/// What the copied rows of one real person have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Pattern {
    pub(super) now: i64,
    pub(super) phc: String,
    pub(super) acr: String,
    pub(super) amr: String,
    pub(super) device: String,
    pub(super) scopes: String,
    pub(super) details: String,
    /// `metadata` and `secret_hashes` of an app for people and of one without.
    pub(super) web: (String, String),
    pub(super) machine: (String, String),
}

/// A statement that inserts the rows with these numbers; `columns` in the order of their values, the others
/// as the schema has them.
pub(super) fn insert(
    (table, columns): (&str, &str),
    numbers: std::ops::Range<usize>,
    row: impl Fn(usize) -> String,
) -> String {
    let mut sql = String::with_capacity(400 * numbers.len());
    let _ = write!(sql, "insert into {table} ({columns}) values ");
    for (place, number) in numbers.enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}({})", row(number));
    }
    sql
}

/// A text literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A session lives for twelve hours, from some moment in the last two.
pub(super) fn created(pattern: &Pattern, number: usize) -> i64 {
    pattern.now - 7_200 + i64::try_from(number % 7_200).unwrap_or(0)
}
