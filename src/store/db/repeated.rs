//! One statement for many rows: what it says about a row is repeated, each time with parameters of its
//! own.

use std::sync::OnceLock;

/// Numbers of rows that have a text: 1, 2, 4 and so on to 512. Any other number is a few of these, so
/// that a database has ten statements to remember and not five hundred.
const STEPS: usize = 10;

/// The texts of a statement for many rows, made when they are first needed.
#[derive(Debug)]
pub(in crate::store) struct Repeated {
    head: &'static str,
    /// What is said about one row; each `?` is its next parameter.
    row: &'static str,
    tail: &'static str,
    /// Rows of the largest text.
    most: usize,
    /// Parameters of `head` and `tail`, which come before those of the rows.
    before: usize,
    texts: [OnceLock<String>; STEPS],
}

impl Repeated {
    /// `head`, then `row` as often as there are rows with commas between, then `tail`. Neither `head` nor
    /// `tail` has parameters, unless [`Repeated::behind`] says so.
    pub(in crate::store) const fn new(
        head: &'static str,
        row: &'static str,
        tail: &'static str,
    ) -> Self {
        let texts = [const { OnceLock::new() }; STEPS];
        Self { head, row, tail, most: 1 << (STEPS - 1), before: 0, texts }
    }

    /// The same with so many parameters in `head` and `tail`, from `$1` on: every statement binds them first.
    pub(in crate::store) const fn behind(mut self, parameters: usize) -> Self {
        self.before = parameters;
        self
    }

    /// The same with fewer rows in a statement; for rows of many columns. SQLite looks up the name of each
    /// parameter among all of them at every run, so twice the parameters take four times as long: about
    /// 800 are cheap.
    pub(in crate::store) const fn at_most(mut self, rows: usize) -> Self {
        self.most = rows;
        self
    }

    /// Divides the rows, in their order, into as few statements as the texts allow; each with its text.
    pub(in crate::store) fn pages<'r, T>(
        &'static self,
        mut rows: &'r [T],
    ) -> Vec<(&'static str, &'r [T])> {
        let mut pages = Vec::new();
        while let Some((count, text)) = self.largest(rows.len()) {
            let Some((page, rest)) = rows.split_at_checked(count) else { break };
            let text = text.get_or_init(|| self.text(count));
            pages.push((text.as_str(), page));
            rows = rest;
        }
        pages
    }

    /// As [`pages`](Self::pages) for a question, which loses nothing when it is asked about the same row twice:
    /// one statement for as many rows as the largest text has. What a text has too many of is the last row again.
    pub(in crate::store) fn asked<'r, T>(
        &'static self,
        rows: &'r [T],
    ) -> Vec<(&'static str, impl Iterator<Item = &'r T>)> {
        let mut statements = Vec::new();
        for page in rows.chunks(self.most) {
            let Some((count, text)) = self.smallest(page.len()) else { break };
            let last = page.iter().rev().take(1).cycle();
            let text = text.get_or_init(|| self.text(count));
            statements.push((text.as_str(), page.iter().chain(last).take(count)));
        }
        statements
    }

    /// The texts, each with for how many rows it is.
    fn by_size(&self) -> impl DoubleEndedIterator<Item = (usize, &OnceLock<String>)> {
        self.texts.iter().enumerate().map(|(step, text)| (1 << step, text))
    }

    /// The smallest text for at least so many rows, and for how many it is.
    fn smallest(&self, rows: usize) -> Option<(usize, &OnceLock<String>)> {
        self.by_size().find(|(count, _)| *count >= rows)
    }

    /// The largest text for at most so many rows, and for how many it is; `None` for none.
    fn largest(&self, rows: usize) -> Option<(usize, &OnceLock<String>)> {
        self.by_size().rev().find(|(count, _)| *count <= rows.min(self.most))
    }

    fn text(&self, rows: usize) -> String {
        let mut text = self.head.to_owned();
        let mut parameter = self.before;
        for row in 0..rows {
            text.push_str(if row == 0 { "" } else { ", " });
            for part in self.row.split_inclusive('?') {
                let Some(before) = part.strip_suffix('?') else {
                    text.push_str(part);
                    continue;
                };
                parameter += 1;
                text.push_str(before);
                text.push('$');
                text.push_str(&parameter.to_string());
            }
        }
        text.push_str(self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static INSERT: Repeated = Repeated::new("insert into t values ", "(?, ?)", " returning a");

    #[test]
    fn parameters_are_numbered_through_all_rows() {
        let pages = INSERT.pages(&[1, 2]);
        assert_eq!(pages, [("insert into t values ($1, $2), ($3, $4) returning a", &[1, 2][..])]);
        assert!(INSERT.pages::<i64>(&[]).is_empty());
    }

    #[test]
    fn wide_rows_are_divided_into_more_statements() {
        static FEW: Repeated = Repeated::new("insert into t values ", "(?)", "").at_most(4);
        let pages = FEW.pages(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(pages.iter().map(|(_, page)| page.len()).collect::<Vec<_>>(), [4, 4, 1]);
    }

    #[test]
    fn a_question_is_one_statement_and_asks_about_its_last_row_again() {
        static FEW: Repeated = Repeated::new("id > $1 and id in (", "?", ")").behind(1).at_most(4);
        let asked = |rows: &[i64]| {
            let statements = FEW.asked(rows).into_iter();
            statements
                .map(|(text, rows)| (text, rows.copied().collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        assert!(asked(&[]).is_empty());
        assert_eq!(asked(&[1]), [("id > $1 and id in ($2)", vec![1])]);
        let four = "id > $1 and id in ($2, $3, $4, $5)";
        assert_eq!(asked(&[1, 2, 3]), [(four, vec![1, 2, 3, 3])]);
        assert_eq!(asked(&[1, 2, 3, 4, 5])[1], ("id > $1 and id in ($2)", vec![5]));
    }

    #[test]
    fn any_number_of_rows_is_a_few_statements_and_none_is_left_out() {
        let rows: Vec<usize> = (0..2_000).collect();
        for count in [1, 3, 511, 512, 513, 2_000] {
            let pages = INSERT.pages(&rows[..count]);
            let all: Vec<_> = pages.iter().flat_map(|(_, page)| page.iter().copied()).collect();
            assert_eq!(all, rows[..count]);
            assert!(pages.len() <= count / 512 + 9, "{} for {count}", pages.len());
        }
    }
}
