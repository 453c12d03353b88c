//! What is asked: the merged view of all logs, and whether a name or an identifier stands in it.
//!
//! In scope: the [`View`], derived in memory from the opened changes of every origin, kept up by one change at a
//! time and rebuilt at start; the current records of one list, for importers; exact identifiers, codes of goods that
//! cover each other and normalised names, with the reason of each [`Hit`]; who says that two listings are about one
//! subject; the editions of control lists and tariffs, and what was written against an older one.
//!
//! Out of scope: reading and verifying entries (`ledger`), who may be told (`policy`), what a record is
//! (`watchlist`), freshness and frozen origins (`node`). Records of different origins never overwrite each other,
//! and nothing here reads a clock, a file or randomness.

mod chain;
mod fold;
mod hit;
mod id_key;
mod index;
mod joined;
pub mod limits;
mod listed;
mod log;
mod name_key;
mod origin;
mod package;
mod query;
mod screen;
mod statement;
mod view;
mod vocabulary;

pub use chain::{Conflict, Status};
pub use hit::{Answer, GoodsRelation, Hit, HitState, Matched, NameOrder, ScopeMatch};
pub use joined::Joined;
pub use listed::{Ended, Listed};
pub use origin::{LogOrigin, OriginError, Provenance};
pub use query::{IdQuery, NameQuery, Query, QueryError};
pub use statement::{Stated, StatementState, Subject};
pub use view::{Outcome, View, ViewError};
pub use vocabulary::{CodeStanding, Edition, EditionState, Editions, OldCodes};
