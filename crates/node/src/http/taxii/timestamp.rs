//! Times as TAXII 2.1 (section 2) has them: RFC 3339 in UTC, to the microsecond.
//!
//! Not here: the times of objects (`feeds`), nor which time an entry gets (`catalogue`).

use comity_watchlist::CalendarDate;

/// Seconds of a day.
const DAY_SECS: u64 = 86_400;

/// A time, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(pub(super) u64);

impl Micros {
    /// The beginning of a second; the last there is if it lies beyond.
    pub(super) const fn of_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The time so much later.
    pub(super) const fn plus(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS.ssssssZ`; fewer digits behind the point, or more, are taken too, and what is below a
    /// microsecond is cut off. A time before 1970 is 1970: nothing was added before.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
        let [hour, minute, second] = parts(clock, ':')?;
        if clock.len() != 8 || day.len() != 10 || hour > 23 || minute > 59 || second > 60 || !digits(fraction)
        {
            return None;
        }
        CalendarDate::parse(day).ok()?;
        let [year, month, day] = parts(day, '-')?;
        let secs = days_to(year, month, day).map_or(0, |days| {
            days.saturating_mul(DAY_SECS).saturating_add(hour * 3_600 + minute * 60 + second)
        });
        let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
        Some(Self::of_secs(secs).plus(kept.parse().ok()?))
    }
}

impl std::fmt::Display for Micros {
    /// What lies beyond the year 9999 is its last microsecond.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.min(253_402_300_799_999_999);
        let (secs, rest) = (micros / 1_000_000, micros % 1_000_000);
        // Every second up to then has a day.
        let day = CalendarDate::of_unix_secs(secs).map_or_else(|_| String::new(), |day| day.to_string());
        let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
        write!(f, "{day}T{hour:02}:{minute:02}:{second:02}.{rest:06}Z")
    }
}

/// Three numbers between signs.
fn parts(text: &str, sign: char) -> Option<[u64; 3]> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let mut found = text.split(sign).map(number);
    let read = [found.next()??, found.next()??, found.next()??];
    found.next().is_none().then_some(read)
}

/// Days from 1970-01-01 to a day; `None` for one before. Years are counted from March, so that a leap day ends its
/// year.
fn days_to(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let from_march = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (from_march * 153 + 2) / 5 + day;
    // The same count for 1970-01-01.
    days.checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back() {
        for text in [
            "1970-01-01T00:00:00.000000Z",
            "1972-02-29T23:59:59.999999Z",
            "2000-03-01T12:30:45.000001Z",
            "2026-11-30T10:00:00.123456Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(Micros::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Micros::of_secs(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Micros::parse("1970-01-02T00:00:00Z"), Some(Micros(86_400_000_000)));
        assert_eq!(Micros::parse("1970-01-01T00:00:01.5Z"), Some(Micros(1_500_000)));
        assert_eq!(Micros::parse("1970-01-01T00:00:00.0000019Z"), Some(Micros(1)));
        assert_eq!(Micros::parse("0001-01-01T00:00:00Z"), Some(Micros(0)));
    }

    #[test]
    fn whatever_is_no_such_time_is_refused() {
        for text in [
            "",
            "Z",
            "T",
            "2026-11-30",
            "2026-11-30T10:00:00",
            "2026-11-30T10:00:00+00:00",
            "2026-11-31T10:00:00Z",
            "2026-11-30T24:00:00Z",
            "2026-11-30T10:60:00Z",
            "2026-11-30T10:00:61Z",
            "2026-11-30T10:00:00.Z",
            "2026-11-30T10:00:00.1x2Z",
            "2026-11-30 10:00:00Z",
            "2026-11-30T+1:00:00Z",
            "2026-11-30T10:00:00.-1Z",
            "99999-01-01T00:00:00Z",
            "2026-1-1T00:00:00Z",
            "２026-11-30T10:00:00Z",
        ] {
            assert_eq!(Micros::parse(text), None, "{text}");
        }
    }
}
