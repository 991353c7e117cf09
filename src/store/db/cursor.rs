//! Where a page of a list that runs from new to old ended.

use crate::clock::UnixTime;

/// The place of one row in a list ordered by time, then id, newest first.
///
/// Its text form `1763700000.id` may travel in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub at: UnixTime,
    pub id: String,
}

impl Cursor {
    /// The place before the newest row.
    pub(in crate::store) fn start() -> Self {
        Self { at: UnixTime(i64::MAX), id: String::new() }
    }

    /// Reads the text form; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
        plain.then_some(Self { at: UnixTime(at.parse().ok()?), id: id.to_owned() })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.0, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_trip_through_a_url() {
        let cursor = Cursor { at: UnixTime(1_763_700_000), id: "0199-a.b".to_owned() };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        for text in ["", "12", "x.id", "12.", "12.a\u{0}b"] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }
}
