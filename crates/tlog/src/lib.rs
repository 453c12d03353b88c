//! How history is proved: RFC 6962 hashing and proofs, and the C2SP formats that carry them
//! (signed note, checkpoint, cosignature, tiles, tlog-proof, tlog-policy, the witness request).
//!
//! In scope: bytes in, verified values out, and back. Nothing here is peculiar to this project, so that
//! tools no one here wrote can check every log.
//!
//! Out of scope: what an entry means and who may witness whom (`ledger`), where tiles and notes are kept
//! (`store`), how they travel (`wire`). This crate reads no clock, draws no random numbers, and does no
//! input or output; seeds and times are arguments.

mod add_checkpoint;
mod bundle;
mod checkpoint;
mod cosignature;
mod edge;
mod hash;
mod key;
mod lengthen;
mod note;
#[cfg(comity_planted)]
mod planted;
mod policy;
mod position;
mod proof;
mod prove;
mod quorum;
mod signing;
mod statement;
mod tile;
mod tile_path;
mod tlog_proof;

pub use add_checkpoint::{
    ADD_CHECKPOINT_BYTES_MAX, ADD_CHECKPOINT_HASHES_MAX, AddCheckpoint, AddCheckpointError,
};
pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_ENTRY_BYTES_MAX, EntryBundle};
pub use checkpoint::{Checkpoint, CheckpointError, Cosignature, SignedCheckpoint, VerifiedCheckpoint};
pub use cosignature::{
    COSIGNATURE_V1_BYTES, CosignatureBlob, CosignatureError, CosignatureTime, ML_DSA_COSIGNATURE_BYTES,
    cosignature_message, subtree_message,
};
pub use edge::{EdgeError, RightEdge};
pub use hash::{Hash, HashError};
pub use key::{KeyError, KeyId, KeyKind, KeyName, VerifierKey};
pub use lengthen::lengthen_consistency;
pub use note::{
    NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, Note, NoteError, SignatureLine, VerifiedNote, VerifiedSignature,
};
#[cfg(comity_planted)]
pub use planted::planted;
pub use policy::{POLICY_BYTES_MAX, POLICY_ITEMS_MAX, Policy, PolicyError};
pub use position::{EntryIndex, PositionError, TreeSize};
pub use proof::{ConsistencyProof, InclusionProof, ProofError, verify_consistency, verify_inclusion};
pub use prove::{HashReader, ProveError, prove_consistency, prove_inclusion, right_edge, root_at};
pub use quorum::{Threshold, existed_by, witnessed_now};
pub use signing::SigningKey;
pub use statement::Statement;
pub use tile::{HashTile, TILE_BYTES_MAX};
pub use tile_path::{
    NodeInTile, TileCoordinate, TileError, TileKind, TileLevel, TileWidth, bundles_between, tiles_between,
};
pub use tlog_proof::{
    TLOG_PROOF_BYTES_MAX, TLOG_PROOF_EXTRA_BYTES_MAX, TlogProof, TlogProofError, VerifiedInclusion,
};
