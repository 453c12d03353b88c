//! How it travels: the messages of `comity.v1`, their conversions to and from the domain, one closed table of error
//! codes, and the limits of messages.
//!
//! In scope: bytes to messages to domain values, each refused with the name of the field at fault and never its
//! content; what a status may say to a peer. Nothing signed is encoded anew: notes, entries and sections pass as
//! the bytes that they are.
//!
//! Out of scope: connections, deadlines and who may call what (`comity-node`), whether a frame fits a log
//! (`comity-ledger`), what a peer may be told (`comity-policy`).

mod append;
mod codec;
mod error_code;
mod exchange;
mod field;
mod file_part;
mod follow;
mod frame;
mod guard;
mod heads;
mod hello;
mod invalid;
mod limits;
mod redacted;
mod release;
mod revocations;
mod sanitize;
mod screen;
mod shape;

#[rustfmt::skip]
#[allow(
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    clippy::pedantic,
    clippy::as_conversions,
    clippy::clone_on_ref_ptr,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated code, kept as the generator writes it; the messages themselves are documented"
)]
#[path = "gen/comity.v1.rs"]
pub mod v1;

pub use append::{
    APPEND_CHANGES_MAX, AppendHeader, AppendStep, CHANGES_PER_MESSAGE_MAX, DraftChange, HandlingChoice,
    ListBasis, ListedRecord, SECTION_BYTES_PER_MESSAGE_MAX, record_name,
};
pub use error_code::ErrorCode;
pub use exchange::{ConsistencyQuery, LogHead};
pub use file_part::{EXPORT_PATH_BYTES_MAX, ExportPath, FILE_PART_BYTES_MAX, FilePart};
pub use follow::{FollowEvent, FollowFrom, Heartbeat, first_quorum};
pub use guard::Guarded;
pub use heads::{Digests, EVIDENCE_FILES_MAX, EVIDENCE_HELD_MAX, HEAD_DIGESTS_MAX, HEAD_UPDATES_MAX, Heads};
pub use hello::{Greeting, PROTOCOL, ProtocolRange, SOFTWARE_BYTES_MAX, Software};
pub use invalid::InvalidMessage;
pub use limits::{
    ADMIN_MESSAGE_BYTES_MAX, CALL_MESSAGE_BYTES_MAX, CONNECTION_WINDOW_BYTES, EXCHANGE_MESSAGE_BYTES_MAX,
    STREAM_WINDOW_BYTES, admin_client, admin_server, exchange_client, exchange_server, message_bytes,
    screening_client, screening_server,
};
pub use release::{
    AbsenceCause, Disclosure, DisclosureContent, RELEASE_BYTES_MAX, RELEASE_OPENINGS_MAX, ReleaseFrame,
    ReleaseNumber,
};
pub use revocations::{
    ListDigest, REVOCATION_LIST_BYTES_MAX, REVOCATION_LISTS_HELD_MAX, REVOCATION_LISTS_MAX, RevocationList,
};
pub use sanitize::{sanitize, sanitize_response};
pub use screen::{HITS_MAX, ScreenQuery};
pub use shape::{
    EXPIRIES_MAX, KEY_EVENTS_MAX, OLD_CODES_MAX, STATEMENTS_MAX, SUBJECT_LISTINGS_MAX, SUBJECTS_MAX,
    TLS_PROBLEMS_MAX, VOCABULARIES_MAX, WAITING_ERASURES_MAX,
};

/// The file descriptors of `comity.v1`, for the reflection service of the admin listener.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/comity.v1.binpb");
