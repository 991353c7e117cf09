//! What a person would look like who comes with certain claims. Nobody is looked up and nothing is kept.

use serde_json::{Map, Value};

use super::UpstreamSettings;
use crate::protocol::jose::strict_json;
use crate::protocol::upstream::claims::{Given, Verified, read};
use crate::protocol::upstream::examination::shown;
use crate::service::people::{self, PeopleError};

/// One thing that would be known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is, in a word or two.
    pub about: &'static str,
    /// The claim it comes from; empty where no claim is read for it.
    pub claim: String,
    /// Empty where there is none.
    pub values: Vec<String>,
    /// What is to be said of it: sentences, or nothing.
    pub note: String,
}

/// Reads sample claims as these settings say.
///
/// # Errors
/// Why the text cannot be read, which completes "the claims …".
pub fn of(settings: &UpstreamSettings, text: &str) -> Result<Vec<Line>, &'static str> {
    let claims = strict_json::object(text.as_bytes())
        .map_err(|_| "must be a JSON object in which no name stands twice")?;
    Ok(of_claims(settings, &claims))
}

/// Reads sample claims whose JSON has been read already.
#[must_use]
pub fn of_claims(settings: &UpstreamSettings, claims: &Map<String, Value>) -> Vec<Line> {
    let reading = read(claims, settings);
    let names = &settings.claims;
    let subject = match reading.subject {
        Given::Nothing => {
            let note = "It is not among the claims, and nobody is anybody without it.";
            Line {
                about: "Account there",
                claim: "sub".to_owned(),
                values: Vec::new(),
                note: note.to_owned(),
            }
        }
        given => line(("Account there", "sub"), given, |text| Ok(shown(&text))),
    };
    let username =
        line(("Username", &names.username), reading.username, |text| people::check_username(&text));
    let name = line(("Name", &names.name), reading.name, |text| {
        people::check_name(Some(text)).map(Option::unwrap_or_default)
    });
    let mut email = line(("E-mail address", &names.email), reading.email, |text| {
        people::check_email(Some(text)).map(Option::unwrap_or_default)
    });
    if !email.values.is_empty() {
        email.note = match reading.email_verified {
            Verified::Yes => "It counts as verified.".to_owned(),
            Verified::No(reason) => format!("It does not count as verified: {reason}."),
        };
    }
    vec![subject, username, name, email, groups(names.groups.as_deref(), reading.groups)]
}

fn groups(claim: Option<&str>, given: Given<Vec<String>>) -> Line {
    let about = "Groups";
    let Some(claim) = claim else {
        let note = "No claim is read for them.".to_owned();
        return Line { about, claim: String::new(), values: Vec::new(), note };
    };
    let (values, note) = match given {
        Given::Value(groups) => match people::check_groups(groups) {
            Ok(groups) => (groups, String::new()),
            Err(error) => (Vec::new(), unfit(&error)),
        },
        Given::Nothing => (Vec::new(), "It is not among the claims.".to_owned()),
        Given::Unusable(why) => (Vec::new(), format!("It {why}.")),
    };
    Line { about, claim: claim.to_owned(), values, note }
}

/// A line for one text, which is kept as `check` makes it.
fn line(
    (about, claim): (&'static str, &str),
    given: Given<String>,
    check: impl FnOnce(String) -> Result<String, PeopleError>,
) -> Line {
    let (values, note) = match given {
        Given::Value(text) => match check(text) {
            Ok(text) => (vec![text], String::new()),
            Err(error) => (Vec::new(), unfit(&error)),
        },
        Given::Nothing => (Vec::new(), "It is not among the claims.".to_owned()),
        Given::Unusable(why) => (Vec::new(), format!("It {why}.")),
    };
    Line { about, claim: claim.to_owned(), values, note }
}

fn unfit(error: &PeopleError) -> String {
    format!("It cannot be taken as it is: {error}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::upstream::ClaimNames;

    fn of_default(text: &str) -> Vec<(String, String)> {
        let claims = ClaimNames { groups: Some("roles".to_owned()), ..ClaimNames::default() };
        let settings =
            UpstreamSettings { claims, trusts_email: true, ..UpstreamSettings::default() };
        let lines = of(&settings, text).unwrap();
        lines.into_iter().map(|line| (line.values.join(","), line.note)).collect()
    }

    #[test]
    fn a_person_is_shown_as_they_would_be_here() {
        let lines = of_default(
            r#"{"sub": "1", "preferred_username": "Ada", "name": " Ada L ", "email": "ADA@school.test",
                "email_verified": true, "roles": ["staff", "crew", "staff"]}"#,
        );
        let values: Vec<_> = lines.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, ["1", "ada", "Ada L", "ada@school.test", "crew,staff"]);
        assert_eq!(lines[3].1, "It counts as verified.");
    }

    #[test]
    fn what_cannot_be_taken_is_said_in_words() {
        let lines = of_default(
            r#"{"preferred_username": "a b", "name": 7, "email": "nobody", "roles": [""]}"#,
        );
        assert!(
            lines.iter().all(|(value, note)| value.is_empty() && !note.is_empty()),
            "{lines:?}"
        );
        assert!(lines[1].1.contains("use 1 to 100 letters"), "{lines:?}");
        for bad in ["", "[]", "{", "7", r#"{"sub": "1", "sub": "2"}"#, &"[".repeat(50_000)] {
            assert!(of(&UpstreamSettings::default(), bad).is_err());
        }
    }
}
