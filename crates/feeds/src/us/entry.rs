//! Rows of one name, joined to one record, and the list as it is gathered.
//!
//! Addresses are put in the order of their text: the sources order rows as they like, and another order is no change.
//! Not for: what a column means (`csl`, `dpl`).

use std::collections::HashMap;

use comity_watchlist::limits::LOCATORS_MAX;
use comity_watchlist::{
    Address, FuzzyDate, KeyError, LegalBasis, ListId, Measure, Name, NameKind, Prose, Record, RecordError,
    RecordKey, Reference, SourceFile, SubjectKind, Text,
};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::rejected::Rejected;
use crate::snapshot::{self, ReadFile, RejectedRow, Scope, Snapshot, Take};
use crate::us::rows::Row;

/// Neither these lists nor their tables say whether a subject is a person.
const KIND: SubjectKind = SubjectKind::Unknown(0);

/// Bytes of a name that stand in a key; a longer one is cut, and told from others by a number of the whole.
const KEY_NAME_BYTES_MAX: usize = 160;

/// The list that is being read.
pub(super) struct Publication {
    list: ListId,
    records: Vec<(u64, Record)>,
    places: HashMap<Reference, usize>,
    /// Rows as they were read, without what differs in each, to find those that stand twice.
    seen: HashMap<Vec<(String, String)>, u64>,
    rejected: Rejected<(u64, Option<Reference>, bool, RejectReason)>,
    rows: u64,
}

impl Publication {
    pub(super) fn new(list: ListId) -> Self {
        let (records, places, seen, rejected) = Default::default();
        Self { list, records, places, seen, rejected, rows: 0 }
    }

    /// Rejects a row; `hides` if it may be or may have swallowed any other.
    pub(super) fn reject(&mut self, line: u64, hides: bool, reason: RejectReason) {
        self.rows += 1;
        self.rejected.push((line, None, hides, reason));
    }

    /// Takes a row: `own` are the columns that say nothing about the subject, `fill` puts the others into its record.
    pub(super) fn take(
        &mut self,
        row: &Row<'_>,
        name: &str,
        own: &[&str],
        fill: impl FnOnce(&mut Record) -> Result<(), RejectReason>,
    ) {
        let Some(written) = row.value(name) else {
            return self.reject(row.line, true, RejectReason::Missing { column: "name" });
        };
        // What no name may hold makes no key either.
        if let Err(reason) = text("name", written) {
            return self.reject(row.line, true, reason);
        }
        let reference = match reference(written) {
            Ok(reference) => reference,
            Err(source) => return self.reject(row.line, true, RejectReason::Key { column: "name", source }),
        };
        self.rows += 1;
        let cells = row.values().filter(|(column, _)| !own.contains(column));
        let cells: Vec<(String, String)> =
            cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect();
        if let Some(first) = self.seen.get(&cells) {
            let repeated = RejectReason::Repeated { id: format!("line {}", row.line), first: *first };
            self.rejected.push((row.line, Some(reference), false, repeated));
            return;
        }
        // Read aside, so that a row that is rejected in its middle leaves nothing behind.
        let mut read = Record::new(RecordKey::new(self.list.clone(), reference.clone()), KIND);
        let filled = name_once(&mut read, written).and_then(|()| fill(&mut read));
        if let Err(reason) = filled.and_then(|()| locate(&mut read, &format!("line:{}", row.line))) {
            self.rejected.push((row.line, Some(reference), false, reason));
            return;
        }
        self.seen.insert(cells, row.line);
        let place = self.places.get(&reference).copied();
        let Some((_, record)) = place.and_then(|place| self.records.get_mut(place)) else {
            self.places.insert(reference, self.records.len());
            self.records.push((row.line, read));
            return;
        };
        let count = record.source.locators.len() + read.source.locators.len();
        if count > LOCATORS_MAX {
            let source = RecordError::TooMany { field: "source.locators", count, max: LOCATORS_MAX };
            self.rejected.push((row.line, Some(reference), false, RejectReason::Limits { source }));
            return;
        }
        join(record, read);
    }

    pub(super) fn finish(
        self,
        file: &InputFile<'_>,
        table: &'static str,
        take: Take<'_>,
    ) -> Result<Snapshot, FeedError> {
        let named = || file.name.to_owned();
        let name = Text::new(file.name).or_else(|_| Text::new(table));
        let name = name.map_err(|_| FeedError::NoRecords { file: named() })?;
        let source = SourceFile::new(name, file.sha256);
        let mut rejected = self.rejected;
        let mut taken = 0_u64;
        for (line, mut record) in self.records {
            let reference = record.key.reference.clone();
            record.addresses.sort_by_cached_key(|address| format!("{address:?}"));
            record.source.files = vec![source.clone()];
            match snapshot::fitting(Box::new(record)) {
                Ok(record) => {
                    taken += 1;
                    take(record);
                }
                Err(reason) => rejected.push((line, Some(reference), false, reason)),
            }
        }
        let count = rejected.count();
        if count > self.rows / 2 {
            return Err(FeedError::MostlyRejected { file: named(), rejected: count, rows: self.rows });
        }
        if taken == 0 {
            return Err(FeedError::NoRecords { file: named() });
        }
        let list = self.list;
        let (rejected, rejected_more) = rejected.into_parts();
        let rejected = rejected.into_iter().map(|(line, reference, may_hide_others, reason)| RejectedRow {
            file: named(),
            line,
            key: reference.map(|reference| RecordKey::new(list.clone(), reference)),
            may_hide_others,
            reason,
        });
        let rejected = rejected.collect();
        let read = ReadFile { file: source, table, encoding: Encoding::Utf8, rows: self.rows };
        Ok(Snapshot {
            list,
            published: None,
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

/// The key of a name: upper case, single spaces, without the control characters that some names have by mistake.
fn reference(name: &str) -> Result<Reference, KeyError> {
    let spaced = name.replace(|c: char| c.is_control(), " ");
    let plain = spaced.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    if plain.len() <= KEY_NAME_BYTES_MAX {
        return Reference::parse(&plain);
    }
    // FNV-1a: names that share so long a beginning are few, and nobody gains by making two of them meet.
    let number = plain.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let cut = (0..=KEY_NAME_BYTES_MAX).rev().find(|at| plain.is_char_boundary(*at)).unwrap_or(0);
    Reference::parse(&format!("{} {number:016x}", plain.get(..cut).unwrap_or_default().trim_end()))
}

pub(super) fn text(column: &'static str, value: &str) -> Result<Text, RejectReason> {
    Text::new(value).map_err(|source| RejectReason::Text { column, source })
}

fn prose(column: &'static str, value: &str) -> Result<Prose, RejectReason> {
    Prose::new(value).map_err(|source| RejectReason::Text { column, source })
}

/// Adds what another row says of the same name.
fn join(record: &mut Record, other: Record) {
    for mut name in other.names {
        if record.names.iter().all(|known| known.full != name.full) {
            // Another spelling by case or spaces is a further name of the one record.
            name.kind = NameKind::Aka;
            record.names.push(name);
        }
    }
    extend(&mut record.addresses, other.addresses);
    extend(&mut record.programmes, other.programmes);
    extend(&mut record.measures, other.measures);
    extend(&mut record.legal, other.legal);
    record.source.locators.extend(other.source.locators);
    for extra in other.source.extra {
        for value in extra.values {
            if !record.source.extra(extra.name.as_str()).contains(&value) {
                record.source.keep(&extra.name, value);
            }
        }
    }
}

fn extend<T: PartialEq>(known: &mut Vec<T>, others: Vec<T>) {
    for other in others {
        if !known.contains(&other) {
            known.push(other);
        }
    }
}

/// Adds a name: the first is the one that the subject is listed under.
pub(super) fn name_once(record: &mut Record, full: &str) -> Result<(), RejectReason> {
    if record.names.iter().all(|name| name.full.as_str() != full) {
        let kind = if record.names.is_empty() { NameKind::Primary } else { NameKind::Aka };
        record.names.push(Name::new(kind, text("name", full)?));
    }
    Ok(())
}

/// Adds an address, if it tells anything.
pub(super) fn address(record: &mut Record, address: Address) {
    if !address.is_empty() {
        record.addresses.push(address);
    }
}

/// Adds a measure under the name of its column.
pub(super) fn measure(record: &mut Record, label: &'static str, words: &str) -> Result<(), RejectReason> {
    let mut measure = Measure::new(prose(label, words)?);
    measure.label = Some(text(label, label)?);
    record.measures.push(measure);
    Ok(())
}

/// Adds a notice and the day from which it is in force. A day without a notice is kept as written besides, since rows
/// that are joined may have several, and a record has one.
pub(super) fn notice(
    record: &mut Record,
    act: Option<&str>,
    (column, written, day): (&'static str, Option<&str>, Option<FuzzyDate>),
) -> Result<(), RejectReason> {
    record.effective_on.clone_from(&day);
    let Some(act) = act else {
        return written.map_or(Ok(()), |written| keep(record, column, written));
    };
    let mut basis = LegalBasis::new(text("federal_register_notice", act)?);
    basis.in_force = day;
    record.legal.push(basis);
    Ok(())
}

/// Keeps a value under the name of its column.
pub(super) fn keep(record: &mut Record, column: &str, value: &str) -> Result<(), RejectReason> {
    record.source.keep(&text("column", column)?, prose("extra", value)?);
    Ok(())
}

/// Says where it was read: that is no content, and may change with every publication.
pub(super) fn locate(record: &mut Record, place: &str) -> Result<(), RejectReason> {
    record.source.locators.push(text("line", place)?);
    Ok(())
}
