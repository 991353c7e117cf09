//! In which order people choose to see a list. Each order has an index, so that a page costs the same
//! wherever it stands in the list.

use super::Cursor;

/// An order of people or apps. The name is what tells them apart: a username, a `client_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Behind this name; from the first one where it is empty.
    Name(String),
    /// The same from the last name back.
    NameDown(String),
    /// Those that were added last come first; `None` begins there.
    Newest(Option<Cursor>),
    Oldest(Option<Cursor>),
}

impl Default for Order {
    fn default() -> Self {
        Self::Name(String::new())
    }
}

impl Order {
    /// By name, behind this one.
    #[must_use]
    pub fn after(name: Option<impl Into<String>>) -> Self {
        Self::Name(name.map(Into::into).unwrap_or_default())
    }

    /// The place where the page begins: a name or an id, and the time that belongs to the id.
    pub(in crate::store) fn place(&self) -> (String, Option<i64>) {
        let by_time = |cursor: &Option<Cursor>, start: i64| match cursor {
            Some(cursor) => (cursor.id.clone(), Some(cursor.at.0)),
            None => (String::new(), Some(start)),
        };
        match self {
            Self::Name(name) | Self::NameDown(name) => (name.clone(), None),
            Self::Newest(cursor) => by_time(cursor, i64::MAX),
            Self::Oldest(cursor) => by_time(cursor, i64::MIN),
        }
    }
}
