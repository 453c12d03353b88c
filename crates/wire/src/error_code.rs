//! The one closed table of what can go wrong between two programs, and its place in gRPC.
//!
//! A status carries a gRPC code and, as its message, a stable reason of this table, sometimes followed by the name
//! of a field: nothing else, so that no status ever tells a peer of paths, keys, records or causes. What the reason
//! means is for the receiver to say, from the table here. Causes belong in the log of whoever answers.
//!
//! Reasons are read by other programs: a reason is never renamed and never used anew for something else.

use tonic::{Code, Status};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A message, or a field of it, cannot be read.
    Malformed,
    /// A message, a list or a field is over its limit.
    TooLarge,
    /// The log is not served here, or not to this peer: the two look alike.
    UnknownOrigin,
    /// The peer is not known here.
    UnknownPeer,
    /// The entry, list or thing asked for is not there.
    NotFound,
    /// What is to be added is there already.
    AlreadyExists,
    /// What is held of the agency's log was verified with another key.
    OtherReplica,
    /// An index or size beyond the newest checkpoint: one of the two sides went back.
    BeyondSize,
    /// A release number beyond the last one given: one of the two sides went back.
    BeyondRelease,
    /// The checkpoint that the caller holds is of another tree than the one served.
    NoteConflict,
    /// `Hello` was not the first call.
    HelloFirst,
    /// The two sides speak no common version.
    ProtocolRange,
    /// No live agreement allows it.
    NoAgreement,
    /// The caller may not do this.
    Denied,
    /// The certificate names a role that this listener does not take.
    UnauthenticatedRole,
    /// The fingerprint is not that of the card.
    FingerprintMismatch,
    /// The revocation list or authority may not take the place of what is trusted.
    TrustRefused,
    /// The record was changed after the caller had read it.
    BaseChanged,
    /// An erasure of the record waits for an operator's word.
    HeldBack,
    /// Something was erased while the keyring was copied.
    KeyringChanged,
    /// A key event that would count for nothing.
    KeyRefused,
    /// The log has ended, and all of it was sent.
    LogClosed,
    /// The node signs and appends nothing at present.
    ReadOnly,
    /// The newest checkpoint is older than its limit.
    Stale,
    /// The log is frozen or suspect.
    Frozen,
    /// Too many calls, streams or connections at a time.
    Busy,
    /// The node is ending.
    Stopping,
    /// The disk of the answering node is full.
    StorageFull,
    /// The other side could not be reached, or the connection broke.
    Unreachable,
    /// The time for the call is over, or the caller gave up.
    Timeout,
    /// The call is not known here.
    Unimplemented,
    /// A fault of the answering node; its own log says which.
    Internal,
}

// Code, reason, place in gRPC, and what it means to a person.
const TABLE: [(ErrorCode, &str, Code, &str); 32] = [
    (ErrorCode::Malformed, "malformed", Code::InvalidArgument, "a message could not be read"),
    (ErrorCode::TooLarge, "too_large", Code::OutOfRange, "a message or a field is over its limit"),
    (ErrorCode::UnknownOrigin, "unknown_origin", Code::NotFound, "the log is not served there"),
    (ErrorCode::UnknownPeer, "unknown_peer", Code::NotFound, "the peer is not known there"),
    (ErrorCode::NotFound, "not_found", Code::NotFound, "what was asked for is not there"),
    (ErrorCode::AlreadyExists, "already_exists", Code::AlreadyExists, "it is there already"),
    (
        ErrorCode::OtherReplica,
        "other_replica",
        Code::FailedPrecondition,
        "what is held of its log has another key; if its people confirm a new log, use --set-aside-replica",
    ),
    (ErrorCode::BeyondSize, "beyond_size", Code::FailedPrecondition, "beyond the newest checkpoint there"),
    (ErrorCode::BeyondRelease, "beyond_release", Code::FailedPrecondition, "beyond the last release there"),
    (
        ErrorCode::NoteConflict,
        "note_conflict",
        Code::FailedPrecondition,
        "the checkpoints contradict each other",
    ),
    (ErrorCode::HelloFirst, "hello_first", Code::FailedPrecondition, "the first call must be Hello"),
    (ErrorCode::ProtocolRange, "protocol_range", Code::FailedPrecondition, "no common protocol version"),
    (ErrorCode::NoAgreement, "no_agreement", Code::PermissionDenied, "no live agreement allows it"),
    (ErrorCode::Denied, "denied", Code::PermissionDenied, "the caller may not do this"),
    (
        ErrorCode::UnauthenticatedRole,
        "unauthenticated_role",
        Code::Unauthenticated,
        "the certificate names a role that is not taken there",
    ),
    (
        ErrorCode::FingerprintMismatch,
        "fingerprint_mismatch",
        Code::InvalidArgument,
        "the fingerprint is not that of the card",
    ),
    (
        ErrorCode::TrustRefused,
        "trust_refused",
        Code::FailedPrecondition,
        "what is trusted of that agency does not allow it: the list is older, expired or of another authority, or the \
         authority was retired or is one too many",
    ),
    (ErrorCode::BaseChanged, "base_changed", Code::Aborted, "a record was changed in the meantime"),
    (
        ErrorCode::HeldBack,
        "held_back",
        Code::FailedPrecondition,
        "an erasure of a record waits for an operator's word, and until then it is not changed: `comity record confirm` \
         lists what waits",
    ),
    (
        ErrorCode::KeyringChanged,
        "keyring_changed",
        Code::Aborted,
        "something was erased while the keyring was copied, and the copy is none; ask for it again",
    ),
    (
        ErrorCode::KeyRefused,
        "key_refused",
        Code::FailedPrecondition,
        "the key event would count for nothing by what stands in the log; `comity key list` shows its keys",
    ),
    (
        ErrorCode::LogClosed,
        "log_closed",
        Code::FailedPrecondition,
        "the log is closed for ever, and nothing comes after what was sent; its author goes on in its successor",
    ),
    (ErrorCode::ReadOnly, "read_only", Code::Unavailable, "the node appends nothing at present"),
    (ErrorCode::Stale, "stale", Code::Unavailable, "the newest checkpoint is too old"),
    (ErrorCode::Frozen, "frozen", Code::FailedPrecondition, "the log is frozen or suspect"),
    (ErrorCode::Busy, "busy", Code::ResourceExhausted, "too many calls at a time"),
    (ErrorCode::Stopping, "stopping", Code::Unavailable, "the node is ending"),
    (
        ErrorCode::StorageFull,
        "storage_full",
        Code::ResourceExhausted,
        "its disk is full, and nothing of it was acknowledged; free some space there, start it again, then do it again",
    ),
    (ErrorCode::Unreachable, "unreachable", Code::Unavailable, "the other side could not be reached"),
    (ErrorCode::Timeout, "timeout", Code::DeadlineExceeded, "the time for the call is over"),
    (ErrorCode::Unimplemented, "unimplemented", Code::Unimplemented, "the call is not known there"),
    (ErrorCode::Internal, "internal", Code::Internal, "a fault of the answering node; its log says which"),
];

/// Longest field name that is read back out of a status, in bytes: the longest of `comity.v1` has under 50.
const FIELD_BYTES_MAX: usize = 64;

impl ErrorCode {
    /// Every code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(code, ..)| *code)
    }

    /// The stable reason: the message of the status, and the `code` of a command's error.
    pub fn reason(self) -> &'static str {
        self.row().1
    }

    /// The place in gRPC.
    pub fn grpc_code(self) -> Code {
        self.row().2
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        self.row().3
    }

    /// The code of a reason.
    pub fn from_reason(reason: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, ..)| *known == reason).map(|(code, ..)| *code)
    }

    /// The status that says this and nothing else.
    pub fn to_status(self) -> Status {
        Status::new(self.grpc_code(), self.reason())
    }

    /// The status that also names the field at fault.
    pub fn to_status_about(self, field: &'static str) -> Status {
        Status::new(self.grpc_code(), format!("{}: {field}", self.reason()))
    }

    /// What a received status says; total, since a status may also come of the transport or of another program.
    pub fn from_status(status: &Status) -> Self {
        Self::listed(status).map_or_else(|| Self::from_grpc_code(status.code()), |(code, _)| code)
    }

    /// The code and the field of a status that is one of this table's, and nothing if it is any other.
    pub(crate) fn listed(status: &Status) -> Option<(Self, Option<&str>)> {
        let (reason, field) = match status.message().split_once(": ") {
            None => (status.message(), None),
            Some((reason, field)) => (reason, Some(field)),
        };
        let code = Self::from_reason(reason).filter(|code| code.grpc_code() == status.code())?;
        let is_name = |name: &str| {
            name.len() <= FIELD_BYTES_MAX
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
        };
        field.is_none_or(is_name).then_some((code, field))
    }

    /// The nearest code of a status without a reason of ours.
    fn from_grpc_code(code: Code) -> Self {
        match code {
            // tonic answers a broken message with INTERNAL; a fault of our own always carries its reason.
            Code::InvalidArgument | Code::Internal | Code::DataLoss => Self::Malformed,
            Code::OutOfRange => Self::TooLarge,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::PermissionDenied => Self::Denied,
            Code::Unauthenticated => Self::UnauthenticatedRole,
            Code::Aborted => Self::BaseChanged,
            Code::ResourceExhausted => Self::Busy,
            Code::DeadlineExceeded | Code::Cancelled => Self::Timeout,
            Code::Unimplemented => Self::Unimplemented,
            // A broken connection is UNKNOWN in tonic.
            Code::Unavailable | Code::Unknown => Self::Unreachable,
            Code::FailedPrecondition | Code::Ok => Self::Internal,
        }
    }

    fn row(self) -> &'static (Self, &'static str, Code, &'static str) {
        // Every variant stands in the table, which a test checks; the fallback says the least.
        const LEAST: &(ErrorCode, &str, Code, &str) =
            &(ErrorCode::Internal, "internal", Code::Internal, "a fault of the answering node");
        TABLE.iter().find(|(code, ..)| *code == self).unwrap_or(LEAST)
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_reasons_map_one_to_one() {
        let reasons: HashSet<_> = ErrorCode::all().map(ErrorCode::reason).collect();
        let codes: HashSet<_> = ErrorCode::all().collect();
        assert_eq!((reasons.len(), codes.len()), (TABLE.len(), TABLE.len()));
        for code in ErrorCode::all() {
            assert_eq!(ErrorCode::from_reason(code.reason()), Some(code));
            assert_eq!(ErrorCode::from_status(&code.to_status()), code);
            assert_eq!(ErrorCode::from_status(&code.to_status_about("frame.entries")), code);
        }
    }

    /// Goal: no variant is missing from the table, where `row` would call it internal.
    /// Way: the last variant's number is one less than the length; a variant added without a row breaks this.
    #[test]
    #[expect(clippy::as_conversions, reason = "the number of a variant is had in no other way")]
    fn every_variant_has_a_row() {
        assert_eq!(ErrorCode::Internal as usize + 1, TABLE.len());
    }

    #[test]
    fn a_reason_under_another_grpc_code_is_not_believed() {
        let forged = Status::new(Code::Unavailable, "no_agreement");
        assert_eq!(ErrorCode::from_status(&forged), ErrorCode::Unreachable);
    }

    #[test]
    fn a_status_of_the_transport_gets_the_nearest_code() {
        for (status, code) in [
            (Status::internal("failed to decode Protobuf message: …"), ErrorCode::Malformed),
            (Status::out_of_range("decoded message length too large"), ErrorCode::TooLarge),
            (Status::cancelled("Timeout expired"), ErrorCode::Timeout),
            (Status::unknown("transport error"), ErrorCode::Unreachable),
            (Status::unimplemented(""), ErrorCode::Unimplemented),
        ] {
            assert_eq!(ErrorCode::from_status(&status), code, "{status}");
        }
    }
}
