//! The rows of OFAC's tables: which table a file is, and its cells.

use comity_watchlist::{SourceFile, Text};
use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::rows::Rows;
use crate::stream::{Characters, Line, Lines, Stream};

/// Rows that are looked at to tell a table: a bad first row must not hide what the file is.
const DETECT_ROWS: usize = 20;

/// Bytes of a line that is looked at for its number.
const LINE_BYTES_MAX: usize = 64 << 10;

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
}

/// The rows of a table that are read one after another, beside those of others.
pub(super) struct Cursor<'a> {
    table: Table,
    rows: Rows<'a>,
    /// Whether the row that it stands on could be read.
    is_read: bool,
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
        if input.begins_as_xml()? {
            return Err(FeedError::NoTable { file: input.name.to_owned() });
        }
        let name = input.name.to_owned();
        let survey = input.survey()?;
        let encoding = if survey.first_bad_line.is_none() { Encoding::Utf8 } else { Encoding::Latin1 };
        let table = tell(&mut Rows::of(Stream::of(input, encoding, Characters::Any), b','));
        let table = table.map_err(|columns| FeedError::UnknownColumns { file: name.clone(), columns })?;
        if !survey.ends_with_a_line {
            return Err(FeedError::CutOff { file: name });
        }
        Ok(Self { name, table, encoding, input: *input })
    }

    /// Whether the numbers of its rows ascend, so that it can be read beside the other tables. Looked at line by line, of
    /// which each row is one or more: where a line says anything else, the answer is no.
    pub(super) fn ascends(&self) -> Result<bool, FeedError> {
        let mut lines = Lines::of(Stream::of(&self.input, self.encoding, Characters::Any));
        let mut last = 0;
        while let Some((_, line)) = lines.next(LINE_BYTES_MAX) {
            let Line::Text(line) = line else { return Ok(false) };
            if line.bytes().all(is_ending) {
                continue;
            }
            // A line end of its own begins a row for the reader of tables.
            let number =
                line.split_once(',').filter(|_| !line.contains('\r')).and_then(|(number, _)| digits(number));
            let Some(number) = number.filter(|number| *number >= last) else { return Ok(false) };
            last = number;
        }
        lines.check(&self.name)?;
        Ok(true)
    }

    /// Its rows from the beginning.
    pub(super) fn cursor(&self) -> Cursor<'a> {
        let stream = Stream::of(&self.input, self.encoding, Characters::Any);
        Cursor { table: self.table, rows: Rows::of(stream, b','), is_read: false }
    }

    pub(super) fn source(&self) -> Result<SourceFile, FeedError> {
        // A file name that no record can hold is the caller's, not the publisher's: name the table instead.
        let name = Text::new(self.name.clone()).or_else(|_| Text::new(self.table.name()));
        let name = name.map_err(|_| FeedError::NoPrimary)?;
        Ok(SourceFile::new(name, self.input.sha256))
    }

    /// Hands over every row with its line, bad ones with the reason.
    pub(super) fn each(&self, mut take: impl FnMut(u64, Result<Row<'_>, Refused>)) -> Result<(), FeedError> {
        let mut cursor = self.cursor();
        while let Some(line) = cursor.advance() {
            take(line, cursor.row(line));
        }
        cursor.check(&self.name)
    }
}

impl Cursor<'_> {
    /// Goes on to the next row, and gives its line; the end mark is no row.
    pub(super) fn advance(&mut self) -> Option<u64> {
        loop {
            let (line, cells) = self.rows.advance()?;
            if !cells.is_some_and(is_end_mark) {
                self.is_read = cells.is_some();
                return Some(line);
            }
        }
    }

    /// The row that it stands on, or why it is none of its table.
    pub(super) fn row(&self, line: u64) -> Result<Row<'_>, Refused> {
        if !self.is_read {
            return Err((None, RejectReason::Csv));
        }
        let row = Row { line, table: self.table, cells: self.rows.cells() };
        match row.misshape(self.table.columns()) {
            None => Ok(row),
            Some(reason) => Err((row.number(0, "ent_num").ok(), reason)),
        }
    }

    /// Refuses a table that broke off.
    pub(super) fn check(&self, file: &str) -> Result<(), FeedError> {
        self.rows.check(file)
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
        self::digits(digits).ok_or(RejectReason::NotNumber { column: name })
    }
}

/// A number of digits only: `parse` alone would take a sign.
fn digits(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// The table that most of the first rows of a text fit.
pub(super) fn detect(text: &str) -> Option<Table> {
    tell(&mut Rows::of_text(text, b',')).ok()
}

/// The table that most of the first rows fit, or the columns of the first.
fn tell(rows: &mut Rows<'_>) -> Result<Table, usize> {
    let (mut head, mut columns) = (Vec::new(), None);
    for _ in 0..DETECT_ROWS {
        let Some((_, cells)) = rows.advance() else { break };
        columns = columns.or(Some(cells.map_or(0, StringRecord::len)));
        head.extend(cells.cloned());
    }
    let fitting = |table: Table| head.iter().filter(|cells| fits(table, cells)).count();
    let told = Table::ALL.into_iter().filter(|table| fitting(*table) > 0).max_by_key(|table| fitting(*table));
    told.ok_or(columns.unwrap_or_default())
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

const fn is_ending(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x1a
}
