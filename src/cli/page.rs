//! A page of a list: what a command shows of it, and how to go on.

use serde_json::Value;

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{Output, Table};
use crate::store::Cursor;

/// How many to ask for: one more than are shown tells whether the list goes on.
pub(super) fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}

/// Where the page begins that was asked for; `None` for the first.
///
/// # Errors
/// [`Failure`] when that is no place in a list.
pub(super) fn place(after: Option<&str>) -> Result<Option<Cursor>, Failure> {
    let Some(text) = after else { return Ok(None) };
    Cursor::parse(text).map(Some).ok_or_else(|| {
        Failure::Failed(format!("{text} is no place in the list; take it from the last page"))
    })
}

/// A page of a list.
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of what was found when [`one_more`] was asked for. The next page begins behind the
    /// `place` of the last.
    pub(super) fn of(mut found: Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(place);
        Self { items: found, next }
    }

    /// Writes it, each item as `to_json` has it for programs, and says how to go on.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be written.
    pub(super) fn print(
        &self,
        table: &Table,
        to_json: impl Fn(&T) -> Value,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let items: Vec<_> = self.items.iter().map(to_json).collect();
        output.data(&engine::list(&items, self.next.as_deref()), table)?;
        if let Some(next) = &self.next {
            output.note(&format!("There are more: --after {next}"));
        }
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::globals::Globals;
    use crate::cli::output::Format;

    fn written(found: Vec<i32>) -> (Value, String) {
        let globals = Globals { format: Format::Json, ..Globals::default() };
        let (mut data, mut messages) = (Vec::new(), Vec::new());
        let mut output = Output::to(&globals, &mut data, &mut messages);
        let page = Page::of(found, 2, |number| format!("n{number}"));
        page.print(&Table::fields(), |number| json!(number), &mut output).unwrap();
        drop(output);
        (serde_json::from_slice(&data).unwrap(), String::from_utf8(messages).unwrap())
    }

    #[test]
    fn a_list_that_goes_on_says_behind_what() {
        let (document, said) = written(vec![1, 2, 3]);
        assert_eq!(document, json!({ "items": [1, 2], "next": "n2" }));
        assert_eq!(said, "There are more: --after n2\n");
    }

    #[test]
    fn a_list_that_is_just_full_ends() {
        for found in [vec![1, 2], vec![]] {
            let (document, said) = written(found.clone());
            assert_eq!(document, json!({ "items": found, "next": null }));
            assert_eq!(said, "");
        }
    }
}
