//! What the view answers: hits, each with its reason and the entry that proves it.
//!
//! Not for: scores and bands (they come with the matching of similar names), or proofs (`tlog`, on demand).

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    GoodsCode, Handle, IdKind, ListId, NameKind, RecordKey, Reference, SubjectKind, Text, VocabularyRef,
};

use crate::origin::LogOrigin;

/// The answer to one query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The hits, at most [`HITS_MAX`](crate::limits::HITS_MAX), the surer ones first; always in the same order.
    pub hits: Vec<Hit>,
    /// True if there were more than the answer holds.
    pub more: bool,
}

/// One record that has the name or the identifier asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The agency that says so: the first part of the origin.
    pub agency: String,
    /// The list.
    pub list: ListId,
    /// The authority's reference on it.
    pub reference: Reference,
    /// How many changes the listing has had, its first one included.
    pub version: u64,
    /// What is listed.
    pub kind: SubjectKind,
    /// The name that the subject is listed under.
    pub name: Option<Text>,
    /// What matched.
    pub matched: Matched,
    /// The log that says so.
    pub origin: LogOrigin,
    /// The listing.
    pub handle: Handle,
    /// The entry that carries the record shown.
    pub index: EntryIndex,
    /// The leaf hash of that entry.
    pub leaf: Hash,
    /// How far the record may be relied on.
    pub state: HitState,
    /// The record that it is merged into, as its author says: look at that one.
    pub merged_into: Option<RecordKey>,
}

/// What of a record matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// One of its names.
    Name {
        /// As the source writes it.
        name: Text,
        /// What the name is to the subject.
        kind: NameKind,
        /// True if the authority marks it as too broad to match by alone.
        weak: bool,
        /// Whether the words stand in the order asked for.
        order: NameOrder,
    },
    /// One of its identifiers.
    Identifier {
        /// What it identifies by.
        kind: IdKind,
        /// As the source writes it.
        value: Text,
        /// True if the source marks it as a former or an other one.
        former: bool,
        /// Whether it is unique within what was asked for.
        scope: ScopeMatch,
    },
    /// One of the codes of goods that it is about.
    Goods {
        /// The code, in its canonical form.
        code: GoodsCode,
        /// True if the source marks it as a former or an other one.
        former: bool,
        /// How it lies to the code asked for.
        relation: GoodsRelation,
        /// The edition of a vocabulary that it was written against, if it names one.
        against: Option<Box<VocabularyRef>>,
    },
}

/// How the code of goods of a record lies to the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoodsRelation {
    /// It is the same.
    Same,
    /// It covers what was asked for: the record is about a whole of which that is a part.
    Covers,
    /// What was asked for covers it: the record is about a part of that.
    Covered,
}

impl GoodsRelation {
    /// How the code of a record lies to the one asked for; `None` if neither covers the other.
    pub(crate) fn of(known: &GoodsCode, asked: &GoodsCode) -> Option<Self> {
        match (known.covers(asked), asked.covers(known)) {
            (true, true) => Some(Self::Same),
            (true, false) => Some(Self::Covers),
            (false, true) => Some(Self::Covered),
            (false, false) => None,
        }
    }
}

/// Whether the words of a name stand in the order asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameOrder {
    /// In the same order.
    Same,
    /// The same words in another order, as in "LAST, First".
    Other,
}

/// How the scope asked for compares to what the record says of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeMatch {
    /// No scope was asked for.
    NotAsked,
    /// The record says the same.
    Same,
    /// The record says nothing that can be compared; it may still be the one.
    Unknown,
}

/// How far a record may be relied on. Only an approved one gives more than a reason to look; approvals begin with
/// the four-eyes rule, so until then the best state is [`HitState::Unapproved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HitState {
    /// In force as its author says; no second officer has approved it.
    Unapproved,
    /// Changes of the record contradict each other.
    Conflict,
    /// A later entry about the record is not opened to us: it may have been suspended or have ended.
    NotActionable,
    /// A later change of the record is in a package of which not all is there or opened to us: none of it is applied.
    PackageIncomplete,
}

impl HitState {
    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unapproved => "unapproved",
            Self::Conflict => "conflict",
            Self::NotActionable => "not-actionable",
            Self::PackageIncomplete => "package-incomplete",
        }
    }
}
