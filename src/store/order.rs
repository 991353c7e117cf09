//! In which order people choose to see a list. Each order has an index, so that a page costs the same
//! wherever it stands in the list.

use super::db::search::prefix_pattern;
use super::{Cursor, Statement};

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

    /// Binds what every page of a list needs: as `$1` the name or id that it begins behind, as `$2` what is
    /// searched for, as `$3` the most rows; and as `$4`, in an order by time, the time of `$1`.
    pub(in crate::store) fn bind<'s>(
        &self,
        statement: Statement<'s>,
        (search, limit): (Option<&str>, i64),
    ) -> Statement<'s> {
        self.bind_sought(statement, (prefix_pattern(search), limit))
    }

    /// The same with `$2` as it is.
    pub(in crate::store) fn bind_sought<'s>(
        &self,
        statement: Statement<'s>,
        (sought, limit): (Option<String>, i64),
    ) -> Statement<'s> {
        let (place, time) = self.place();
        let statement = statement.bind(place).bind(sought).bind(limit);
        match time {
            Some(time) => statement.bind(time),
            None => statement,
        }
    }

    fn place(&self) -> (String, Option<i64>) {
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
