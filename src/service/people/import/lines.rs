//! Reading people from CSV or NDJSON, a line at a time. A line that cannot be read is no reason to stop.

use std::io::{BufRead as _, BufReader, Read};

use csv::{Position, StringRecord};
use serde_json::{Map, Value};

use super::record::Record;

/// The longest line; protects against a file that has none.
const LONGEST: u64 = 256 * 1024;
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

/// A line that was read.
#[derive(Debug)]
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
}

/// The people in `input`, one by one.
///
/// # Errors
/// [`LinesError::Titles`] when the titles of CSV are not understood.
pub fn read<'a>(
    input: impl Read + 'a,
    layout: Layout,
) -> Result<Box<dyn Iterator<Item = Result<Line, LinesError>> + 'a>, LinesError> {
    Ok(match layout {
        Layout::Csv => Box::new(Columns::new(input)?),
        Layout::Ndjson => Box::new(Objects { input: BufReader::new(input), number: 0, end: 0 }),
    })
}

struct Columns<R> {
    reader: csv::Reader<R>,
    titles: Vec<String>,
}

impl<R: Read> Columns<R> {
    fn new(input: R) -> Result<Self, LinesError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let titles = reader.headers().map_err(|error| LinesError::Titles(error.to_string()))?;
        // A byte order mark, as spreadsheets write it.
        let titles: Vec<String> =
            titles.iter().map(|title| title.trim_start_matches('\u{feff}').to_owned()).collect();
        let known = |title: &str| OWN.contains(&title) || PROFILE.contains(&title);
        if let Some(other) = titles.iter().find(|title| !known(title)) {
            let all = [&OWN[..], &PROFILE[..]].concat().join(", ");
            return Err(LinesError::Titles(format!("{other:?} is none of {all}")));
        }
        if !titles.iter().any(|title| title == "username") {
            return Err(LinesError::Titles("username is missing".to_owned()));
        }
        Ok(Self { reader, titles })
    }

    fn person(&self, row: &StringRecord) -> Result<Record, String> {
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
        let mut row = StringRecord::new();
        let before = self.reader.position().line();
        let read = match self.reader.read_record(&mut row) {
            Ok(false) => return None,
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        let end = self.reader.position().byte();
        let number = row.position().map_or(before, Position::line);
        let record = match read {
            Ok(()) => self.person(&row),
            Err(error) => match error.kind() {
                csv::ErrorKind::Io(_) => return Some(Err(LinesError::Io(error.into()))),
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    Err(format!("{len} columns instead of {expected_len}"))
                }
                _ => Err(error.to_string()),
            },
        };
        Some(Ok(Line { number, end, record }))
    }
}

struct Objects<R> {
    input: BufReader<R>,
    number: u64,
    end: u64,
}

impl<R: Read> Objects<R> {
    fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let length = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if length as u64 == LONGEST && line.last() != Some(&b'\n') {
            return Err(std::io::Error::other("a line is longer than 256 KiB"));
        }
        self.number += 1;
        self.end += length as u64;
        Ok((length > 0).then_some(line))
    }
}

impl<R: Read> Iterator for Objects<R> {
    type Item = Result<Line, LinesError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line() {
                Ok(Some(line)) => line,
                Ok(None) => return None,
                Err(error) => return Some(Err(error.into())),
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record = serde_json::from_slice(&line).map_err(|error| error.to_string());
            return Some(Ok(Line { number: self.number, end: self.end, record }));
        }
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
}
