//! Tables as CSV with a line of column names: their text, their rows, and the cells of a row by the name of a column.
//!
//! Not for: OFAC's tables, which have no column names (`ofac`), or what a column means, which each source knows.

use comity_watchlist::{Source, Text};
use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::rows::Rows;
use crate::stream::{Characters, Stream};
use crate::value;

/// A table and how its bytes are read.
pub(crate) struct Sheet<'a> {
    file: InputFile<'a>,
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
        if file.begins_as_xml()? {
            return Err(FeedError::NoTable { file: file.name.to_owned() });
        }
        let survey = file.survey()?;
        if !survey.ends_with_a_line {
            return Err(FeedError::CutOff { file: file.name.to_owned() });
        }
        let encoding = if survey.first_bad_line.is_none() { Encoding::Utf8 } else { Encoding::Windows1252 };
        Ok(Self { file: *file, encoding })
    }

    /// The rows from the beginning, each with the line on which it begins.
    pub(crate) fn rows(&self, delimiter: u8) -> TableRows<'a> {
        TableRows(Rows::of(Stream::of(&self.file, self.encoding, Characters::Any), delimiter))
    }
}

/// The rows of a table with the line on which each begins. A cell over several lines lacks a quote, and may have swallowed
/// the rows behind it.
pub(crate) struct TableRows<'a>(Rows<'a>);

impl TableRows<'_> {
    /// Refuses a table that broke off.
    pub(crate) fn check(&self, file: &str) -> Result<(), FeedError> {
        self.0.check(file)
    }
}

impl Iterator for TableRows<'_> {
    type Item = (u64, Result<StringRecord, RejectReason>);

    fn next(&mut self) -> Option<Self::Item> {
        let (line, cells) = self.0.advance()?;
        let over = |cells: &StringRecord| cells.iter().any(|cell| cell.contains(['\r', '\n']));
        Some((
            line,
            match cells {
                None => Err(RejectReason::Csv),
                Some(cells) if over(cells) => Err(RejectReason::LineBreak),
                Some(cells) => Ok(cells.clone()),
            },
        ))
    }
}

/// The rows of a text in memory.
pub(crate) fn rows(text: &str, delimiter: u8) -> TableRows<'_> {
    TableRows(Rows::of_text(text, delimiter))
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
        let read: String =
            [0x41, 0x80, 0x92, 0x9f, 0xa0, 0xe9, 0xff].into_iter().map(crate::file::windows_1252).collect();
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
