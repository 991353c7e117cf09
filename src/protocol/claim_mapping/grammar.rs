//! A claim mapping as one line: `CLAIM@PLACE,PLACE=SOURCE`, where a source is `profile:FIELD`,
//! `group:NAME`, `group:NAME=VALUE` or `value:VALUE`. Spaces around the signs do not count. A value is a
//! number, true or false if it looks like one and a text otherwise; in double quotes, as in JSON, it is
//! always a text, and so may be the name of a group that has `=` in it.

use std::fmt;

use super::{ClaimMapping, Constant, Place, ProfileField, Source};

/// Why a line is no mapping. It repeats nothing of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("write it as claim@places=source, such as plan@id_token,userinfo=value:gold")]
    Form,
    #[error(
        "the places behind @ are id_token, access_token and userinfo, with commas between them"
    )]
    Place,
    #[error("a source is profile:field, group:name, group:name=value or value:something")]
    Source,
    #[error(
        "profile: knows username, name, given_name, family_name, middle_name, nickname, profile, \
         picture, website, gender, birthdate, zoneinfo, locale, email and phone_number"
    )]
    Field,
    #[error("what begins with a double quote is a JSON text and ends with another one")]
    Quotes,
}

/// Reads one line. What is left still has to pass [`super::check`].
///
/// # Errors
/// [`LineError`].
pub fn read(line: &str) -> Result<ClaimMapping, LineError> {
    let (head, source) = line.split_once('=').ok_or(LineError::Form)?;
    let (claim, places) = head.split_once('@').ok_or(LineError::Form)?;
    let places = places.split(',').map(|name| Place::from_name(name.trim()));
    let mut mapping = ClaimMapping {
        claim: claim.trim().to_owned(),
        places: places.collect::<Option<_>>().ok_or(LineError::Place)?,
        profile: None,
        group: None,
        value: None,
    };
    let (kind, rest) = source.split_once(':').ok_or(LineError::Source)?;
    let rest = rest.trim();
    match kind.trim() {
        "profile" => mapping.profile = Some(ProfileField::from_name(rest).ok_or(LineError::Field)?),
        "value" => mapping.value = Some(constant(rest)?),
        "group" => {
            let (group, value) = group(rest)?;
            mapping.group = Some(group);
            mapping.value = value.map(constant).transpose()?;
        }
        _ => return Err(LineError::Source),
    }
    Ok(mapping)
}

/// Reads several, one a line; empty lines do not count.
///
/// # Errors
/// The number of each line that is none, counted from 1, and why.
pub fn read_all(text: &str) -> Result<Vec<ClaimMapping>, Vec<(usize, LineError)>> {
    let (mut mappings, mut errors) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match read(line) {
            Ok(mapping) => mappings.push(mapping),
            Err(error) => errors.push((n.saturating_add(1), error)),
        }
    }
    if errors.is_empty() { Ok(mappings) } else { Err(errors) }
}

/// The name of a group, and what stands behind the `=` after it.
fn group(text: &str) -> Result<(String, Option<&str>), LineError> {
    if !text.starts_with('"') {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.trim())),
            None => (text, None),
        };
        return Ok((name.trim().to_owned(), value));
    }
    let mut quoted = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = quoted.next().and_then(Result::ok).ok_or(LineError::Quotes)?;
    let rest = text.get(quoted.byte_offset()..).unwrap_or_default().trim();
    match (rest.is_empty(), rest.strip_prefix('=')) {
        (true, _) => Ok((name, None)),
        (false, Some(value)) => Ok((name, Some(value.trim()))),
        (false, None) => Err(LineError::Quotes),
    }
}

fn constant(text: &str) -> Result<Constant, LineError> {
    if text.starts_with('"') {
        return serde_json::from_str(text).map(Constant::Text).map_err(|_| LineError::Quotes);
    }
    Ok(plain(text))
}

/// What a text without quotes stands for. Only numbers as JSON writes them are numbers.
fn plain(text: &str) -> Constant {
    match text {
        "true" => Constant::Flag(true),
        "false" => Constant::Flag(false),
        _ => {
            let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
            number.map_or_else(|| Constant::Text(text.to_owned()), Constant::Number)
        }
    }
}

impl fmt::Display for ClaimMapping {
    /// The line that [`read`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.places.iter().map(|place| place.as_str()).collect();
        write!(f, "{}@{}=", self.claim, places.join(","))?;
        match self.source() {
            Some(Source::Profile(field)) => write!(f, "profile:{}", field.as_str()),
            Some(Source::IsIn(group)) => write!(f, "group:{}", Word(group, group.contains('='))),
            Some(Source::ForGroup(group, value)) => {
                write!(f, "group:{}={value}", Word(group, group.contains('=')))
            }
            Some(Source::Constant(value)) => write!(f, "value:{value}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => {
                let another = plain(text) != Self::Text(text.clone());
                Word(text, another).fmt(f)
            }
        }
    }
}

/// A text, in quotes where it would be read as something else.
struct Word<'a>(&'a str, bool);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, another) = self;
        let plain = !another && !text.is_empty() && !text.starts_with('"') && text.trim() == *text;
        if plain { f.write_str(text) } else { write!(f, "{}", serde_json::Value::from(*text)) }
    }
}
