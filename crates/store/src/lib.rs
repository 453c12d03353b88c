//! Where it is kept: logs, sealed sections, keyring and sign-lock, durable and atomic.
//!
//! In scope: bytes on disk, their order and their syncing. Nothing is acknowledged, cosigned or sent before the
//! sync that this crate makes. Out of scope: what entries mean (`comity-ledger`), who may sign (`comity-node`).
//! No type of the database leaves this crate: a second engine will stand beside it.

mod anew;
mod backup;
mod chunk_value;
mod cosigned;
mod db;
mod entries;
mod erasure;
mod error;
mod evidence;
mod files;
mod first_quorum;
mod flush_watch;
mod goes_on;
mod held_back;
mod key_page;
mod key_pages;
mod keyring;
mod keys;
mod late;
mod log_id;
mod medium;
mod passing;
mod pieces;
mod pins;
mod read;
mod recovery;
mod releases;
mod replica;
mod reserve;
mod rows;
mod seal;
mod sections;
mod seen;
mod set_aside;
mod sign_lock;
mod store;
mod synchronous;
mod tiles;
mod upgrade;
mod writes;

pub use entries::CHUNK_ENTRIES;
pub use error::StoreError;
pub use evidence::{EvidenceKept, has_place};
pub use goes_on::GoesOn;
pub use held_back::HeldBack;
pub use keyring::Kek;
pub use read::{ReadError, Scrubbed};
pub use recovery::Returning;
pub use releases::{Booking, Disclosed, RELEASE_BATCH_MAX, ReleaseCursor};
pub use replica::ReplicaStep;
pub use set_aside::is_set_aside;
pub use sign_lock::SignLock;
pub use store::{LogRole, Store, StorePaths};
pub use tiles::TreeNodes;
