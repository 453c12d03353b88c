//! The rows of a table with separators, each with the line on which it begins.
//!
//! Not for: which columns a table has, and what they mean (`ofac`, `us`).

use csv::{ReaderBuilder, StringRecord};

/// The rows with the line on which each begins; `None` for one that is no text.
pub(crate) fn records(text: &str, delimiter: u8) -> impl Iterator<Item = (u64, Option<StringRecord>)> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    let mut records = builder.from_reader(text.as_bytes()).into_records();
    std::iter::from_fn(move || {
        let before = records.reader().position().clone();
        let line = before.line() + line_ends_at(text, before.byte());
        records.next().map(|row| (line, row.ok()))
    })
}

/// Line ends that stand before the next row: the reader stops between the two bytes of a CRLF, and steps over empty
/// lines only when it is asked for the row behind them.
fn line_ends_at(text: &str, byte: u64) -> u64 {
    let rest = usize::try_from(byte).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
    let ends = rest.iter().take_while(|b| matches!(**b, b'\r' | b'\n'));
    ends.map(|b| u64::from(*b == b'\n')).sum()
}
