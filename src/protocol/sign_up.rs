//! Accounts that people make for themselves (Initiating User Registration via OpenID Connect 1.0):
//! whether they may, and which names they may choose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether people may make their own accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Administrators make every account.
    #[default]
    Off,
    /// Anybody may make one.
    Open,
}

/// The longest name that people may choose for themselves, in characters.
const MAX_USERNAME: usize = 64;

/// Reads a name that somebody chose for themselves; it is kept in lower case. Administrators may give
/// others, but here nobody looks: no letter that only looks like another one, and no `@`, so that
/// nobody's e-mail address can be taken as a name or be found out by trying.
#[must_use]
pub fn username(typed: &str) -> Option<String> {
    let name = typed.trim();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let sane = name.len() <= MAX_USERNAME
        && name.chars().all(known)
        && name.chars().any(|c| c.is_ascii_alphanumeric());
    sane.then(|| name.to_ascii_lowercase())
}

/// Whether a name is kept back, with or without dots, dashes and underscores.
#[must_use]
pub fn is_reserved(username: &str, reserved: &[String]) -> bool {
    let name = letters(username);
    reserved.iter().any(|word| letters(word) == name)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether an address, in lower case, is in one of these domains; in any when there are none.
#[must_use]
pub fn is_in_domains(email: &str, domains: &[String]) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else { return false };
    domains.is_empty() || domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
}

/// Whether a text can be the part of an address behind the `@`.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_letters_and_never_look_like_an_address() {
        assert_eq!(username(" Ada.Lovelace_1 ").as_deref(), Some("ada.lovelace_1"));
        for bad in ["", " ", "...", "a b", "ada@example.com", "аda", "ada\u{202e}", "<b>", "a\0"] {
            assert_eq!(username(bad), None, "{bad:?}");
        }
        assert!(username(&"a".repeat(64)).is_some());
        assert!(username(&"a".repeat(65)).is_none());
    }

    #[test]
    fn names_that_are_kept_back_stay_so_with_dots_and_dashes() {
        let reserved = ["admin".to_owned(), "Help-Desk".to_owned()];
        for name in ["admin", "a.d-m_i.n", "helpdesk", "help_desk"] {
            assert!(is_reserved(name, &reserved), "{name}");
        }
        for name in ["administrators-dog", "ada", "badmin"] {
            assert!(!is_reserved(name, &reserved), "{name}");
        }
    }

    #[test]
    fn an_address_is_in_a_domain_and_not_in_one_that_ends_alike() {
        let domains = ["example.com".to_owned(), "EXAMPLE.org".to_owned()];
        for good in ["a@example.com", "a@example.org"] {
            assert!(is_in_domains(good, &domains), "{good}");
        }
        for bad in ["a@evil-example.com", "a@example.com.evil", "a@sub.example.com", "a", ""] {
            assert!(!is_in_domains(bad, &domains), "{bad}");
        }
        assert!(is_in_domains("a@anywhere.test", &[]));
        assert!(is_domain("example.com") && is_domain("xn--bcher-kva.example"));
        for bad in ["", "@example.com", "a..b", "a b", "exa\u{202e}mple", &"a".repeat(254)] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
