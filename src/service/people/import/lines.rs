//! Reading people from CSV or NDJSON, a line at a time. A line that cannot be read is told with its number
//! and no reason to stop, unless nobody can say where the next one begins.

mod raw;

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::record::Record;
use raw::{RawLine, RawLines};

/// The longest line; protects against a file that has none.
const LONGEST: usize = 256 * 1024;
/// Why a line is left out that is longer.
const TOO_LONG: &str = "the line is longer than 256 KiB";
/// The most lines of one record in CSV. What people are called has no line breaks, so more than one is a
/// mistake already; this many tell it from a quote that is never closed.
const MOST_LINES: u64 = 8;
/// Stands between group names in CSV.
const BETWEEN_GROUPS: char = ';';
/// The columns of [`Record`] itself.
const OWN: [&str; 8] =
    ["id", "username", "email", "email_verified", "name", "groups", "disabled", "password_hash"];
/// The columns that are part of the profile.
const PROFILE: [&str; 13] = [
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
];

/// How people are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Columns with a line of titles; groups with `;` between them.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

impl Layout {
    /// What the ending of a file's name says, in lower case and without the dot.
    #[must_use]
    pub fn of_ending(ending: &str) -> Option<Self> {
        match ending {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// A line that was read.
#[derive(Debug, Clone)]
pub struct Line {
    /// Counted from 1, the titles of CSV included.
    pub number: u64,
    /// Where in the file it ends.
    pub end: u64,
    /// The person, or why there is none.
    pub record: Result<Record, String>,
}

impl Line {
    /// Its number as it is kept.
    pub(super) fn number(&self) -> i64 {
        i64::try_from(self.number).unwrap_or(i64::MAX)
    }
}

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("the first line must name the columns; {0}")]
    Titles(String),
    #[error(
        "line {line}: a quoted cell begins here and does not end within {MOST_LINES} lines, so nobody behind it was \
         read; close the quote and import the file again (--duplicates skip passes over whoever is there by then)"
    )]
    OpenQuote { line: u64 },
    /// The rest is read when the import is started again.
    #[error("the server is stopping")]
    Stopping,
}

/// The people in `input`, one by one. A byte order mark, as spreadsheets write it, is passed over.
///
/// # Errors
/// [`LinesError::Titles`] when the titles of CSV are not understood.
pub fn read<'a>(
    input: impl Read + 'a,
    layout: Layout,
) -> Result<Box<dyn Iterator<Item = Result<Line, LinesError>> + 'a>, LinesError> {
    let lines = RawLines::new(input, LONGEST);
    Ok(match layout {
        Layout::Csv => Box::new(Columns::new(lines)?),
        Layout::Ndjson => Box::new(Objects(lines)),
    })
}

struct Columns<R: Read> {
    lines: RawLines<R>,
    titles: Vec<String>,
}

/// A record of CSV, which a quoted cell may carry over several lines.
struct Row {
    number: u64,
    /// Its last line.
    last: u64,
    end: u64,
    cells: Result<StringRecord, String>,
}

impl<R: Read> Columns<R> {
    fn new(mut lines: RawLines<R>) -> Result<Self, LinesError> {
        let titles = match row(&mut lines) {
            Ok(Some(row)) => row.cells.map_err(LinesError::Titles)?,
            Ok(None) => StringRecord::new(),
            Err(error) => return Err(LinesError::Titles(error.to_string())),
        };
        let titles: Vec<String> = titles.iter().map(str::to_owned).collect();
        let known = |title: &str| OWN.contains(&title) || PROFILE.contains(&title);
        if let Some(other) = titles.iter().find(|title| !known(title)) {
            let all = [&OWN[..], &PROFILE[..]].concat().join(", ");
            return Err(LinesError::Titles(format!("{other:?} is none of {all}")));
        }
        let is_repeated =
            |title: &&String| titles.iter().filter(|other| other == title).count() > 1;
        if let Some(title) = titles.iter().find(is_repeated) {
            return Err(LinesError::Titles(format!("{title} is there twice")));
        }
        if !titles.iter().any(|title| title == "username") {
            return Err(LinesError::Titles("username is missing".to_owned()));
        }
        Ok(Self { lines, titles })
    }

    fn person(&self, row: &StringRecord) -> Result<Record, String> {
        if row.len() != self.titles.len() {
            return Err(format!("{} columns instead of {}", row.len(), self.titles.len()));
        }
        let (mut own, mut profile) = (Map::new(), Map::new());
        for (title, cell) in self.titles.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let value = value(title, cell)?;
            let part = if OWN.contains(&title.as_str()) { &mut own } else { &mut profile };
            part.insert(title.clone(), value);
        }
        own.insert("profile".to_owned(), profile.into());
        serde_json::from_value(own.into()).map_err(|error| error.to_string())
    }
}

/// The next record, with the lines that a quoted cell goes on in.
fn row<R: Read>(lines: &mut RawLines<R>) -> Result<Option<Row>, LinesError> {
    let first = loop {
        match lines.next()? {
            None => return Ok(None),
            Some(line) if line.is_empty() => {}
            Some(line) => break line,
        }
    };
    let RawLine { number, mut end, text } = first;
    let Some(mut text) = text else {
        return Ok(Some(Row { number, last: number, end, cells: Err(TOO_LONG.to_owned()) }));
    };
    let mut last = number;
    loop {
        if let Some(cells) = cells(&text)? {
            return Ok(Some(Row { number, last, end, cells }));
        }
        let open = || LinesError::OpenQuote { line: number };
        let more = lines.next()?.ok_or_else(open)?;
        text.extend(more.text.ok_or_else(open)?);
        (last, end) = (more.number, more.end);
        if last - number >= MOST_LINES || text.len() > LONGEST {
            return Err(open());
        }
    }
}

/// The cells of a record, or `None` when it goes on: what comes behind it is then part of it.
fn cells(text: &[u8]) -> Result<Option<Result<StringRecord, String>>, std::io::Error> {
    const NEXT: &[u8] = b"\n.";
    let both = [text, NEXT].concat();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(both.len())
        .from_reader(&both[..]);
    let mut cells = ByteRecord::new();
    reader.read_byte_record(&mut cells)?;
    if !reader.read_byte_record(&mut ByteRecord::new())? {
        return Ok(None);
    }
    let mut cells = StringRecord::from_byte_record(cells);
    if let Ok(cells) = &mut cells {
        cells.trim();
    }
    Ok(Some(cells.map_err(|_| "the text is not UTF-8".to_owned())))
}

fn value(title: &str, cell: &str) -> Result<Value, String> {
    Ok(match title {
        "email_verified" | "phone_number_verified" | "disabled" => {
            match cell.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => true.into(),
                "false" | "no" | "0" => false.into(),
                _ => return Err(format!("{title}: write true or false")),
            }
        }
        "groups" => {
            let names = cell.split(BETWEEN_GROUPS).map(str::trim).filter(|name| !name.is_empty());
            names.map(Value::from).collect()
        }
        _ => cell.into(),
    })
}

impl<R: Read> Iterator for Columns<R> {
    type Item = Result<Line, LinesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Row { number, last, end, cells } = match row(&mut self.lines) {
            Ok(row) => row?,
            Err(error) => return Some(Err(error)),
        };
        let has_break = |cells: &StringRecord| cells.iter().any(|cell| cell.contains(['\n', '\r']));
        let record = match cells {
            // No cell has a use for a line break, and others may be in it whose quotes were taken for its own.
            Ok(cells) if last > number && has_break(&cells) => {
                Err(format!("a quoted cell goes on to line {last}; nobody in these lines is added"))
            }
            Ok(cells) => self.person(&cells),
            Err(problem) => Err(problem),
        };
        Some(Ok(Line { number, end, record }))
    }
}

struct Objects<R: Read>(RawLines<R>);

impl<R: Read> Iterator for Objects<R> {
    type Item = Result<Line, LinesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let RawLine { number, end, text } = loop {
            match self.0.next() {
                Ok(Some(line)) if line.is_blank() => {}
                Ok(line) => break line?,
                Err(error) => return Some(Err(error.into())),
            }
        };
        let record = match text {
            Some(text) => serde_json::from_slice(&text).map_err(|error| error.to_string()),
            None => Err(TOO_LONG.to_owned()),
        };
        Some(Ok(Line { number, end, record }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, layout: Layout) -> Vec<Line> {
        read(text.as_bytes(), layout).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn columns_become_people() {
        let text = "\u{feff}username,email,email_verified,given_name,groups,disabled\n\
                    alice,alice@example.test,yes,Alice,staff; wiki,\n\
                    \"bob\",,,,,true\n";
        let lines = all(text, Layout::Csv);
        let alice = lines[0].record.as_ref().unwrap();
        assert_eq!(lines[0].number, 2);
        assert_eq!(alice.groups.as_deref().unwrap(), ["staff", "wiki"]);
        assert_eq!(alice.profile.given_name.as_deref(), Some("Alice"));
        assert_eq!((alice.email_verified, alice.disabled), (Some(true), None));
        let bob = lines[1].record.as_ref().unwrap();
        assert_eq!((bob.email.as_deref(), bob.disabled), (None, Some(true)));
        assert_eq!(lines[1].end, text.len() as u64);
    }

    #[test]
    fn a_bad_line_is_told_and_the_next_is_read() {
        let lines = all("username,disabled\na,maybe\nb,no,more\nc,no\n", Layout::Csv);
        let said: Vec<_> = lines.iter().map(|line| (line.number, line.record.is_ok())).collect();
        assert_eq!(said, [(2, false), (3, false), (4, true)]);
        let lines = all("{\"username\":\"a\"}\n\nnonsense\n{\"username\":\"b\"}", Layout::Ndjson);
        let said: Vec<_> = lines.iter().map(|line| (line.number, line.record.is_ok())).collect();
        assert_eq!(said, [(1, true), (3, false), (4, true)]);
    }

    #[test]
    fn a_column_nobody_knows_stops_everything() {
        for (text, word) in [("username,pasword\n", "pasword"), ("email\n", "username")] {
            let problem = read(text.as_bytes(), Layout::Csv).err().unwrap().to_string();
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_in_both_layouts() {
        for (text, layout) in [
            ("\u{feff}{\"username\":\"a\"}\n{\"username\":\"b\"}\n", Layout::Ndjson),
            ("\u{feff}username\na\nb\n", Layout::Csv),
            ("\u{feff}\"username\"\r\na\r\nb\r\n", Layout::Csv),
        ] {
            let lines = all(text, layout);
            assert!(lines.iter().all(|line| line.record.is_ok()), "{lines:?}");
            assert_eq!(lines.len(), 2, "{text}");
            assert_eq!(lines[1].end, text.len() as u64);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_told_and_the_next_is_read() {
        let long = "x".repeat(2 * LONGEST);
        let object = |name: &str| format!("{{\"username\":\"{name}\"}}\n");
        let objects = object("a") + object(&long).as_str() + object("b").as_str();
        let columns = format!("username\na\n{long}\nb\n");
        for (text, layout, first) in [(objects, Layout::Ndjson, 1), (columns, Layout::Csv, 2)] {
            let lines = all(&text, layout);
            let said: Vec<_> =
                lines.iter().map(|line| (line.number, line.record.is_ok())).collect();
            assert_eq!(said, [(first, true), (first + 1, false), (first + 2, true)]);
            assert!(lines[1].record.as_ref().unwrap_err().contains("256 KiB"), "{layout:?}");
        }
    }

    #[test]
    fn a_title_that_is_there_twice_stops_everything() {
        let problem = read(&b"username,email,email\n"[..], Layout::Csv).err().unwrap().to_string();
        assert!(problem.contains("email is there twice"), "{problem}");
    }

    #[test]
    fn nobody_vanishes_behind_an_open_quote() {
        let mut text = String::from("username,name\na,A\nb,\"B\n");
        text.push_str(&"p,P\n".repeat(3_000));
        let read: Vec<_> = read(text.as_bytes(), Layout::Csv).unwrap().take(3).collect();
        assert_eq!(read[0].as_ref().unwrap().number, 2);
        let problem = read[1].as_ref().unwrap_err();
        assert!(matches!(problem, LinesError::OpenQuote { line: 3 }), "{problem}");
        // Whether the file ends before or is one long line behind.
        for text in
            ["username,name\nb,\"B\n", &format!("username,name\nb,\"B\n{}", "x".repeat(LONGEST))]
        {
            let problem = super::read(text.as_bytes(), Layout::Csv).unwrap().next().unwrap();
            assert!(matches!(problem, Err(LinesError::OpenQuote { line: 2 })), "{problem:?}");
        }
    }

    #[test]
    fn somebody_in_the_cell_of_somebody_else_is_told_with_them() {
        let text = "username,name\na,\"A\nb,\"B\"\nc,C\n\"d\n\",D\n";
        let lines = all(text, Layout::Csv);
        let problem = lines[0].record.as_ref().unwrap_err();
        assert!(problem.contains("goes on to line 3"), "{problem}");
        let said: Vec<_> = lines.iter().map(|line| (line.number, line.record.is_ok())).collect();
        assert_eq!(said, [(2, false), (4, true), (5, true)]);
    }

    #[test]
    fn lines_end_in_every_way_they_do() {
        for between in ["\n", "\r\n", "\r"] {
            let text =
                ["username,name", "a,A", "", "\"b\",\"B, \"\"B\"\"\"", "c,5\" C"].join(between);
            let lines = all(&text, Layout::Csv);
            let names: Vec<_> =
                lines.iter().map(|line| line.record.clone().unwrap().name).collect();
            let names: Vec<_> = names.iter().flatten().collect();
            assert_eq!(names, ["A", "B, \"B\"", "5\" C"], "{between:?}");
            let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, [2, 4, 5], "{between:?}");
        }
    }
}
