//! `[secrets]`: the key that seals everything else. Its rules are here, since a weak or readable
//! master key makes every sealed signing key worthless.

use std::path::{Path, PathBuf};

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Secrets that seal what is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    /// 32 random bytes in base64: it seals signing keys and in-flight requests. All nodes share
    /// it. Make one with `openssl rand -base64 32`. Required with PostgreSQL.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    #[schemars(extend("x-default" = "with SQLite made once in `<data_dir>/master.key`"))]
    #[schemars(extend("writeOnly" = true))]
    pub master_key: Option<SecretString>,
    /// The other key while the master key is exchanged: it opens what was sealed under it, and seals
    /// nothing. All nodes share it.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    #[schemars(extend(
        "x-default" = "with SQLite what is in `<data_dir>/master.key.previous`, if anything"
    ))]
    #[schemars(extend("writeOnly" = true))]
    pub previous_master_key: Option<SecretString>,
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// It is configured.
    Given(SecretString),
    /// It is in this file, which is made (mode 0600) if it does not exist.
    File(PathBuf),
}

/// What to do about any fault of a master key.
pub(super) const MAKE_A_KEY: &str = "Make one with: openssl rand -base64 32";

/// A text without the one newline at its end that editors and `echo` add to a file, and that whatever makes
/// a variable of a file keeps.
#[must_use]
pub fn without_last_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// What is wrong with a master key, if anything; never repeats it.
pub(super) fn master_key_fault(text: &str) -> Option<&'static str> {
    let bare = text.trim_end_matches('=').as_bytes();
    let decoded = BASE64_NOPAD.decode(bare).or_else(|_| BASE64URL_NOPAD.decode(bare));
    let Ok(bytes) = decoded else {
        return Some("it is not base64");
    };
    if bytes.len() < 32 {
        return Some("it is too short: 32 bytes are needed");
    }
    if bytes.len() > 32 {
        return Some("it is too long: exactly 32 bytes are needed");
    }
    let mut distinct = bytes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    // 32 random bytes have about 30 different values; 12 or fewer, a run that counts up, or text
    // a person typed is an example from a page, which everyone can read.
    let counts_up = bytes.iter().zip(bytes.iter().skip(1)).all(|(a, b)| b.wrapping_sub(*a) == 1);
    let is_text = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    (distinct.len() <= 12 || counts_up || is_text).then_some("it is an example, not random bytes")
}

/// Whether people other than the owner and its group may read `path`. Files that cannot be asked
/// are reported by whoever reads them.
pub(super) fn is_world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o006 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_a_master_key_in_either_alphabet_with_or_without_padding() {
        for good in [
            "q83xTpJ0Zr9bW1mYk2hU7sVnE4cLoAfGd6iXwPzQy5I=",
            "q83xTpJ0Zr9bW1mYk2hU7sVnE4cLoAfGd6iXwPzQy5I",
            "-_3xTpJ0Zr9bW1mYk2hU7sVnE4cLoAfGd6iXwPzQy5I",
        ] {
            assert_eq!(master_key_fault(good), None, "{good}");
        }
    }

    #[test]
    fn one_newline_at_the_end_is_not_part_of_a_secret() {
        for (text, bare) in
            [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("", "")]
        {
            assert_eq!(without_last_newline(text), bare, "{text:?}");
        }
    }

    #[test]
    fn short_long_and_foreign_texts_are_no_master_key() {
        assert!(master_key_fault("c2hvcnQ=").unwrap().contains("too short"));
        assert!(master_key_fault("").unwrap().contains("too short"));
        let long = BASE64_NOPAD.encode(&[7; 48]);
        assert!(master_key_fault(&long).unwrap().contains("too long"));
        assert!(master_key_fault("change me!").unwrap().contains("base64"));
    }

    #[test]
    fn keys_from_example_pages_are_refused() {
        let counting: Vec<u8> = (0..32).collect();
        for example in [
            vec![0; 32],
            vec![0x42; 32],
            counting,
            b"0123456789abcdef0123456789abcdef".to_vec(),
            b"correct-horse-battery-staple-ok!".to_vec(),
        ] {
            let fault = master_key_fault(&BASE64_NOPAD.encode(&example));
            assert!(fault.unwrap().contains("example"), "{example:?}");
        }
    }
}
