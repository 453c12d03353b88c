//! Values of a source as a record takes them: texts, dates, numbers, and lists without repetition.
//!
//! Not for: what a column or an element means, which each source knows.

use comity_watchlist::{FuzzyDate, PartialDate, Prose, RecordError, Span, Text};

use crate::error::RejectReason;

/// A single-line value as it is written.
pub(crate) fn text(column: &'static str, value: &str) -> Result<Text, RejectReason> {
    Text::new(value).map_err(|source| RejectReason::Text { column, source })
}

/// Running text as it is written.
pub(crate) fn prose(column: &'static str, value: &str) -> Result<Prose, RejectReason> {
    Prose::new(value).map_err(|source| RejectReason::Text { column, source })
}

/// `2012-12-31`, or the same with a time or an offset behind, which is kept as written; so is what is no date.
pub(crate) fn date(column: &'static str, value: &str) -> Result<FuzzyDate, RejectReason> {
    if let Ok(date) = PartialDate::parse(value) {
        return Ok(date.into());
    }
    let mut read = FuzzyDate::verbatim(text(column, value)?);
    read.span = value.get(..10).and_then(|day| PartialDate::parse(day).ok()).map(Span::On);
    Ok(read)
}

/// A number of digits alone; `parse` would take a sign too.
pub(crate) fn number(digits: &str) -> Option<u16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Refuses more values than a record can hold before any work is spent on them.
pub(crate) const fn at_most(field: &'static str, count: usize, max: usize) -> Result<(), RejectReason> {
    if count > max {
        return Err(RejectReason::Limits { source: RecordError::TooMany { field, count, max } });
    }
    Ok(())
}

/// Adds a value to a list unless it is there: sources repeat what is true of the subject in each row about it.
pub(crate) fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        push(list, value);
    }
}

/// Adds a value to a list that mostly stays short: with room for one, two, four, and not for four from the start.
pub(crate) fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len().max(1));
    }
    list.push(value);
}
