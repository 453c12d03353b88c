//! Who checks it: offline verification of an audit bundle, and its report.
//!
//! The auditor trusts no node: it reads files, recomputes every hash, tile, root and commitment, and verifies
//! every signature with keys that it was given by another way. Out of scope: making bundles (`comity-node`),
//! network and database of any kind.

mod folder;
mod history;
mod keys;
mod report;
mod sections;
mod verify;

pub use keys::{KEY_FILE_BYTES_MAX, KeyFileError, TrustedKeys};
pub use report::{Checks, FAILURES_LISTED_MAX, Failure, LogReport, Report};
pub use verify::verify;
