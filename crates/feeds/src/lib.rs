//! Where it comes from and goes to: official lists.
//!
//! In scope: parsers from the bytes of a publication to a [`Snapshot`] of canonical records, and [`diff`], which
//! turns a snapshot and the records held into the changes to sign.
//!
//! Out of scope: reading and hashing files (the caller), signing and storing (`ledger`, `store`), the record model
//! (`watchlist`). Nothing here reads a clock, a file or randomness.

mod diff;
mod error;
mod file;
mod guard;
pub mod ofac;
mod snapshot;
pub mod un;
mod xml;

pub use diff::{Amended, Current, Difference, Held, Options, diff};
pub use error::{FeedError, RejectReason, XmlFault};
pub use file::{Encoding, FILE_BYTES_MAX, Format, InputFile, detect};
pub use guard::{Detail, REMOVALS_BY_SHARE_MIN, REMOVALS_MAX, REMOVALS_PERCENT_MAX, Refusal};
pub use snapshot::{ReadFile, RejectedRow, Snapshot};
