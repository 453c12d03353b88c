//! How agencies keep and exchange history: entries, sections, commitments, openings, frames, and the state
//! machines that move them.
//!
//! Out of scope: what a section says (`comity-watchlist`, `comity-policy`), where anything is kept
//! (`comity-store`), how it travels (`comity-wire`). Payloads are opaque bytes here; time and randomness are
//! arguments.

mod name;

pub use name::{AgencyId, NameError, Origin};
