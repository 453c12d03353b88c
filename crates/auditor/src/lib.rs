//! Who checks it: offline verification of an audit bundle, and its report.
//!
//! The auditor trusts no node: it reads files, recomputes every hash, tile, root and commitment, and verifies
//! every signature with keys that it was given by another way. It makes proofs of single entries, and checks them, and
//! evidence against authors. Out of scope: making bundles (`comity-node`), network and database of any kind.

mod author_times;
mod bundle_keys;
mod contents;
mod evidence;
mod folder;
mod history;
mod key_report;
mod keys;
mod log_files;
mod log_keys;
mod nodes;
mod prove;
mod report;
mod report_text;
mod sections;
mod signed;
mod utc;
mod verify;
mod verify_proof;
mod witnesses;

pub use evidence::{EvidenceReport, SignedGenesis, SignedHead, verify_evidence, verify_evidence_beside};
pub use key_report::{EndReport, KeyReport};
pub use keys::{KEY_FILE_BYTES_MAX, KeyFileError, TrustedKeys};
pub use prove::{NoProof, ProvedEntry, prove};
pub use report::{
    Checks, FAILURES_LISTED_MAX, Failure, Gap, LogReport, Note, PolicyStanding, Report, WitnessState,
};
pub use verify::{SignedBundle, verify};
pub use verify_proof::{CosignedAt, ProofFailure, ProofReport, verify_proof, verify_proof_beside};
