//! The named limits of the view and of a query, with the reason for each.
//!
//! Not for: limits of records, which live in `watchlist`.

use comity_watchlist::limits::TEXT_BYTES_MAX;

/// Bytes of a query: any name or identifier that a record can hold can be asked for.
pub const QUERY_BYTES_MAX: usize = TEXT_BYTES_MAX;

/// Hits of one answer: more than a person reads, and a few hundred kilobytes at most. They are shared out over the
/// origins in turn, so that no agency's records can push another's out of the answer.
pub const HITS_MAX: usize = 200;

/// Opened and unopened changes of one listing that the view follows: a change a day for eleven years. It bounds the
/// work of taking in a change that is opened late.
pub const CHANGES_MAX: usize = 4_096;

/// Unopened changes in a row that a later change may follow. It bounds the walk back from a change to the one before.
pub const UNOPENED_RUN_MAX: usize = 256;

/// Listings of one view: what the 32-bit numbers of the indexes can tell apart.
pub const LISTINGS_MAX: u32 = u32::MAX;

/// Same-as statements about one listing in an answer: more than a person reads.
pub const STATEMENTS_MAX: usize = 256;

/// Listings that one agency's statements join to one that was asked for: more than the lists have of one subject, and it
/// bounds the walk from one to the next.
pub const SUBJECT_LISTINGS_MAX: usize = 64;
