//! The rows of a table with separators, each with the line on which it begins.
//!
//! Not for: which columns a table has, and what they mean (`ofac`, `us`).

use csv::{Reader, ReaderBuilder, StringRecord};

/// The rows of a table, read one after another into the same memory.
pub(crate) struct Rows<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    cells: StringRecord,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(text: &'a str, delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { text, reader: builder.from_reader(text.as_bytes()), cells: StringRecord::new() }
    }

    /// The next row with the line on which it begins; `None` in its place if it is no text.
    pub(crate) fn advance(&mut self) -> Option<(u64, Option<&StringRecord>)> {
        let before = self.reader.position();
        let line = before.line() + line_ends_at(self.text, before.byte());
        match self.reader.read_record(&mut self.cells) {
            Ok(false) => None,
            Ok(true) => Some((line, Some(&self.cells))),
            Err(_) => Some((line, None)),
        }
    }
}

/// The rows with the line on which each begins; `None` for one that is no text.
pub(crate) fn records(text: &str, delimiter: u8) -> impl Iterator<Item = (u64, Option<StringRecord>)> {
    let mut rows = Rows::of(text, delimiter);
    std::iter::from_fn(move || rows.advance().map(|(line, cells)| (line, cells.cloned())))
}

/// Line ends that stand before the next row: the reader stops between the two bytes of a CRLF, and steps over empty
/// lines only when it is asked for the row behind them.
fn line_ends_at(text: &str, byte: u64) -> u64 {
    let rest = usize::try_from(byte).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
    let ends = rest.iter().take_while(|b| matches!(**b, b'\r' | b'\n'));
    ends.map(|b| u64::from(*b == b'\n')).sum()
}
