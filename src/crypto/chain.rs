//! Chained hashes: SHA-256 over what came before and the fields of the next entry, written so that
//! no two different entries make the same bytes.

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64URL_NOPAD;

/// Enters every hash: another encoding would get another number.
const LABEL: &[u8] = b"doorward chain 1";

/// One field of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    Text(&'a str),
    Number(i64),
    /// Not there, which is something else than an empty text.
    Absent,
}

impl<'a> From<Option<&'a str>> for Field<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

/// The hash of an entry after the entry whose hash is `previous`, as base64url. The first entry comes
/// after the empty text.
#[must_use]
pub fn link(previous: &str, fields: &[Field<'_>]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(LABEL);
    write(&mut context, Field::Text(previous));
    for field in fields {
        write(&mut context, *field);
    }
    BASE64URL_NOPAD.encode(context.finish().as_ref())
}

/// Fields as bytes of their own, for a signature.
#[must_use]
pub fn message(fields: &[Field<'_>]) -> Vec<u8> {
    link("", fields).into_bytes()
}

/// The kind of the field, the length of its bytes, its bytes.
fn write(context: &mut Context, field: Field<'_>) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match field {
        Field::Absent => (0, &[]),
        Field::Text(text) => (1, text.as_bytes()),
        Field::Number(value) => {
            number = value.to_be_bytes();
            (2, &number)
        }
    };
    context.update(&[kind]);
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use Field::{Absent, Number, Text};

    #[test]
    fn entries_that_differ_in_anything_have_different_hashes() {
        let entries: [&[Field<'_>]; 9] = [
            &[],
            &[Absent],
            &[Absent, Absent],
            &[Text("")],
            &[Text("ab"), Text("c")],
            &[Text("a"), Text("bc")],
            &[Text("1")],
            &[Number(1)],
            &[Number(256)],
        ];
        let mut hashes: Vec<_> = entries.iter().map(|entry| link("", entry)).collect();
        hashes.push(link("a", &[Text("b")]));
        hashes.push(link("", &[Text("a"), Text("b")]));
        hashes.push(link("b", &[Text("b")]));
        let count = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn the_encoding_stays_what_it_is() {
        let hash = link("before", &[Text("é"), Number(-2), Absent]);
        let mut bytes = b"doorward chain 1".to_vec();
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 6]);
        bytes.extend(b"before");
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0xC3, 0xA9]);
        bytes.extend([2, 0, 0, 0, 0, 0, 0, 0, 8]);
        bytes.extend([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let expected = aws_lc_rs::digest::digest(&SHA256, &bytes);
        assert_eq!(hash, BASE64URL_NOPAD.encode(expected.as_ref()));
    }
}
