//! The change to one record, or a same-as statement about two: one operation on one handle.
//!
//! Not for: its byte form (`change_form`); who must sign it and when it takes effect (`policy`); the order and the
//! conflicts of changes (`screening`, which applies them).

use crate::date::CalendarDate;
use crate::key::{EntryRef, Handle, RecordKey};
use crate::measure::LegalBasis;
use crate::record::{Record, UnknownKeys};
use crate::same_as::Pair;
use crate::source::Source;
use crate::text::{Prose, Text};
use crate::vocabulary::VocabularyPart;

/// One operation on one handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The listing that is changed, or the same-as statement.
    pub handle: Handle,
    /// What is done to it.
    pub op: Op,
}

/// What a change does. `prev` is the leaf hash of the entry that it follows for this handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new listing.
    List {
        /// What is listed.
        record: Box<Record>,
    },
    /// The authority says something new.
    Amend {
        /// The entry before.
        prev: EntryRef,
        /// The fields that changed, to be read by people.
        paths: Vec<Text>,
        /// The whole record as it now is.
        record: Box<Record>,
    },
    /// The authority had said something wrong.
    Correct {
        /// The entry before.
        prev: EntryRef,
        /// The fields that changed, to be read by people.
        paths: Vec<Text>,
        /// The whole record as it now is.
        record: Box<Record>,
    },
    /// The listing has no effect until it is resumed.
    Suspend {
        /// The entry before.
        prev: EntryRef,
        /// Why.
        notice: Box<Notice>,
    },
    /// A suspension ends.
    Resume {
        /// The entry before.
        prev: EntryRef,
        /// Why.
        notice: Box<Notice>,
    },
    /// The listing ends for good.
    Delist {
        /// The entry before.
        prev: EntryRef,
        /// On what ground.
        reason: DelistReason,
        /// From which day.
        effective: CalendarDate,
        /// Why.
        notice: Box<Notice>,
    },
    /// The subject is listed again, under a new handle.
    Relist {
        /// The handle of the listing that had ended.
        relist_of: Handle,
        /// What is listed.
        record: Box<Record>,
    },
    /// The authority gave the record another reference.
    Rekey {
        /// The entry before.
        prev: EntryRef,
        /// The new list and reference.
        to: RecordKey,
        /// Why.
        notice: Box<Notice>,
    },
    /// Several listings are one; one such change for each listing touched.
    Merge {
        /// The entry before.
        prev: EntryRef,
        /// The listing that goes on.
        into: Handle,
        /// The listings that are merged into it.
        from: Vec<Handle>,
        /// Why.
        notice: Box<Notice>,
    },
    /// One listing is several; one such change for each listing touched.
    Split {
        /// The entry before.
        prev: EntryRef,
        /// The listing that is split.
        from: Handle,
        /// The listings that it becomes.
        into: Vec<Handle>,
        /// Why.
        notice: Box<Notice>,
    },
    /// The record should never have been shared: peers stop using it at once.
    Withdraw {
        /// The entry before.
        prev: EntryRef,
        /// Why.
        notice: Box<Notice>,
    },
    /// The content is erased everywhere; the entry stays.
    Erase {
        /// The entry before.
        prev: EntryRef,
        /// Why.
        notice: Box<Notice>,
    },
    /// Two listings are about one subject, says who signs it. It begins a same-as statement and changes neither listing;
    /// the handle is the statement's own.
    SameAs {
        /// The two listings.
        pair: Box<Pair>,
        /// Why; its key is that of the first of the pair.
        notice: Box<Notice>,
    },
    /// A same-as statement is taken back.
    Retract {
        /// The entry of the statement.
        prev: EntryRef,
        /// Why; its key is that of the statement.
        notice: Box<Notice>,
    },
    /// A part of an edition of a control list or customs tariff; the handle is that of the edition. It is about no record.
    Vocabulary {
        /// The codes.
        part: Box<VocabularyPart>,
        /// Where they are from; its key is scheme and edition.
        notice: Box<Notice>,
    },
}

/// On what ground a listing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DelistReason {
    /// Its time is over.
    Expired,
    /// A court or the authority annulled it.
    Annulled,
    /// The subject is dead or no longer exists.
    Deceased,
    /// It was a mistake.
    Mistaken,
    /// Another listing takes its place.
    Superseded,
    /// The source's new publication no longer has it, and says no more.
    AbsentFromSource,
    /// A code that this program does not know.
    Unknown(u64),
}

/// The grounds of a change that carries no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// List and reference of the record.
    pub key: RecordKey,
    /// Acts that the change rests on.
    pub legal: Vec<LegalBasis>,
    /// Reasons that may be published.
    pub reasons_public: Vec<Prose>,
    /// Reasons that may not.
    pub reasons_closed: Vec<Prose>,
    /// Where it was read.
    pub source: Source,
    pub(crate) unknown: UnknownKeys,
}

/// What a change carries beside its operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Record(&'a Record),
    Notice(&'a Notice),
}

impl Change {
    /// List and reference of the record.
    pub fn key(&self) -> &RecordKey {
        match self.op.body() {
            Body::Record(record) => &record.key,
            Body::Notice(notice) => &notice.key,
        }
    }
}

impl Op {
    /// The whole record, if the operation carries one.
    pub fn record(&self) -> Option<&Record> {
        match self.body() {
            Body::Record(record) => Some(record),
            Body::Notice(_) => None,
        }
    }

    /// The grounds, if the operation carries no record.
    pub fn notice(&self) -> Option<&Notice> {
        match self.body() {
            Body::Record(_) => None,
            Body::Notice(notice) => Some(notice),
        }
    }

    /// The entry that the change follows; `None` for a listing, a same-as statement and a vocabulary, which
    /// begin a handle.
    pub const fn prev(&self) -> Option<EntryRef> {
        match self {
            Self::List { .. } | Self::Relist { .. } | Self::SameAs { .. } | Self::Vocabulary { .. } => None,
            Self::Amend { prev, .. }
            | Self::Correct { prev, .. }
            | Self::Suspend { prev, .. }
            | Self::Resume { prev, .. }
            | Self::Delist { prev, .. }
            | Self::Rekey { prev, .. }
            | Self::Merge { prev, .. }
            | Self::Split { prev, .. }
            | Self::Withdraw { prev, .. }
            | Self::Erase { prev, .. }
            | Self::Retract { prev, .. } => Some(*prev),
        }
    }

    pub(crate) fn body(&self) -> Body<'_> {
        match self {
            Self::List { record }
            | Self::Amend { record, .. }
            | Self::Correct { record, .. }
            | Self::Relist { record, .. } => Body::Record(record),
            Self::Suspend { notice, .. }
            | Self::Resume { notice, .. }
            | Self::Delist { notice, .. }
            | Self::Rekey { notice, .. }
            | Self::Merge { notice, .. }
            | Self::Split { notice, .. }
            | Self::Withdraw { notice, .. }
            | Self::Erase { notice, .. }
            | Self::SameAs { notice, .. }
            | Self::Retract { notice, .. }
            | Self::Vocabulary { notice, .. } => Body::Notice(notice),
        }
    }

    /// The two listings of a same-as statement.
    pub fn pair(&self) -> Option<&Pair> {
        match self {
            Self::SameAs { pair, .. } => Some(pair),
            _ => None,
        }
    }

    /// The part of a vocabulary that it carries.
    pub fn vocabulary(&self) -> Option<&VocabularyPart> {
        match self {
            Self::Vocabulary { part, .. } => Some(part),
            _ => None,
        }
    }

    /// Whether it changes a record: it is neither of a same-as statement nor of a vocabulary.
    pub const fn is_of_listing(&self) -> bool {
        !self.is_of_statement() && !matches!(self, Self::Vocabulary { .. })
    }

    /// Whether it begins or ends a same-as statement, and so changes no record.
    pub const fn is_of_statement(&self) -> bool {
        matches!(self, Self::SameAs { .. } | Self::Retract { .. })
    }

    /// Its code in the byte form.
    pub const fn code(&self) -> u64 {
        match self {
            Self::List { .. } => 1,
            Self::Amend { .. } => 2,
            Self::Correct { .. } => 3,
            Self::Suspend { .. } => 4,
            Self::Resume { .. } => 5,
            Self::Delist { .. } => 6,
            Self::Relist { .. } => 7,
            Self::Rekey { .. } => 8,
            Self::Merge { .. } => 9,
            Self::Split { .. } => 10,
            Self::Withdraw { .. } => 11,
            Self::Erase { .. } => 12,
            Self::SameAs { .. } => 13,
            Self::Retract { .. } => 14,
            Self::Vocabulary { .. } => 15,
        }
    }

    /// The word by which commands and messages name it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::Amend { .. } => "amend",
            Self::Correct { .. } => "correct",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Delist { .. } => "delist",
            Self::Relist { .. } => "relist",
            Self::Rekey { .. } => "rekey",
            Self::Merge { .. } => "merge",
            Self::Split { .. } => "split",
            Self::Withdraw { .. } => "withdraw",
            Self::Erase { .. } => "erase",
            Self::SameAs { .. } => "same-as",
            Self::Retract { .. } => "retract",
            Self::Vocabulary { .. } => "vocabulary",
        }
    }
}

impl DelistReason {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Expired => 1,
            Self::Annulled => 2,
            Self::Deceased => 3,
            Self::Mistaken => 4,
            Self::Superseded => 5,
            Self::AbsentFromSource => 6,
            Self::Unknown(code) => code,
        }
    }

    /// The reason of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Expired,
            2 => Self::Annulled,
            3 => Self::Deceased,
            4 => Self::Mistaken,
            5 => Self::Superseded,
            6 => Self::AbsentFromSource,
            _ => Self::Unknown(code),
        }
    }

    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Annulled => "annulled",
            Self::Deceased => "deceased",
            Self::Mistaken => "mistaken",
            Self::Superseded => "superseded",
            Self::AbsentFromSource => "absent-from-source",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Notice {
    /// A notice without grounds.
    pub fn new(key: RecordKey) -> Self {
        Self {
            key,
            legal: Vec::new(),
            reasons_public: Vec::new(),
            reasons_closed: Vec::new(),
            source: Source::default(),
            unknown: UnknownKeys::default(),
        }
    }
}
