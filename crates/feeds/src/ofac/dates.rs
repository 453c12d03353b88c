//! Dates as OFAC writes them: `19 Apr 1947`, `Apr 1947`, `1947`, `circa 1962`, `1962 to 1965`, `circa 1979-1982`.

use comity_watchlist::{FuzzyDate, PartialDate, Span, Text};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a date, or `None` if it is not one of OFAC's forms or does not exist.
pub(super) fn parse(value: &str) -> Option<FuzzyDate> {
    let value = value.trim();
    let (circa, rest) = match value.strip_prefix("circa ") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let span = match rest.split_once(" to ").or_else(|| year_range(rest)) {
        Some((first, last)) => Span::between(partial(first)?, partial(last)?).ok()?,
        None => Span::On(partial(rest)?),
    };
    let mut date = FuzzyDate::new(span);
    date.circa = circa;
    Some(date)
}

/// Reads a date; one that is not understood is kept as written.
pub(super) fn parse_or_keep(value: &str) -> Option<FuzzyDate> {
    parse(value).or_else(|| Text::new(value.trim()).ok().map(FuzzyDate::verbatim))
}

/// The first and the last day of a date that is one day, month or year, as `yyyy-mm-dd`.
pub(super) fn bounds(date: &FuzzyDate) -> Option<(String, String)> {
    let Some(Span::On(on)) = date.span else { return None };
    let (year, month) = (on.year_number(), on.month_number());
    let day = |month, day: u8| PartialDate::day(year, month, day).ok();
    let first = day(month.unwrap_or(1), on.day_number().unwrap_or(1))?;
    let last_day = (28..=31).rev().find_map(|last| day(month.unwrap_or(12), last))?;
    let last = if on.day_number().is_some() { first } else { last_day };
    Some((first.to_string(), last.to_string()))
}

fn year_range(value: &str) -> Option<(&str, &str)> {
    value.split_once('-').filter(|(first, last)| first.len() == 4 && last.len() == 4)
}

fn partial(value: &str) -> Option<PartialDate> {
    let mut words = value.split_whitespace();
    match (words.next()?, words.next(), words.next(), words.next()) {
        (year, None, None, None) => PartialDate::year(number(year, 4)?).ok(),
        (name, Some(year), None, None) => PartialDate::month(number(year, 4)?, month(name)?).ok(),
        (day, Some(name), Some(year), None) => {
            let day = u8::try_from(number(day, 2)?).ok()?;
            PartialDate::day(number(year, 4)?, month(name)?, day).ok()
        }
        _ => None,
    }
}

fn month(name: &str) -> Option<u8> {
    // "September" as well as "Sep": the older remarks write months in full.
    let at = MONTHS.iter().position(|short| name.get(..3) == Some(short))?;
    u8::try_from(at + 1).ok()
}

fn number(digits: &str, width_max: usize) -> Option<u16> {
    let plain = digits.len() <= width_max && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_ofac_is_read_with_its_precision() {
        let day = PartialDate::day(1947, 4, 19).unwrap();
        assert_eq!(parse("19 Apr 1947"), Some(day.into()));
        assert_eq!(parse("Apr 1947"), Some(PartialDate::month(1947, 4).unwrap().into()));
        assert_eq!(parse("1947"), Some(PartialDate::year(1947).unwrap().into()));
        let year = |year| PartialDate::year(year).unwrap();
        let range = FuzzyDate::new(Span::between(year(1979), year(1982)).unwrap());
        assert_eq!(parse("1979 to 1982"), Some(range.clone()));
        let about = parse("circa 1979-1982").unwrap();
        assert!(about.circa && about.span == range.span);
        assert_eq!(
            parse("03 Sep 1962 to 07 Oct 1963").unwrap().span.map(|span| matches!(span, Span::Between(..))),
            Some(true)
        );
    }

    #[test]
    fn a_date_has_a_first_and_a_last_day() {
        let both = |value| bounds(&parse(value).unwrap());
        let pair = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        assert_eq!(both("1964"), pair("1964-01-01", "1964-12-31"));
        assert_eq!(both("Feb 1964"), pair("1964-02-01", "1964-02-29"));
        assert_eq!(both("05 Feb 1964"), pair("1964-02-05", "1964-02-05"));
        assert_eq!(both("1964 to 1966"), None);
    }

    #[test]
    fn what_is_no_date_is_kept_as_written() {
        for value in ["30 Feb 1960", "1965 to 1962", "the sixties", "19 Foo 1947", ""] {
            assert_eq!(parse(value), None, "{value}");
        }
        assert_eq!(parse_or_keep("30 Feb 1960").unwrap().verbatim.unwrap().as_str(), "30 Feb 1960");
    }
}
