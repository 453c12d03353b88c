//! How agencies keep and exchange history: entries, sections, commitments, openings, frames, and the state
//! machines that move them.
//!
//! Out of scope: what a section says (`comity-watchlist`, `comity-policy`), where anything is kept
//! (`comity-store`), how it travels (`comity-wire`). Payloads are opaque bytes here; time and randomness are
//! arguments.

mod author;
mod batch;
mod card;
mod commitment;
mod disclosed;
mod doubt;
mod draft;
mod entropy;
mod entry;
mod error;
mod fingerprint;
mod frame;
mod genesis;
mod lock;
mod manifest;
mod name;
mod opening;
mod replica;
mod slot;

pub use author::Author;
pub use batch::{BATCH_ENTRIES_MAX, BatchError, DurableBatch, Head, SignedBatch, StagedBatch, TileHash};
pub use card::{Card, CardError, CardIdentity};
pub use commitment::{Commitment, CommitmentContext, SECTION_BYTES_MAX, Salt};
pub use disclosed::{Disclosed, DisclosedError, DisclosedSection, DisclosedSections};
pub use doubt::{Doubt, Older};
pub use draft::{Draft, SealedEntry};
pub use entropy::{Entropy, EntropyError};
pub use entry::{AuthorTime, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryBytes, EntryId};
pub use error::{EntryError, OpeningError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use frame::{FRAME_BYTES_MAX, FRAME_ENTRIES_MAX, Frame};
pub use genesis::Genesis;
pub use lock::{Found, LockedHead, Resume, Role};
pub use manifest::{BUNDLE_FORMAT, BUNDLE_LOGS_MAX, Manifest, ManifestLog, openings_path};
pub use name::{AgencyId, NameError, Origin};
pub use opening::{Opening, VerifiedOpening};
pub use replica::{AWAITED_MAX, Rejection, Replica, VerifiedFrame};
pub use slot::{Kind, Slot};
