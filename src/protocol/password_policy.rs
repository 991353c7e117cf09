//! Which passwords may be set (NIST SP 800-63B-4 section 3.1.1.2): long enough, not guessable, no
//! rules about which characters to use.

/// The longest accepted password, in bytes of UTF-8. Longer input is refused, never cut.
pub const MAX_BYTES: usize = 1024;

/// Why a password is refused; the text tells the person what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    #[error("Use at least {0} characters.")]
    TooShort(usize),
    #[error("Use at most 1,024 bytes; most password managers offer a shorter length.")]
    TooLong,
    #[error("Leave out control characters such as NUL.")]
    ControlCharacter,
    #[error(
        "This password is easy to guess. Use several unrelated words, or let a password manager make one."
    )]
    Guessable,
    #[error("Choose another password than the temporary one.")]
    Temporary,
}

/// Checks a new password. `context` are words an attacker would try first: the person's name, the
/// product's name.
///
/// # Errors
/// The first rule that the password breaks.
pub fn check(password: &str, min_length: usize, context: &[&str]) -> Result<(), PasswordRefusal> {
    check_length(password)?;
    if password.chars().count() < min_length {
        return Err(PasswordRefusal::TooShort(min_length));
    }
    // Guessability needs no more than the first 100 characters, and costs time beyond them.
    let head: String = password.chars().take(100).collect();
    if zxcvbn::zxcvbn(&head, context).score() < zxcvbn::Score::Two {
        return Err(PasswordRefusal::Guessable);
    }
    Ok(())
}

/// The rules that hold for every password that is to be hashed, also at sign-in.
///
/// # Errors
/// [`PasswordRefusal::TooLong`] or [`PasswordRefusal::ControlCharacter`].
pub fn check_length(password: &str) -> Result<(), PasswordRefusal> {
    if password.len() > MAX_BYTES {
        return Err(PasswordRefusal::TooLong);
    }
    if password.contains('\0') {
        return Err(PasswordRefusal::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_guessable_passwords_are_refused() {
        assert_eq!(check("short", 12, &[]), Err(PasswordRefusal::TooShort(12)));
        assert_eq!(check(&"a".repeat(1025), 12, &[]), Err(PasswordRefusal::TooLong));
        assert_eq!(check("a\0bcdefghijklmnop", 12, &[]), Err(PasswordRefusal::ControlCharacter));
        for weak in ["passwordpassword", "123456789012", "aaaaaaaaaaaaaaaa"] {
            assert_eq!(check(weak, 12, &[]), Err(PasswordRefusal::Guessable), "{weak}");
        }
    }

    #[test]
    fn the_person_s_own_name_is_guessable() {
        assert_eq!(check("aliceinchains", 12, &["aliceinchains"]), Err(PasswordRefusal::Guessable));
    }

    #[test]
    fn length_counts_characters_and_any_character_will_do() {
        assert!(check("correct horse battery staple", 12, &[]).is_ok());
        assert!(check(&"🚪🔑🏠🌳🦊🍏🎈📚🧭🎻🪁🧩".repeat(5), 12, &[]).is_ok());
    }
}
