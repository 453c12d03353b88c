//! Records of a publication of one file while it is read: each key once, bad ones with their line and reason.
//!
//! Not for: what a record is made of, which each source knows, or publications of several tables (`ofac`).

use comity_watchlist::{ListId, Record, RecordKey, Reference, SourceFile, Text};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::official;
use crate::rejected::Rejected;
use crate::seen::Seen;
use crate::snapshot::{self, Ended, ReadFile, RejectedRow, Scope, Snapshot, Take};
use crate::value;

/// A record that was not taken: its key, if it could be read, and why.
pub(crate) type Refused = (Option<RecordKey>, RejectReason);

/// A publication that is being read.
pub(crate) struct Gathering<'t> {
    take: Take<'t>,
    taken: u64,
    file: String,
    table: &'static str,
    list: ListId,
    source: SourceFile,
    /// Those before, where a publication has several, and the rows of all of them.
    before: Vec<ReadFile>,
    rows_before: u64,
    ended: Vec<Ended>,
    seen: Seen,
    rejected: Rejected<RejectedRow>,
    rows: u64,
}

impl<'t> Gathering<'t> {
    /// Begins with nothing; `table` is what the file is within its format.
    pub(crate) fn start(
        file: &InputFile<'_>,
        list: &'static str,
        table: &'static str,
        take: Take<'t>,
    ) -> Result<Self, FeedError> {
        let list = ListId::parse(list).map_err(|_| FeedError::NoRecords { file: file.name.to_owned() })?;
        Self::begin(file, list, table, take)
    }

    /// The same for a list that the file or the caller names: not one that is read from its publisher.
    pub(crate) fn of(
        file: &InputFile<'_>,
        list: Option<ListId>,
        table: &'static str,
        take: Take<'t>,
    ) -> Result<Self, FeedError> {
        let list = list.ok_or_else(|| FeedError::NoList { file: file.name.to_owned() })?;
        if official::is_official(&list) {
            return Err(FeedError::OfficialList { file: file.name.to_owned(), list });
        }
        Self::begin(file, list, table, take)
    }

    fn begin(
        file: &InputFile<'_>,
        list: ListId,
        table: &'static str,
        take: Take<'t>,
    ) -> Result<Self, FeedError> {
        let no_records = || FeedError::NoRecords { file: file.name.to_owned() };
        // A file name that no record can hold is the caller's, not the publisher's: name the table instead.
        let name = Text::new(file.name).or_else(|_| Text::new(table)).map_err(|_| no_records())?;
        Ok(Self {
            file: file.name.to_owned(),
            table,
            list,
            source: SourceFile::new(name, file.sha256),
            before: Vec::new(),
            rows_before: 0,
            take,
            taken: 0,
            ended: Vec::new(),
            seen: Seen::default(),
            rejected: Rejected::default(),
            rows: 0,
        })
    }

    /// Goes on with the next file of the publication.
    pub(crate) fn turn(&mut self, file: &InputFile<'_>) {
        let rows = self.rows - self.rows_before;
        self.rows_before = self.rows;
        // As in `begin`: a name that no record can hold gives way to that of the table.
        let name = Text::new(file.name).unwrap_or_else(|_| self.source.name.clone());
        let source = std::mem::replace(&mut self.source, SourceFile::new(name, file.sha256));
        self.before.push(ReadFile { file: source, table: self.table, encoding: Encoding::Utf8, rows });
        file.name.clone_into(&mut self.file);
    }

    /// The list.
    pub(crate) const fn list(&self) -> &ListId {
        &self.list
    }

    /// The key of a reference on this list.
    pub(crate) fn key(&self, column: &'static str, reference: &str) -> Result<RecordKey, RejectReason> {
        let reference = Reference::parse(reference).map_err(|source| RejectReason::Key { column, source })?;
        Ok(RecordKey::new(self.list.clone(), reference))
    }

    /// Takes the record of a row, or why there is none.
    pub(crate) fn take(&mut self, line: u64, read: Result<Record, Refused>) {
        self.count();
        self.admit(&[line], read);
    }

    /// Takes a row that says that its record has ended.
    pub(crate) fn end(&mut self, line: u64, ended: Ended) {
        let key = ended.key.clone();
        if let Some(first) = self.seen.get(&key) {
            let reason = RejectReason::Repeated { id: key.reference.to_string(), first };
            return self.take(line, Err((Some(key), reason)));
        }
        self.count();
        self.seen.insert(&key, line);
        self.ended.push(ended);
    }

    /// Counts a row.
    pub(crate) const fn count(&mut self) {
        self.rows += 1;
    }

    /// Counts rows that cannot be read and of which nothing else is kept.
    pub(crate) const fn count_rejected(&mut self, rows: u64) {
        self.rows = self.rows.saturating_add(rows);
        self.rejected.count_more(rows);
    }

    /// Takes a record of rows that are counted, or why there is none.
    pub(crate) fn admit(&mut self, lines: &[u64], read: Result<Record, Refused>) {
        let line = lines.first().copied().unwrap_or_default();
        let admitted = read.and_then(|record| {
            let key = record.key.clone();
            self.whole(lines, record).map_err(|reason| (Some(key), reason))
        });
        match admitted {
            Ok(record) => {
                self.seen.insert(&record.key, line);
                self.taken += 1;
                (self.take)(record);
            }
            Err((key, reason)) => {
                let (file, may_hide_others) = (self.file.clone(), key.is_none());
                self.rejected.push(RejectedRow { file, line, key, may_hide_others, reason });
            }
        }
    }

    fn whole(&self, lines: &[u64], mut record: Record) -> Result<Box<Record>, RejectReason> {
        if let Some(first) = self.seen.get(&record.key) {
            return Err(RejectReason::Repeated { id: record.key.reference.to_string(), first });
        }
        record.source.files = vec![self.source.clone()];
        for line in lines {
            record.source.locators.push(value::text("line", &["line:", &line.to_string()].concat())?);
        }
        snapshot::fitting(Box::new(record))
    }

    /// The publication, unless it holds no record or mostly what cannot be read.
    pub(crate) fn finish(self, published: Option<String>, encoding: Encoding) -> Result<Snapshot, FeedError> {
        let rejected = self.rejected.count();
        if rejected > self.rows / 2 {
            return Err(FeedError::MostlyRejected { file: self.file, rejected, rows: self.rows });
        }
        if self.taken == 0 && self.ended.is_empty() {
            return Err(FeedError::NoRecords { file: self.file });
        }
        let rows = self.rows - self.rows_before;
        let mut files = self.before;
        let (rejected, rejected_more) = self.rejected.into_parts();
        files.push(ReadFile { file: self.source, table: self.table, encoding, rows });
        Ok(Snapshot {
            list: self.list,
            published,
            files,
            scope: Scope::Whole,
            records: Vec::new(),
            ended: self.ended,
            rejected,
            rejected_more,
            rows: self.rows,
        })
    }
}
