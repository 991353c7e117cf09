//! What an account and a group may be called, whichever way they come in.

use crate::protocol::plain_text::{is_disguised, is_plain_name};
use crate::protocol::profile_texts::TEXTS;
use crate::protocol::user::Profile;
use crate::service::people::PeopleError;
use crate::service::sign_in::normalize_login;

/// The longest user name, in characters.
pub const LONGEST_USERNAME: usize = 100;
/// The longest e-mail address, in bytes.
pub const LONGEST_EMAIL: usize = 254;
/// The longest name of a person, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest name of a group, in characters.
pub const LONGEST_GROUP: usize = 100;
/// The longest claim of a profile, in characters.
const LONGEST_CLAIM: usize = 1_000;

pub(crate) fn check_username(text: &str) -> Result<String, PeopleError> {
    let username = normalize_login(text);
    let good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    // Some letters are not seen.
    let unfit = !username.chars().all(good) || is_disguised(&username);
    if username.is_empty() || username.chars().count() > LONGEST_USERNAME || unfit {
        return Err(PeopleError::invalid(
            "username",
            "use 1 to 100 letters, digits or the characters . - _ @ +",
        ));
    }
    Ok(username)
}

pub(crate) fn check_email(text: Option<String>) -> Result<Option<String>, PeopleError> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let email = normalize_login(&text);
    let good = match email.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && email.len() <= LONGEST_EMAIL
                && !email.contains(char::is_whitespace)
                && !is_disguised(&email)
        }
        None => false,
    };
    if good {
        return Ok(Some(email));
    }
    Err(PeopleError::invalid("email", "use the format name@example.com"))
}

pub(crate) fn check_name(text: Option<String>) -> Result<Option<String>, PeopleError> {
    let Some(text) = text else { return Ok(None) };
    let name = text.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if name.chars().count() > LONGEST_NAME || !is_plain_name(name) {
        return Err(PeopleError::invalid("name", "use at most 200 ordinary characters"));
    }
    Ok(Some(name.to_owned()))
}

/// Claims go to apps as they are, so they are ordinary text of a bearable length. Those of an address
/// may have several lines (OpenID Connect Core section 5.1.1). Nothing is left of those that are empty.
pub(crate) fn check_profile(said: &Profile) -> Result<Profile, PeopleError> {
    let mut clean = Profile::default();
    for claim in &TEXTS {
        let Some(text) = claim.of(said).map(str::trim).filter(|text| !text.is_empty()) else {
            continue;
        };
        if !is_bearable(text, claim.may_have_lines()) {
            let problem = format!("use at most {LONGEST_CLAIM} ordinary characters for a claim");
            return Err(PeopleError::invalid(claim.path, &problem));
        }
        claim.put(&mut clean, text.to_owned());
    }
    // A number that is not there is nobody's.
    clean.phone_number_verified =
        said.phone_number_verified.filter(|_| clean.phone_number.is_some());
    Ok(clean)
}

/// Lines end as Core section 5.1.1 has it: a carriage return stands before a line feed, or nowhere.
fn is_bearable(text: &str, may_have_lines: bool) -> bool {
    let is_bearable =
        |line: &str| !is_disguised(if may_have_lines { without_return(line) } else { line });
    let mut lines = text.split(|c| may_have_lines && c == '\n');
    text.chars().count() <= LONGEST_CLAIM && lines.all(is_bearable)
}

fn without_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// What a directory calls somebody, or a group: taken as it is.
pub(crate) fn check_external_id(text: Option<String>) -> Result<Option<String>, PeopleError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > 255 || text.chars().any(char::is_control) {
        let problem = "use at most 255 characters, none of them a control character";
        return Err(PeopleError::invalid("externalId", problem));
    }
    Ok(Some(text))
}

pub(crate) fn check_groups(groups: Vec<String>) -> Result<Vec<String>, PeopleError> {
    let mut clean = Vec::with_capacity(groups.len());
    for group in groups {
        let group = group.trim().to_owned();
        // The last two would be other addresses in the console.
        let unfit = !is_plain_name(&group) || matches!(group.as_str(), "." | "..");
        if group.chars().count() > LONGEST_GROUP || unfit {
            let problem = "a group name needs 1 to 100 ordinary characters";
            return Err(PeopleError::invalid("groups", problem));
        }
        clean.push(group);
    }
    clean.sort();
    clean.dedup();
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn user_names_are_lower_case_and_without_surprises() {
        assert_eq!(check_username(" Alice ").unwrap(), "alice");
        for bad in
            ["", "a b", "a/b", "a\u{202e}b", "<script>", "\u{3164}", "a\u{115f}", "\u{ffa0}b"]
        {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_nobody_can_see_are_refused() {
        for bad in ["\u{3164}", "\u{2800}", "\u{115f}", "\u{34f}", "wiki\u{fe0f}", "\u{301}"] {
            assert!(check_name(Some(bad.into())).is_err(), "{bad:?}");
            assert!(check_groups(vec![bad.into()]).is_err(), "{bad:?}");
        }
        assert_eq!(check_name(Some(" \u{3000}".into())).unwrap(), None);
        assert!(check_groups(vec!["\u{3000}".into()]).is_err());
    }

    #[test]
    fn only_an_address_has_several_lines_and_nothing_is_disguised() {
        let checked = |claims: Value| check_profile(&serde_json::from_value(claims).unwrap());
        let lines = json!({ "address": { "formatted": "1 Long Lane\r\nLondon\nUK" } });
        assert_eq!(serde_json::to_value(checked(lines.clone()).unwrap()).unwrap(), lines);
        let longest = "a".repeat(LONGEST_CLAIM);
        assert!(checked(json!({ "given_name": longest })).is_ok());
        for bad in [
            json!({ "given_name": "Ada\nLovelace" }),
            json!({ "given_name": format!("{longest}a") }),
            json!({ "family_name": "a\u{202e}b" }),
            json!({ "address": { "formatted": "1 Long Lane\n\u{202e}London" } }),
            json!({ "address": { "locality": "Lon\u{0}don" } }),
            json!({ "address": { "formatted": "1 Long Lane\rLondon" } }),
        ] {
            assert!(checked(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_left_of_what_is_empty() {
        let said = json!({
            "given_name": " Ada ", "nickname": " ", "address": { "locality": "" },
            "phone_number_verified": true,
        });
        let kept = check_profile(&serde_json::from_value(said).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(kept).unwrap(), json!({ "given_name": "Ada" }));
    }

    #[test]
    fn e_mail_addresses_need_both_sides_of_one_at_sign() {
        assert_eq!(check_email(Some("A@B.test".into())).unwrap(), Some("a@b.test".into()));
        assert_eq!(check_email(Some("  ".into())).unwrap(), None);
        for bad in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\u{202e}"] {
            assert!(check_email(Some(bad.into())).is_err(), "{bad:?}");
        }
    }
}
