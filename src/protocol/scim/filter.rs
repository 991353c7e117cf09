//! Filters (RFC 7644 section 3.4.2.2), as far as directories need them to find somebody: an attribute that
//! equals a value, several of them joined by `and`. Each can be answered by an index; others are refused.

use serde_json::Value;

use super::{ErrorType, GROUP, Refusal, USER};

/// Longest filter, in bytes.
const LONGEST: usize = 2_048;

/// Most conditions in one.
const MOST_CONDITIONS: usize = 8;

/// An attribute that has to have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// In lower case and without its schema: `emails.value`.
    pub attribute: String,
    pub value: Value,
}

impl Condition {
    /// The value as a text.
    ///
    /// # Errors
    /// [`Refusal`] if it is none.
    pub fn text(&self) -> Result<&str, Refusal> {
        let text = self.value.as_str();
        text.ok_or_else(|| refusal(format!("{} is compared with a string.", self.attribute)))
    }
}

fn refusal(detail: impl Into<String>) -> Refusal {
    Refusal::new(ErrorType::InvalidFilter, detail)
}

/// The name of an attribute in lower case, without the schema in front of it; `None` if it cannot be one.
pub(super) fn attribute(text: &str) -> Option<String> {
    let mut name = text;
    for schema in [USER, GROUP] {
        let start = text.get(..schema.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(schema)) {
            name = text.get(schema.len()..)?.strip_prefix(':')?;
        }
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$' | ':');
    let fits = !name.is_empty() && name.chars().all(good);
    fits.then(|| name.to_ascii_lowercase())
}

/// Every condition of a filter.
///
/// # Errors
/// [`Refusal`] for what is no filter, or one of another kind.
pub fn parse(text: &str) -> Result<Vec<Condition>, Refusal> {
    if text.len() > LONGEST {
        return Err(refusal(format!("A filter has at most {LONGEST} bytes.")));
    }
    let mut conditions = Vec::new();
    let mut rest = text.trim();
    loop {
        let (condition, behind) = condition(rest)?;
        conditions.push(condition);
        if conditions.len() > MOST_CONDITIONS {
            return Err(refusal(format!("A filter has at most {MOST_CONDITIONS} conditions.")));
        }
        if behind.is_empty() {
            return Ok(conditions);
        }
        let (word, behind) = word(behind);
        if !word.eq_ignore_ascii_case("and") {
            return Err(refusal("Conditions are joined by \"and\" alone."));
        }
        rest = behind;
    }
}

fn condition(text: &str) -> Result<(Condition, &str), Refusal> {
    let (name, rest) = word(text);
    let (operator, rest) = word(rest);
    let name = attribute(name).filter(|name| name != "not").ok_or_else(|| {
        refusal("A filter is an attribute, eq and a value in quotes; without brackets.")
    })?;
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(refusal("Only the operator eq is supported."));
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let value = values.next().and_then(Result::ok);
    let value = value.filter(|value| !value.is_array() && !value.is_object());
    let value = value.ok_or_else(|| refusal("The value stands in double quotes, as in JSON."))?;
    if matches!(&value, Value::String(text) if text.contains('\0')) {
        return Err(refusal("The value has a NUL character, which nothing has."));
    }
    let behind = rest.get(values.byte_offset()..).unwrap_or_default();
    if !behind.is_empty() && !behind.starts_with(' ') {
        return Err(refusal("Behind a value comes the end, or \"and\"."));
    }
    Ok((Condition { attribute: name, value }, behind.trim_start()))
}

/// The first word, and what comes behind it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_in_any_case_and_with_their_schema() {
        let found = parse(
            r#" userName Eq "a \"b\"" AND urn:ietf:params:scim:schemas:core:2.0:User:externalId eq "7""#,
        );
        let found = found.unwrap();
        assert_eq!(found[0].attribute, "username");
        assert_eq!(found[0].text().unwrap(), "a \"b\"");
        assert_eq!((found[1].attribute.as_str(), found[1].text().unwrap()), ("externalid", "7"));
    }

    #[test]
    fn what_no_index_answers_is_refused_with_words() {
        let deep = format!("{}userName eq \"a\"{}", "(".repeat(900), ")".repeat(900));
        let long = format!("userName eq \"{}\"", "x".repeat(3_000));
        let many = ["id eq \"a\""; 9].join(" and ");
        for bad in [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq a",
            "userName co \"a\"",
            "userName pr",
            "not (userName eq \"a\")",
            "userName eq \"a\" or id eq \"b\"",
            "userName eq \"a\"and",
            "userName eq \"a\" and",
            "userName eq [1]",
            "userName eq \"\\u0000\"",
            "userName eq \"a",
            "emails[type eq \"work\"]",
            "é eq \"a\"",
            &deep,
            &long,
            &many,
        ] {
            let refusal = parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorType::InvalidFilter, "{bad}");
        }
    }
}
