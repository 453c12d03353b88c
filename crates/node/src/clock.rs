//! The wall clock, read here and nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use comity_ledger::AuthorTime;

/// The time now, in whole seconds; a clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub fn now() -> AuthorTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    AuthorTime::from_unix_secs(since.as_secs())
}
