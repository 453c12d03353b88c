//! Records of which each row of a table tells a piece: names in one, addresses in another, all under one reference.
//!
//! A piece is a record of its own that holds what its row says; pieces of one reference become one record that says
//! each thing once. Not for: reading rows (`table`), or lists with one row for each record (`gather`).

use std::collections::HashMap;

use comity_watchlist::limits::LOCATORS_MAX;
use comity_watchlist::{FuzzyDate, Record, RecordKey, Span};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::snapshot::{Snapshot, Take};
use crate::value::{add, at_most};

/// Names, addresses and the like of one record, together: the fullest subject of the public lists has under 1,000, and
/// each new one is compared with all of its kind.
const VALUES_MAX: usize = 3_000;

/// A publication that is being read.
pub(crate) struct Joining<'t> {
    gathering: Gathering<'t>,
    joined: Vec<(Vec<u64>, Record)>,
    by_key: HashMap<RecordKey, usize>,
}

impl<'t> Joining<'t> {
    /// Begins with nothing; `table` is what the file is within its format.
    pub(crate) fn start(
        file: &InputFile<'_>,
        list: &'static str,
        table: &'static str,
        take: Take<'t>,
    ) -> Result<Self, FeedError> {
        let gathering = Gathering::start(file, list, table, take)?;
        Ok(Self { gathering, joined: Vec::new(), by_key: HashMap::new() })
    }

    /// The key of a reference on this list.
    pub(crate) fn key(&self, column: &'static str, reference: &str) -> Result<RecordKey, RejectReason> {
        self.gathering.key(column, reference)
    }

    /// Takes the piece of a row, or why there is none.
    pub(crate) fn take(&mut self, line: u64, piece: Result<Record, Refused>) {
        self.gathering.count();
        let taken = piece.and_then(|piece| {
            let key = piece.key.clone();
            self.join(line, piece).map_err(|reason| (Some(key), reason))
        });
        if let Err(refused) = taken {
            self.gathering.admit(&[line], Err(refused));
        }
    }

    fn join(&mut self, line: u64, piece: Record) -> Result<(), RejectReason> {
        let Some((lines, record)) = self.by_key.get(&piece.key).and_then(|at| self.joined.get_mut(*at))
        else {
            self.by_key.insert(piece.key.clone(), self.joined.len());
            self.joined.push((vec![line], piece));
            return Ok(());
        };
        // Each row leaves its line.
        at_most("source.locators", lines.len() + 1, LOCATORS_MAX)?;
        at_most("values", values(record) + values(&piece), VALUES_MAX)?;
        if record.kind != piece.kind {
            return Err(RejectReason::Vocabulary { column: "kind" });
        }
        lines.push(line);
        merge(record, piece);
        Ok(())
    }

    /// The publication, each record completed once all its pieces are there.
    pub(crate) fn finish(
        mut self,
        published: Option<String>,
        encoding: Encoding,
        complete: impl Fn(&mut Record) -> Result<(), RejectReason>,
    ) -> Result<Snapshot, FeedError> {
        for (lines, mut record) in self.joined {
            let key = record.key.clone();
            let read = complete(&mut record).map(|()| record).map_err(|reason| (Some(key), reason));
            self.gathering.admit(&lines, read);
        }
        self.gathering.finish(published, encoding)
    }
}

fn values(record: &Record) -> usize {
    let extras: usize = record.source.extra.iter().map(|extra| extra.values.len()).sum();
    let parts = [
        record.names.len(),
        record.facts.len(),
        record.places.len(),
        record.ties.len(),
        record.titles.len(),
        record.positions.len(),
        record.addresses.len(),
        record.programmes.len(),
        record.measures.len(),
        record.legal.len(),
        record.links.len(),
        record.identifiers.len(),
        record.reasons_public.len(),
    ];
    extras + parts.iter().sum::<usize>()
}

/// The earlier of two days, where both are understood; else the first that is told.
fn earlier(first: Option<FuzzyDate>, second: Option<FuzzyDate>) -> Option<FuzzyDate> {
    let day = |date: &Option<FuzzyDate>| match date.as_ref().and_then(|date| date.span) {
        Some(Span::On(day)) => Some(day),
        _ => None,
    };
    match (day(&first), day(&second)) {
        (Some(one), Some(other)) if other < one => second,
        _ => first.or(second),
    }
}

/// Adds what a piece says. Of values that a record has once the first one stands, and the earliest day of listing.
fn merge(record: &mut Record, piece: Record) {
    fn each<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
        for value in more {
            add(list, value);
        }
    }
    each(&mut record.names, piece.names);
    each(&mut record.facts, piece.facts);
    each(&mut record.places, piece.places);
    each(&mut record.ties, piece.ties);
    each(&mut record.genders, piece.genders);
    each(&mut record.titles, piece.titles);
    each(&mut record.positions, piece.positions);
    each(&mut record.sectors, piece.sectors);
    each(&mut record.addresses, piece.addresses);
    each(&mut record.programmes, piece.programmes);
    each(&mut record.measures, piece.measures);
    each(&mut record.legal, piece.legal);
    each(&mut record.updated_on, piece.updated_on);
    each(&mut record.links, piece.links);
    each(&mut record.identifiers, piece.identifiers);
    each(&mut record.reasons_public, piece.reasons_public);
    record.vessel = record.vessel.take().or(piece.vessel);
    record.listed_on = earlier(record.listed_on.take(), piece.listed_on);
    record.effective_on = record.effective_on.take().or(piece.effective_on);
    record.source.row_id = record.source.row_id.take().or(piece.source.row_id);
    for extra in piece.source.extra {
        for value in extra.values {
            if !record.source.extra(extra.name.as_str()).contains(&value) {
                record.source.keep(&extra.name, value);
            }
        }
    }
}
