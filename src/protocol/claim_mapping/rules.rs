//! What makes claim mappings valid: names, sources, and how large a token can become by them.

use super::{
    ClaimMapping, Constant, LARGEST_NUMBER, LONGEST_NAME, LONGEST_TEXT, MOST_MAPPINGS,
    MOST_PROFILE_BYTES, MOST_TOKEN_BYTES, Place, Source, is_reserved,
};
use crate::protocol::plain_text;

/// One thing wrong with mappings, in words that follow the claim's name, or stand alone where it is
/// `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub claim: Option<String>,
    pub text: String,
}

/// Everything that is wrong with the mappings of an app.
#[must_use]
pub fn check(mappings: &[ClaimMapping]) -> Vec<Problem> {
    if mappings.len() > MOST_MAPPINGS {
        let text = format!("has more than {MOST_MAPPINGS} entries");
        return vec![Problem { claim: None, text }];
    }
    let wrong = |mapping: &ClaimMapping| {
        let text = one(mapping)?.to_owned();
        Some(Problem { claim: Some(mapping.claim.clone()), text })
    };
    let mut problems: Vec<_> = mappings.iter().filter_map(wrong).collect();
    for place in Place::ALL.into_iter().filter(|place| place.is_token()) {
        let bytes = most_bytes(mappings, place);
        if bytes > MOST_TOKEN_BYTES {
            let text = format!(
                "could add {bytes} bytes to each {}, and {MOST_TOKEN_BYTES} is the most; tell some of \
                 them in userinfo only",
                place.as_str()
            );
            problems.push(Problem { claim: None, text });
        }
    }
    problems
}

/// What is wrong with one mapping by itself.
fn one(mapping: &ClaimMapping) -> Option<&'static str> {
    if !is_name(&mapping.claim) {
        return Some(
            "is no name for a claim: it needs 1 to 64 ASCII letters, digits and -_.:/ of which the \
             first is a letter",
        );
    }
    if is_reserved(&mapping.claim) {
        return Some(
            "is a claim that this server answers itself or that has a meaning in tokens; choose \
             another name",
        );
    }
    if mapping.places.is_empty() {
        return Some("needs a place where it is told: id_token, access_token or userinfo");
    }
    match mapping.source() {
        None => Some("needs one source: profile, group, group with value, or value"),
        Some(Source::Profile(_)) => None,
        Some(Source::IsIn(group)) => of_group(group),
        Some(Source::ForGroup(group, value)) => of_group(group).or_else(|| of_constant(value)),
        Some(Source::Constant(value)) => of_constant(value),
    }
}

fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    text.len() <= LONGEST_NAME
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(good)
}

/// The rule of group names; whether there is such a group only the moment of telling knows.
fn of_group(group: &str) -> Option<&'static str> {
    let fits = (1..=100).contains(&group.chars().count()) && group.trim() == group;
    (!fits || plain_text::is_disguised(group))
        .then_some("needs the name of a group: 1 to 100 plain characters")
}

fn of_constant(value: &Constant) -> Option<&'static str> {
    match value {
        Constant::Flag(_) => None,
        Constant::Number(number) => (!(-LARGEST_NUMBER..=LARGEST_NUMBER).contains(number))
            .then_some("has a number that not every program can read; write it as a text"),
        Constant::Text(text) => {
            let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT;
            (!fits || plain_text::is_disguised(text))
                .then_some("needs a value of 1 to 200 plain characters")
        }
    }
}

/// The most bytes of JSON that the claims can come to there.
pub(super) fn most_bytes(mappings: &[ClaimMapping], place: Place) -> usize {
    let there = mappings.iter().filter(|mapping| mapping.places.contains(&place));
    there.map(|mapping| mapping.claim.len() + most_value_bytes(mapping) + "\"\":,".len()).sum()
}

fn most_value_bytes(mapping: &ClaimMapping) -> usize {
    match mapping.source() {
        Some(Source::Profile(_)) => MOST_PROFILE_BYTES,
        Some(Source::IsIn(_)) => "false".len(),
        Some(Source::ForGroup(_, value) | Source::Constant(value)) => {
            value.to_json().to_string().len()
        }
        None => 0,
    }
}
