//! Tables as CSV with a line of column names: their text, their rows, and the cells of a row by the name of a column.
//!
//! Not for: OFAC's tables, which have no column names (`ofac`), or what a column means, which each source knows.

use std::borrow::Cow;

use comity_watchlist::{Source, Text};
use csv::{ReaderBuilder, StringRecord};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::value;

/// The characters of Windows-1252 from 0x80 to 0x9F; where it has none, the control character of ISO 8859-1 stands,
/// which no record takes.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a table and how its bytes were read.
pub(crate) struct Sheet<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) encoding: Encoding,
}

/// One row, with the names of its columns.
pub(crate) struct Row<'a> {
    columns: &'a [&'a str],
    cells: StringRecord,
    taken: Vec<bool>,
}

impl<'a> Sheet<'a> {
    /// Reads the bytes as UTF-8, else as Windows-1252, which is what spreadsheets write.
    pub(crate) fn open(file: &InputFile<'a>) -> Result<Self, FeedError> {
        file.check()?;
        if file.begins_as_xml() {
            return Err(FeedError::NoTable { file: file.name.to_owned() });
        }
        let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file.bytes);
        let is_ending = |byte: u8| byte.is_ascii_whitespace() || byte == 0x1a;
        if !bytes.iter().rev().take_while(|byte| is_ending(**byte)).any(|byte| *byte == b'\n') {
            return Err(FeedError::CutOff { file: file.name.to_owned() });
        }
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: Cow::Borrowed(text), encoding: Encoding::Utf8 },
            Err(_) => Self {
                text: bytes.iter().map(|byte| windows_1252(*byte)).collect(),
                encoding: Encoding::Windows1252,
            },
        })
    }

    /// The rows with the line on which each begins.
    pub(crate) fn rows(
        &self,
        delimiter: u8,
    ) -> impl Iterator<Item = (u64, Result<StringRecord, RejectReason>)> {
        rows(&self.text, delimiter)
    }
}

fn windows_1252(byte: u8) -> char {
    let at = byte.checked_sub(0x80).map(usize::from);
    at.and_then(|at| WINDOWS_1252.get(at)).copied().unwrap_or_else(|| char::from(byte))
}

/// The rows of a text with the line on which each begins. A cell over several lines lacks a quote, and may have
/// swallowed the rows behind it.
pub(crate) fn rows(
    text: &str,
    delimiter: u8,
) -> impl Iterator<Item = (u64, Result<StringRecord, RejectReason>)> {
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut records = reader.into_records();
    std::iter::from_fn(move || {
        let before = records.reader().position().clone();
        // The reader stops between the two bytes of a CRLF, and steps over empty lines only when asked for the next.
        let rest =
            usize::try_from(before.byte()).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(**byte, b'\r' | b'\n'));
        let line = before.line() + ends.map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        let row = records.next()?.map_err(|_| RejectReason::Csv).and_then(|cells| {
            let over = cells.iter().any(|cell| cell.contains(['\r', '\n']));
            if over { Err(RejectReason::LineBreak) } else { Ok(cells) }
        });
        Some((line, row))
    })
}

impl<'a> Row<'a> {
    /// Puts the names of the columns to the cells of a row.
    pub(crate) fn new(columns: &'a [&'a str], cells: StringRecord) -> Result<Self, RejectReason> {
        let (found, expected) = (cells.len(), columns.len());
        if found != expected {
            return Err(RejectReason::Columns { found, expected });
        }
        Ok(Self { columns, cells, taken: vec![false; expected] })
    }

    /// The trimmed value of the first column of a name, if it says anything and was not taken.
    pub(crate) fn peek(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| *name == column)?;
        self.cells
            .get(at)
            .map(str::trim)
            .filter(|cell| !cell.is_empty() && self.taken.get(at) == Some(&false))
    }

    /// Takes what [`Row::peek`] sees, as a text.
    pub(crate) fn take(&mut self, column: &'static str) -> Result<Option<Text>, RejectReason> {
        let taken = self.peek(column).map(|cell| value::text(column, cell)).transpose()?;
        self.drop(column);
        Ok(taken)
    }

    /// Marks a column as mapped.
    pub(crate) fn drop(&mut self, column: &str) {
        if let Some(at) = self.columns.iter().position(|name| *name == column)
            && let Some(taken) = self.taken.get_mut(at)
        {
            *taken = true;
        }
    }

    /// Keeps every value that was not taken, under the name of its column.
    pub(crate) fn keep(&self, source: &mut Source) -> Result<(), RejectReason> {
        for ((column, cell), taken) in self.columns.iter().zip(self.cells.iter()).zip(&self.taken) {
            let cell = cell.trim();
            if !taken && !cell.is_empty() {
                source.keep(&value::text("extra", column)?, value::prose("extra", cell)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_above_ascii_are_those_of_windows_1252() {
        let read: String = [0x41, 0x80, 0x92, 0x9f, 0xa0, 0xe9, 0xff].into_iter().map(windows_1252).collect();
        assert_eq!(read, "A€’Ÿ\u{a0}éÿ");
    }

    #[test]
    fn rows_begin_on_their_lines_and_a_lost_quote_is_found() {
        let found: Vec<(u64, Option<usize>)> = rows("a;b\r\n\r\nc;\"d;e\"\r\nf;\"g\r\nh\"\r\n", b';')
            .map(|(line, row)| (line, row.ok().map(|row| row.len())))
            .collect();
        assert_eq!(found, [(1, Some(2)), (3, Some(2)), (4, None)]);
    }
}
