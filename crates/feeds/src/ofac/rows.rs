//! The rows of OFAC's tables: which table a file is, and its cells.

use std::borrow::Cow;

use comity_watchlist::{SourceFile, Text};
use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::rows::{Rows, records};

/// Rows that are looked at to tell a table: a bad first row must not hide what the file is.
const DETECT_ROWS: usize = 20;

/// One of OFAC's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Subjects,
    Aliases,
    Addresses,
    Comments,
}

/// A file whose table is known.
pub(super) struct TableFile<'a> {
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) encoding: Encoding,
    input: InputFile<'a>,
    text: Cow<'a, str>,
}

/// One row; handed over only if it has the columns of its table, each on the row's own line.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) table: Table,
    cells: &'a StringRecord,
}

/// A row that was not taken: the number of the subject that it is about, if it can be read, and why.
pub(super) type Refused = (Option<u64>, RejectReason);

impl Table {
    const ALL: [Self; 4] = [Self::Subjects, Self::Aliases, Self::Addresses, Self::Comments];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Subjects => "sdn",
            Self::Aliases => "alt",
            Self::Addresses => "add",
            Self::Comments => "comments",
        }
    }

    const fn columns(self) -> usize {
        match self {
            Self::Subjects => 12,
            Self::Aliases => 5,
            Self::Addresses => 6,
            Self::Comments => 2,
        }
    }
}

impl<'a> TableFile<'a> {
    pub(super) fn open(input: &InputFile<'a>) -> Result<Self, FeedError> {
        input.check()?;
        if input.begins_as_xml() {
            return Err(FeedError::NoTable { file: input.name.to_owned() });
        }
        let bytes = input.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input.bytes);
        let (text, encoding) = match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), Encoding::Utf8),
            Err(_) => (Cow::Owned(bytes.iter().copied().map(char::from).collect()), Encoding::Latin1),
        };
        let name = input.name.to_owned();
        let table = detect(&text).ok_or_else(|| FeedError::UnknownColumns {
            file: name.clone(),
            columns: records(&text, b',').next().map_or(0, |(_, cells)| cells.map_or(0, |cells| cells.len())),
        })?;
        if !ends_with_a_line(bytes) {
            return Err(FeedError::CutOff { file: name });
        }
        Ok(Self { name, table, encoding, input: *input, text })
    }

    pub(super) fn source(&self) -> Result<SourceFile, FeedError> {
        // A file name that no record can hold is the caller's, not the publisher's: name the table instead.
        let name = Text::new(self.name.clone()).or_else(|_| Text::new(self.table.name()));
        let name = name.map_err(|_| FeedError::NoPrimary)?;
        Ok(SourceFile::new(name, self.input.sha256))
    }

    /// Hands over every row with its line, bad ones with the reason; the end mark is no row.
    pub(super) fn each(&self, mut take: impl FnMut(u64, Result<Row<'_>, Refused>)) {
        let expected = self.table.columns();
        let mut rows = Rows::of(&self.text, b',');
        while let Some((line, cells)) = rows.advance() {
            match cells {
                None => take(line, Err((None, RejectReason::Csv))),
                Some(cells) if is_end_mark(cells) => {}
                Some(cells) => {
                    let row = Row { line, table: self.table, cells };
                    match row.misshape(expected) {
                        None => take(line, Ok(row)),
                        Some(reason) => take(line, Err((row.number(0, "ent_num").ok(), reason))),
                    }
                }
            }
        }
    }
}

impl Row<'_> {
    /// Why the row is none of its table, if it is none. A cell over several lines comes first, since it is the cause
    /// of any odd number of columns; of OFAC's own files none has one.
    fn misshape(&self, expected: usize) -> Option<RejectReason> {
        let all = self.cells.as_slice().as_bytes();
        if all.contains(&b'\n') || all.contains(&b'\r') {
            return Some(RejectReason::LineBreak);
        }
        let found = self.cells.len();
        (found != expected).then_some(RejectReason::Columns { found, expected })
    }

    /// A cell as written, or `None` if it is `-0-` or empty.
    pub(super) fn raw(&self, column: usize) -> Option<&str> {
        self.cells.get(column).filter(|cell| !matches!(cell.trim(), "" | "-0-"))
    }

    /// A cell without surrounding space, or `None` if it is `-0-` or empty.
    pub(super) fn value(&self, column: usize) -> Option<&str> {
        self.raw(column).map(str::trim)
    }

    pub(super) fn text(&self, column: usize, name: &'static str) -> Result<Option<Text>, RejectReason> {
        self.value(column).map(|value| super::text(name, value)).transpose()
    }

    pub(super) fn number(&self, column: usize, name: &'static str) -> Result<u64, RejectReason> {
        let digits = self.value(column).ok_or(RejectReason::Missing { column: name })?;
        // `parse` alone would take a sign.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RejectReason::NotNumber { column: name });
        }
        digits.parse().map_err(|_| RejectReason::NotNumber { column: name })
    }
}

/// The table that most of the first rows fit.
pub(super) fn detect(text: &str) -> Option<Table> {
    let head: Vec<StringRecord> =
        records(text, b',').take(DETECT_ROWS).filter_map(|(_, cells)| cells).collect();
    let fits = |table: Table| head.iter().filter(|cells| fits(table, cells)).count();
    Table::ALL.into_iter().filter(|table| fits(*table) > 0).max_by_key(|table| fits(*table))
}

fn fits(table: Table, cells: &StringRecord) -> bool {
    let number = |column| {
        let cell = cells.get(column).unwrap_or_default().trim();
        !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit())
    };
    let second = match table {
        Table::Subjects | Table::Comments => true,
        Table::Aliases | Table::Addresses => number(1),
    };
    cells.len() == table.columns() && number(0) && second
}

/// True for a line of nothing but 0x1A and spaces.
fn is_end_mark(cells: &StringRecord) -> bool {
    cells.len() == 1 && cells.get(0).is_some_and(|cell| cell.bytes().all(is_ending))
}

/// True if the last row has its line end; behind it may stand only 0x1A, spaces and more line ends.
fn ends_with_a_line(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|b| is_ending(**b)).any(|b| *b == b'\n')
}

const fn is_ending(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x1a
}
