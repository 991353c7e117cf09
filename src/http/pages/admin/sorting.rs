//! Columns that a list can be sorted by: their heads are links to the same list in that order.

use super::paging::query;

/// An order of a list, by the name of its rows or by when they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    NameDown,
    Newest,
    Oldest,
}

/// The head of a column that the list can be sorted by.
#[derive(Debug)]
pub struct ColumnHead {
    pub label: &'static str,
    /// The other way round where the list is in the order of this column already.
    pub href: String,
    /// The value of `aria-sort`.
    pub direction: &'static str,
}

impl Sort {
    pub const ALL: [Self; 4] = [Self::Name, Self::NameDown, Self::Newest, Self::Oldest];

    /// What the parameter `sort` of an address says; by name where that is nothing we offer.
    #[must_use]
    pub fn named(text: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text).unwrap_or_default()
    }

    /// The value of the parameter; empty for the order that needs none.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "",
            Self::NameDown => "-name",
            Self::Newest => "-added",
            Self::Oldest => "added",
        }
    }

    /// The order in words, after what the names are called.
    #[must_use]
    pub fn in_words(self, by_name: &str) -> String {
        match self {
            Self::Name => by_name.to_owned(),
            Self::NameDown => format!("{by_name}, from the last to the first"),
            Self::Newest => "newest first".to_owned(),
            Self::Oldest => "oldest first".to_owned(),
        }
    }

    /// The head of the column with the names, of a list that `filters` narrow.
    #[must_use]
    pub fn name_head(self, label: &'static str, filters: &[(&str, &str)]) -> ColumnHead {
        let (to, direction) = match self {
            Self::Name => (Self::NameDown, "ascending"),
            Self::NameDown => (Self::Name, "descending"),
            Self::Newest | Self::Oldest => (Self::Name, "none"),
        };
        ColumnHead { label, href: to.address(filters), direction }
    }

    /// The head of the column with the times.
    #[must_use]
    pub fn time_head(self, label: &'static str, filters: &[(&str, &str)]) -> ColumnHead {
        let (to, direction) = match self {
            Self::Newest => (Self::Oldest, "descending"),
            Self::Oldest => (Self::Newest, "ascending"),
            Self::Name | Self::NameDown => (Self::Newest, "none"),
        };
        ColumnHead { label, href: to.address(filters), direction }
    }

    /// The address of the first page in this order.
    fn address(self, filters: &[(&str, &str)]) -> String {
        query(filters, &[("sort", self.as_str())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_found_by_its_name() {
        assert_eq!(Sort::ALL.map(|sort| Sort::named(sort.as_str())), Sort::ALL);
        assert_eq!(Sort::named("password"), Sort::Name);
    }

    #[test]
    fn a_head_leads_to_its_order_and_then_to_the_other_way_round() {
        let head = |sort: Sort| sort.time_head("Added", &[("q", "a&b")]);
        let seen = [Sort::Name, Sort::Newest, Sort::Oldest].map(|sort| {
            let head = head(sort);
            (head.href, head.direction)
        });
        let expected = [
            ("?q=a%26b&sort=-added".to_owned(), "none"),
            ("?q=a%26b&sort=added".to_owned(), "descending"),
            ("?q=a%26b&sort=-added".to_owned(), "ascending"),
        ];
        assert_eq!(seen, expected);
        let names = [Sort::Name, Sort::NameDown, Sort::Newest]
            .map(|sort| sort.name_head("Username", &[]).href);
        assert_eq!(names, ["?sort=-name", "?", "?"]);
    }
}
