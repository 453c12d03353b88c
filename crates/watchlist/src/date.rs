//! Dates as the lists know them: to the year, month or day, about, between, before, after, and as written.
//!
//! Not for: reading a source's notation (`feeds`), or instants and witnessed time (`ledger`).

use std::fmt;

use thiserror::Error;

use crate::cbor::{Fields, Value};
use crate::error::RecordError;
use crate::form::{self, Form};
use crate::length::{Item, Put};
use crate::text::Text;

/// A day of the Gregorian calendar that exists, from year 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate {
    year: u16,
    month: u8,
    day: u8,
}

/// A year, a month of a year, or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

/// Why numbers are no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DateError {
    /// Outside year 1 to 9999.
    #[error("year {year} is outside 1 to 9999")]
    Year {
        /// The year.
        year: u64,
    },
    /// Outside month 1 to 12.
    #[error("month {month} does not exist")]
    Month {
        /// The month.
        month: u64,
    },
    /// A day that its month does not have.
    #[error("day {day} does not exist in its month")]
    Day {
        /// The day.
        day: u64,
    },
    /// Not `yyyy-mm-dd`, `yyyy-mm` or `yyyy`.
    #[error("not of the form yyyy-mm-dd")]
    Form,
    /// An end that lies before its begin.
    #[error("the range ends before it begins")]
    Range,
}

/// Where a date lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// On or in.
    On(PartialDate),
    /// Between two dates, both included; the first is not the later one.
    Between(PartialDate, PartialDate),
    /// Not later than.
    Before(PartialDate),
    /// Not earlier than.
    After(PartialDate),
}

/// A date with its doubt. At least one of `span` and `verbatim` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuzzyDate {
    /// Where it lies, if it could be understood.
    pub span: Option<Span>,
    /// True if the source says "circa" or "approximately".
    pub circa: bool,
    /// As the source wrote it, where that says more than the span.
    pub verbatim: Option<Text>,
    unknown: Fields,
}

/// What happened on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FactKind {
    /// Birth of a person.
    Birth,
    /// Death of a person.
    Death,
    /// Founding of an organisation.
    Founded,
    /// End of an organisation.
    Dissolved,
    /// Building of a vessel or an aircraft.
    Built,
    /// A code that this program does not know.
    Unknown(u64),
}

/// Something that happened to the subject, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedFact {
    /// What happened.
    pub kind: FactKind,
    /// When.
    pub date: FuzzyDate,
    /// A remark of the source.
    pub note: Option<Text>,
    unknown: Fields,
}

impl CalendarDate {
    /// The last day that can be written.
    pub const LAST: Self = Self { year: 9_999, month: 12, day: 31 };

    /// Takes a day.
    ///
    /// # Errors
    /// [`DateError`] if there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, DateError> {
        PartialDate::day(year, month, day)?;
        Ok(Self { year, month, day })
    }

    /// The day in UTC of a time given in seconds since 1970-01-01.
    ///
    /// # Errors
    /// [`DateError`] if it lies after the year 9999.
    pub fn of_unix_secs(secs: u64) -> Result<Self, DateError> {
        // Days are counted from 0000-03-01, so that a leap day ends its year; 400 years have 146,097 days.
        let days = secs / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let part = |value: u64| u8::try_from(value).unwrap_or(u8::MAX);
        Self::new(u16::try_from(year).unwrap_or(u16::MAX), part(month), part(day))
    }

    /// Parses `yyyy-mm-dd`.
    ///
    /// # Errors
    /// [`DateError`] if it is not of that form or there is no such day.
    pub fn parse(value: &str) -> Result<Self, DateError> {
        match PartialDate::parse(value)? {
            PartialDate { year, month: Some(month), day: Some(day) } => Ok(Self { year, month, day }),
            PartialDate { .. } => Err(DateError::Form),
        }
    }
}

impl PartialDate {
    /// A whole year.
    ///
    /// # Errors
    /// [`DateError::Year`] outside 1 to 9999.
    pub fn year(year: u16) -> Result<Self, DateError> {
        if !(1..=9999).contains(&year) {
            return Err(DateError::Year { year: year.into() });
        }
        Ok(Self { year, month: None, day: None })
    }

    /// A whole month.
    ///
    /// # Errors
    /// [`DateError`] if there is no such month.
    pub fn month(year: u16, month: u8) -> Result<Self, DateError> {
        if !(1..=12).contains(&month) {
            return Err(DateError::Month { month: month.into() });
        }
        Ok(Self { month: Some(month), ..Self::year(year)? })
    }

    /// A day.
    ///
    /// # Errors
    /// [`DateError`] if there is no such day.
    pub fn day(year: u16, month: u8, day: u8) -> Result<Self, DateError> {
        let whole = Self::month(year, month)?;
        if day == 0 || day > days_in(year, month) {
            return Err(DateError::Day { day: day.into() });
        }
        Ok(Self { day: Some(day), ..whole })
    }

    /// Parses `yyyy-mm-dd`, `yyyy-mm` or `yyyy`.
    ///
    /// # Errors
    /// [`DateError`] if it is none of these or the date does not exist.
    pub fn parse(value: &str) -> Result<Self, DateError> {
        let number = |part: &str, width: usize| {
            let digits = part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten().ok_or(DateError::Form)
        };
        let short = |part: &str| u8::try_from(number(part, 2)?).map_err(|_| DateError::Form);
        let mut parts = value.split('-');
        let year = number(parts.next().unwrap_or_default(), 4)?;
        match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => Self::year(year),
            (Some(month), None, None) => Self::month(year, short(month)?),
            (Some(month), Some(day), None) => Self::day(year, short(month)?, short(day)?),
            _ => Err(DateError::Form),
        }
    }

    /// The year, 1 to 9999.
    pub const fn year_number(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, if it is known.
    pub const fn month_number(self) -> Option<u8> {
        self.month
    }

    /// The day, 1 to 31, if it is known.
    pub const fn day_number(self) -> Option<u8> {
        self.day
    }

    fn put<M: Put>(self, fields: &mut M, key: u64) {
        let parts = [u64::from(self.year), self.month.map_or(0, u64::from), self.day.map_or(0, u64::from)];
        let told = 1 + usize::from(self.month.is_some()) + usize::from(self.day.is_some());
        fields.items(key, parts.into_iter().take(told).map(Item::Unsigned));
    }

    fn from_value(field: &'static str, value: &Value) -> Result<Self, RecordError> {
        let bad = |source| RecordError::Date { field, source };
        let Value::Array(items) = value else { return Err(RecordError::Invalid { field }) };
        let small = |month: u64| u8::try_from(month).map_err(|_| bad(DateError::Month { month }));
        let whole = |year: u64| u16::try_from(year).map_err(|_| bad(DateError::Year { year }));
        match *items.as_slice() {
            [Value::Unsigned(year)] => Self::year(whole(year)?).map_err(bad),
            [Value::Unsigned(year), Value::Unsigned(month)] => {
                Self::month(whole(year)?, small(month)?).map_err(bad)
            }
            [Value::Unsigned(year), Value::Unsigned(month), Value::Unsigned(day)] => {
                let day = u8::try_from(day).map_err(|_| bad(DateError::Day { day }))?;
                Self::day(whole(year)?, small(month)?, day).map_err(bad)
            }
            _ => Err(RecordError::Invalid { field }),
        }
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

impl From<CalendarDate> for PartialDate {
    fn from(date: CalendarDate) -> Self {
        Self { year: date.year, month: Some(date.month), day: Some(date.day) }
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PartialDate::from(*self).fmt(f)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        self.month.map_or(Ok(()), |month| write!(f, "-{month:02}"))?;
        self.day.map_or(Ok(()), |day| write!(f, "-{day:02}"))
    }
}

impl Span {
    /// A range between two dates.
    ///
    /// # Errors
    /// [`DateError::Range`] if the last lies before the first.
    pub fn between(first: PartialDate, last: PartialDate) -> Result<Self, DateError> {
        // An unknown month or day of the end counts as its latest, so "Mar 1950 to 1950" is a range.
        let end = (last.year, last.month.unwrap_or(12), last.day.unwrap_or(31));
        if (first.year, first.month.unwrap_or(1), first.day.unwrap_or(1)) > end {
            return Err(DateError::Range);
        }
        Ok(Self::Between(first, last))
    }
}

impl FuzzyDate {
    /// A date that was understood.
    pub const fn new(span: Span) -> Self {
        Self { span: Some(span), circa: false, verbatim: None, unknown: Fields::new() }
    }

    /// A date kept only as written.
    pub const fn verbatim(text: Text) -> Self {
        Self { span: None, circa: false, verbatim: Some(text), unknown: Fields::new() }
    }
}

impl From<PartialDate> for FuzzyDate {
    fn from(date: PartialDate) -> Self {
        Self::new(Span::On(date))
    }
}

impl Form for FuzzyDate {
    const FIELD: &'static str = "date";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        let (on, from, to) = match self.span {
            None => (None, None, None),
            Some(Span::On(date)) => (Some(date), None, None),
            Some(Span::Between(first, last)) => {
                Span::between(first, last)
                    .map_err(|source| RecordError::Date { field: Self::FIELD, source })?;
                (None, Some(first), Some(last))
            }
            Some(Span::Before(last)) => (None, None, Some(last)),
            Some(Span::After(first)) => (None, Some(first), None),
        };
        for (key, date) in [(1, on), (2, from), (3, to)] {
            if let Some(date) = date {
                date.put(fields, key);
            }
        }
        form::put_flag(fields, 4, self.circa);
        form::put_text(fields, 5, self.verbatim.as_ref());
        if self.span.is_none() && self.verbatim.is_none() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let mut date =
            |key| fields.take(key).map(|value| PartialDate::from_value(Self::FIELD, &value)).transpose();
        let span = match (date(1)?, date(2)?, date(3)?) {
            (None, None, None) => None,
            (Some(on), None, None) => Some(Span::On(on)),
            (None, Some(first), Some(last)) => Some(
                Span::between(first, last)
                    .map_err(|source| RecordError::Date { field: Self::FIELD, source })?,
            ),
            (None, None, Some(last)) => Some(Span::Before(last)),
            (None, Some(first), None) => Some(Span::After(first)),
            (Some(_), _, _) => return Err(RecordError::Invalid { field: Self::FIELD }),
        };
        let circa = form::take_flag(&mut fields, 4, "date.circa")?;
        let verbatim = form::take_text(&mut fields, 5, "date.verbatim")?;
        if span.is_none() && verbatim.is_none() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(Self { span, circa, verbatim, unknown: fields })
    }
}

impl FactKind {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Birth => 1,
            Self::Death => 2,
            Self::Founded => 3,
            Self::Dissolved => 4,
            Self::Built => 5,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Birth,
            2 => Self::Death,
            3 => Self::Founded,
            4 => Self::Dissolved,
            5 => Self::Built,
            _ => Self::Unknown(code),
        }
    }
}

impl DatedFact {
    /// A fact without a remark.
    pub const fn new(kind: FactKind, date: FuzzyDate) -> Self {
        Self { kind, date, note: None, unknown: Fields::new() }
    }
}

impl Form for DatedFact {
    const FIELD: &'static str = "facts";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.kind.code());
        form::put_form(fields, 2, Some(&self.date))?;
        form::put_text(fields, 3, self.note.as_ref());
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let code = form::required("facts.kind", form::typed("facts.kind", fields.take_unsigned(1))?)?;
        let date = form::required("facts.date", form::take_form(&mut fields, 2)?)?;
        let note = form::take_text(&mut fields, 3, "facts.note")?;
        Ok(Self { kind: FactKind::from_code(code), date, note, unknown: fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_does_not_exist_is_refused() {
        assert!(PartialDate::day(2000, 2, 29).is_ok());
        assert_eq!(PartialDate::day(1900, 2, 29), Err(DateError::Day { day: 29 }));
        assert_eq!(PartialDate::day(2001, 4, 31), Err(DateError::Day { day: 31 }));
        assert_eq!(PartialDate::year(0), Err(DateError::Year { year: 0 }));
        assert_eq!(PartialDate::month(2000, 13), Err(DateError::Month { month: 13 }));
        assert_eq!(CalendarDate::parse("2022-01"), Err(DateError::Form));
        assert_eq!(CalendarDate::parse("2022-01-31").unwrap().to_string(), "2022-01-31");
        assert_eq!(PartialDate::parse("22-01-31"), Err(DateError::Form));
    }

    #[test]
    fn seconds_since_1970_give_their_day() {
        for (secs, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_675_199, "2026-12-30"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(CalendarDate::of_unix_secs(secs).unwrap().to_string(), day, "{secs}");
        }
        assert!(CalendarDate::of_unix_secs(253_402_300_800).is_err());
        assert!(CalendarDate::of_unix_secs(u64::MAX).is_err());
    }

    #[test]
    fn a_range_does_not_end_before_it_begins() {
        let (early, late) = (PartialDate::year(1950).unwrap(), PartialDate::month(1950, 3).unwrap());
        assert!(Span::between(late, early).is_ok());
        assert_eq!(Span::between(PartialDate::year(1951).unwrap(), late), Err(DateError::Range));
        let date = FuzzyDate::new(Span::Between(PartialDate::year(1951).unwrap(), late));
        assert!(date.to_fields().is_err());
    }

    #[test]
    fn every_span_survives_the_byte_form() {
        let (first, last) = (PartialDate::year(1950).unwrap(), PartialDate::day(1951, 3, 9).unwrap());
        for span in [Span::On(last), Span::Between(first, last), Span::Before(last), Span::After(first)] {
            let date = FuzzyDate { circa: true, ..FuzzyDate::new(span) };
            assert_eq!(FuzzyDate::from_fields(date.to_fields().unwrap()).unwrap(), date);
        }
        assert!(FuzzyDate::from_fields(Fields::new()).is_err());
    }
}
