//! The rows of a table with a header: cells by the name of their column.
//!
//! Not for: what a column means (`csl`, `dpl`).

use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::rows::Rows;
use crate::stream::{Characters, Line, Lines, Stream};

/// Bytes of the line of column names.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Line ends within one row. Addresses have one or two; a row with more has lost a quote and swallowed others.
const LINE_ENDS_MAX: usize = 8;

/// A table whose header was read.
pub(super) struct Table<'a> {
    file: InputFile<'a>,
    delimiter: u8,
    header: StringRecord,
}

/// One row with all columns of the header.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    header: &'a StringRecord,
    cells: StringRecord,
}

impl<'a> Table<'a> {
    pub(super) fn open(file: &InputFile<'a>) -> Result<Self, FeedError> {
        file.check()?;
        let name = || file.name.to_owned();
        if file.begins_as_xml()? {
            return Err(FeedError::NoTable { file: name() });
        }
        let survey = file.survey()?;
        if let Some(line) = survey.first_bad_line {
            return Err(FeedError::NotUtf8 { file: name(), line });
        }
        // The Denied Persons List ends behind the quote of its last cell: that cell at least is whole.
        if !matches!(survey.last, Some(b'\n' | b'"')) {
            return Err(FeedError::CutOff { file: name() });
        }
        let mut lines = Lines::of(Stream::of(file, Encoding::Utf8, Characters::Any));
        let first = lines.next(HEADER_BYTES_MAX);
        let tabbed = first.is_some_and(|(_, line)| matches!(line, Line::Text(line) if line.contains('\t')));
        let delimiter = if tabbed { b'\t' } else { b',' };
        let mut table = Self { file: *file, delimiter, header: StringRecord::new() };
        let mut rows = table.rows();
        table.header = rows.advance().and_then(|(_, row)| row.cloned()).unwrap_or_default();
        Ok(table)
    }

    fn rows(&self) -> Rows<'a> {
        Rows::of(Stream::of(&self.file, Encoding::Utf8, Characters::Any), self.delimiter)
    }

    pub(super) fn columns(&self) -> usize {
        self.header.len()
    }

    /// Whether the header has all of these columns, each once.
    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|column| self.header.iter().filter(|name| name == column).count() == 1)
    }

    /// Hands over every row behind the header, bad ones with line and reason. A header that stands again is no row.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(u64, Result<Row<'_>, RejectReason>),
    ) -> Result<(), FeedError> {
        let mut rows = self.rows();
        // The header is the first row.
        rows.advance();
        while let Some((line, cells)) = rows.advance() {
            let Some(cells) = cells else {
                take(line, Err(RejectReason::Csv));
                continue;
            };
            let ends: usize = cells.iter().map(|cell| cell.matches('\n').count()).sum();
            let (found, expected) = (cells.len(), self.header.len());
            let row = if ends > LINE_ENDS_MAX {
                Err(RejectReason::LineBreak)
            } else if found != expected {
                Err(RejectReason::Columns { found, expected })
            } else if *cells == self.header {
                Err(RejectReason::Repeated { id: "header".to_owned(), first: 1 })
            } else {
                Ok(Row { line, header: &self.header, cells: cells.clone() })
            };
            take(line, row);
        }
        rows.check(self.file.name)
    }
}

impl Row<'_> {
    /// The trimmed cell of a column, or `None` if it is empty.
    pub(super) fn value(&self, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name == column)?;
        self.cells.get(at).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// Every cell that is not empty, with its column.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let cells = self.header.iter().zip(self.cells.iter().map(str::trim));
        cells.filter(|(_, cell)| !cell.is_empty())
    }
}
