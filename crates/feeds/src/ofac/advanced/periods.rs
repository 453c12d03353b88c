//! Dates of the Advanced XML: days, and periods with a range for their start and one for their end.

use comity_watchlist::{FuzzyDate, PartialDate, Span};

use crate::ofac::dates;
use crate::xml::Element;

/// A day out of `Year`, `Month` and `Day`.
pub(super) fn day(element: &Element) -> Option<PartialDate> {
    let part = |name| element.word(name)?.parse::<u16>().ok();
    let small = |name| u8::try_from(part(name)?).ok();
    PartialDate::day(part("Year")?, small("Month")?, small("Day")?).ok()
}

/// Reads a period, or gives `None` if it is not fully understood.
pub(super) fn read(period: &Element) -> Option<FuzzyDate> {
    let (start, end) = (period.first("Start")?, period.first("End")?);
    let (first, last) = (bound(start)?, bound(end)?);
    let mut date = FuzzyDate::new(span(first, last)?);
    date.circa = [start, end].iter().any(|bound| bound.attribute("Approximate") == Some("true"));
    Some(date)
}

/// Leaves out what [`read`] understood.
pub(super) fn leave_out(period: &mut Element) {
    if read(period).is_some() {
        period.take("Start");
        period.take("End");
    }
}

/// The one day that a bound says, if it says one and nothing of it is fixed.
fn bound(element: &Element) -> Option<PartialDate> {
    let (from, to) = (element.first("From")?, element.first("To")?);
    let day = day(from).filter(|from| Some(*from) == day(to))?;
    let fixed = ["YearFixed", "MonthFixed", "DayFixed"];
    let plain = fixed.iter().all(|flag| element.attribute(flag).is_none_or(|value| value == "false"));
    plain.then_some(day)
}

/// The shortest way to say the days from the first to the last: a day, a month, a year, or a range.
fn span(first: PartialDate, last: PartialDate) -> Option<Span> {
    let year = first.year_number();
    let month = first.month_number().and_then(|month| PartialDate::month(year, month).ok());
    let whole = [Some(first), month, PartialDate::year(year).ok()];
    let fits = |on: &PartialDate| {
        dates::bounds(&FuzzyDate::from(*on)) == Some((first.to_string(), last.to_string()))
    };
    let on = whole.into_iter().flatten().find(fits).map(Span::On);
    on.or_else(|| Span::between(first, last).ok())
}
