//! Rich authorization requests (RFC 9396): a list of objects, each of a registered type, that says
//! more finely than a scope what the client wants to do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::strict_json::has_nul;
use crate::protocol::plain_text::is_deceptive;

/// Longer texts are refused unread.
const MAX_LEN: usize = 8 * 1024;
/// Most objects in one request; each is in every token.
const MAX_DETAILS: usize = 10;
/// Deeper objects are refused.
const MAX_DEPTH: usize = 6;

/// The members every type may have (section 2.2): these are lists of texts.
const COMMON_LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];
/// The one of them that is a text.
const COMMON_TEXT: &str = "identifier";

/// A type of authorization details that this server knows. Written as its name, or as
/// `name: member member`, which allows members beside the common ones of section 2.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DetailType {
    pub name: String,
    /// Members of its own.
    pub members: Vec<String>,
}

impl TryFrom<String> for DetailType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, members) = text.split_once(": ").unwrap_or((&text, ""));
        let members: Vec<_> = members.split_whitespace().map(ToOwned::to_owned).collect();
        let plain = |word: &str| {
            (1..=200).contains(&word.len())
                && word.bytes().all(|b| b.is_ascii_graphic() && b != b'"')
        };
        if plain(name) && members.iter().all(|member| plain(member) && member != "type") {
            return Ok(Self { name: name.to_owned(), members });
        }
        Err(format!("{text:?} is not a type, such as payment_initiation: amount creditor"))
    }
}

impl From<DetailType> for String {
    fn from(detail: DetailType) -> Self {
        if detail.members.is_empty() {
            return detail.name;
        }
        format!("{}: {}", detail.name, detail.members.join(" "))
    }
}

fn refused(detail: impl Into<String>) -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidAuthorizationDetails,
        "authorization_details is malformed, or has a type or member that is not allowed here.",
    )
    .because(detail)
}

/// Reads the parameter and checks each object against the types this server knows and the client is
/// registered for.
///
/// # Errors
/// `invalid_authorization_details` (section 5).
pub fn parse(text: &str, known: &[DetailType], own: &[String]) -> Result<Vec<Value>, OAuthError> {
    if text.len() > MAX_LEN {
        return Err(refused("longer than 8192 bytes"));
    }
    let value: Value = serde_json::from_str(text).map_err(|e| refused(e.to_string()))?;
    if has_nul(&value) {
        return Err(refused("has the NUL character"));
    }
    let Value::Array(details) = value else { return Err(refused("not a list")) };
    if details.is_empty() || details.len() > MAX_DETAILS {
        return Err(refused("none or too many objects"));
    }
    for detail in &details {
        let members = detail.as_object().ok_or_else(|| refused("an element is no object"))?;
        let name = members.get("type").and_then(Value::as_str).ok_or_else(|| refused("no type"))?;
        let known = known
            .iter()
            .find(|known| known.name == name && own.iter().any(|own| own == name))
            .ok_or_else(|| refused(format!("the type {name:?} is not allowed")))?;
        check_members(members, known)?;
    }
    Ok(details)
}

fn check_members(members: &Map<String, Value>, known: &DetailType) -> Result<(), OAuthError> {
    for (name, value) in members {
        let fits = match name.as_str() {
            "type" => true,
            COMMON_TEXT => value.is_string(),
            common if COMMON_LISTS.contains(&common) => texts(value).is_some(),
            own => known.members.iter().any(|member| member == own) && depth(value) < MAX_DEPTH,
        };
        if !fits {
            return Err(refused(format!("the member {name:?} is not allowed or malformed")));
        }
    }
    Ok(())
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    items.iter().map(Value::as_str).collect()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What is left of the details a person once granted: an administrator may have taken a type from
/// the client since.
#[must_use]
pub fn still_allowed(granted: &[Value], own: &[String]) -> Vec<Value> {
    let kind = |detail: &Value| detail.get("type").and_then(Value::as_str).map(ToOwned::to_owned);
    granted
        .iter()
        .filter(|one| kind(one).is_some_and(|kind| own.contains(&kind)))
        .cloned()
        .collect()
}

/// What a token request asks for: all of what was granted when it names nothing, else what it names.
///
/// # Errors
/// `invalid_authorization_details` when it names more than was granted (section 6).
pub fn narrowed(granted: &[Value], asked: Option<&str>) -> Result<Vec<Value>, OAuthError> {
    let Some(text) = asked else { return Ok(granted.to_vec()) };
    if text.len() > MAX_LEN {
        return Err(refused("longer than 8192 bytes"));
    }
    // What is part of a grant was checked when it was granted.
    let asked: Vec<Value> = serde_json::from_str(text).map_err(|e| refused(e.to_string()))?;
    if !asked.is_empty() && covers(granted, &asked) {
        return Ok(asked);
    }
    Err(OAuthError::new(
        ErrorCode::InvalidAuthorizationDetails,
        "authorization_details asks for more than was granted.",
    ))
}

/// Whether everything `asked` is part of what was `granted` (section 6): each object is one of the
/// granted ones, or one with fewer actions, locations, data types or privileges.
fn covers(granted: &[Value], asked: &[Value]) -> bool {
    asked.iter().all(|asked| granted.iter().any(|granted| is_part_of(asked, granted)))
}

fn is_part_of(asked: &Value, granted: &Value) -> bool {
    let (Some(asked), Some(granted)) = (asked.as_object(), granted.as_object()) else {
        return false;
    };
    // A member left out would mean "all of them", so both must have the same members.
    asked.len() == granted.len()
        && asked.iter().all(|(name, value)| match granted.get(name) {
            Some(all) if COMMON_LISTS.contains(&name.as_str()) => fewer(value, all),
            other => other == Some(value),
        })
}

fn fewer(asked: &Value, granted: &Value) -> bool {
    match (texts(asked), texts(granted)) {
        (Some(asked), Some(granted)) => asked.iter().all(|item| granted.contains(item)),
        _ => false,
    }
}

/// One object in lines people can read: its type, then a line for each member.
#[must_use]
pub fn describe(detail: &Value) -> (String, Vec<String>) {
    let Some(members) = detail.as_object() else { return (String::new(), Vec::new()) };
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
    let lines = members.iter().filter(|(name, _)| *name != "type");
    (
        spaced(kind),
        lines
            .map(|(name, value)| match value {
                Value::String(text) => format!("{}: {}", spaced(name), one_line(text)),
                nested => format!("{}: {}", spaced(name), plain(nested)),
            })
            .collect(),
    )
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// Nothing in it ends the line or turns the direction of what follows.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_deceptive(c) { '\u{fffd}' } else { c }).collect()
}

/// A text among others is quoted when it has what could be taken for the next of them.
fn among_others(text: &str) -> String {
    let text = one_line(text);
    if !text.contains([',', '“', '”']) {
        return text;
    }
    format!("“{}”", text.replace(['“', '”'], "'"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => among_others(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let name = |name: &str| among_others(&spaced(name));
            let members = members.iter().map(|(n, v)| format!("{} {}", name(n), plain(v)));
            members.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_that_was_taken_from_the_client_is_taken_from_its_grants() {
        let granted = [json!({ "type": "payment" }), json!({ "type": "account" }), json!({})];
        let own = ["account".to_owned(), "other".to_owned()];
        assert_eq!(still_allowed(&granted, &own), [json!({ "type": "account" })]);
    }

    const PAYMENT: &str = r#"[{"type":"payment_initiation","actions":["initiate","status"],
        "locations":["https://pay.test"],"instructedAmount":{"currency":"EUR","amount":"123.50"}}]"#;

    fn known() -> [DetailType; 2] {
        ["payment_initiation: instructedAmount creditorName", "account_information"]
            .map(|text| DetailType::try_from(text.to_owned()).unwrap())
    }

    fn read(text: &str) -> Result<Vec<Value>, &'static str> {
        parse(text, &known(), &["payment_initiation".to_owned()]).map_err(|e| e.code.as_str())
    }

    #[test]
    fn a_registered_type_with_its_members_is_read() {
        let details = read(PAYMENT).unwrap();
        assert_eq!(details[0]["instructedAmount"]["amount"], "123.50");
    }

    #[test]
    fn types_and_members_that_are_not_allowed_are_refused() {
        let many = [r#"{"type":"payment_initiation"}"#; 11].join(",");
        let deep = format!("{}1{}", "[".repeat(9), "]".repeat(9));
        for bad in [
            "",
            "{}",
            "[]",
            "[7]",
            "[{}]",
            "[null]",
            r#"[{"type":7}]"#,
            // Known here, but not registered for the client, and the other way round.
            r#"[{"type":"account_information"}]"#,
            r#"[{"type":"unknown"}]"#,
            r#"[{"type":"payment_initiation","secret":1}]"#,
            r#"[{"type":"payment_initiation","actions":"initiate"}]"#,
            r#"[{"type":"payment_initiation","actions":[]}]"#,
            r#"[{"type":"payment_initiation","identifier":7}]"#,
            r#"[{"type":"payment_initiation","creditorName":"a\u0000"}]"#,
            r#"[{"type":"payment_initiation","instructedAmount":{"\u0000":1}}]"#,
            &format!("[{many}]"),
            &"[".repeat(5000),
            &format!(r#"[{{"type":"payment_initiation","creditorName":{deep}}}]"#),
        ] {
            assert_eq!(read(bad), Err("invalid_authorization_details"), "{bad}");
        }
    }

    #[test]
    fn what_is_asked_of_a_grant_may_be_less_and_never_more() {
        let granted = read(PAYMENT).unwrap();
        let with = |name: &str, value: Value| {
            let mut detail = granted[0].clone();
            detail[name] = value;
            vec![detail]
        };
        assert!(covers(&granted, &granted) && covers(&granted, &[]));
        assert!(covers(&granted, &with("actions", json!(["status"]))));
        assert!(!covers(&granted, &with("actions", json!(["status", "cancel"]))));
        assert!(!covers(&granted, &with("actions", json!([]))));
        assert!(!covers(&granted, &with("instructedAmount", json!({"amount": "9999"}))));
        assert!(!covers(&granted, &[json!({ "type": "payment_initiation" })]), "less is more here");
        assert!(!covers(&granted, &[json!({ "type": "account_information" })]));
    }

    #[test]
    fn a_token_request_without_authorization_details_gets_all_that_was_granted() {
        let granted = read(PAYMENT).unwrap();
        assert_eq!(narrowed(&granted, None).unwrap(), granted);
        assert_eq!(narrowed(&granted, Some(PAYMENT)).unwrap(), granted);
        for bad in ["[]", "{", "[{\"type\":\"payment_initiation\"}]", "7"] {
            let error = narrowed(&granted, Some(bad)).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_authorization_details", "{bad}");
        }
    }

    #[test]
    fn a_type_is_written_as_it_is_read() {
        for text in ["a", "payment: b c", "https://scheme.test/type: x"] {
            let kind = DetailType::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(kind), text);
        }
        for bad in ["", "a b", "a: type", "a\"b", ": x"] {
            assert!(DetailType::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn people_read_words_and_not_json() {
        let (kind, lines) = describe(&read(PAYMENT).unwrap()[0]);
        assert_eq!(kind, "payment initiation");
        assert_eq!(
            lines,
            [
                "actions: initiate, status",
                "locations: https://pay.test",
                "instructedAmount: currency EUR, amount 123.50",
            ]
        );
    }

    #[test]
    fn no_value_reads_like_another_member() {
        let detail = json!({ "type": "pay", "creditorName": "Ann\nactions: none",
            "instructedAmount": { "currency": "EUR, amount 1.00", "amount": "9.00" },
            "actions": ["a", "b, c”, d"] });
        let (_, lines) = describe(&detail);
        assert_eq!(
            lines,
            [
                "creditorName: Ann\u{fffd}actions: none",
                "instructedAmount: currency “EUR, amount 1.00”, amount 9.00",
                "actions: a, “b, c', d”",
            ]
        );
    }
}
