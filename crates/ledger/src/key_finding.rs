//! Why an entry that says that it is a key event changes nothing.
//!
//! Such an entry is kept and passed on like every other: what an author wrote stays what it wrote. It is a finding for
//! whoever reads the log.

use comity_tlog::{CheckpointError, TreeSize};

use crate::KeyRole;

/// What is wrong with a key event, or with the keys of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFinding {
    /// Not in the one encoding of this version.
    #[error("the key event is not well formed, or of a later version: {reason}")]
    NotUnderstood {
        /// What does not read.
        reason: &'static str,
    },
    /// A key of another kind than its role has.
    #[error("the key is not of the kind that a {role} key is of")]
    WrongKind {
        /// The role.
        role: KeyRole,
    },
    /// A signature is missing or does not verify.
    #[error("the key event is not signed by {signer}")]
    Unsigned {
        /// Who should have signed.
        signer: &'static str,
    },
    /// The log has no genesis yet, or nobody knows its root key.
    #[error("the root key of the log is not known")]
    NoRoot,
    /// The log key that stands for the author is not in force.
    #[error("the log key that signed for the author is not in force here")]
    AuthorOutOfForce,
    /// The key that is to be retired or revoked is none that is in force.
    #[error("the key is not in force, so that it cannot end")]
    NotInForce,
    /// The key was one of this log before: a key that ended never comes back.
    #[error("the key stood in this log before")]
    KnownKey,
    /// Two keys of one name whose lines on a note could not be told apart.
    #[error("the key has the name and the number of another key of this log")]
    SameId,
    /// The key serves another role already.
    #[error("the key serves another role already")]
    TwoRoles,
    /// Without it nobody could sign.
    #[error("it is the last log key in force")]
    LastKey,
    /// Two log keys are in force already.
    #[error("a rotation has not ended: two log keys are in force")]
    UnendedRotation,
    /// The last good checkpoint is not one of this log.
    #[error("the last good checkpoint, of size {size}, is none of this log before the key event")]
    NoSuchCheckpoint {
        /// The size that it names.
        size: TreeSize,
    },
    /// The log is closed.
    #[error("the log is closed")]
    Closed,
    /// More keys than a log may have in its life.
    #[error("the log has had too many keys")]
    TooMany,
    /// The genesis names another agency or another key than those pinned.
    #[error("the genesis names another agency, root key or log key than the pinned card")]
    OtherGenesis,
    /// The genesis of a successor names another log, or its root key did not sign it.
    #[error("the genesis is not that of the successor of this log")]
    NotTheSuccessor,
}

/// A checkpoint that no key signed that may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointKeyError {
    /// Signed by keys alone that are not in force for its size.
    #[error("the checkpoint of size {size} is signed by a key that is not in force for it")]
    OutOfForce {
        /// Its size.
        size: TreeSize,
    },
    /// Not signed, or not well.
    #[error("the author's key did not sign the checkpoint")]
    Signature {
        /// Why.
        #[source]
        source: Box<CheckpointError>,
    },
}
