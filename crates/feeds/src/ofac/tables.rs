//! OFAC's SDN and consolidated (non-SDN) lists as flat CSV: subjects, aliases, addresses, comments.
//!
//! Files are told apart by their columns, never by name; the table of subjects alone is enough. OFAC writes `-0-`
//! for an absent value and ends some files with a 0x1A byte. The bytes of all files known to us are ASCII; others
//! are read as UTF-8, else as ISO 8859-1, and the snapshot says which.
//! Not for: the remarks column's small language (`remarks`), or OFAC's XML formats (`ofac`).

use std::collections::HashMap;

use comity_watchlist::{ListId, Record, RecordKey, Reference, SourceFile};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::ofac::list::Tally;
use crate::ofac::rows::{Row, Table, TableFile};
use crate::ofac::subject::{self, Subject};
use crate::snapshot::{ReadFile, RejectedRow, Scope, Snapshot};

/// The tables of one publication.
pub(crate) const FILES_MAX: usize = 4;

/// Reads one publication from one to four files.
pub(super) fn parse(files: &[InputFile<'_>]) -> Result<Snapshot, FeedError> {
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(FeedError::FileCount { count: files.len(), max: FILES_MAX });
    }
    let tables = files.iter().map(TableFile::open).collect::<Result<Vec<_>, _>>()?;
    for (at, table) in tables.iter().enumerate() {
        if let Some(first) = tables.iter().take(at).find(|first| first.table == table.table) {
            return Err(FeedError::SameTable { first: first.name.clone(), second: table.name.clone() });
        }
    }
    let find = |table| tables.iter().find(|file| file.table == table);
    let primary = find(Table::Subjects).ok_or(FeedError::NoPrimary)?;

    let mut reading = Reading::start(&tables)?;
    reading.table(primary, Reading::subject)?;
    let others: [(Table, Take); 3] = [
        (Table::Aliases, Reading::alias),
        (Table::Addresses, Reading::address),
        (Table::Comments, Reading::comment),
    ];
    for (table, take) in others {
        if let Some(file) = find(table) {
            reading.table(file, take)?;
        }
    }
    let snapshot = reading.finish(primary);
    // Asked at the end: a row that is read may still be a record beyond a limit.
    if snapshot.records.is_empty() {
        return Err(FeedError::NoRecords { file: primary.name.clone() });
    }
    Ok(snapshot)
}

type Take = fn(&mut Reading, &Row<'_>) -> Result<(), RejectReason>;

/// A publication that is being read.
struct Reading {
    list: ListId,
    sources: Vec<SourceFile>,
    read: Vec<ReadFile>,
    subjects: Vec<Subject>,
    by_uid: HashMap<u64, usize>,
    rejected: Vec<RejectedRow>,
    rows: u64,
}

impl Reading {
    fn start(tables: &[TableFile<'_>]) -> Result<Self, FeedError> {
        let list = list_of(tables)?;
        let sources = tables.iter().map(TableFile::source).collect::<Result<_, _>>()?;
        Ok(Self {
            list,
            sources,
            read: Vec::new(),
            subjects: Vec::new(),
            by_uid: HashMap::new(),
            rejected: Vec::new(),
            rows: 0,
        })
    }

    fn table(&mut self, file: &TableFile<'_>, take: Take) -> Result<(), FeedError> {
        let (mut rows, mut rejected) = (0_u64, 0_u64);
        file.each(|line, row| {
            rows += 1;
            let outcome = row
                .and_then(|row| take(self, &row).map_err(|reason| (row.number(0, "ent_num").ok(), reason)));
            if let Err((uid, reason)) = outcome {
                let key = uid.and_then(|uid| self.key(uid).ok());
                rejected += 1;
                let may_hide_others = file.table == Table::Subjects && (key.is_none() || misshapen(&reason));
                self.rejected.push(RejectedRow {
                    file: file.name.clone(),
                    line,
                    key,
                    may_hide_others,
                    reason,
                });
            }
        });
        if rejected > rows / 2 {
            return Err(FeedError::MostlyRejected { file: file.name.clone(), rejected, rows });
        }
        self.rows += rows;
        let (table, encoding) = (file.table.name(), file.encoding);
        self.read.push(ReadFile { file: file.source()?, table, encoding, rows });
        Ok(())
    }

    fn subject(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let uid = row.number(0, "ent_num")?;
        if let Some(first) = self.by_uid.get(&uid).and_then(|at| self.subjects.get(*at)) {
            return Err(RejectReason::Repeated { id: uid.to_string(), first: first.line });
        }
        let subject = Subject::read(self.key(uid)?, row)?;
        self.by_uid.insert(uid, self.subjects.len());
        self.subjects.push(subject);
        Ok(())
    }

    fn key(&self, uid: u64) -> Result<RecordKey, RejectReason> {
        let reference = Reference::parse(&uid.to_string())
            .map_err(|source| RejectReason::Key { column: "ent_num", source })?;
        Ok(RecordKey::new(self.list.clone(), reference))
    }

    fn alias(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let subject = self.known(row)?;
        subject.alias(row)
    }

    fn address(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let subject = self.known(row)?;
        subject.address(row)
    }

    fn comment(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let subject = self.known(row)?;
        subject.comment(row)
    }

    fn known(&mut self, row: &Row<'_>) -> Result<&mut Subject, RejectReason> {
        let uid = row.number(0, "ent_num")?;
        let at = self.by_uid.get(&uid).copied();
        at.and_then(|at| self.subjects.get_mut(at)).ok_or(RejectReason::NoSubject { id: uid.to_string() })
    }

    fn finish(self, primary: &TableFile<'_>) -> Snapshot {
        let mut records: Vec<Record> = Vec::with_capacity(self.subjects.len());
        let mut rejected = self.rejected;
        for subject in self.subjects {
            let (line, key) = (subject.line, subject.key().clone());
            match subject.finish(&self.sources) {
                Ok(record) => records.push(*record),
                Err(reason) => {
                    rejected.push(RejectedRow {
                        file: primary.name.clone(),
                        line,
                        key: Some(key),
                        may_hide_others: false,
                        reason,
                    });
                }
            }
        }
        Snapshot {
            list: self.list,
            published: None,
            files: self.read,
            scope: Scope::Whole,
            records,
            ended: Vec::new(),
            rejected,
            rows: self.rows,
        }
    }
}

/// True if the row may be made of several: a lost quote, line end or stretch of bytes joins it with those behind it.
const fn misshapen(reason: &RejectReason) -> bool {
    matches!(reason, RejectReason::Csv | RejectReason::Columns { .. } | RejectReason::LineBreak)
}

fn list_of(tables: &[TableFile<'_>]) -> Result<ListId, FeedError> {
    let primary = tables.iter().find(|file| file.table == Table::Subjects).ok_or(FeedError::NoPrimary)?;
    let mut tally = Tally::default();
    primary.each(|_, row| {
        let Ok(row) = row else { return };
        tally.count(subject::programmes(row.value(3).unwrap_or_default()));
    });
    tally.list().map_err(|_| FeedError::NoPrimary)
}
