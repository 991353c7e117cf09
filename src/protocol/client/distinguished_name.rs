//! Distinguished names as RFC 4514 writes them: how an administrator names the subject of a client's
//! certificate (RFC 8705 section 2.1.2).

use std::collections::BTreeSet;

/// A name as relative distinguished names, the most specific first, as it is written. Two are equal
/// when their attributes are; values are compared exactly, the keywords of types in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName(Vec<BTreeSet<Attribute>>);

/// One attribute: its type as dotted numbers, and its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    pub oid: String,
    pub value: String,
}

/// The keywords of RFC 4514 section 3, and those that tools write beside them.
const KEYWORDS: [(&str, &str); 15] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("GN", "2.5.4.42"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

impl DistinguishedName {
    /// A name from its relative distinguished names in the order of the certificate, which has the
    /// most specific one last.
    pub fn of_certificate(names: impl DoubleEndedIterator<Item = Vec<Attribute>>) -> Self {
        Self(names.rev().map(BTreeSet::from_iter).collect())
    }

    /// Reads the text form (RFC 4514 section 3). Spaces around the separators are allowed, as older
    /// tools write them; values in hexadecimal (`#04…`) are not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        for relative in split(text, ',')? {
            let attributes = split(&relative, '+')?;
            names.push(attributes.iter().map(|text| attribute(text)).collect::<Option<_>>()?);
        }
        (!names.is_empty()).then_some(Self(names))
    }
}

/// Cuts at separators that are not escaped; the pieces keep their escapes.
fn split(text: &str, separator: char) -> Option<Vec<String>> {
    let mut pieces = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == separator {
            pieces.push(String::new());
            continue;
        }
        let piece = pieces.last_mut()?;
        piece.push(character);
        if character == '\\' {
            piece.push(characters.next()?);
        }
    }
    Some(pieces)
}

fn attribute(text: &str) -> Option<Attribute> {
    let (keyword, value) = text.split_once('=')?;
    let keyword = keyword.trim();
    let known = KEYWORDS.iter().find(|(known, _)| keyword.eq_ignore_ascii_case(known));
    let oid = match known {
        Some((_, oid)) => (*oid).to_owned(),
        None if is_oid(keyword) => keyword.to_owned(),
        None => return None,
    };
    Some(Attribute { oid, value: unescape(value)? })
}

fn is_oid(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.contains('.') && text.split('.').all(number)
}

/// The value behind the escapes of RFC 4514 section 2.4.
fn unescape(text: &str) -> Option<String> {
    let text = trim(text);
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => bytes.push(escaped(&mut rest)?),
            b'"' | b';' | b'<' | b'>' | 0 => return None,
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).ok()
}

/// What stands behind a backslash: a special character as it is, or a byte as two digits.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = rest.next()?;
    if b" \"#+,;<=>\\".contains(&first) {
        return Some(first);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(first)? << 4 | digit(rest.next()?)?)
}

/// Without the spaces around it that are not escaped.
fn trim(text: &str) -> &str {
    let text = text.trim_start_matches(' ');
    let trimmed = text.trim_end_matches(' ');
    // A space behind a backslash belongs to the value; an even number of backslashes escapes itself.
    let slashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    let end = if slashes % 2 == 1 { trimmed.len() + 1 } else { trimmed.len() };
    text.get(..end).unwrap_or(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parts: &[&[(&str, &str)]]) -> DistinguishedName {
        let attributes = |part: &&[(&str, &str)]| {
            part.iter()
                .map(|(oid, value)| Attribute { oid: (*oid).into(), value: (*value).into() })
                .collect()
        };
        DistinguishedName::of_certificate(parts.iter().map(attributes))
    }

    #[test]
    fn the_text_begins_with_the_most_specific_part_and_the_certificate_ends_with_it() {
        let expected =
            name(&[&[("2.5.4.6", "DE")], &[("2.5.4.10", "Example")], &[("2.5.4.3", "app")]]);
        for text in [
            "CN=app,O=Example,C=DE",
            "cn=app, o=Example , c=DE",
            "2.5.4.3=app,2.5.4.10=Example,2.5.4.6=DE",
        ] {
            assert_eq!(DistinguishedName::parse(text).as_ref(), Some(&expected), "{text}");
        }
        for other in
            ["C=DE,O=Example,CN=app", "CN=App,O=Example,C=DE", "CN=app,O=Example", "CN=app"]
        {
            assert_ne!(DistinguishedName::parse(other), Some(expected.clone()), "{other}");
        }
    }

    #[test]
    fn the_examples_of_rfc_4514_section_4_are_read() {
        let uid = "0.9.2342.19200300.100.1.1";
        let dc = "0.9.2342.19200300.100.1.25";
        for (text, expected) in [
            (
                "UID=jsmith,DC=example,DC=net",
                name(&[&[(dc, "net")], &[(dc, "example")], &[(uid, "jsmith")]]),
            ),
            (
                "OU=Sales+CN=J.  Smith,DC=example,DC=net",
                name(&[
                    &[(dc, "net")],
                    &[(dc, "example")],
                    &[("2.5.4.3", "J.  Smith"), ("2.5.4.11", "Sales")],
                ]),
            ),
            (
                r#"CN=James \"Jim\" Smith\, III,DC=net"#,
                name(&[&[(dc, "net")], &[("2.5.4.3", r#"James "Jim" Smith, III"#)]]),
            ),
            (r"CN=Before\0dAfter,DC=net", name(&[&[(dc, "net")], &[("2.5.4.3", "Before\rAfter")]])),
            (r"CN=Lu\C4\8Di\C4\87", name(&[&[("2.5.4.3", "Lučić")]])),
            (r"CN=\ a\ ", name(&[&[("2.5.4.3", " a ")]])),
            (r"CN=a\\ ", name(&[&[("2.5.4.3", r"a\")]])),
        ] {
            assert_eq!(DistinguishedName::parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for text in [
            "",
            "app",
            "CN=",
            "CN= ",
            "=app",
            "XX=app",
            "CN=app,",
            ",CN=app",
            "CN=app+",
            "CN=a\\",
            "CN=a\\g0",
            "CN=a\\C4",
            "CN=\"app\"",
            "CN=a;b",
            "1.3.6.1.4.1.1466.0=#04024869",
            "/CN=app/O=x",
            "2.5..3=x",
            "CN=a\0",
        ] {
            assert_eq!(DistinguishedName::parse(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,60}") {
            let _ = DistinguishedName::parse(&text);
            let _ = DistinguishedName::parse(&format!("CN={text}"));
        }

        #[test]
        fn any_value_can_be_written_with_escapes(value in "[^\\x00]{1,20}") {
            let escaped = value.bytes().fold(String::new(), |text, byte| format!("{text}\\{byte:02x}"));
            let read = DistinguishedName::parse(&format!("CN={escaped},C=DE"));
            let expected = name(&[&[("2.5.4.6", "DE")], &[("2.5.4.3", value.as_str())]]);
            proptest::prop_assert_eq!(read, Some(expected));
        }
    }
}
