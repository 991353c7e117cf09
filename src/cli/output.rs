//! Where data and messages go: data to standard output, as an aligned table for people or as one
//! JSON document for programs; messages to standard error.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::exit::Failure;
use super::globals::Globals;
use crate::protocol::plain_text::is_deceptive;

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    #[default]
    Table,
    /// One JSON document
    Json,
}

/// How much is said beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notes {
    Spoken,
    Silent,
}

/// The two ways out of a command.
pub struct Output<'a> {
    format: Format,
    notes: Notes,
    data: Box<dyn Write + 'a>,
    messages: Box<dyn Write + 'a>,
}

impl Output<'static> {
    /// Standard output and standard error of this process.
    #[must_use]
    pub fn of_process(globals: &Globals) -> Self {
        Self::to(globals, io::stdout(), io::stderr())
    }
}

impl<'a> Output<'a> {
    /// Any two writers.
    pub fn to(globals: &Globals, data: impl Write + 'a, messages: impl Write + 'a) -> Self {
        let notes = if globals.quiet { Notes::Silent } else { Notes::Spoken };
        Self { format: globals.format, notes, data: Box::new(data), messages: Box::new(messages) }
    }

    /// How data is written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes the result of a command: `document` for programs, `table` for people.
    pub fn data(&mut self, document: &impl Serialize, table: &Table) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.document(document),
            Format::Table => self.text(&table.render()),
        }
    }

    /// Writes one JSON document, whatever the format.
    pub fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.data, document).map_err(io::Error::from)?;
        self.text("\n")
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.data.write_all(text.as_bytes())?;
        Ok(self.data.flush()?)
    }

    /// Says something to the person, unless they asked for quiet.
    pub fn note(&mut self, text: &str) {
        if self.notes == Notes::Spoken {
            self.say(text);
        }
    }

    /// Says why the command failed, one line for each reason.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.is_closed_pipe() {
            return;
        }
        for line in failure.to_string().lines() {
            self.say(&format!("error: {line}"));
        }
    }

    fn say(&mut self, text: &str) {
        for line in text.lines() {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(self.messages, "{}", harmless(line));
        }
    }
}

/// The widest column, in characters.
const WIDEST: usize = 60;

/// Aligned columns. Values come from people and apps, so control characters, which could rewrite
/// the terminal, are written as escapes.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles.
    #[must_use]
    pub fn new<const N: usize>(titles: [&str; N]) -> Self {
        Self { rows: vec![titles.iter().map(|title| title.to_uppercase()).collect()] }
    }

    /// A table without titles: one name and value on each line.
    #[must_use]
    pub fn fields() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) -> &mut Self {
        self.rows.push(cells.iter().map(|cell| harmless(cell)).collect());
        self
    }

    /// The lines, columns two spaces apart, no spaces at the ends.
    #[must_use]
    pub fn render(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                // A cell that is longer sticks out, and does not push all others aside.
                let width = cell.chars().count().min(WIDEST);
                match widths.get_mut(column) {
                    Some(known) => *known = width.max(*known),
                    None => widths.push(width),
                }
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

fn harmless(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for character in cell.chars() {
        if is_deceptive(character) {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(globals: &Globals, work: impl FnOnce(&mut Output<'_>)) -> (String, String) {
        let (mut data, mut messages) = (Vec::new(), Vec::new());
        work(&mut Output::to(globals, &mut data, &mut messages));
        (String::from_utf8(data).unwrap(), String::from_utf8(messages).unwrap())
    }

    fn people() -> Table {
        let mut table = Table::new(["username", "name"]);
        table.row(["alice", "Alice Ängström"]).row(["bo", ""]);
        table
    }

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_spaces() {
        assert_eq!(people().render(), "USERNAME  NAME\nalice     Alice Ängström\nbo\n");
    }

    #[test]
    fn a_value_cannot_move_the_cursor_or_reorder_the_line() {
        let mut table = Table::fields();
        table.row(["a\u{1b}[2Jb", "c\nd", "\u{202e}evil"]);
        assert_eq!(table.render(), "a\\u{1b}[2Jb  c\\nd  \\u{202e}evil\n");
    }

    #[test]
    fn a_value_of_any_length_is_printed_and_pushes_nothing_aside() {
        let mut table = Table::new(["client_id", "name", "state"]);
        table.row(["a", &"\u{85}".repeat(30_000), "enabled"]).row(["b", "Wiki", "enabled"]);
        let text = table.render();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("b          Wiki ") && last.len() < 200, "{}", last.len());
    }

    #[test]
    fn a_long_value_widens_no_other_row() {
        let mut table = Table::new(["name", "id"]);
        table.row([&"x".repeat(2_000), "a"]).row(["y", "b"]);
        let lengths: Vec<_> = table.render().lines().map(|line| line.chars().count()).collect();
        assert_eq!(lengths, [64, 2_003, 63]);
    }

    #[test]
    fn a_message_cannot_move_the_cursor_either() {
        let (_, messages) = written(&Globals::default(), |output| {
            output.failure(&Failure::Failed("no \u{1b}[2J\u{61c}app\nsecond".to_owned()));
        });
        assert_eq!(messages, "error: no \\u{1b}[2J\\u{61c}app\nerror: second\n");
    }

    #[test]
    fn json_is_one_document_and_messages_stay_out_of_it() {
        let globals = Globals { format: Format::Json, ..Globals::default() };
        let (data, messages) = written(&globals, |output| {
            output.note("two people");
            output.data(&["alice", "bo"], &people()).unwrap();
        });
        assert_eq!(serde_json::from_str::<Vec<String>>(&data).unwrap(), ["alice", "bo"]);
        assert_eq!(messages, "two people\n");
    }

    #[test]
    fn quiet_keeps_data_and_failures() {
        let globals = Globals { quiet: true, ..Globals::default() };
        let (data, messages) = written(&globals, |output| {
            output.note("two people");
            output.data(&(), &people()).unwrap();
            output.failure(&Failure::Failed("it did not work".to_owned()));
        });
        assert!(data.starts_with("USERNAME"));
        assert_eq!(messages, "error: it did not work\n");
    }

    #[test]
    fn a_closed_pipe_is_not_a_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit().code(), 0);
        let (_, messages) = written(&Globals::default(), |output| output.failure(&failure));
        assert_eq!(messages, "");
    }
}
