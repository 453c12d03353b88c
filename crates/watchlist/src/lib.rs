//! What is said: watchlist records, the change to one record, and their one byte form.
//!
//! In scope: the canonical [`Record`] (what one authority says about one subject), the [`Change`] that carries
//! it into a log, the six [`Section`]s that a change is split over, and deterministic CBOR ([`cbor`]).
//!
//! Out of scope: entries, salts and commitments (`ledger`), who may be told (`policy`), official formats
//! (`feeds`), the merged view and matching (`screening`). Nothing here reads a clock, a file or randomness.

pub mod cbor;
mod change;
mod change_form;
mod checksum;
mod compare;
mod craft;
mod date;
mod error;
mod form;
mod goods;
mod identifier;
mod key;
mod length;
pub mod limits;
mod link;
mod measure;
mod name;
mod package;
mod place;
mod record;
mod record_form;
mod same_as;
mod section;
mod source;
mod text;
mod vocabulary;

pub use change::{Change, DelistReason, Notice, Op};
pub use change_form::Decoded;
pub use checksum::Checksum;
pub use craft::{Aircraft, Vessel};
pub use date::{CalendarDate, DateError, DatedFact, FactKind, FuzzyDate, PartialDate, Span};
pub use error::RecordError;
pub use goods::{GoodsCode, GoodsError, GoodsScheme};
pub use identifier::{IdKind, Identifier};
pub use key::{EntryRef, FileHash, Handle, KeyError, ListId, OriginName, RecordKey, Reference};
pub use link::{Link, LinkTarget, Relation};
pub use measure::{LegalBasis, Measure};
pub use name::{Name, NameKind, NamePart, NameQuality, PartRole};
pub use package::PackagePlace;
pub use place::{Address, Country, CountryTie, Place, PlaceKind, Tie};
pub use record::{Gender, Record, Sighting, SubjectKind};
pub use same_as::{ListingRef, Pair};
pub use section::{Section, Sections, SectionsRead};
pub use source::{Extra, Source, SourceFile};
pub use text::{Prose, Text, TextError};
pub use vocabulary::{TitledCode, VocabularyPart, VocabularyRef, code_of, scheme_of, vocabulary_list};
