//! One subject of an XML document while it is read, and the document as it is gathered.
//!
//! Names and addresses are put into the order that the tables have, so that a list that is read in another form is not
//! taken for another one. Not for: what the elements of each form mean (`legacy`).

use std::collections::HashMap;

use comity_watchlist::{
    Address, FuzzyDate, Link, LinkTarget, ListId, Name, PartRole, Record, RecordKey, Reference, Relation,
    SourceFile, SubjectKind, Text,
};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::ofac::list::{CONSOLIDATED, SDN};
use crate::ofac::{subject, text};
use crate::rejected::Rejected;
use crate::snapshot::{self, ReadFile, RejectedRow, Scope, Snapshot, Take};
use crate::xml::Element;

/// Why a subject was not read, and which one, where that could be told.
pub(super) type Refused = (Option<Reference>, RejectReason);

/// A subject that is being read.
pub(super) struct Listing {
    pub(super) line: u64,
    pub(super) record: Record,
    aliases: Vec<(bool, u64, Name)>,
    addresses: Vec<(u64, Address)>,
    lists: Vec<(String, Option<FuzzyDate>)>,
    /// Places in the record's links, and the names of those whom they point at.
    named: Vec<(usize, Text)>,
}

/// OFAC's two lists by the names that a document calls them by.
const LISTS: [(&str, &str); 2] = [("Consolidated List", CONSOLIDATED), ("SDN List", SDN)];

/// A document that is being read.
pub(super) struct Publication<'a> {
    file: &'a InputFile<'a>,
    pub(super) listings: Vec<Listing>,
    lines: HashMap<Reference, u64>,
    rejected: Rejected<(u64, Refused, bool)>,
    pub(super) rows: u64,
    /// Parts that are no subject and were rejected: counted where it is said how many of how many cannot be read.
    strays: u64,
}

impl Listing {
    /// Begins a subject. Its list is the SDN list until the document has been read to its end.
    pub(super) fn new(line: u64, reference: Reference, kind: SubjectKind) -> Result<Self, RejectReason> {
        let list = ListId::parse(SDN).map_err(|source| RejectReason::Key { column: "list", source })?;
        let mut record = Record::new(RecordKey::new(list, reference), kind);
        record.source.locators.push(text("line", format!("line:{line}"))?);
        let (aliases, addresses, lists, named) = Default::default();
        Ok(Self { line, record, aliases, addresses, lists, named })
    }

    /// Adds a list that the subject is on, by the name that the document calls it by, and the day of its listing there.
    pub(super) fn on_list(&mut self, name: &str, day: Option<FuzzyDate>) {
        self.lists.push((name.to_owned(), day));
    }

    /// Adds a link to another subject; if the document does not have that one, the link names it.
    pub(super) fn link(&mut self, link: Link, name: Text) {
        self.named.push((self.record.links.len(), name));
        self.record.links.push(link);
    }

    /// Whether one of its names so far is this.
    pub(super) fn has_name(&self, full: &str) -> bool {
        let aliases = self.aliases.iter().map(|(.., name)| name);
        self.record.names.iter().chain(aliases).any(|name| name.full.as_str() == full)
    }

    /// Adds a name that is not the primary one, by OFAC's number of it.
    pub(super) fn alias(&mut self, number: u64, name: Name) {
        self.aliases.push((name.is_weak(), number, name));
    }

    /// Adds an address by OFAC's number of it.
    pub(super) fn address(&mut self, number: u64, address: Address) {
        self.addresses.push((number, address));
    }

    /// Puts names and addresses in order, and keeps what is left of its element.
    pub(super) fn rest(&mut self, element: &Element) -> Result<(), RejectReason> {
        // As in the tables: strong aliases by their number, then the weak ones, which stand in the remarks there.
        self.aliases.sort_by_key(|(weak, number, _)| (*weak, *number));
        self.addresses.sort_by_key(|(number, _)| *number);
        self.record.names.extend(self.aliases.drain(..).map(|(_, _, name)| name));
        self.record.addresses.extend(self.addresses.drain(..).map(|(_, address)| address));
        element.keep_short(&mut self.record.source)
    }

    fn finish(
        mut self,
        list: &ListId,
        source: &SourceFile,
        lines: &HashMap<Reference, u64>,
    ) -> Result<Box<Record>, RejectReason> {
        self.record.key.list = list.clone();
        for (at, name) in self.named {
            let Some(link) = self.record.links.get_mut(at) else { continue };
            let LinkTarget::Key(key) = &mut link.target else { continue };
            key.list = list.clone();
            if !lines.contains_key(&key.reference) {
                link.target = LinkTarget::Named(name);
            }
        }
        let own = |(name, _): &&(String, _)| LISTS.contains(&(name.as_str(), list.as_str()));
        self.record.listed_on = self.lists.iter().find(own).and_then(|(_, day)| day.clone());
        self.record.source.files = vec![source.clone()];
        subject::numbers(&mut self.record);
        snapshot::fitting(Box::new(self.record))
    }
}

impl<'a> Publication<'a> {
    pub(super) fn new(file: &'a InputFile<'a>) -> Self {
        let (listings, lines, rejected) = Default::default();
        Self { file, listings, lines, rejected, rows: 0, strays: 0 }
    }

    /// Takes a subject, or what was wrong with it; of two of one number the first stands. Gives back its place.
    pub(super) fn take(&mut self, line: u64, read: Result<Listing, Refused>) -> Option<usize> {
        self.rows += 1;
        let listing = match read {
            Ok(listing) => listing,
            Err(refused) => {
                let hides = refused.0.is_none();
                self.rejected.push((line, refused, hides));
                return None;
            }
        };
        let reference = listing.record.key.reference.clone();
        if let Some(first) = self.lines.get(&reference) {
            let repeated = RejectReason::Repeated { id: reference.to_string(), first: *first };
            self.rejected.push((line, (Some(reference), repeated), false));
            return None;
        }
        self.lines.insert(reference, line);
        self.listings.push(listing);
        Some(self.listings.len() - 1)
    }

    /// Rejects something that is no subject, and yet a part of the list that is not understood.
    pub(super) fn reject(&mut self, line: u64, reason: RejectReason) {
        self.strays += 1;
        self.rejected.push((line, (None, reason), true));
    }

    /// Rejects a part that belongs to no subject, and so can hide none.
    pub(super) fn stray(&mut self, line: u64, reason: RejectReason) {
        self.strays += 1;
        self.rejected.push((line, (None, reason), false));
    }

    /// The list that most subjects say that they are on; the consolidated one first, since some are on both.
    pub(super) fn list(&self) -> Result<ListId, FeedError> {
        let unknown = || FeedError::UnknownList { file: self.file.name.to_owned() };
        let on = |called: &str| {
            let is_on = |listing: &&Listing| listing.lists.iter().any(|(name, _)| name == called);
            self.listings.iter().filter(is_on).count() > self.listings.len() / 2
        };
        // Without any subject the reason is another one.
        let list = LISTS.iter().find(|(called, _)| self.listings.is_empty() || on(called));
        let (_, list) = list.ok_or_else(unknown)?;
        ListId::parse(list).map_err(|_| unknown())
    }

    /// All records, of the list that the document turned out to be.
    pub(super) fn finish(
        self,
        list: ListId,
        published: Option<String>,
        table: &'static str,
        take: Take<'_>,
    ) -> Result<Snapshot, FeedError> {
        let file = self.file.name;
        let no_records = || FeedError::NoRecords { file: file.to_owned() };
        let name = Text::new(file).or_else(|_| Text::new(table)).map_err(|_| no_records())?;
        let source = SourceFile::new(name, self.file.sha256);
        let mut refused = self.rejected;
        let mut taken = 0_u64;
        for listing in self.listings {
            let (line, reference) = (listing.line, listing.record.key.reference.clone());
            match listing.finish(&list, &source, &self.lines) {
                Ok(record) => {
                    taken += 1;
                    take(record);
                }
                Err(reason) => refused.push((line, (Some(reference), reason), false)),
            }
        }
        let count = refused.count();
        let (refused, rejected_more) = refused.into_parts();
        let rejected: Vec<RejectedRow> = refused
            .into_iter()
            .map(|(line, (reference, reason), may_hide_others)| RejectedRow {
                file: file.to_owned(),
                line,
                may_hide_others,
                key: reference.map(|reference| RecordKey::new(list.clone(), reference)),
                reason,
            })
            .collect();
        if count > self.rows / 2 {
            return Err(FeedError::MostlyRejected {
                file: file.to_owned(),
                rejected: count,
                rows: self.rows.saturating_add(self.strays),
            });
        }
        if taken == 0 {
            return Err(no_records());
        }
        let read = ReadFile { file: source, table, encoding: Encoding::Utf8, rows: self.rows };
        Ok(Snapshot {
            list,
            published,
            files: vec![read],
            scope: Scope::Whole,
            records: Vec::new(),
            ended: Vec::new(),
            rejected,
            rejected_more,
            rows: self.rows,
        })
    }
}

/// The kind of a subject by OFAC's word, which each form has in an element of its own.
pub(super) fn kind(column: &'static str, word: Option<&str>) -> Result<SubjectKind, RejectReason> {
    match word {
        Some("Individual") => Ok(SubjectKind::Person),
        Some("Entity") => Ok(SubjectKind::Organisation),
        Some("Vessel") => Ok(SubjectKind::Vessel),
        Some("Aircraft") => Ok(SubjectKind::Aircraft),
        Some(_) => Err(RejectReason::Vocabulary { column }),
        None => Err(RejectReason::Missing { column }),
    }
}

/// What a part of a person's name is, by OFAC's word; `None` for one that our record has no role for.
pub(super) fn part_role(word: &str) -> Option<PartRole> {
    Some(match word {
        "Last Name" => PartRole::Family,
        "First Name" => PartRole::Given,
        "Middle Name" => PartRole::Middle,
        "Patronymic" => PartRole::Patronymic,
        _ => return None,
    })
}

/// What OFAC's words say of two subjects; others are kept as the label of a link that says no more.
pub(super) fn relation(words: &str) -> Relation {
    match words {
        "Owned or Controlled By" => Relation::OwnedBy,
        "Owns, controls, or operates" => Relation::Owns,
        "Acting for or on behalf of" => Relation::ActsFor,
        "Leader or official of" => Relation::Directs,
        "Family member of" => Relation::Family,
        _ => Relation::Linked,
    }
}

/// Reads OFAC's number of a subject: digits only, and the same key however many zeros stand before them.
pub(super) fn reference(column: &'static str, value: Option<&str>) -> Result<Reference, RejectReason> {
    let number = number(value.ok_or(RejectReason::Missing { column })?);
    let number = number.ok_or(RejectReason::NotNumber { column })?;
    Reference::parse(&number.to_string()).map_err(|source| RejectReason::Key { column, source })
}

/// A number of digits only.
pub(super) fn number(digits: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
