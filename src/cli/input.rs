//! What a command may ask: secrets from a file, standard input or a hidden prompt, and whether to
//! go on. With `--no-input`, or without a terminal, nothing is asked.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use secrecy::SecretString;

use super::exit::Failure;
use super::globals::Globals;
use crate::config::without_last_newline;

/// More than any password or secret needs; protects against a path given by mistake.
const LARGEST_SECRET: u64 = 64 * 1024;

/// Whether the person can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Present,
    Absent,
}

/// How questions are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    Asked,
    Given,
}

/// What a command may ask of the person who started it.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    person: Person,
    consent: Consent,
}

impl Input {
    /// The person in front of this process's terminal, if there is one and may be asked.
    #[must_use]
    pub fn of_process(globals: &Globals) -> Self {
        let present = !globals.no_input && io::stdin().is_terminal();
        Self {
            person: if present { Person::Present } else { Person::Absent },
            consent: if globals.yes { Consent::Given } else { Consent::Asked },
        }
    }

    /// A secret from `source` (a path, or `-` for standard input), or from a hidden prompt when no
    /// source is given. `flag` is the flag that names the source, for the message.
    pub fn secret(
        &self,
        source: Option<&Path>,
        prompt: &str,
        flag: &str,
    ) -> Result<SecretString, Failure> {
        match (source, self.person) {
            (Some(path), _) => read_secret(path),
            (None, Person::Present) => {
                let text = rpassword::prompt_password(format!("{prompt}: "))?;
                not_empty(text, prompt)
            }
            (None, Person::Absent) => Err(Failure::Usage(format!(
                "{prompt} is needed and cannot be asked for here. \
                 Use {flag} FILE, or {flag} - for standard input"
            ))),
        }
    }

    /// Asks before something that cannot be undone. `--yes` answers for the person.
    pub fn confirm(&self, question: &str) -> Result<(), Failure> {
        match (self.consent, self.person) {
            (Consent::Given, _) => Ok(()),
            (Consent::Asked, Person::Absent) => {
                Err(Failure::Usage(format!("{question} Add --yes to go on")))
            }
            (Consent::Asked, Person::Present) => {
                let mut terminal = io::stderr();
                write!(terminal, "{question} Type yes to go on: ")?;
                terminal.flush()?;
                let mut answer = String::new();
                io::stdin().lock().read_line(&mut answer)?;
                if answer.trim() == "yes" {
                    Ok(())
                } else {
                    Err(Failure::Failed("nothing was changed".to_owned()))
                }
            }
        }
    }
}

/// Reads a secret from a file, or from standard input for `-`. One newline at the end, which
/// editors and `echo` add, is not part of it.
pub fn read_secret(source: &Path) -> Result<SecretString, Failure> {
    let mut text = String::new();
    let shown = source.display();
    let outcome = if source == Path::new("-") {
        io::stdin().lock().take(LARGEST_SECRET).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(source);
        file.and_then(|file| file.take(LARGEST_SECRET).read_to_string(&mut text))
    };
    outcome.map_err(|fault| Failure::Failed(format!("{shown} could not be read: {fault}")))?;
    not_empty(without_last_newline(&text).to_owned(), &shown.to_string())
}

fn not_empty(text: String, what: &str) -> Result<SecretString, Failure> {
    if text.is_empty() {
        return Err(Failure::Failed(format!("{what} is empty")));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn absent(consent: Consent) -> Input {
        Input { person: Person::Absent, consent }
    }

    #[test]
    fn one_newline_at_the_end_is_not_part_of_a_secret() {
        for (text, secret) in
            [("pass\n", "pass"), ("pass\r\n", "pass"), ("pass\n\n", "pass\n"), (" p ", " p ")]
        {
            assert_eq!(without_last_newline(text), secret);
        }
    }

    #[test]
    fn a_secret_is_read_from_its_file() {
        let path = std::env::temp_dir().join(format!("doorward-input-{}", std::process::id()));
        std::fs::write(&path, "correct horse\n").unwrap();
        let secret = absent(Consent::Asked).secret(Some(&path), "Password", "--password-file");
        assert_eq!(secret.unwrap().expose_secret(), "correct horse");
        std::fs::write(&path, "\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().ends_with("is empty"));
        std::fs::remove_file(&path).unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("could not be read"));
    }

    #[test]
    fn without_a_person_a_missing_secret_names_the_flag() {
        let refusal = absent(Consent::Asked).secret(None, "Password", "--password-file");
        let failure = refusal.unwrap_err();
        assert_eq!(failure.exit().code(), 2);
        assert!(failure.to_string().contains("--password-file -"));
    }

    #[test]
    fn without_a_person_only_yes_confirms() {
        assert!(absent(Consent::Given).confirm("Delete it?").is_ok());
        let failure = absent(Consent::Asked).confirm("Delete it?").unwrap_err();
        assert_eq!(failure.to_string(), "Delete it? Add --yes to go on");
    }
}
