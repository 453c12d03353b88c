//! The consolidated list of the UN Security Council, in XML.
//!
//! The key is REFERENCE_NUMBER; DATAID is the source's row id, which changes under a lasting reference. VERSIONNUM is
//! kept and never trusted: it does not move when a record changes. Values that no field takes are kept under their
//! path. Not for: reading XML safely, which is in `xml`.

mod individual;
mod parts;
mod script;

use std::collections::HashMap;

use comity_watchlist::{ListId, Record, RecordKey, Reference, SourceFile, Text};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::snapshot::{self, ReadFile, RejectedRow, Snapshot};
use crate::xml::{self, Element};

const ROOT: &str = "CONSOLIDATED_LIST";

/// Reads one publication.
///
/// # Errors
/// [`FeedError`] if the file is empty, not UTF-8, not well-formed, holds a document type definition or entities of its
/// own, is another document, holds no record, or if more than half of its records cannot be read. Single bad records
/// are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    let no_records = || FeedError::NoRecords { file: file.name.to_owned() };
    let list = ListId::parse("un-sc").map_err(|_| no_records())?;
    let name = Text::new(file.name).or_else(|_| Text::new("consolidated.xml")).map_err(|_| no_records())?;
    let source = SourceFile::new(name, file.sha256);

    let mut reading =
        Reading { list, source, records: Vec::new(), seen: HashMap::new(), rejected: Vec::new() };
    let mut rows = 0_u64;
    let attributes = xml::records(file, ROOT, |group, line, element| {
        rows += 1;
        if let Err((key, reason)) = reading.take(group, line, element) {
            let may_hide_others = key.is_none();
            let file = file.name.to_owned();
            reading.rejected.push(RejectedRow { file, line, key, may_hide_others, reason });
        }
    })?;
    let rejected = u64::try_from(reading.rejected.len()).unwrap_or(u64::MAX);
    if rejected > rows / 2 {
        return Err(FeedError::MostlyRejected { file: file.name.to_owned(), rejected, rows });
    }
    if reading.records.is_empty() {
        return Err(no_records());
    }
    let published = attributes.into_iter().find(|(name, _)| name == "dateGenerated").map(|(_, value)| value);
    let read = ReadFile { file: reading.source, table: "consolidated", encoding: Encoding::Utf8, rows };
    Ok(Snapshot {
        list: reading.list,
        published,
        files: vec![read],
        records: reading.records,
        rejected: reading.rejected,
        rows,
    })
}

struct Reading {
    list: ListId,
    source: SourceFile,
    records: Vec<Record>,
    seen: HashMap<RecordKey, u64>,
    rejected: Vec<RejectedRow>,
}

impl Reading {
    fn take(
        &mut self,
        group: &str,
        line: u64,
        mut element: Element,
    ) -> Result<(), (Option<RecordKey>, RejectReason)> {
        let key = self.key(&mut element).map_err(|reason| (None, reason))?;
        if let Some(first) = self.seen.get(&key) {
            return Err((
                Some(key.clone()),
                RejectReason::Repeated { id: key.reference.to_string(), first: *first },
            ));
        }
        let record =
            self.record(group, line, key.clone(), element).map_err(|reason| (Some(key.clone()), reason))?;
        self.seen.insert(key, line);
        self.records.push(record);
        Ok(())
    }

    fn key(&self, element: &mut Element) -> Result<RecordKey, RejectReason> {
        let column = "REFERENCE_NUMBER";
        let reference = element.take_text(column).ok_or(RejectReason::Missing { column })?;
        let reference =
            Reference::parse(&reference).map_err(|source| RejectReason::Key { column, source })?;
        Ok(RecordKey::new(self.list.clone(), reference))
    }

    fn record(
        &self,
        group: &str,
        line: u64,
        key: RecordKey,
        element: Element,
    ) -> Result<Record, RejectReason> {
        let mut record = match (group, element.name.as_str()) {
            ("INDIVIDUALS", "INDIVIDUAL") => individual::person(key, element)?,
            ("ENTITIES", "ENTITY") => individual::entity(key, element)?,
            _ => return Err(RejectReason::Vocabulary { column: "element" }),
        };
        record.source.files = vec![self.source.clone()];
        record.source.locators = vec![parts::text("line", &format!("line:{line}"))?];
        snapshot::fitting(record)
    }
}
