//! The file: a tar archive that any tool can open. What it is comes first, rows of one table after the
//! other in pieces of about a megabyte, and last what all of it must add up to. A file that was cut off has
//! no last entry.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::BackupError;
use super::tally::Tally;
use crate::crypto::digest::Digest;
use crate::store::dump::Table;

/// The layout of the file. A program reads those up to its own.
const FORMAT: u32 = 1;
const HEAD: &str = "doorward-backup.json";
const FOLDER: &str = "tables/";
const MASTER_KEY: &str = "master.key";
const SUMMARY: &str = "manifest.json";

/// From here on a piece is written.
const PIECE: usize = 1024 * 1024;
/// No entry is larger than this: a piece and one row more.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The first entry: what this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The layout of the file.
    pub format: u32,
    /// The program that made it.
    pub version: String,
    /// When it was begun (RFC 3339).
    pub made_at: String,
    /// The numbers of the migrations that the database had had.
    pub migrations: Vec<i64>,
    /// The tables in the order they come in.
    pub tables: Vec<Table>,
}

impl Head {
    pub(super) fn new(made_at: String, migrations: &[i64], tables: Vec<Table>) -> Self {
        let version = crate::app::VERSION.to_owned();
        Self { format: FORMAT, version, made_at, migrations: migrations.to_vec(), tables }
    }
}

/// What an entry must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntrySummary {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

/// What a table must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    pub name: String,
    pub rows: u64,
    /// The SHA-256 of every line, added up: whatever the order of the rows.
    pub sha256_sum: String,
}

/// The last entry: what all before it must add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub entries: Vec<EntrySummary>,
    pub tables: Vec<TableSummary>,
}

impl Summary {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

fn summary_of(name: &str, content: &[u8]) -> EntrySummary {
    let mut digest = Digest::default();
    digest.update(content);
    EntrySummary {
        name: name.to_owned(),
        bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
        sha256: digest.finish(),
    }
}

/// A file being written.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<W>,
    /// Seconds since 1970.
    at: u64,
    entries: Vec<EntrySummary>,
    tables: Vec<TableSummary>,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(output: W, head: &Head, at: u64) -> Result<Self, BackupError> {
        let tar = tar::Builder::new(output);
        let mut writer = Self { tar, at, entries: Vec::new(), tables: Vec::new() };
        writer.entry(HEAD, &pretty(head)?)?;
        Ok(writer)
    }

    pub(super) fn master_key(&mut self, text: &str) -> Result<(), BackupError> {
        self.entry(MASTER_KEY, format!("{text}\n").as_bytes())
    }

    pub(super) fn table(&mut self, name: &str) -> TableWriter<'_, W> {
        let name = name.to_owned();
        TableWriter { writer: self, name, lines: String::new(), pieces: 0, tally: Tally::default() }
    }

    /// Writes what all of it adds up to.
    pub(super) fn finish(mut self) -> Result<(W, Summary), BackupError> {
        let entries = std::mem::take(&mut self.entries);
        let summary = Summary { entries, tables: std::mem::take(&mut self.tables) };
        self.entry(SUMMARY, &pretty(&summary)?)?;
        Ok((self.tar.into_inner()?, summary))
    }

    fn entry(&mut self, name: &str, content: &[u8]) -> Result<(), BackupError> {
        let summary = summary_of(name, content);
        let mut header = tar::Header::new_ustar();
        header.set_size(summary.bytes);
        header.set_mode(0o600);
        header.set_mtime(self.at);
        self.tar.append_data(&mut header, name, content)?;
        self.entries.push(summary);
        Ok(())
    }
}

fn pretty(document: &impl Serialize) -> Result<Vec<u8>, BackupError> {
    let mut text = serde_json::to_vec_pretty(document).map_err(std::io::Error::from)?;
    text.push(b'\n');
    Ok(text)
}

/// A table being written.
pub(super) struct TableWriter<'a, W: Write> {
    writer: &'a mut Writer<W>,
    name: String,
    lines: String,
    pieces: usize,
    tally: Tally,
}

impl<W: Write> TableWriter<'_, W> {
    pub(super) fn add(&mut self, line: &str) -> Result<(), BackupError> {
        self.tally.add(line);
        self.lines.push_str(line);
        self.lines.push('\n');
        if self.lines.len() >= PIECE { self.piece() } else { Ok(()) }
    }

    fn piece(&mut self) -> Result<(), BackupError> {
        self.pieces += 1;
        let name = format!("{FOLDER}{}/{:06}.ndjson", self.name, self.pieces);
        self.writer.entry(&name, self.lines.as_bytes())?;
        self.lines.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        if !self.lines.is_empty() {
            self.piece()?;
        }
        self.writer.tables.push(self.tally.summary(&self.name));
        Ok(())
    }
}

/// What comes next in a file.
pub(super) enum Piece {
    MasterKey(Zeroizing<String>),
    /// Whole lines of the table at this place of the head.
    Lines {
        table: usize,
        text: String,
    },
    /// The end: everything before it is as it says.
    Summary(Summary),
}

/// A file being read. What it says of itself is believed at the end.
pub(super) struct Reader<'a, R: Read> {
    entries: tar::Entries<'a, R>,
    pub(super) head: Head,
    seen: Vec<EntrySummary>,
    tallies: BTreeMap<usize, Tally>,
    is_at_end: bool,
}

impl<'a, R: Read> Reader<'a, R> {
    pub(super) fn begin(archive: &'a mut tar::Archive<R>) -> Result<Self, BackupError> {
        let mut entries = archive.entries().map_err(BackupError::damaged)?;
        let Some((name, content)) = read(&mut entries)? else {
            return Err(BackupError::damaged("it is empty"));
        };
        let head = if name == HEAD { serde_json::from_slice::<Head>(&content).ok() } else { None };
        let head = head.ok_or_else(|| BackupError::damaged("it does not begin like one"))?;
        if head.format > FORMAT {
            let why = format!("its layout is {}, this version reads up to {FORMAT}", head.format);
            return Err(BackupError::Damaged(why));
        }
        let seen = vec![summary_of(&name, &content)];
        Ok(Self { entries, head, seen, tallies: BTreeMap::new(), is_at_end: false })
    }

    /// The next piece; `None` after the summary.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, BackupError> {
        if self.is_at_end {
            return Ok(None);
        }
        let Some((name, content)) = read(&mut self.entries)? else {
            return Err(BackupError::damaged("its end is missing"));
        };
        let text = |content: Vec<u8>| {
            String::from_utf8(content)
                .map_err(|_| BackupError::damaged(format!("{name} is no text")))
        };
        if name == SUMMARY {
            return self.end(&content).map(Some);
        }
        self.seen.push(summary_of(&name, &content));
        if name == MASTER_KEY {
            return Ok(Some(Piece::MasterKey(Zeroizing::new(text(content)?))));
        }
        let table = name.strip_prefix(FOLDER).and_then(|rest| rest.split('/').next());
        let place = self.head.tables.iter().position(|known| Some(known.name.as_str()) == table);
        // Rows refer to those of tables before theirs.
        let last = self.tallies.last_key_value().map_or(0, |(place, _)| *place);
        let table = place.filter(|place| *place >= last);
        let table =
            table.ok_or_else(|| BackupError::damaged(format!("{name} has no place in it")))?;
        let text = text(content)?;
        let tally = self.tallies.entry(table).or_default();
        text.lines().for_each(|line| tally.add(line));
        Ok(Some(Piece::Lines { table, text }))
    }

    fn end(&mut self, content: &[u8]) -> Result<Piece, BackupError> {
        self.is_at_end = true;
        let summary: Summary = serde_json::from_slice(content).map_err(BackupError::damaged)?;
        for (seen, wanted) in self.seen.iter().zip(&summary.entries) {
            if seen != wanted {
                return Err(BackupError::damaged(format!("{} is not what it was", seen.name)));
            }
        }
        if self.seen.len() != summary.entries.len() {
            return Err(BackupError::damaged("entries are missing, or there are too many"));
        }
        let none = Tally::default();
        let tables = self.head.tables.iter().enumerate();
        let found = tables
            .map(|(place, table)| self.tallies.get(&place).unwrap_or(&none).summary(&table.name));
        if found.collect::<Vec<_>>() != summary.tables {
            return Err(BackupError::damaged("the tables are not what they were"));
        }
        match read(&mut self.entries)? {
            None => Ok(Piece::Summary(summary)),
            Some((name, _)) => Err(BackupError::damaged(format!("{name} follows its end"))),
        }
    }
}

/// The next entry: its name and content.
fn read<R: Read>(
    entries: &mut tar::Entries<'_, R>,
) -> Result<Option<(String, Vec<u8>)>, BackupError> {
    let Some(entry) = entries.next() else { return Ok(None) };
    let mut entry = entry.map_err(BackupError::damaged)?;
    let name = entry.path().map_err(BackupError::damaged)?.to_string_lossy().into_owned();
    if entry.size() > LARGEST || !entry.header().entry_type().is_file() {
        return Err(BackupError::damaged(format!("{name} is nothing it could have")));
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(BackupError::damaged)?;
    Ok(Some((name, content)))
}
