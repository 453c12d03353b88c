//! The rows of a table with separators, each with the line on which it begins, one after another in the same memory.
//!
//! Not for: which columns a table has, and what they mean (`ofac`, `us`, `table`).

use std::io::BufRead as _;

use csv::StringRecord;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::error::FeedError;
use crate::stream::Stream;

/// Bytes of one row, far more than any record may have. A row that is longer has lost a quote: it is rejected, and no more
/// of it is held.
const ROW_BYTES_MAX: usize = 4 << 20;

/// Cells of one row, likewise: so many that a row of a hundred thousand is rejected for the number of its columns.
const CELLS_MAX: usize = 1 << 20;

/// The rows of a table.
pub(crate) struct Rows<'a> {
    stream: Stream<'a>,
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    cells: StringRecord,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(stream: Stream<'a>, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { stream, reader, bytes: vec![0; 4_096], ends: vec![0; 64], cells: StringRecord::new() }
    }

    /// The rows of a text in memory.
    pub(crate) fn of_text(text: &'a str, delimiter: u8) -> Self {
        Self::of(Stream::of_text(text), delimiter)
    }

    /// The next row with the line on which it begins; `None` in its place if it is too long. No more come behind the last,
    /// nor where the text breaks off: [`Rows::check`] tells which it was.
    pub(crate) fn advance(&mut self) -> Option<(u64, Option<&StringRecord>)> {
        // The reader steps over empty lines only when it is asked for the row behind them.
        self.stream.pass_line_ends().ok()?;
        let line = self.stream.line();
        let (mut bytes, mut ends, mut is_long) = (0, 0, false);
        loop {
            let piece = self.stream.fill_buf().ok()?;
            let into = self.bytes.get_mut(bytes..).unwrap_or_default();
            let into_ends = self.ends.get_mut(ends..).unwrap_or_default();
            let (result, taken, wrote, ended) = self.reader.read_record(piece, into, into_ends);
            self.stream.consume(taken);
            (bytes, ends) = (bytes + wrote, ends + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < ROW_BYTES_MAX => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < CELLS_MAX => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (bytes, ends, is_long) = (0, 0, true);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
            }
        }
        let read = !is_long && self.fill(bytes, ends);
        Some((line, read.then_some(&self.cells)))
    }

    /// Makes cells of the row; false if it is no text, which the stream would have told before.
    fn fill(&mut self, bytes: usize, ends: usize) -> bool {
        self.cells.clear();
        let Ok(text) = std::str::from_utf8(self.bytes.get(..bytes).unwrap_or_default()) else { return false };
        let mut begin = 0;
        for end in self.ends.get(..ends).unwrap_or_default() {
            let Some(cell) = text.get(begin..*end) else { return false };
            self.cells.push_field(cell);
            begin = *end;
        }
        true
    }

    /// The row that was read last.
    pub(crate) const fn cells(&self) -> &StringRecord {
        &self.cells
    }

    /// Refuses a text that broke off.
    pub(crate) fn check(&self, file: &str) -> Result<(), FeedError> {
        self.stream.check(file)
    }
}
