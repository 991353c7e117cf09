//! What letters say: one template as plain text and one as HTML for each. They load nothing, and the
//! only address in them is one of ours.

use askama::Template;
use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::protocol::plain_text::is_deceptive;

/// Whose letters these are.
#[derive(Debug, Clone)]
pub struct About {
    pub product_name: String,
    pub issuer: String,
}

/// A letter to the owner of an account. It may hold a link that is as good as a password for an hour
/// or a day, so it is stored sealed only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Letter {
    /// The password of the account is another one now.
    PasswordChanged { username: String, at: UnixTime },
    /// Somebody has signed in in a way that is unlike before.
    NewSignIn(SignInFacts),
    /// Somebody knew the password and was not let in.
    SignInRefused(SignInFacts),
    /// A refresh token was used twice, so an app has lost its access.
    AccessEnded { app: String, facts: SignInFacts },
    /// The way back into an account after "this was not me".
    Recovery { username: String, link: String, minutes: i64 },
    /// An administrator wants to see whether letters arrive.
    Test { at: UnixTime },
}

/// A sign-in as its owner may recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFacts {
    pub username: String,
    /// What was unlike before, in words, such as "a device that was not used before".
    pub reasons: Vec<String>,
    /// The browser and system, as far as the browser tells.
    pub device: String,
    /// The address it came from; empty when it is not known.
    pub address: String,
    pub at: UnixTime,
    /// Where to say "this was not me".
    pub link: String,
    /// For how many hours the link works.
    pub hours: i64,
}

/// A letter as it is sent.
#[derive(Debug)]
pub struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    about: &'a About,
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    about: &'a About,
    letter: &'a Letter,
    subject: &'a str,
}

/// What templates call.
trait Words {
    fn one_line(&self, words: &str) -> String {
        one_line(words)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn moment(&self, at: &UnixTime) -> String {
        moment(*at)
    }
}

impl Words for Text<'_> {}
impl Words for Html<'_> {}

impl Letter {
    /// The whole letter.
    ///
    /// # Errors
    /// When a template fails, which needs a value that cannot be shown.
    pub fn write(&self, about: &About) -> Result<Written, askama::Error> {
        let subject = self.subject(&about.product_name);
        let text = Text { about, letter: self }.render()?;
        let html = Html { about, letter: self, subject: &subject }.render()?;
        Ok(Written { subject, text, html })
    }

    /// Nobody's words but the operator's.
    fn subject(&self, product: &str) -> String {
        match self {
            Self::PasswordChanged { .. } => format!("{product}: your password was changed"),
            Self::NewSignIn(_) => format!("{product}: a new sign-in to your account"),
            Self::SignInRefused(_) => format!("{product}: a sign-in to your account was refused"),
            Self::AccessEnded { .. } => {
                format!("{product}: an app has lost access to your account")
            }
            Self::Recovery { .. } => format!("{product}: choose a new password"),
            Self::Test { .. } => format!("{product}: a test letter"),
        }
    }
}

/// Somebody's words on one line of a plain text, at most 120 characters: they cannot pass for lines of
/// ours, nor turn the direction of what follows.
#[must_use]
pub fn one_line(words: &str) -> String {
    on_one_line(words, 120)
}

/// As [`one_line`], of at most `most` characters.
#[must_use]
pub fn on_one_line(words: &str, most: usize) -> String {
    words.chars().take(most).map(|c| if is_deceptive(c) { ' ' } else { c }).collect()
}

/// `2026-11-21 04:36 UTC`: a mail is read in any time zone and language.
fn moment(at: UnixTime) -> String {
    let text = at.rfc3339();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Letter {
        pub(in crate::mail) fn sample_password_changed() -> Self {
            Self::PasswordChanged { username: "ada".to_owned(), at: UnixTime(1_800_000_000) }
        }

        /// Every letter, with these words wherever somebody chooses them.
        pub(in crate::mail) fn samples_with(words: &str) -> Vec<Self> {
            let word = || words.to_owned();
            let at = UnixTime(1_800_000_000);
            let facts = || SignInFacts {
                username: word(),
                reasons: vec!["a device that was not used before".to_owned()],
                device: word(),
                address: word(),
                at,
                link: "https://sso.example/login/not-me?token=t0ken".to_owned(),
                hours: 72,
            };
            vec![
                Self::PasswordChanged { username: word(), at },
                Self::NewSignIn(facts()),
                Self::SignInRefused(facts()),
                Self::AccessEnded { app: word(), facts: facts() },
                Self::Recovery {
                    username: word(),
                    link: "https://sso.example/login/reset?token=t0ken".to_owned(),
                    minutes: 30,
                },
            ]
        }
    }

    fn about() -> About {
        About { product_name: "Our Door".to_owned(), issuer: "https://sso.example".to_owned() }
    }

    #[test]
    fn both_forms_say_who_what_and_where_to_go() {
        for letter in Letter::samples_with("ada-lovelace") {
            let written = letter.write(&about()).unwrap();
            assert!(written.subject.starts_with("Our Door: "), "{}", written.subject);
            for body in [&written.text, &written.html] {
                assert!(
                    body.contains("ada-lovelace") && body.contains("https://sso.example"),
                    "{body}"
                );
            }
            let linked = !matches!(letter, Letter::PasswordChanged { .. });
            for body in [&written.text, &written.html] {
                assert_eq!(body.contains("?token=t0ken"), linked, "{body}");
            }
            let lines = written.text.lines().map(str::len).max().unwrap();
            assert!(lines < 200, "{}", written.text);
        }
    }

    #[test]
    fn what_others_wrote_is_inert_in_both_forms() {
        let hostile = "x\r\n\r\nhttps://evil.example/ <img src=x onerror=alert(1)>\u{202e}";
        for letter in Letter::samples_with(hostile) {
            let written = letter.write(&about()).unwrap();
            assert!(!written.html.contains("<img"), "{}", written.html);
            assert!(!written.html.contains("http://"), "{}", written.html);
            for body in [&written.text, &written.html] {
                assert!(!body.contains('\u{202e}') && !body.contains('\r'), "{body}");
                let alone = |line: &str| line.trim_start().starts_with("https://evil");
                assert!(!body.lines().any(alone), "{body}");
            }
        }
    }

    #[test]
    fn a_test_letter_says_that_there_is_nothing_to_do_and_leads_nowhere() {
        let written = Letter::Test { at: UnixTime(1_800_000_000) }.write(&about()).unwrap();
        assert_eq!(written.subject, "Our Door: a test letter");
        for body in [&written.text, &written.html] {
            assert!(body.contains("nothing to do") && body.contains("2027-01-15 08:00"), "{body}");
            assert!(body.contains("https://sso.example") && !body.contains("<a "), "{body}");
        }
    }

    #[test]
    fn a_moment_is_said_in_utc_to_the_minute() {
        assert_eq!(moment(UnixTime(1_800_000_000)), "2027-01-15 08:00 UTC");
    }
}
