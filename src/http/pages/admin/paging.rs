//! Pages of long lists: how many rows each has, and where the next one begins. Both stand in the address.

/// How many rows a page of a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageSize {
    #[default]
    Small,
    Medium,
    Large,
}

impl PageSize {
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The rows of a page.
    #[must_use]
    pub const fn rows(self) -> usize {
        match self {
            Self::Small => 25,
            Self::Medium => 50,
            Self::Large => 100,
        }
    }

    /// Rows to ask for: one more tells whether there is a next page.
    #[must_use]
    pub const fn asked(self) -> i64 {
        match self {
            Self::Small => 26,
            Self::Medium => 51,
            Self::Large => 101,
        }
    }

    /// What the parameter `rows` of an address says; the smallest where that is nothing we offer.
    #[must_use]
    pub fn named(text: &str) -> Self {
        let named = Self::ALL.into_iter().find(|size| size.name() == text);
        named.unwrap_or_default()
    }

    /// The parameter `rows` of an address; empty for the size that needs none.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Small => "",
            Self::Medium | Self::Large => self.name(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Small => "25",
            Self::Medium => "50",
            Self::Large => "100",
        }
    }
}

/// The place of a page in its list.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    pub size: PageSize,
    /// The row that the next page starts behind; `None` on the last one.
    pub next: Option<String>,
}

/// Another size of the same list.
#[derive(Debug)]
pub struct SizeLink {
    pub rows: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// Where one can go from a page.
#[derive(Debug)]
pub struct PageLinks {
    pub next: Option<String>,
    /// Empty where the whole list fits on the smallest page.
    pub sizes: Vec<SizeLink>,
}

impl Paging {
    /// A page in the middle of a list.
    #[must_use]
    pub fn before(cursor: String) -> Self {
        Self { size: PageSize::default(), next: Some(cursor) }
    }

    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.next.is_none()
    }

    /// The parameter `rows` of an address; empty for the size that needs none.
    #[must_use]
    pub fn rows(&self) -> &'static str {
        self.size.parameter()
    }

    /// The links of a page that shows what `filters` leave.
    #[must_use]
    pub fn links(&self, filters: &[(&str, &str)]) -> PageLinks {
        let rows = self.rows();
        let to = |rows, after| query(filters, &[("rows", rows), ("after", after)]);
        let next = self.next.as_deref().map(|next| to(rows, next));
        if self.is_last() && self.size == PageSize::default() {
            return PageLinks { next, sizes: Vec::new() };
        }
        let link = |size: PageSize| SizeLink {
            rows: size.name(),
            href: to(size.name(), ""),
            is_current: size == self.size,
        };
        PageLinks { next, sizes: PageSize::ALL.into_iter().map(link).collect() }
    }
}

/// The address of another page of a list that `filters` narrow. What is empty is left out.
pub(super) fn query(filters: &[(&str, &str)], place: &[(&str, &str)]) -> String {
    let pairs: Vec<_> =
        filters.iter().chain(place).filter(|(_, value)| !value.is_empty()).collect();
    // Encoding pairs of strings cannot fail.
    format!("?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_that_is_offered() {
        assert_eq!(PageSize::ALL.map(|size| PageSize::named(size.name())), PageSize::ALL);
        for odd in ["", "1", "1000000", "-50", "50 "] {
            assert_eq!(PageSize::named(odd), PageSize::Small, "{odd}");
        }
        for size in PageSize::ALL {
            assert_eq!(size.rows().to_string(), size.name());
            assert_eq!(i64::try_from(size.rows()).unwrap() + 1, size.asked());
        }
    }

    #[test]
    fn the_size_and_the_filters_stay_on_the_next_page() {
        let large = Paging { size: PageSize::Large, next: Some("a b".to_owned()) };
        let links = large.links(&[("q", "x&y"), ("show", "")]);
        assert_eq!(links.next.as_deref(), Some("?q=x%26y&rows=100&after=a+b"));
        let sizes: Vec<_> =
            links.sizes.iter().map(|size| (size.href.as_str(), size.is_current)).collect();
        let expected =
            [("?q=x%26y&rows=25", false), ("?q=x%26y&rows=50", false), ("?q=x%26y&rows=100", true)];
        assert_eq!(sizes, expected);
    }

    #[test]
    fn a_list_that_fits_on_one_page_offers_nothing() {
        let links = Paging::default().links(&[("q", "x")]);
        assert!(links.next.is_none() && links.sizes.is_empty());
        // Whoever has chosen a larger page can go back.
        let medium = Paging { size: PageSize::Medium, next: None }.links(&[]);
        assert_eq!((medium.next, medium.sizes.len()), (None, 3));
    }
}
