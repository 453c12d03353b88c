//! What a command says when it is done: text for people or one JSON object, and the code of what went wrong.

use std::fmt::Write as _;
use std::io::ErrorKind;

use comity_ledger::KeyFinding;
use comity_node::tls::{CrlError, TrustError};
use comity_node::{KeyHolderError, NodeError, TlsKeysError, TlsRefusal};
use comity_store::StoreError;
use comity_wire::ErrorCode;
use serde_json::{Value, json};

/// The answer of a command that did what it was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    /// Whether it found what it checked to be in order; otherwise the exit status is 1.
    pub(crate) ok: bool,
}

impl Answer {
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, ok: true }
    }
}

/// Why a command did not do what it was asked. Nothing was changed then, unless the message says otherwise.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// A stable word for programs.
    pub(crate) code: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
    /// The exit status: 1 for all that is refused or fails, another only for what a signal ended.
    pub(crate) status: u8,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: 1 }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message } })
    }
}

impl From<NodeError> for Refusal {
    fn from(error: NodeError) -> Self {
        let mut message = sentence(&error);
        let (code, next) = match (&error, io_kind(&error)) {
            // Files to be written have words of their own; this is about what a home needs to be opened.
            (NodeError::Store(_), Some(ErrorKind::ReadOnlyFilesystem)) => {
                ("read_only_medium", READ_ONLY_MEDIUM)
            }
            (NodeError::Store(StoreError::File { path, .. }), Some(ErrorKind::NotFound))
                if path.ends_with("lock/held") =>
            {
                (code_of(&error), NO_LOCKS)
            }
            (NodeError::Store(StoreError::InUse { .. }), _) => (code_of(&error), IN_USE),
            (NodeError::Store(_) | NodeError::File { .. }, Some(ErrorKind::StorageFull)) => {
                ("storage_full", STORAGE_FULL)
            }
            (NodeError::Store(failed), _) if failed.is_of_the_medium() => (code_of(&error), NOT_CONFIRMED),
            (NodeError::Store(_) | NodeError::File { .. }, _) if is_of_a_disk(&error) => {
                (code_of(&error), NOT_CONFIRMED)
            }
            (NodeError::Listen { .. }, Some(ErrorKind::AddrInUse)) => (code_of(&error), PORT_TAKEN),
            (NodeError::Listen { .. }, Some(ErrorKind::AddrNotAvailable)) => {
                (code_of(&error), NO_SUCH_ADDRESS)
            }
            (NodeError::Listen { .. }, Some(ErrorKind::PermissionDenied)) => (code_of(&error), LOW_PORT),
            _ => (code_of(&error), ""),
        };
        message.push_str(next);
        Self::new(code, message)
    }
}

/// What to do about a home that cannot be written to.
const READ_ONLY_MEDIUM: &str = "; even to look at a home its lock must be taken, which needs a medium that can be \
     written: copy the home there with `cp -a` and look at the copy, but never serve two copies of one home";
/// What to do about a restored backup, which rightly has no folder of sign-locks.
const NO_LOCKS: &str = "; if this is a restored backup, make its folder `lock` anew, empty: the home can then be read, \
     and never signs, since it may be older than what it signed before";
/// What to do about a full disk.
const STORAGE_FULL: &str = "; free some space on that disk, then do it again: nothing of it was acknowledged, and all that \
     was acknowledged before is kept";
/// What to do about a disk that fails.
const NOT_CONFIRMED: &str = "; nothing of it was acknowledged: look at that disk, and at what the system says about it, \
     before anything is done again";
/// What to do about a home that somebody holds.
const IN_USE: &str = "; a node or another command holds this home: wait until it is done, or end it";
/// What to do about a port that is taken.
const PORT_TAKEN: &str = "; another program listens there: end it, or name another address in comity.toml";
/// What to do about an address of another machine.
const NO_SUCH_ADDRESS: &str = "; this machine has no such address: name one of its own in comity.toml";
/// What to do about a port that is not for everyone.
const LOW_PORT: &str = "; the system does not permit it: name a port over 1023 in comity.toml";

/// What kind of failure of the system is the cause, if one is.
fn io_kind(error: &NodeError) -> Option<ErrorKind> {
    io_error(error).map(std::io::Error::kind)
}

/// Whether a disk did not read or write what it was asked to.
fn is_of_a_disk(error: &NodeError) -> bool {
    io_error(error).and_then(std::io::Error::raw_os_error) == Some(EIO)
}

fn io_error(error: &NodeError) -> Option<&std::io::Error> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// The number of a failed disk, which `std` has no word for; the same on every system that this builds for.
const EIO: i32 = 5;

impl From<TlsRefusal> for Refusal {
    fn from(refusal: TlsRefusal) -> Self {
        match refusal {
            TlsRefusal::Crl(CrlError::Keep(error)) | TlsRefusal::Trust(TrustError::Keep(error)) => {
                NodeError::from(error).into()
            }
            refusal => Self::new(refusal.code().reason(), sentence(&refusal)),
        }
    }
}

impl From<TlsKeysError> for Refusal {
    fn from(error: TlsKeysError) -> Self {
        let code = match error {
            TlsKeysError::Node(error) => return error.into(),
            TlsKeysError::Crl(error) => return TlsRefusal::from(error).into(),
            TlsKeysError::Busy => "busy",
            TlsKeysError::NoKey { .. } => "key",
            TlsKeysError::InUse { .. } => "certificate_in_use",
            TlsKeysError::Revoked { .. } => "already_exists",
            TlsKeysError::NotOurs | TlsKeysError::NoSuchAuthority { .. } => "not_found",
            TlsKeysError::NextExists
            | TlsKeysError::NoNext
            | TlsKeysError::FormerExists
            | TlsKeysError::Present { .. } => "authority",
            TlsKeysError::AuthorityExpired | TlsKeysError::Make(_) => "tls",
        };
        Self::new(code, sentence(&error))
    }
}

impl From<KeyHolderError> for Refusal {
    fn from(error: KeyHolderError) -> Self {
        let (code, next) = match &error {
            KeyHolderError::Node(_) => ("", ""),
            KeyHolderError::Busy => ("busy", ""),
            KeyHolderError::OtherRoot { .. } => ("other_root", ""),
            KeyHolderError::NoNextAuthority => ("authority", ""),
            KeyHolderError::NoSuccessor => ("no_successor", ""),
            KeyHolderError::KeyNotHeld | KeyHolderError::NoOtherKey => ("key", ""),
            KeyHolderError::Finding(finding) => finding_code(finding),
        };
        match error {
            KeyHolderError::Node(error) => error.into(),
            error => Self::new(code, format!("{}{next}", sentence(&error))),
        }
    }
}

/// The code of a key event that would count for nothing, and what to do.
fn finding_code(finding: &KeyFinding) -> (&'static str, &'static str) {
    match finding {
        KeyFinding::Closed => ("log_closed", "; make its successor with `comity key succeed`"),
        KeyFinding::NotInForce => ("not_in_force", "; `comity key list` says which keys are"),
        KeyFinding::LastKey => ("key", "; let another one follow it with `comity key rotate` first"),
        KeyFinding::UnendedRotation => ("key", "; end the older one with `comity key retire` first"),
        KeyFinding::KnownKey => ("already_exists", "; `comity key list` shows it"),
        KeyFinding::NoSuchCheckpoint { .. } => ("no_checkpoint", ""),
        _ => ("key_refused", ""),
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        NodeError::from(error).into()
    }
}

fn code_of(error: &NodeError) -> &'static str {
    match error {
        NodeError::NotEmpty { .. } => "not_empty",
        NodeError::Interrupted => "interrupted",
        NodeError::Place { .. } => "place",
        NodeError::NotAHome { .. } => "not_a_home",
        NodeError::File { .. } => "file",
        NodeError::OpenKey { .. }
        | NodeError::WrongKey { .. }
        | NodeError::OldIdentity { .. }
        | NodeError::NoSigner { .. } => "key",
        NodeError::Config { .. } => "config",
        NodeError::Name(_) => "name",
        NodeError::Card(_) | NodeError::Certificate { .. } => "card",
        NodeError::Record { .. } => "record",
        NodeError::ReadOnly { .. } => "read_only",
        NodeError::Risk { .. } => "risk",
        NodeError::NotWaiting { .. } => "not_found",
        NodeError::Store(StoreError::KeyringChanged) => ErrorCode::KeyringChanged.reason(),
        NodeError::Restore { .. } => "restore",
        NodeError::Store(StoreError::InUse { .. }) => "in_use",
        NodeError::Store(StoreError::NoSuchLog { .. }) => "no_such_log",
        NodeError::Store(StoreError::NewerSchema { .. }) => "newer_schema",
        NodeError::Store(
            StoreError::Damaged { .. } | StoreError::DatabaseDamaged { .. } | StoreError::Keyring { .. },
        )
        | NodeError::OwnNote { .. }
        | NodeError::OwnKey { .. }
        | NodeError::Evidence { .. }
        | NodeError::Contradiction { .. } => "damaged",
        NodeError::Store(_) | NodeError::Storage => "store",
        NodeError::KeyEvent { source } => finding_code(source).0,
        NodeError::Batch(_) | NodeError::Entry(_) => "entry",
        NodeError::Peers { .. } => "peer",
        NodeError::Unreachable { .. } => "unreachable",
        NodeError::Listen { .. } | NodeError::Address { .. } => "listen",
        NodeError::Material { .. } | NodeError::Trust { .. } => "tls",
        NodeError::Server { .. } | NodeError::Lost { .. } => "stopped",
        NodeError::Json { .. } | NodeError::Entropy | NodeError::Thread { .. } | NodeError::Abandoned => {
            "internal"
        }
    }
}

/// The error with all of its causes, in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            let _ = write!(text, ": {told}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_on_a_read_only_medium_is_not_refused_without_saying_what_to_do() {
        let refusal = |kind: ErrorKind| {
            let path = "home/lock/held".into();
            Refusal::from(StoreError::File { action: "open", path, source: kind.into() })
        };
        let refused = refusal(ErrorKind::ReadOnlyFilesystem);
        assert_eq!(refused.code, "read_only_medium");
        assert!(refused.message.contains("cp -a") && refused.message.contains("home/lock/held"));
        assert!(!refusal(ErrorKind::PermissionDenied).message.contains("cp -a"));
    }
}
