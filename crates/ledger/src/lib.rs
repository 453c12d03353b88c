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
mod cosigned;
mod disclosed;
mod doubt;
mod draft;
mod entropy;
mod entry;
mod erasure;
mod error;
mod evidence;
mod evidence_entry;
mod fingerprint;
mod frame;
mod genesis;
mod gossip;
mod heads;
mod key_event;
mod key_event_line;
mod key_finding;
mod key_history;
mod key_role;
mod key_span;
mod lock;
mod manifest;
mod name;
mod opening;
mod rejection;
mod replica;
mod seen;
mod slot;
#[cfg(test)]
mod test_log;
mod two_geneses;
mod witness;

pub use author::Author;
pub use batch::{BATCH_ENTRIES_MAX, BatchError, DurableBatch, Head, SignedBatch, StagedBatch, TileHash};
pub use card::{Card, CardError, CardIdentity, read_identity};
pub use commitment::{Commitment, CommitmentContext, SECTION_BYTES_MAX, Salt};
pub use cosigned::{CLOCK_SKEW_SECS_MAX, COSIGNERS_MAX, Cosigned, LineTaken};
pub use disclosed::{Disclosed, DisclosedError, DisclosedSection, DisclosedSections};
pub use doubt::{Doubt, Older};
pub use draft::{Draft, SealedEntry};
pub use entropy::{Entropy, EntropyError};
pub use entry::{AuthorTime, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryBytes, EntryId};
pub use erasure::{erased_by, erasure};
pub use error::{EntryError, OpeningError};
pub use evidence::{Contradiction, EVIDENCE_BYTES_MAX, Evidence, EvidenceError, TwoTrees};
pub use evidence_entry::{EvidenceEntry, Signed};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use frame::{FRAME_BYTES_MAX, FRAME_ENTRIES_MAX, Frame};
pub use genesis::{Genesis, Succession};
pub use gossip::{Gossip, Gossiped, PeerHeads, compare};
pub use heads::{Beginning, Generation, HeadDigest, HeadNews, HeadUpdate, OriginDigest, digest_of_digests};
pub use key_event::{KeyAct, KeyEvent, KeyEventSigners, UnsignedKeyEvent};
pub use key_event_line::KEY_EVENTS_PATH;
pub use key_finding::{CheckpointKeyError, KeyFinding};
pub use key_history::{KEYS_MAX, KeyHistory, Past};
pub use key_role::{KeyRole, RoleKey};
pub use key_span::{KeyEnd, KeySpan};
pub use lock::{Found, LockedHead, Resume, Role};
pub use manifest::{BUNDLE_FORMAT, BUNDLE_LOGS_MAX, Manifest, ManifestLog, openings_path};
pub use name::{AgencyId, NameError, Origin};
pub use opening::{Opening, VerifiedOpening};
pub use rejection::Rejection;
pub use replica::{AWAITED_MAX, Replica, VerifiedFrame};
pub use seen::Seen;
pub use slot::{Kind, Slot};
pub use two_geneses::TwoGeneses;
pub use witness::{CosignIntent, HeldHead, Witness, WitnessRefusal};
