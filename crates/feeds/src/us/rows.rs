//! The rows of a table with a header: cells by the name of their column.
//!
//! Not for: what a column means (`csl`, `dpl`).

use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::rows::records;

/// Line ends within one row. Addresses have one or two; a row with more has lost a quote and swallowed others.
const LINE_ENDS_MAX: usize = 8;

/// A table whose header was read.
pub(super) struct Table<'a> {
    text: &'a str,
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
        if file.begins_as_xml() {
            return Err(FeedError::NoTable { file: name() });
        }
        let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file.bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let ends: u64 = before.iter().map(|byte| u64::from(*byte == b'\n')).sum();
            FeedError::NotUtf8 { file: name(), line: ends + 1 }
        })?;
        // The Denied Persons List ends behind the quote of its last cell: that cell at least is whole.
        if !text.ends_with(['\n', '"']) {
            return Err(FeedError::CutOff { file: name() });
        }
        let first = text.lines().next().unwrap_or_default();
        let delimiter = if first.contains('\t') { b'\t' } else { b',' };
        let header = records(text, delimiter).next().and_then(|(_, row)| row).unwrap_or_default();
        Ok(Self { text, delimiter, header })
    }

    pub(super) fn columns(&self) -> usize {
        self.header.len()
    }

    /// Whether the header has all of these columns, each once.
    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|column| self.header.iter().filter(|name| name == column).count() == 1)
    }

    /// Hands over every row behind the header, bad ones with line and reason. A header that stands again is no row.
    pub(super) fn each(&self, mut take: impl FnMut(u64, Result<Row<'_>, RejectReason>)) {
        for (line, cells) in records(self.text, self.delimiter).skip(1) {
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
            } else if cells == self.header {
                Err(RejectReason::Repeated { id: "header".to_owned(), first: 1 })
            } else {
                Ok(Row { line, header: &self.header, cells })
            };
            take(line, row);
        }
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
