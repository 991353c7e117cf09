//! Lines as they are in a file, each of a bearable length, with where they are.

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Result};

/// What spreadsheets write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line.
pub(super) struct RawLine {
    /// Counted from 1.
    pub number: u64,
    /// Where in the file it ends, in bytes.
    pub end: u64,
    /// What it says, with what ends it; `None` if it is too long.
    pub text: Option<Vec<u8>>,
}

impl RawLine {
    /// Whether there is nothing but the end of a line.
    pub(super) fn is_empty(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.iter().all(|byte| b"\r\n".contains(byte)))
    }

    /// Whether there is nothing but spaces.
    pub(super) fn is_blank(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.trim_ascii().is_empty())
    }
}

/// The lines of a file, which end with LF, CRLF or, as old spreadsheets write them, CR.
pub(super) struct RawLines<R: Read> {
    input: BufReader<R>,
    longest: usize,
    number: u64,
    end: u64,
}

impl<R: Read> RawLines<R> {
    /// Lines of at most so many bytes.
    pub(super) fn new(input: R, longest: usize) -> Self {
        Self { input: BufReader::new(input), longest, number: 0, end: 0 }
    }

    /// The next line; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<RawLine>> {
        let mut text = Vec::new();
        let before = self.end;
        loop {
            let part = self.part()?;
            let ending = part.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let taken = ending.map_or(part.len(), |at| at + 1);
            let part = part.get(..taken).unwrap_or(part);
            let is_return = part.ends_with(b"\r");
            self.keep(&mut text, taken)?;
            if is_return && self.part()?.starts_with(b"\n") {
                self.keep(&mut text, 1)?;
            }
            if ending.is_some() || taken == 0 {
                break;
            }
        }
        if self.end == before {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        let text = (text.len() <= self.longest).then_some(text);
        Ok(Some(RawLine { number: self.number, end: self.end, text }))
    }

    /// What was read and not taken yet; nothing at the end of the file.
    fn part(&mut self) -> Result<&[u8]> {
        while let Err(error) = self.input.fill_buf() {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.input.fill_buf()
    }

    /// Takes so many bytes of what was read, and adds them to a line that is not too long already.
    fn keep(&mut self, text: &mut Vec<u8>, count: usize) -> Result<()> {
        if text.len() <= self.longest {
            let part = self.input.fill_buf()?;
            text.extend_from_slice(part.get(..count).unwrap_or(part));
        }
        self.input.consume(count);
        self.end += count as u64;
        Ok(())
    }
}
