//! Times as people read them.

use comity_watchlist::CalendarDate;

/// Seconds since 1970 as date and time; what no calendar has, as seconds.
pub(crate) fn utc(secs: u64) -> String {
    let (minutes, hours) = (secs / 60 % 60, secs / 3_600 % 24);
    match CalendarDate::of_unix_secs(secs) {
        Ok(date) => format!("{date} {hours:02}:{minutes:02}:{:02} UTC", secs % 60),
        Err(_) => format!("{secs} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_people_read_them() {
        assert_eq!(utc(1_780_000_000), "2026-05-28 20:26:40 UTC");
        assert_eq!(utc(u64::MAX), "18446744073709551615 s after 1970");
    }
}
